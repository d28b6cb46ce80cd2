"""A rollback that dies, is overtaken, meets a sink, or may not write: it leaves nothing half, and overwrites nobody."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from clients.mysql import Transaction
from clients.splynx import SplynxClient
from clients.splynx_errors import SplynxUnreachable
from console.rollback import text_of
from plumbing.errors import ExitCode
from sandbox.splynx.settings import GUARDS
from sinks.entries import Entries, Owner
from sinks.errors import CutOver, Fenced, GuardsViolated, Overtaken
from sinks.ledger_errors import ForeignTarget
from sinks.planned import Planned
from sinks.rollback_writes import RollbackWrites
from sinks.runner import run_sink
from sinks.undo import Way
from tests.faults.steps import Killed, after, die
from tests.integration.console.undone import pair, picture, rollback, run_of, second_run, ways
from tests.integration.sinks.pair import Pair, account, going_on, until

__all__ = ["pair"]

pytestmark = pytest.mark.timeout(300)


async def test_another_splynx_is_not_touched(pair: Pair) -> None:
    pair.run("UPDATE customers_fields SET title = 'Crossfade of another' WHERE name = 'crossfade_epoch'")
    with pytest.raises(ForeignTarget):
        await rollback(pair, account=3)


@pytest.mark.parametrize("calls", [0, 1, 3])
async def test_a_rollback_that_was_interrupted_is_completed_by_repeating_it(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    before = picture(pair)
    await second_run(pair)
    run, put, done = run_of(pair), SplynxClient.put, Counter[str]()

    async def interrupted(self: SplynxClient, *args: Any, **more: Any) -> Any:
        if done["calls"] == calls:
            raise SplynxUnreachable("the connection was cut")
        done["calls"] += 1
        return await put(self, *args, **more)

    monkeypatch.setattr(SplynxClient, "put", interrupted)
    with pytest.raises(SplynxUnreachable):
        await rollback(pair, run_id=run)
    monkeypatch.setattr(SplynxClient, "put", put)
    result = await rollback(pair, run_id=run)
    # What the first one did is listed as done, and nothing is left for another reason.
    assert all(one.undo.why.startswith("undone already") for one in result.records if one.undo.way is Way.LEFT)
    assert result.exit_code is ExitCode.DONE
    after = picture(pair)
    assert [row for row in after["customers"] if row["login"] != "s4"] == before["customers"]
    assert after["money"] == before["money"]
    assert pair.rows("SELECT COUNT(*) AS n FROM {ledger}.intents WHERE state = 'open'") == [{"n": 0}]


async def test_a_rollback_that_dies_after_a_call_goes_on_and_can_be_undone(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it changed is no edit of anybody's, though the ledger never heard of it."""
    before = picture(pair)
    await second_run(pair)
    wrong, run, done = picture(pair), run_of(pair), Entries.may_write
    calls = Counter[str]()

    async def dies(self: Entries, tx: Transaction, owner: Owner) -> None:
        """It is asked before a call, and again when that is kept."""
        calls["asked"] += 1
        if calls["asked"] == 2:
            raise SplynxUnreachable("the process is gone")
        await done(self, tx, owner)

    with monkeypatch.context() as patched:
        patched.setattr(Entries, "may_write", dies)
        with pytest.raises(SplynxUnreachable):
            await rollback(pair, run_id=run, account=1)
    assert calls["asked"] == 2
    (open_call,) = pair.rows("SELECT action FROM {ledger}.intents WHERE state = 'open'")
    assert open_call["action"].startswith("undo-")  # whoever heals it knows that it took something back
    result = await rollback(pair, run_id=run)
    assert result.exit_code is ExitCode.DONE, text_of(result.document())
    after = picture(pair)
    assert [row for row in after["customers"] if row["login"] != "s4"] == before["customers"]
    await rollback(pair, run_id=result.run_id)
    assert picture(pair)["customers"] == wrong["customers"]


async def test_what_a_dead_sink_had_called_is_found_out_and_taken_back(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = picture(pair)
    pair.send("account", 1, account(1, name="Wrong Example"), sequence=10, owner=1)
    with monkeypatch.context() as patched:
        after(patched, "clients.splynx.SplynxClient.put", die, lambda *args, **_: "admin/customers/customer" in args)
        with pytest.raises(Killed):
            await pair.sink()
    assert picture(pair) != before
    (call,) = pair.rows("SELECT run_id FROM {ledger}.intents WHERE state = 'open'")
    run = str(call["run_id"])
    foreseen = await rollback(pair, run_id=run, apply=False)
    assert (foreseen.open_calls, foreseen.whole) == (1, 0)
    assert "with --apply" in text_of(foreseen.document())
    done = await rollback(pair, run_id=run)
    assert done.exit_code is ExitCode.DONE, text_of(done.document())
    assert ways(done) == {("customer", "1"): "restore"}
    assert picture(pair) == before


async def test_a_sink_that_runs_is_fenced_off(pair: Pair) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(run_sink(pair.settings, apply=True, stop=stop))
    await until(pair, "SELECT 1 FROM {ledger}.fence HAVING MIN(token) > 1", going_on(running))
    await rollback(pair, account=3)
    pair.send("account", 3, account(3, name="Later Example"), sequence=30, owner=3)
    with pytest.raises(Fenced):
        await asyncio.wait_for(running, 60)
    assert [row["status"] for row in picture(pair)["customers"]] == ["active", "active", "disabled"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("UPDATE payments SET comment = 'by hand' WHERE receipt_number = 'SP13'", id="an edit"),
        pytest.param("UPDATE {ledger}.aggregates SET sequence = sequence + 1 WHERE sonar_id = 13", id="a newer bundle"),
    ],
)
async def test_what_changes_between_the_plan_and_the_write_is_not_overwritten(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    take, planned_by = RollbackWrites._take, list[str]()

    async def overtaken(self: RollbackWrites, planned: Sequence[Planned]) -> None:
        await take(self, planned)
        if planned[0].target.money and not planned_by:
            planned_by.append(planned[0].key)
            pair.run(change)

    monkeypatch.setattr(RollbackWrites, "_take", overtaken)
    if "comment" in change:
        result = await rollback(pair, account=3)
    else:
        with pytest.raises(Overtaken):
            await rollback(pair, account=3)
        assert set(picture(pair)["money"]) == {"s1", "s2", "s3"}
        result = await rollback(pair, account=3)
    assert planned_by
    (one,) = [one for one in result.records if one.target.money]
    assert one.undo.why == ("edited in Splynx since: comment" if "comment" in change else "")
    assert [row["status"] for row in picture(pair)["customers"]] == ["active", "active", "disabled"]


async def test_nothing_is_taken_back_while_a_guard_of_splynx_does_not_hold(pair: Pair) -> None:
    before = picture(pair)
    module, path, key = next(iter(GUARDS))
    pair.run(f"UPDATE config SET value = '1' WHERE module = '{module}' AND path = '{path}' AND `key` = '{key}'")
    with pytest.raises(GuardsViolated):
        await rollback(pair, account=3)
    assert picture(pair) == before
    assert (await rollback(pair, account=3, apply=False)).records


async def test_nothing_is_taken_back_after_the_cutover(pair: Pair) -> None:
    before = picture(pair)
    pair.run("UPDATE {ledger}.meta SET value = 'live' WHERE name = 'phase'")
    with pytest.raises(CutOver):
        await rollback(pair, account=3)
    assert picture(pair) == before
