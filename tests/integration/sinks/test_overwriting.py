"""Conflicts while a call is under way: nothing is told as written that was not, nor as decided that nobody saw."""

from collections.abc import Sequence
from typing import Any

import pytest

from clients.mysql import Transaction
from clients.splynx_errors import RecordRefused, SplynxUnreachable
from schemas.ownership import Ownership
from sinks.errors import Fenced
from tests.integration.sinks.conftest import Site
from tests.integration.sinks.records import ACCOUNTS, Topic, customer

pytestmark = pytest.mark.timeout(120)
OVERWRITE = Ownership(policy="overwrite")


@pytest.mark.parametrize("field", ["name", "sonar_status"], ids=["by policy", "because it is locked"])
async def test_an_edit_waits_again_when_splynx_refuses_what_was_to_overwrite_it(
    site: Site, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    writer, topic = await site.own(site.make_writer(ownership=OVERWRITE)), Topic()
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, "First", sonar_status="first"), sequence=1)])
    (row,) = site.rows("SELECT id FROM customers")
    edit = {"name": "By hand"} if field == "name" else {"additional_attributes": {field: "by hand"}}
    await site.client.put("admin/customers/customer", row["id"], edit)
    told = "SELECT field, state, settled_by FROM {ledger}.conflicts"
    undecided = [{"field": field, "state": "open", "settled_by": None}]
    second = customer(1, "Second", sonar_status="second")

    async def refused(*args: object, **options: object) -> None:
        raise RecordRefused(("name",))

    with monkeypatch.context() as patched:
        patched.setattr(site.client, "put", refused)
        await writer.write([topic.send(ACCOUNTS, 1, second, sequence=2)])
        assert site.rows(told) == undecided
        await writer.look_at_conflicts()
        assert site.rows(told) == undecided
    await writer.look_at_conflicts()
    assert [one["state"] for one in site.rows(told)] == ["overwritten"]
    # What was written then is not what was written before: that is not taken for written.
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, "First", sonar_status="first"), sequence=3)])
    assert site.rows("SELECT value FROM customers_values WHERE name = 'sonar_status'")[0]["value"] == "first"
    assert site.rows("SELECT name FROM customers") == [{"name": "First"}]


@pytest.mark.parametrize("field", ["name", "sonar_status"], ids=["by policy", "because it is locked"])
@pytest.mark.parametrize("kept", [True, False], ids=["as it was", "in its own way"])
async def test_an_edit_waits_again_when_splynx_answers_and_keeps_it(
    site: Site, monkeypatch: pytest.MonkeyPatch, field: str, kept: bool
) -> None:
    writer, topic = await site.own(site.make_writer(ownership=OVERWRITE)), Topic()
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, "First", sonar_status="first"), sequence=1)])
    (row,) = site.rows("SELECT id FROM customers")
    edit = {"name": "By hand"} if field == "name" else {"additional_attributes": {field: "by hand"}}
    await site.client.put("admin/customers/customer", row["id"], edit)
    put = site.client.put

    async def otherwise(path: str, id: int | str, body: dict[str, Any], **options: Any) -> Any:
        one = {} if kept else {"name": "SECO"} if field == "name" else {"additional_attributes": {field: "seco"}}
        other = {"category": body["category"]} if "category" in body else {}
        return await put(path, id, other | one, **options)

    monkeypatch.setattr(site.client, "put", otherwise)
    second = customer(1, "Second" if field == "name" else "First", sonar_status="first", category="company")
    if field != "name":
        second = customer(1, "First", sonar_status="second", category="company")
    await writer.write([topic.send(ACCOUNTS, 1, second, sequence=2)])
    told = site.rows("SELECT field, state FROM {ledger}.conflicts")
    assert told == [{"field": field, "state": "open" if kept else "overwritten"}]
    assert site.rows("SELECT code FROM {ledger}.held WHERE entity = 'customer'") == [{"code": "sink.read_back"}]
    images = "SELECT COUNT(*) AS n FROM {ledger}.journal"
    await writer.look_at_conflicts()
    (before,) = site.rows(images)
    for _ in range(2):
        await writer.look_at_conflicts()
    assert site.rows(images) == [before]  # not with each look, for ever


@pytest.mark.parametrize("done", [False, True], ids=["never arrived", "arrived"])
async def test_an_edit_waits_again_unless_the_lost_call_overwrote_it(site: Site, done: bool) -> None:
    writer, topic = await site.own(site.make_writer(ownership=OVERWRITE)), Topic()
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, "First"), sequence=1)])
    site.run("UPDATE customers SET name = 'By hand'")
    site.arm("reset_after_commit" if done else "reset_before", method="PUT", path="customers/customer/")
    with pytest.raises(SplynxUnreachable):
        await writer.write([topic.send(ACCOUNTS, 1, customer(1, "Second"), sequence=2)])
    states = "SELECT state FROM {ledger}.conflicts"
    assert site.rows(states) == [{"state": "overwritten"}]
    successor = await site.own(site.make_writer())
    await site.healing().heal_all(successor.tokens)
    assert site.rows(states) == [{"state": "overwritten" if done else "open"}]


async def test_an_edit_is_told_as_overwritten_together_with_the_intent_only(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, topic = await site.own(site.make_writer(ownership=OVERWRITE)), Topic()
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, "First"), sequence=1)])
    site.run("UPDATE customers SET name = 'By hand'")

    async def dies(*args: object, **options: object) -> int:
        raise Fenced("as if the process had died")

    monkeypatch.setattr(site.ledger, "begin", dies)
    with pytest.raises(Fenced):
        await writer.write([topic.send(ACCOUNTS, 1, customer(1, "Second"), sequence=2)])
    assert site.rows("SELECT * FROM {ledger}.conflicts") == []


@pytest.mark.fault(27)
@pytest.mark.parametrize(("name", "waits"), [("Cid", True), ("Bea", False)], ids=["another value", "the same value"])
async def test_a_decision_covers_the_value_that_was_looked_at_only(
    site: Site, monkeypatch: pytest.MonkeyPatch, name: str, waits: bool
) -> None:
    """Splynx's value is kept while the writer is at work on a bundle that came after the one that was looked at."""
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, "Anna"), sequence=1)])
    site.run("UPDATE customers SET name = 'By hand'")
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, "Bea"), sequence=2)])
    (conflict,) = site.rows("SELECT id FROM {ledger}.conflicts")
    tell = site.ledger.tell_conflicts

    async def decided(tx: Transaction, told: Sequence[Any]) -> None:
        monkeypatch.undo()
        async with site.db.transaction() as other:
            assert await site.ledger.keep_splynx_values(other, [conflict["id"]], "ada") == 1
        await tell(tx, told)

    monkeypatch.setattr(site.ledger, "tell_conflicts", decided)
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, name, category="company"), sequence=3)])
    told = site.rows("SELECT state, source FROM {ledger}.conflicts ORDER BY id")
    waiting = [{"state": "open", "source": f'"{name}"'}] if waits else []
    assert told == [{"state": "kept", "source": '"Bea"'}, *waiting]
    assert site.rows("SELECT name FROM customers") == [{"name": "By hand"}]
