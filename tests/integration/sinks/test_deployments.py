"""A whole sink where it must not write: another deployment's ledger, after the cutover, tables that have changed."""

import asyncio

import pytest

from console.checked import Finding
from console.doctor import examine
from console.doctor_splynx import approve_columns
from console.status import writing_into
from plumbing.errors import ConfigurationError
from sinks.errors import CutOver, TablesChanged
from sinks.ledger_errors import LedgerTaken
from sinks.rebuild import run_rebuild
from sinks.runner import run_sink
from tests.integration.sinks.pair import Pair, account, load

pytestmark = pytest.mark.timeout(300)

HOME = "SELECT value FROM {ledger}.meta WHERE name = 'home'"


@pytest.mark.fault(8)
@pytest.mark.fault(34)
async def test_a_forgotten_second_deployment_writes_nothing_until_the_ledger_is_made_its_own(pair: Pair) -> None:
    pair.send("account", 1, account(1), sequence=1, owner=1)
    await pair.sink()
    (home,) = pair.rows(HOME)
    writing = await writing_into(pair.settings)
    assert writing["phase"] == "shadow"
    assert [one["partition"] for one in writing["writers"]] == [0, 1]
    assert writing["open_calls"] == []
    # The same Splynx and ledger behind other topics: what an instance of another name would see.
    pair.run("UPDATE {ledger}.meta SET value = 'another-cluster/another' WHERE name = 'home'")
    fences = pair.rows("SELECT partition_no, token FROM {ledger}.fence")
    load(pair)
    with pytest.raises(
        LedgerTaken, match=r"kept by another-cluster/another, and this is \S+/" + pair.settings.instance
    ):
        await asyncio.wait_for(run_sink(pair.settings, apply=True, stop=asyncio.Event()), 60)
    assert pair.rows("SELECT login FROM customers") == [{"login": "s1"}]
    assert pair.rows("SELECT partition_no, token FROM {ledger}.fence") == fences  # the one that runs goes on
    await run_rebuild(pair.settings, apply=True)
    await pair.sink()
    assert pair.rows("SELECT login FROM customers ORDER BY login") == [{"login": f"s{one}"} for one in (1, 2, 3)]
    assert pair.rows(HOME) == [home]


async def test_a_sink_that_is_started_after_the_cutover_writes_nothing(pair: Pair) -> None:
    pair.send("account", 1, account(1), sequence=1, owner=1)
    await pair.sink()
    pair.run("UPDATE {ledger}.meta SET value = 'live' WHERE name = 'phase'")
    load(pair)
    mark = pair.rows("SELECT title FROM customers_fields WHERE name = 'crossfade_epoch'")
    with pytest.raises(CutOver, match="phase live"):
        await asyncio.wait_for(run_sink(pair.settings, apply=True, stop=asyncio.Event()), 60)
    assert pair.rows("SELECT login FROM customers") == [{"login": "s1"}]
    assert pair.rows("SELECT title FROM customers_fields WHERE name = 'crossfade_epoch'") == mark


@pytest.mark.fault(34)
async def test_tables_of_splynx_that_have_changed_are_not_written_until_somebody_has_looked(pair: Pair) -> None:
    async def columns() -> list[Finding]:
        return [one for one in await examine(pair.settings, ["sink"]) if one.check == "splynx columns"]

    (fine,) = await columns()
    assert fine.ok, fine
    pair.run("ALTER TABLE payments ADD channel INT NULL")
    load(pair)
    with pytest.raises(TablesChanged, match=r"payments\.channel is new: int null"):
        await asyncio.wait_for(run_sink(pair.settings, apply=True, stop=asyncio.Event()), 60)
    assert pair.rows("SELECT login FROM customers") == []
    (told,) = await columns()
    assert (told.ok, told.says) == (False, "payments.channel is new: int null")
    assert "doctor --approve-columns" in told.next_step

    assert await approve_columns(pair.settings) == ["payments.channel is new: int null"]
    assert (await columns())[0].ok
    summary = await pair.sink()
    assert summary.records["payment"] == {"applied": 3}

    pair.run("ALTER TABLE payments ADD clerk INT NOT NULL")
    with pytest.raises(ConfigurationError, match=r"payments\.clerk needs a value"):
        await approve_columns(pair.settings)
    assert [one.says for one in await columns()] == ["payments.clerk is new: int"]
