"""Bundles in, rows out: on a real Splynx stand-in with a real database, once and only once."""

from decimal import Decimal
from functools import partial
from unittest.mock import Mock

import pytest

from plumbing.kafka import NotAcknowledged
from plumbing.reading import Place
from schemas.records import Ref
from schemas.topics import Topics
from sinks.errors import Fenced
from sinks.jobs import Delivery
from sinks.letters import DeadLetters, Told
from tests.integration.sinks.conftest import Site
from tests.integration.sinks.records import ACCOUNTS, GROUPS, PAYMENTS, Label, Topic, customer, payment
from tests.modes import in_both_modes

pytestmark = pytest.mark.timeout(120)

FINGERPRINT = (
    "SELECT (SELECT COUNT(*) FROM customers) AS customers, (SELECT COUNT(*) FROM payments) AS payments,"
    " (SELECT COUNT(*) FROM billing_transactions) AS documents, (SELECT SUM(deposit) FROM customer_billing) AS m,"
    " (SELECT COUNT(*) FROM {ledger}.journal) AS journal, (SELECT COUNT(*) FROM {ledger}.intents) AS intents"
)


def _first_load(topic: Topic) -> list[Delivery]:
    label = Ref(entity="label", key="group:1")
    return [
        topic.send(GROUPS, 1, [Label(key="group:1", label="grp: A")], sequence=1),
        topic.send(ACCOUNTS, 1, customer(1, customer_labels=[label], sonar_status="Active"), sequence=2),
        topic.send(ACCOUNTS, 2, customer(2, "Bo \U0001f600"), sequence=3),
        topic.send(PAYMENTS, 10, [payment(10, 1, 1250)], sequence=4),
        topic.send(PAYMENTS, 11, [payment(11, 1, 500), payment(11, 1, -500, key="11-R3", receipt_number="SP11-R3")],
                   sequence=5),
    ]  # fmt: skip


@in_both_modes
async def test_bundles_become_rows_and_every_offset_has_its_outcome(site: Site) -> None:
    writer = await site.own(site.make_writer())
    await writer.write(_first_load(Topic()))

    customers = site.rows("SELECT id, login, name, status, password FROM customers ORDER BY login")
    assert [(row["login"], row["name"], row["status"]) for row in customers] == [
        ("s1", "Anna", "active"), ("s2", "Bo \U0001f600", "active"),
    ]  # fmt: skip
    values = {(r["name"], r["value"]) for r in site.rows("SELECT name, value FROM customers_values WHERE value <> ''")}
    assert values == {("sonar_id", "1"), ("sonar_id", "2"), ("sonar_status", "Active")}
    assert len(site.rows("SELECT * FROM customers_labels")) == 1
    assert site.deposits() == {customers[0]["id"]: Decimal("12.5"), customers[1]["id"]: Decimal(0)}
    linked = site.rows(
        "SELECT p.receipt_number, p.amount FROM payments p JOIN billing_transactions t"
        " ON t.id = p.transaction_id AND t.payment_id = p.id ORDER BY p.receipt_number"
    )
    assert [(row["receipt_number"], row["amount"]) for row in linked] == [
        ("SP10", Decimal("12.5")), ("SP11", Decimal(5)), ("SP11-R3", Decimal(-5)),
    ]  # fmt: skip
    outcomes = site.rows("SELECT topic, first_offset, last_offset, outcome FROM {ledger}.outcomes ORDER BY topic")
    assert [(row["topic"], row["first_offset"], row["last_offset"], row["outcome"]) for row in outcomes] == [
        ("splynx.t.account", 0, 1, "applied"),
        ("splynx.t.account_group", 0, 0, "applied"),
        ("splynx.t.payment", 0, 1, "applied"),
    ]
    kept = site.rows("SELECT document FROM {ledger}.crosswalk WHERE entity = 'customer'")
    assert all("password" not in row["document"] for row in kept)


@pytest.mark.fault(11)
@in_both_modes
async def test_everything_again_changes_no_row(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    load = _first_load(topic)
    await writer.write(load)
    before, requests = site.rows(FINGERPRINT), site.client.requests
    await writer.write(load)  # the same offsets: a redelivery
    await writer.write(topic.rewind(load))  # the same bundles at new offsets
    assert site.rows(FINGERPRINT) == before
    assert site.client.requests == requests
    assert writer.counts.bundles["unchanged"] == len(load)


async def test_a_newer_sequence_with_equal_records_moves_only_the_ledger(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=2)])
    requests = site.client.requests
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=9)])
    assert site.client.requests == requests
    assert site.rows("SELECT sequence FROM {ledger}.aggregates")[0]["sequence"] == 9


@pytest.mark.fault(12)
async def test_an_older_bundle_after_a_newer_one_is_stale(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, "New"), sequence=9)])
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, "Old"), sequence=3)])
    assert [row["name"] for row in site.rows("SELECT name FROM customers")] == ["New"]
    assert writer.counts.bundles["stale"] == 1


async def test_only_the_highest_sequence_of_a_batch_is_written(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    batch = [topic.send(ACCOUNTS, 1, customer(1, name), sequence=n) for n, name in ((1, "A"), (3, "C"), (2, "B"))]
    await writer.write(batch)
    assert [row["name"] for row in site.rows("SELECT name FROM customers")] == ["C"]
    assert writer.counts.bundles == {"applied": 1, "superseded": 1, "stale": 1}


@pytest.mark.fault(12)
@pytest.mark.parametrize("sent", [((10, 1), (5, 2)), ((5, 2), (10, 1))], ids=["late rules", "late data"])
async def test_a_batch_ends_as_its_bundles_would_one_by_one(site: Site, sent: tuple[tuple[int, int], ...]) -> None:
    """A worker with older rules is still at work: (sequence, rules generation)."""
    topic = Topic()
    batch = [topic.send(ACCOUNTS, 1, customer(1, f"{n}-{rules}"), sequence=n, generation=rules) for n, rules in sent]
    alone = [topic.send(ACCOUNTS, 2, customer(2, f"{n}-{rules}"), sequence=n, generation=rules) for n, rules in sent]
    writer = await site.own(site.make_writer())
    await writer.write(batch)
    for one in alone:
        await writer.write([one])
    names = [row["name"] for row in site.rows("SELECT name FROM customers ORDER BY login")]
    first = f"{sent[0][0]}-{sent[0][1]}"
    assert names == [first, first]


async def test_a_deleted_account_disables_its_customer_and_a_foreign_label_stays(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    label = Ref(entity="label", key="group:1")
    await writer.write(
        [
            topic.send(GROUPS, 1, [Label(key="group:1", label="grp: A")], sequence=1),
            topic.send(ACCOUNTS, 1, customer(1, customer_labels=[label]), sequence=1),
        ]
    )
    one = site.rows("SELECT id FROM customers")[0]["id"]
    foreign = (await site.client.post("admin/config/labels", {"module": "customers", "label": "VIP"}))["id"]
    ours = site.rows("SELECT label_id FROM customers_labels")[0]["label_id"]
    await site.client.put("admin/customers/customer", one, {"customer_labels": [ours, foreign]})
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, "Renamed"), sequence=2)])
    assert [row["label_id"] for row in site.rows("SELECT label_id FROM customers_labels")] == [foreign]
    await writer.write([topic.send(ACCOUNTS, 1, [], sequence=3, deleted=True)])
    row = site.rows("SELECT status, deleted, name FROM customers")[0]
    assert row == {"status": "disabled", "deleted": "0", "name": "Renamed"}


@pytest.mark.fault(27)
async def test_a_field_that_somebody_edited_is_held_and_the_rest_is_written(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    one = site.rows("SELECT id FROM customers")[0]["id"]
    await site.client.put("admin/customers/customer", one, {"name": "By hand"})
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, "Bea", category="company"), sequence=2)])
    conflict = "SELECT field, state, base, source, target, sequence FROM {ledger}.conflicts"
    told = {"field": "name", "state": "open", "base": '"Anna"', "source": '"Bea"', "target": '"By hand"'}
    assert site.rows(conflict) == [told | {"sequence": 2}]
    assert site.rows("SELECT name, category FROM customers") == [{"name": "By hand", "category": "company"}]
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, "Cid", category="company"), sequence=3)])
    assert site.rows(conflict) == [told | {"source": '"Cid"', "sequence": 3}]
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, "By hand"), sequence=4)])
    assert [row["state"] for row in site.rows(conflict)] == ["agreed"]
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, "Dee"), sequence=5)])
    assert site.rows("SELECT name FROM customers") == [{"name": "Dee"}]


@pytest.mark.fault(27)
async def test_a_locked_field_that_somebody_edited_is_put_back_and_told(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    label = Ref(entity="label", key="group:1")
    await writer.write(
        [
            topic.send(GROUPS, 1, [Label(key="group:1", label="grp: A")], sequence=1),
            topic.send(ACCOUNTS, 1, customer(1, sonar_status="ok", customer_labels=[label]), sequence=1),
        ]
    )
    one = site.rows("SELECT id FROM customers")[0]["id"]
    await site.client.put("admin/customers/customer", one, {"additional_attributes": {"sonar_status": "By hand"}})
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, "Bea", customer_labels=[label]), sequence=2)])
    told = site.rows("SELECT field, state, settled_by, target FROM {ledger}.conflicts")
    assert told == [{"field": "sonar_status", "state": "overwritten", "settled_by": "locked", "target": '"By hand"'}]
    assert site.rows("SELECT value FROM customers_values WHERE name = 'sonar_status'") == [{"value": ""}]


@pytest.mark.fault(27)
async def test_a_label_of_ours_that_somebody_took_off_is_put_back_and_told(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    label = Ref(entity="label", key="group:1")
    await writer.write(
        [
            topic.send(GROUPS, 1, [Label(key="group:1", label="grp: A")], sequence=1),
            topic.send(ACCOUNTS, 1, customer(1, customer_labels=[label]), sequence=1),
        ]
    )
    one = site.rows("SELECT id FROM customers")[0]["id"]
    (ours,) = site.rows("SELECT label_id FROM customers_labels")
    await site.client.put("admin/customers/customer", one, {"customer_labels": []})
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, "Bea", customer_labels=[label]), sequence=2)])
    told = site.rows("SELECT field, state, base, target FROM {ledger}.conflicts")
    assert told == [
        {"field": "customer_labels", "state": "overwritten", "base": f"[{ours['label_id']}]", "target": "[]"}
    ]
    assert site.rows("SELECT label_id FROM customers_labels") == [ours]


@pytest.mark.fault(27)
async def test_an_edit_of_what_is_withdrawn_is_told(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    site.run("UPDATE customers SET status = 'blocked', name = 'By hand'")
    await writer.write([topic.send(ACCOUNTS, 1, [], sequence=2, deleted=True)])
    assert site.rows("SELECT name, status FROM customers") == [{"name": "By hand", "status": "disabled"}]
    told = site.rows("SELECT field, state, base, target FROM {ledger}.conflicts")
    assert told == [{"field": "status", "state": "overwritten", "base": '"active"', "target": '"blocked"'}]


async def test_what_we_did_ourselves_is_nobodys_edit(site: Site) -> None:
    """A label that came after its customer, a customer that was disabled and came back."""
    topic = Topic()
    writer = await site.own(site.make_writer())
    label = Ref(entity="label", key="group:1")
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, customer_labels=[label]), sequence=1)])
    await writer.write([topic.send(GROUPS, 1, [Label(key="group:1", label="grp: A")], sequence=1)])
    assert await writer.settle() == 1
    await writer.write([topic.send(ACCOUNTS, 1, [], sequence=2)])
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, "Bea", customer_labels=[label]), sequence=3)])
    assert site.rows("SELECT name, status FROM customers") == [{"name": "Bea", "status": "active"}]
    assert site.rows("SELECT COUNT(*) AS n FROM customers_labels") == [{"n": 1}]
    assert site.rows("SELECT * FROM {ledger}.conflicts") == []


@pytest.mark.fault(27)
@in_both_modes
async def test_a_conflict_ends_by_itself_once_both_sides_agree(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    await writer.write([topic.send(ACCOUNTS, n, customer(n), sequence=1) for n in (1, 2)])
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 1, 900)], sequence=2)])
    site.run("UPDATE customers SET name = 'By hand'")
    site.run("UPDATE payments SET comment = 'by hand'")
    await writer.write([topic.send(ACCOUNTS, n, customer(n, "Bea"), sequence=3) for n in (1, 2)])
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 1, 900, memo="seen")], sequence=3)])
    entries = site.rows("SELECT COUNT(*) AS n FROM {ledger}.journal")
    states = "SELECT record_key, state FROM {ledger}.conflicts WHERE entity = 'customer' ORDER BY record_key"
    assert await writer.look_at_conflicts() == 3
    assert site.rows("SELECT COUNT(*) AS n FROM {ledger}.journal") == entries  # a look is no write
    site.run("UPDATE customers SET name = 'Bea' WHERE login = 's1'")
    await writer.look_at_conflicts()
    assert site.rows(states) == [{"record_key": "1", "state": "agreed"}, {"record_key": "2", "state": "open"}]
    site.run("UPDATE customers SET name = 'Anna' WHERE login = 's2'")  # the edit is taken back
    await writer.look_at_conflicts()
    assert [row["state"] for row in site.rows(states)] == ["agreed", "agreed"]
    assert [row["name"] for row in site.rows("SELECT name FROM customers ORDER BY login")] == ["Bea", "Bea"]


async def test_a_refused_record_is_a_dead_letter_and_the_others_pass(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    await writer.write(
        [
            topic.send(ACCOUNTS, 1, customer(1, status="nonsense"), sequence=1),
            topic.send(ACCOUNTS, 2, customer(2), sequence=1),
        ]
    )
    assert [row["login"] for row in site.rows("SELECT login FROM customers")] == ["s2"]
    assert writer.counts.bundles["dead_lettered"] == 1


async def test_a_message_that_passes_after_all_costs_no_budget_any_more(site: Site) -> None:
    topic = Topic()
    told = Told(Place("splynx.t.account", 0, 0), "customer", "1", "splynx.record_refused")
    letters = DeadLetters(Mock(), Topics("t"), 1, known=[told])
    writer = await site.own(site.make_writer(letters=letters))
    await writer.write(
        [
            topic.send(ACCOUNTS, 1, customer(1), sequence=1),
            topic.send(ACCOUNTS, 2, customer(2, status="nonsense"), sequence=1),
        ]
    )
    assert writer.counts.bundles == {"applied": 1, "dead_lettered": 1}


@pytest.mark.fault(7)
async def test_a_batch_that_was_asked_back_behind_its_letter_has_one_letter_when_it_comes_again(site: Site) -> None:
    """What was woken, and a batch of another topic, are committed in between."""
    topic, bus = Topic(), Mock()
    writer = await site.own(site.make_writer(letters=DeadLetters(bus, Topics("t"), 100)))
    asked_back = [topic.send(ACCOUNTS, 1, customer(1, status="nonsense"), sequence=1)]
    other = [topic.send(GROUPS, 1, [Label(key="group:1", label="grp: A")], sequence=2)]
    for meanwhile in (writer.settle, partial(writer.write, other)):
        bus.flush.side_effect = NotAcknowledged("the broker is away")
        with pytest.raises(NotAcknowledged):
            await writer.write(asked_back)
        bus.flush.side_effect = None
        await meanwhile()
    await writer.write(asked_back)
    assert [one.kwargs["headers"]["crossfade.entity"] for one in bus.produce.call_args_list] == [b"customer"]
    assert writer.counts.bundles == {"applied": 1, "dead_lettered": 1}


@pytest.mark.fault(8)
async def test_a_writer_that_lost_its_partition_commits_nothing(site: Site) -> None:
    topic = Topic()
    old = await site.own(site.make_writer())
    await old.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    await site.own(site.make_writer())
    with pytest.raises(Fenced):
        await old.write([topic.send(PAYMENTS, 10, [payment(10, 1, 900)], sequence=2)])
    with pytest.raises(Fenced):
        await old.write([topic.send(ACCOUNTS, 2, customer(2), sequence=2)])
    assert site.rows("SELECT COUNT(*) AS n FROM payments")[0]["n"] == 0
    assert site.rows("SELECT COUNT(*) AS n FROM customers")[0]["n"] == 1
