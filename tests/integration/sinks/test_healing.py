"""Calls whose answer is lost or never came: found again or made again, and no twin."""

import asyncio
import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from clients.mysql import Transaction
from clients.splynx import SplynxClient
from clients.splynx_errors import SplynxUnreachable
from plumbing.metrics import REGISTRY
from schemas.ledger import DOUBTED, ROLLED_BACK
from schemas.ownership import Ownership
from schemas.records import Ref
from sinks.plan import Known
from sinks.rest_documents import Making
from sinks.store import Key, Ledger
from sinks.tables.intents import BESIDE
from tests.integration.sinks.conftest import Site
from tests.integration.sinks.records import ACCOUNTS, GROUPS, PAYMENTS, Label, Topic, customer, payment, service
from tests.modes import in_both_modes

pytestmark = [pytest.mark.timeout(120), in_both_modes]


class Killed(BaseException):
    """Nobody handles it."""


@pytest.mark.fault(6)
@pytest.mark.fault(38)
@pytest.mark.parametrize("fault", ["reset_after_commit", "delay_after_commit", "delay_before"])
async def test_a_lost_answer_is_found_again_and_makes_no_twin(site: Site, fault: str) -> None:
    site.arm(fault, method="POST", path="customers/customer$", seconds=4)
    writer = await site.own(site.make_writer())
    await writer.write([Topic().send(ACCOUNTS, 1, customer(1), sequence=1)])
    assert site.rows("SELECT COUNT(*) AS n FROM customers")[0]["n"] == 1
    assert [row["state"] for row in site.rows("SELECT state FROM {ledger}.intents WHERE method = 'POST'")] == ["done"]


async def test_a_call_whose_answer_was_lost_is_told_until_it_is_healed(site: Site) -> None:
    async def told() -> int:
        async with site.db.session() as tx:
            return await site.ledger.unfinished(tx)

    topic, writer = Topic(), await site.own(site.make_writer())
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    async with site.db.transaction() as tx:  # one that is being made is waited for, and no promise is a call
        begin = partial(site.ledger.begin, tx, key=("customer", "9"), owner=("account", 9), sequence=1, token=1)
        await begin(method="POST", partition=1, patience=timedelta(seconds=60))
        await begin(method=BESIDE, partition=1, patience=timedelta())
    assert await told() == 0
    site.arm("delay_before", method="PUT", path="customers/customer/", seconds=4)
    with pytest.raises(SplynxUnreachable):
        await writer.write([topic.send(ACCOUNTS, 1, customer(1, "Second"), sequence=2)])
    assert await told() == 1
    await site.healing().heal_all(writer.tokens)
    # As found: where it is not healed, for Splynx is away, nothing else tells of it.
    assert REGISTRY.get_sample_value("crossfade_open_intents") == 1
    assert await told() == 0


@pytest.mark.fault(6)
@pytest.mark.parametrize("told", [{}, [], None, {"id": None}], ids=str)
async def test_a_creation_that_is_answered_without_an_id_is_looked_for(
    site: Site, monkeypatch: pytest.MonkeyPatch, told: object
) -> None:
    post = SplynxClient.post

    async def answered(self: SplynxClient, *args: Any, **more: Any) -> Any:
        await post(self, *args, **more)
        return told

    monkeypatch.setattr(SplynxClient, "post", answered)
    writer = await site.own(site.make_writer())
    await writer.write([Topic().send(ACCOUNTS, 1, customer(1), sequence=1)])
    found = site.rows("SELECT target_id FROM {ledger}.crosswalk WHERE entity = 'customer'")
    assert [row["target_id"] for row in found] == [row["id"] for row in site.rows("SELECT id FROM customers")]


@pytest.mark.fault(6)
async def test_a_call_that_never_arrived_is_made_again(site: Site) -> None:
    site.arm("reset_before", method="POST", path="customers/customer$")
    writer = await site.own(site.make_writer())
    batch = [Topic().send(ACCOUNTS, 1, customer(1), sequence=1)]
    with pytest.raises(SplynxUnreachable):
        await writer.write(batch)
    await writer.write(batch)
    assert site.rows("SELECT COUNT(*) AS n FROM customers")[0]["n"] == 1
    states = [row["state"] for row in site.rows("SELECT state FROM {ledger}.intents WHERE method = 'POST' ORDER BY id")]
    assert states == ["lost", "done"]


async def test_a_change_whose_answer_was_lost_is_in_the_journal_with_what_was_before(site: Site) -> None:
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, "First"), sequence=1)])
    site.arm("reset_after_commit", method="PUT", path="customers/customer/")
    changed = topic.send(ACCOUNTS, 1, customer(1, "Second"), sequence=2)
    with pytest.raises(SplynxUnreachable):
        await writer.write([changed])
    site.ledger.run_id = "successor"
    successor = await site.own(site.make_writer())
    await site.healing().heal_all(successor.tokens)
    await successor.write([changed])
    (entry,) = site.rows("SELECT * FROM {ledger}.journal WHERE entity = 'customer' AND action = 'change'")
    assert json.loads(entry["before_image"]) == {"name": "First"}
    assert entry["run_id"] == "run"
    (call,) = site.rows("SELECT * FROM {ledger}.intents WHERE method = 'PUT' AND entity = 'customer'")
    assert (call["state"], call["before_image"]) == ("lost", None)
    assert call["answer"].startswith("splynx.unreachable: Splynx did not answer a PUT")


async def test_calls_of_long_ago_are_thrown_away_when_nobody_needs_them_any_more(site: Site) -> None:
    writer, topic, later = await site.own(site.make_writer()), Topic(), datetime.now(UTC) + timedelta(hours=1)
    states = "SELECT method, state FROM {ledger}.intents ORDER BY id"

    async def forget() -> list[tuple[str, str]]:
        async with site.db.transaction() as tx:
            foreseen, kept = await site.ledger.calls_parts(tx, later)
            assert await site.ledger.forget_calls(tx, later, 1_000) == foreseen
            assert await site.ledger.calls(tx) == kept
        return [(row["method"], row["state"]) for row in site.rows(states)]

    await writer.write([topic.send(ACCOUNTS, 1, customer(1, "First"), sequence=1)])
    site.arm("reset_after_commit", method="PUT", path="customers/customer/")
    with pytest.raises(SplynxUnreachable):
        await writer.write([topic.send(ACCOUNTS, 1, customer(1, "Second"), sequence=2)])
    assert await forget() == [("PUT", "open")]
    successor = await site.own(site.make_writer())
    await site.healing().heal_all(successor.tokens)
    # Without it, what the lost call did is somebody's edit.
    assert await forget() == [("PUT", "lost")]
    await successor.write([topic.send(ACCOUNTS, 1, customer(1, "Third"), sequence=3)])
    assert site.rows("SELECT * FROM {ledger}.conflicts") == []
    assert await forget() == []


async def test_a_change_that_splynx_keeps_otherwise_is_in_the_journal_and_is_nobodys_edit(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, "First"), sequence=1)])
    with monkeypatch.context() as patched:
        patched.setattr("sinks.rest_rows.differing", lambda sent, read: ["phone"])
        await writer.write([topic.send(ACCOUNTS, 1, customer(1, "Second"), sequence=2)])
    (entry,) = site.rows("SELECT * FROM {ledger}.journal WHERE entity = 'customer' AND action = 'change'")
    assert json.loads(entry["before_image"]) == {"name": "First"}
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, "Third"), sequence=3)])
    assert site.rows("SELECT name FROM customers") == [{"name": "Third"}]
    assert site.rows("SELECT * FROM {ledger}.conflicts") == []
    answers = site.rows("SELECT answer FROM {ledger}.intents WHERE entity = 'customer' AND method = 'PUT' ORDER BY id")
    assert [row["answer"][:3] for row in answers] == ["202", "202"]
    assert "phone" in answers[0]["answer"]


async def test_a_change_that_a_rollback_made_before_it_died_is_made_good_by_the_next_replay(site: Site) -> None:
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, "First"), sequence=1)])
    site.run("UPDATE customers SET name = 'Before'")
    async with site.db.session() as tx:
        await site.ledger.begin(
            tx, key=("customer", "1"), owner=("account", 1), sequence=1, method="PUT", partition=0, token=1,
            patience=timedelta(0), sent={"name": "Before"},
        )  # fmt: skip
    successor = await site.own(site.make_writer())
    await site.healing().heal_all(successor.tokens)
    await successor.write([topic.send(ACCOUNTS, 1, customer(1, "First"), sequence=1)])
    assert site.rows("SELECT name FROM customers") == [{"name": "First"}]
    assert site.rows("SELECT * FROM {ledger}.conflicts") == []


@pytest.mark.parametrize("seen", [False, True], ids=["found open by who came after", "Splynx keeps it otherwise"])
async def test_a_record_that_is_again_as_before_a_change_nobody_entered_is_written(
    site: Site, monkeypatch: pytest.MonkeyPatch, seen: bool
) -> None:
    """The ledger knows the content of before, which a look at the hash alone would take for written."""
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, "First"), sequence=1)])
    second = topic.send(ACCOUNTS, 1, customer(1, "Second"), sequence=2)
    if seen:
        with monkeypatch.context() as patched:
            patched.setattr("sinks.rest_rows.differing", lambda sent, read: ["phone"])
            await writer.write([second])
    else:
        site.arm("reset_after_commit", method="PUT", path="customers/customer/")
        with pytest.raises(SplynxUnreachable):
            await writer.write([second])
        writer = await site.own(site.make_writer())
        await site.healing().heal_all(writer.tokens)
    assert site.rows("SELECT name FROM customers") == [{"name": "Second"}]
    await writer.write([second, topic.send(ACCOUNTS, 1, customer(1, "First"), sequence=3)])
    assert site.rows("SELECT name FROM customers") == [{"name": "First"}]
    assert site.rows("SELECT * FROM {ledger}.conflicts") == []


async def test_rules_that_are_again_as_before_a_change_nobody_entered_are_followed(site: Site) -> None:
    """The bundle is of the same event as the one that was applied, and its equal."""
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, "First"), sequence=1)])
    second = topic.send(ACCOUNTS, 1, customer(1, "Second"), sequence=1, generation=2)
    site.arm("reset_after_commit", method="PUT", path="customers/customer/")
    with pytest.raises(SplynxUnreachable):
        await writer.write([second])
    writer = await site.own(site.make_writer())
    await site.healing().heal_all(writer.tokens)
    await writer.write([second, topic.send(ACCOUNTS, 1, customer(1, "First"), sequence=1, generation=3)])
    assert site.rows("SELECT name FROM customers") == [{"name": "First"}]
    assert site.rows("SELECT * FROM {ledger}.conflicts") == []


@pytest.mark.parametrize(
    "waits",
    [
        pytest.param({"parent_id": Ref(entity="customer", key="2")}, id="and is made"),
        pytest.param({"customer_labels": [Ref(entity="label", key="group:1")]}, id="and is changed"),
    ],
)
async def test_a_record_that_was_woken_counts_as_applied_though_its_call_was_healed(
    site: Site, waits: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, **waits), sequence=1)])
    await writer.write([topic.send(GROUPS, 1, [Label(key="group:1", label="grp: 1")], sequence=2)])
    await writer.write([topic.send(ACCOUNTS, 2, customer(2), sequence=3)])

    async def dies(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("sinks.entries.Entries.keep", dies)
        with pytest.raises(Killed):
            await writer.settle()
    successor = await site.own(site.make_writer())
    assert await site.healing().heal_all(successor.tokens) == 1
    while await successor.settle():
        pass
    assert {row["outcome"] for row in site.rows("SELECT outcome FROM {ledger}.aggregates")} == {"applied"}


async def test_a_healed_call_is_still_doubted_once_nothing_of_its_bundle_waits_any_more(site: Site) -> None:
    """Another record of it waited meanwhile, and came."""
    writer, topic = await site.own(site.make_writer()), Topic()
    told = [*customer(1, "First"), service(501, 2)]
    await writer.write([topic.send(ACCOUNTS, 1, told, sequence=1)])
    second = topic.send(ACCOUNTS, 1, [*customer(1, "Second"), service(501, 2)], sequence=1, generation=2)
    site.arm("reset_after_commit", method="PUT", path="customers/customer/")
    with pytest.raises(SplynxUnreachable):
        await writer.write([second])
    writer = await site.own(site.make_writer())
    await site.healing().heal_all(writer.tokens)
    await writer.write([topic.send(ACCOUNTS, 2, customer(2), sequence=2)])
    while await writer.settle():
        pass
    assert site.rows("SELECT * FROM {ledger}.held") == []
    outcome = "SELECT outcome FROM {ledger}.aggregates WHERE sonar_id = 1"
    assert site.rows(outcome) == [{"outcome": DOUBTED}]
    await writer.write([second, topic.send(ACCOUNTS, 1, told, sequence=1, generation=3)])
    assert site.rows(outcome) == [{"outcome": "applied"}]
    assert site.rows("SELECT name FROM customers WHERE login = 's1'") == [{"name": "First"}]


async def test_what_was_withdrawn_beside_a_record_that_waited_is_no_doubt(site: Site) -> None:
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write([topic.send(ACCOUNTS, 1, [*customer(1), service(7, 1)], sequence=1)])
    await writer.write([topic.send(ACCOUNTS, 1, [*customer(1), service(501, 2)], sequence=2)])
    await writer.write([topic.send(ACCOUNTS, 2, customer(2), sequence=3)])
    while await writer.settle():
        pass
    assert {row["outcome"] for row in site.rows("SELECT outcome FROM {ledger}.aggregates")} == {"applied"}


async def test_the_log_in_that_a_healed_call_gave_is_not_entered_over_what_another_sink_enters_meanwhile(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    site.arm("reset_after_commit", method="PUT", path="customers/customer/")
    with pytest.raises(SplynxUnreachable):
        await writer.write([topic.send(ACCOUNTS, 1, customer(1, login="new"), sequence=2)])
    others, real = list[asyncio.Task[None]](), Ledger.known_record

    async def enters() -> None:
        async with site.db.transaction() as tx:
            await tx.execute(
                f"UPDATE {site.ledger.table('crosswalk')} SET sequence = 3, document = '{{}}' WHERE entity = 'customer'"
            )

    async def reading(self: Ledger, tx: Transaction, key: Key, **how: bool) -> Known | None:
        found = await real(self, tx, key, **how)
        others.append(asyncio.create_task(enters()))
        await asyncio.wait(others, timeout=1)
        return found

    writer = await site.own(site.make_writer())
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "known_record", reading)
        await site.healing().heal_all(writer.tokens)
    await asyncio.gather(*others)
    entered = "SELECT sequence, document FROM {ledger}.crosswalk WHERE entity = 'customer'"
    assert site.rows(entered) == [{"sequence": 3, "document": "{}"}]


async def test_what_was_written_because_of_a_conflict_is_not_taken_back_though_its_call_was_not_answered(
    site: Site,
) -> None:
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    site.run("UPDATE customers SET name = 'By hand'")
    bundle = topic.send(ACCOUNTS, 1, customer(1, "Second"), sequence=2)
    await writer.write([bundle])
    writer = await site.own(site.make_writer(ownership=Ownership(policy="overwrite")))
    site.arm("reset_after_commit", method="PUT", path="customers/customer/")
    with pytest.raises(SplynxUnreachable):
        await writer.look_at_conflicts()
    await site.healing().heal_all(writer.tokens)
    await writer.look_at_conflicts()
    outcome = "SELECT outcome FROM {ledger}.aggregates"
    assert site.rows(outcome) == [{"outcome": DOUBTED}]
    # Compared in full, as if it had never come.
    await writer.write(topic.rewind([bundle]))
    assert site.rows(outcome) == [{"outcome": "unchanged"}]
    assert site.rows("SELECT name FROM customers") == [{"name": "Second"}]


async def test_rules_that_are_again_as_before_a_service_was_made_that_nobody_entered_are_followed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    second = topic.send(ACCOUNTS, 1, [*customer(1), service(7, 1)], sequence=1, generation=2)

    async def dies(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("sinks.rest_rows.RestRows.done", dies)
        with pytest.raises(Killed):
            await writer.write([second])
    writer = await site.own(site.make_writer())
    await site.healing().heal_all(writer.tokens)
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1, generation=3)])
    assert site.rows("SELECT status FROM services_internet") == [{"status": "disabled"}]


async def test_a_customer_that_comes_back_after_a_closing_nobody_entered_is_opened(site: Site) -> None:
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    gone = topic.send(ACCOUNTS, 1, [], sequence=2, deleted=True)
    site.arm("reset_after_commit", method="PUT", path="customers/customer/")
    with pytest.raises(SplynxUnreachable):
        await writer.write([gone])
    assert site.rows("SELECT status FROM customers") == [{"status": "disabled"}]
    writer = await site.own(site.make_writer())
    await site.healing().heal_all(writer.tokens)
    await writer.write([gone, topic.send(ACCOUNTS, 1, customer(1), sequence=3)])
    assert site.rows("SELECT status FROM customers") == [{"status": "active"}]
    assert site.rows("SELECT * FROM {ledger}.conflicts") == []


async def test_a_document_whose_call_was_open_is_not_entered_over_what_came_after_it(site: Site) -> None:
    """Its call was found to be done by whoever wrote the opposite one."""
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 1, 900)], sequence=2)])
    await writer.write([topic.send(PAYMENTS, 10, [], sequence=3)])
    told = "SELECT target_id, state, revision, sequence FROM {ledger}.crosswalk WHERE entity = 'payment'"
    before, entries = site.rows(told), site.rows("SELECT id FROM {ledger}.journal")
    making = Making({"receipt_number": "SP10", "field_4": ""}, 0, "live", "create", {}, None)
    async with site.db.session() as tx:
        await site.ledger.begin(
            tx, key=("payment", "10"), owner=("payment", 10), sequence=2, method="POST", partition=0, token=1,
            patience=timedelta(0), sent=asdict(making),
        )  # fmt: skip
    assert await site.healing().heal_all(writer.tokens) == 1
    states = site.rows("SELECT state FROM {ledger}.intents WHERE entity = 'payment'")
    assert {row["state"] for row in states} == {"done"}
    assert (site.rows(told), site.rows("SELECT id FROM {ledger}.journal")) == (before, entries)


async def test_a_document_that_a_rollback_made_before_it_died_counts_as_taken_back(site: Site) -> None:
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 1, 900, field_4="mark")], sequence=2)])
    (row,) = site.rows("SELECT customer_id, payment_type FROM payments")
    handle = {"receipt_number": "SP10-X", "field_4": "mark"}
    await site.client.post("admin/finance/payments", row | handle | {"amount": "-9", "date": "2026-03-04"})
    making = Making(handle, 1, "gone", "undo-compensate", {}, None)
    async with site.db.session() as tx:
        await site.ledger.begin(
            tx, key=("payment", "10"), owner=("payment", 10), sequence=2, method="POST", partition=0, token=1,
            patience=timedelta(0), sent=asdict(making),
        )  # fmt: skip
    assert await site.healing().heal_all(writer.tokens) == 1
    outcome = "SELECT outcome FROM {ledger}.aggregates WHERE aggregate = 'payment'"
    assert site.rows(outcome) == [{"outcome": ROLLED_BACK}]


@pytest.mark.parametrize(("action", "outcome"), [("undo-change", ROLLED_BACK), ("change", DOUBTED)])
async def test_what_a_rollback_had_called_before_it_died_counts_as_taken_back(
    site: Site, action: str, outcome: str
) -> None:
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    site.arm("reset_after_commit", method="PUT", path="customers/customer/")
    with pytest.raises(SplynxUnreachable):
        await writer.write([topic.send(ACCOUNTS, 1, customer(1, "Second"), sequence=2)])
    # As a rollback leaves it: of the bundle that is applied, and the journal has the image already.
    site.run("UPDATE {ledger}.intents SET sequence = 1, before_image = NULL, action = %s WHERE state = 'open'", action)
    await site.healing().heal_all(writer.tokens)
    assert site.rows("SELECT outcome FROM {ledger}.aggregates") == [{"outcome": outcome}]
