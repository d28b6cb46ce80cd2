"""Bundles in, rows out: on a real Splynx stand-in with a real database, once and only once."""

import asyncio
from decimal import Decimal

import pytest

from clients import mysql
from clients.splynx_errors import SplynxUnreachable
from plumbing.errors import SyncError
from plumbing.settings import MysqlSettings
from schemas.records import Ref
from sinks.entries import Entries, Owner
from sinks.errors import Fenced, NameShared
from sinks.jobs import Delivery
from sinks.payments import Payments
from sinks.plan import Step, Verb
from tests.integration.sinks.conftest import Site
from tests.integration.sinks.records import ACCOUNTS, GROUPS, LABEL, PAYMENTS, Label, Topic, customer, payment

pytestmark = pytest.mark.timeout(120)

FINGERPRINT = (
    "SELECT (SELECT COUNT(*) FROM customers) AS customers, (SELECT COUNT(*) FROM payments) AS payments,"
    " (SELECT COUNT(*) FROM billing_transactions) AS documents, (SELECT SUM(deposit) FROM customer_billing) AS m,"
    " (SELECT COUNT(*) FROM {ledger}.journal) AS journal, (SELECT COUNT(*) FROM {ledger}.intents) AS intents"
)
LABELS_KEPT = "SELECT record_key, target_id FROM {ledger}.crosswalk WHERE entity = 'label' AND state = 'live'"


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


@pytest.mark.fault(12)
async def test_a_child_before_its_parent_waits_and_its_arrival_wakes_it(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    parent = Ref(entity="customer", key="1")
    await writer.write(
        [
            topic.send(PAYMENTS, 10, [payment(10, 2, 700)], sequence=1),
            topic.send(ACCOUNTS, 2, customer(2, parent_id=parent), sequence=2),
        ]
    )
    assert site.rows("SELECT COUNT(*) AS n FROM customers")[0]["n"] == 0
    held = site.rows("SELECT entity, state, waits_key FROM {ledger}.held ORDER BY entity")
    assert [(row["entity"], row["state"], row["waits_key"]) for row in held] == [
        ("customer", "parked", "1"), ("customer_info", "parked", "2"), ("payment", "parked", "2"),
    ]  # fmt: skip
    async with site.db.session() as tx:
        assert set(await site.ledger.longest_parked(tx)) == {"customer", "customer_info", "payment"}
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=3)])
    while await writer.settle():
        pass
    rows = {row["login"]: row for row in site.rows("SELECT id, login, parent_id FROM customers")}
    assert rows["s2"]["parent_id"] == rows["s1"]["id"]
    assert site.rows("SELECT COUNT(*) AS n FROM {ledger}.held")[0]["n"] == 0
    async with site.db.session() as tx:
        assert await site.ledger.longest_parked(tx) == {}
    assert site.deposits()[rows["s2"]["id"]] == Decimal(7)
    assert {row["outcome"] for row in site.rows("SELECT outcome FROM {ledger}.aggregates")} == {"applied"}


@pytest.mark.fault(12)
async def test_a_label_that_comes_after_its_customers_is_put_on_them(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    labels = [Ref(entity="label", key=f"group:{number}") for number in (1, 2)]
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, customer_labels=labels), sequence=1)])
    assert site.rows("SELECT COUNT(*) AS n FROM customers")[0]["n"] == 1
    assert site.rows("SELECT state, code FROM {ledger}.held") == [{"state": "parked", "code": "sink.reference_missing"}]
    for number in (1, 2):
        label = Label(key=f"group:{number}", label=f"grp: {number}")
        await writer.write([topic.send(GROUPS, number, [label], sequence=1 + number)])
        while await writer.settle():
            pass
        assert site.rows("SELECT COUNT(*) AS n FROM customers_labels")[0]["n"] == number
    assert site.rows("SELECT COUNT(*) AS n FROM {ledger}.held")[0]["n"] == 0
    assert {row["outcome"] for row in site.rows("SELECT outcome FROM {ledger}.aggregates")} == {"applied"}


async def test_a_newer_bundle_supersedes_a_record_that_waits(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 2, 700)], sequence=1)])
    await writer.write([topic.send(PAYMENTS, 10, [], sequence=2)])
    await writer.write([topic.send(ACCOUNTS, 2, customer(2), sequence=3)])
    while await writer.settle():
        pass
    assert site.rows("SELECT COUNT(*) AS n FROM payments")[0]["n"] == 0


async def test_what_waits_too_long_becomes_a_dead_letter(site: Site) -> None:
    writer = await site.own(site.make_writer(parked_hours=1e-9))
    await writer.write([Topic().send(PAYMENTS, 10, [payment(10, 2, 700)], sequence=1)])
    await writer.settle()
    held = site.rows("SELECT state, code FROM {ledger}.held")
    assert [(row["state"], row["code"]) for row in held] == [("dead", "sink.waited_too_long")]


async def test_what_was_given_up_and_comes_again_waits_anew(site: Site) -> None:
    topic = Topic()
    impatient = await site.own(site.make_writer(parked_hours=1e-9))
    await impatient.write([topic.send(PAYMENTS, 10, [payment(10, 2, 700)], sequence=1)])
    await impatient.settle()
    site.run("UPDATE {ledger}.held SET since = since - INTERVAL 2 DAY")
    writer = await site.own(site.make_writer())
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 2, 750)], sequence=2)])
    await writer.settle()
    assert site.rows("SELECT state, sequence FROM {ledger}.held") == [{"state": "parked", "sequence": 2}]
    await writer.write([topic.send(ACCOUNTS, 2, customer(2), sequence=3)])
    await writer.settle()
    assert site.deposits() == {1: Decimal("7.5")}


async def test_a_payment_that_stops_qualifying_is_compensated_and_may_come_back(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    for sequence, records in ((2, [payment(10, 1, 900)]), (3, []), (4, [payment(10, 1, 900)]), (5, [])):
        await writer.write([topic.send(PAYMENTS, 10, list(records), sequence=sequence)])
        assert set(site.deposits().values()) == {Decimal(9) if records else Decimal(0)}
    receipts = site.rows("SELECT receipt_number, amount, deleted FROM payments ORDER BY id")
    assert [(row["receipt_number"], row["amount"]) for row in receipts] == [
        ("SP10", Decimal(9)), ("SP10-X", Decimal(-9)), ("SP10-A", Decimal(9)), ("SP10-X2", Decimal(-9)),
    ]  # fmt: skip
    assert {row["deleted"] for row in receipts} == {"0"}


async def test_a_corrected_payment_moves_amount_and_owner_with_its_before_image(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    await writer.write([topic.send(ACCOUNTS, n, customer(n), sequence=1) for n in (1, 2)])
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 1, 900)], sequence=2)])
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 2, 950)], sequence=3)])
    assert sorted(site.deposits().values()) == [Decimal(0), Decimal("9.5")]
    image = site.rows("SELECT before_image FROM {ledger}.journal WHERE action = 'change' AND entity = 'payment'")
    assert '"9.0000"' in image[0]["before_image"]


async def test_a_receipt_that_a_live_payment_has_is_refused(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    one = site.rows("SELECT id FROM customers")[0]["id"]
    await site.client.post(
        "admin/finance/payments",
        {"customer_id": one, "payment_type": 1, "date": "2026-01-01", "amount": 1, "receipt_number": "SP10"},
    )
    await writer.write(
        [
            topic.send(PAYMENTS, 10, [payment(10, 1, 900)], sequence=2),
            topic.send(PAYMENTS, 11, [payment(11, 1, 100)], sequence=2),
        ]
    )
    assert site.rows("SELECT code, state FROM {ledger}.held") == [{"code": "sink.natural_key_taken", "state": "dead"}]
    assert site.deposits()[one] == Decimal(2)


async def test_a_payment_takes_no_receipt_that_another_live_one_has(site: Site) -> None:
    """The operator has changed the form of receipts, and the ISP's staff had used the new one."""
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write(
        [
            topic.send(ACCOUNTS, 1, customer(1), sequence=1),
            topic.send(PAYMENTS, 10, [payment(10, 1, 900)], sequence=1),
            topic.send(PAYMENTS, 11, [payment(11, 1, 100)], sequence=1),
        ]
    )
    one = site.rows("SELECT id FROM customers")[0]["id"]
    await site.client.post(
        "admin/finance/payments",
        {"customer_id": one, "payment_type": 1, "date": "2026-01-01", "amount": 1, "receipt_number": "P10"},
    )
    await writer.write(
        [topic.send(PAYMENTS, n, [payment(n, 1, 800, receipt_number=f"P{n}")], sequence=2) for n in (10, 11)]
    )
    assert site.rows("SELECT record_key, code FROM {ledger}.held") == [
        {"record_key": "10", "code": "sink.natural_key_taken"}
    ]
    assert [row["receipt_number"] for row in site.rows("SELECT receipt_number FROM payments ORDER BY id")] == [
        "SP10", "P11", "P10",
    ]  # fmt: skip
    assert list(site.deposits().values()) == [Decimal(18)]


async def test_a_payment_that_does_not_fit_its_column_is_set_aside_alone(site: Site) -> None:
    """More than DECIMAL(19,4) holds, and a text that is longer than its column."""
    topic = Topic()
    writer = await site.own(site.make_writer())
    await writer.write([topic.send(ACCOUNTS, n, customer(n), sequence=1) for n in (1, 2)])
    batch = [topic.send(PAYMENTS, n, [payment(n, 1 + n % 2, 100)], sequence=2) for n in range(10, 17)]
    batch.insert(3, topic.send(PAYMENTS, 17, [payment(17, 1, 10**20)], sequence=2))
    batch.append(topic.send(PAYMENTS, 18, [payment(18, 2, 100, comment="x" * 100_000)], sequence=2))
    await writer.write(batch)
    held = site.rows("SELECT record_key, state, code FROM {ledger}.held ORDER BY record_key")
    assert [tuple(one.values()) for one in held] == [
        ("17", "dead", "mysql.value_refused"), ("18", "dead", "mysql.value_refused"),
    ]  # fmt: skip
    receipts = site.rows("SELECT receipt_number FROM payments ORDER BY receipt_number")
    assert [row["receipt_number"] for row in receipts] == [f"SP{n}" for n in range(10, 17)]
    assert sorted(site.deposits().values()) == [Decimal(3), Decimal(4)]
    assert writer.counts.records[("payment", "applied")] == 7

    # Corrected in Sonar, they come again.
    await writer.write([topic.send(PAYMENTS, n, [payment(n, 1, 100)], sequence=3) for n in (17, 18)])
    assert site.rows("SELECT * FROM {ledger}.held") == []
    assert sum(site.deposits().values()) == Decimal(9)


async def test_money_waits_where_splynx_is_not_disposable(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer(disposable=False))
    await writer.write(
        [
            topic.send(ACCOUNTS, 1, customer(1), sequence=1),
            topic.send(PAYMENTS, 10, [payment(10, 1, 900)], sequence=2),
        ]
    )
    assert site.rows("SELECT COUNT(*) AS n FROM payments")[0]["n"] == 0
    assert site.rows("SELECT state, code FROM {ledger}.held") == [{"state": "deferred", "code": "sink.money_deferred"}]


@pytest.mark.parametrize(
    ("charset", "kept"),
    [("utf8mb3", "caf\u00e9 \u0416 ?"), ("latin1", "caf\u00e9 ? ?"), ("utf8mb4", "caf\u00e9 \u0416 \U0001f600")],
)
async def test_what_a_column_cannot_hold_is_replaced_and_the_batch_is_written(
    site: Site, charset: str, kept: str
) -> None:
    site.run(f"ALTER TABLE payments MODIFY comment VARCHAR(256) CHARACTER SET {charset} NOT NULL")
    topic = Topic()
    async with site.db.session() as tx:
        writer = await site.own(site.make_writer(payments=await Payments.of(tx)))
    smiling = payment(10, 1, 900, comment="caf\u00e9 \u0416 \U0001f600", memo="\U0001f600")
    await writer.write(
        [topic.send(ACCOUNTS, 1, customer(1), sequence=1), topic.send(PAYMENTS, 10, [smiling], sequence=2)]
    )
    assert site.rows("SELECT comment, memo FROM payments") == [{"comment": kept, "memo": "\U0001f600"}]
    # Compared with what the column holds, not with what was meant: the next change is nobody's edit.
    corrected = smiling.model_copy(update={"amount_minor": 800})
    await writer.write([topic.send(PAYMENTS, 10, [corrected], sequence=3)])
    assert site.rows("SELECT comment FROM payments") == [{"comment": kept}]
    assert site.rows("SELECT * FROM {ledger}.exceptions") == []


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
async def test_an_edit_in_splynx_is_reported_and_overwritten(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    one = site.rows("SELECT id FROM customers")[0]["id"]
    await site.client.put("admin/customers/customer", one, {"name": "By hand"})
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, sonar_status="Changed"), sequence=2)])
    assert [row["field"] for row in site.rows("SELECT field FROM {ledger}.conflicts")] == ["name"]
    assert site.rows("SELECT name FROM customers")[0]["name"] == "Anna"


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


@pytest.mark.fault(6)
@pytest.mark.fault(38)
@pytest.mark.parametrize("fault", ["reset_after_commit", "delay_after_commit", "delay_before"])
async def test_a_lost_answer_is_found_again_and_makes_no_twin(site: Site, fault: str) -> None:
    if fault == "delay_before":
        # A signed request that is overtaken by later nonces is refused at the door; with a token it still comes in.
        site.client.settings = site.client.settings.model_copy(update={"auth": "token"})
    site.arm(fault, method="POST", path="customers/customer$", seconds=4)
    writer = await site.own(site.make_writer())
    await writer.write([Topic().send(ACCOUNTS, 1, customer(1), sequence=1)])
    assert site.rows("SELECT COUNT(*) AS n FROM customers")[0]["n"] == 1
    assert [row["state"] for row in site.rows("SELECT state FROM {ledger}.intents")] == ["done"]


@pytest.mark.fault(6)
async def test_a_call_that_never_arrived_is_made_again(site: Site) -> None:
    site.arm("reset_before", method="POST", path="customers/customer$")
    writer = await site.own(site.make_writer())
    batch = [Topic().send(ACCOUNTS, 1, customer(1), sequence=1)]
    with pytest.raises(SplynxUnreachable):
        await writer.write(batch)
    await writer.write(batch)
    assert site.rows("SELECT COUNT(*) AS n FROM customers")[0]["n"] == 1
    states = [row["state"] for row in site.rows("SELECT state FROM {ledger}.intents ORDER BY id")]
    assert states == ["lost", "done"]


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


async def test_a_batch_of_payments_takes_the_same_statements_whatever_its_size(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clients.mysql import Transaction

    topic = Topic()
    writer = await site.own(site.make_writer())
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    counted: list[str] = []
    real = Transaction._run

    async def counting(self: Transaction, work: object, *, rows: bool = False) -> object:
        counted.append("")
        return await real(self, work, rows=rows)  # type: ignore[arg-type]

    monkeypatch.setattr(Transaction, "_run", counting)
    sizes = []
    for first, size in ((100, 1), (200, 2), (300, 100)):
        counted.clear()
        await writer.write(
            [topic.send(PAYMENTS, n, [payment(n, 1, 100)], sequence=2) for n in range(first, first + size)]
        )
        sizes.append(len(counted))
    assert sizes[1] == sizes[2]  # the first batch also begins the range of outcomes
    assert site.deposits().popitem()[1] == Decimal(103)


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one after the other"])
@pytest.mark.parametrize("second", ["grp: Gold", "grp: gôld"], ids=["the same", "the same to the database"])
async def test_two_objects_of_one_name_never_share_a_row(site: Site, together: bool, second: str) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    load = [
        topic.send(GROUPS, number, [Label(key=f"group:{number}", label=name)], sequence=number)
        for number, name in ((1, "grp: Gold"), (2, second))
    ]
    for batch in [load] if together else [[one] for one in load]:
        await writer.write(batch)

    rows = {row["record_key"]: row["target_id"] for row in site.rows(LABELS_KEPT)}
    assert len(set(rows.values())) == len(rows)
    held = site.rows("SELECT record_key, state, code, reason FROM {ledger}.held")
    assert {*rows} | {one["record_key"] for one in held} == {"group:1", "group:2"}
    assert [(one["state"], one["code"]) for one in held] == [("dead", "sink.name_shared")] * (2 - len(rows))
    assert all(key in one["reason"] for one in held for key in rows)


async def test_who_belongs_to_the_second_of_one_name_does_not_get_the_label_of_the_first(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    for number in (1, 2):
        label = Label(key=f"group:{number}", label="grp: Gold", color=f"#00000{number}")
        await writer.write([topic.send(GROUPS, number, [label], sequence=number)])
    assert site.rows("SELECT label, color FROM labels") == [{"label": "grp: Gold", "color": "#000001"}]
    second = [Ref(entity="label", key="group:2")]
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, customer_labels=second), sequence=3)])
    assert site.rows("SELECT * FROM customers_labels") == []
    held = site.rows("SELECT entity, state, code FROM {ledger}.held ORDER BY entity")
    assert [tuple(one.values()) for one in held] == [
        ("customer", "parked", "sink.reference_missing"), ("label", "dead", "sink.name_shared"),
    ]  # fmt: skip

    # A name of its own, as the rules' line gives it, lets both go through.
    own_name = Label(key="group:2", label="grp: Gold #2")
    await writer.write([topic.send(GROUPS, 2, [own_name], sequence=2, generation=2)])
    await writer.settle()
    assert site.rows("SELECT l.label FROM customers_labels c JOIN labels l ON l.id = c.label_id") == [
        {"label": "grp: Gold #2"}
    ]
    assert site.rows("SELECT * FROM {ledger}.held") == []


async def test_a_name_that_becomes_that_of_another_is_told_as_such_and_changes_nothing(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    names = {1: "grp: Gold", 2: "grp: Silver"}
    for number, name in names.items():
        label = Label(key=f"group:{number}", label=name)
        await writer.write([topic.send(GROUPS, number, [label], sequence=number)])
    await writer.write([topic.send(GROUPS, 2, [Label(key="group:2", label="grp: Gold")], sequence=3)])
    assert [row["label"] for row in site.rows("SELECT label FROM labels ORDER BY id")] == list(names.values())
    (held,) = site.rows("SELECT record_key, state, code FROM {ledger}.held")
    assert tuple(held.values()) == ("group:2", "dead", "sink.name_shared")


async def test_a_label_that_nobody_in_sonar_has_any_more_may_be_taken_and_not_taken_back(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    first, second = (Label(key=f"group:{number}", label="grp: Gold") for number in (1, 2))
    await writer.write([topic.send(GROUPS, 1, [first], sequence=1)])
    await writer.write([topic.send(GROUPS, 1, [], sequence=2, deleted=True)])
    await writer.write([topic.send(GROUPS, 2, [second], sequence=3)])
    (kept,) = site.rows(LABELS_KEPT)
    assert kept["record_key"] == "group:2"
    await writer.write([topic.send(GROUPS, 1, [first], sequence=4)])
    assert site.rows(LABELS_KEPT) == [kept]
    (held,) = site.rows("SELECT record_key, code FROM {ledger}.held")
    assert tuple(held.values()) == ("group:1", "sink.name_shared")


async def test_of_two_that_enter_one_row_at_the_same_time_one_is_refused(site: Site) -> None:
    async def enter(number: int) -> None:
        async with site.db.transaction() as tx:
            token = await site.ledger.take(tx, number, "test")
        step = Step(Verb.CREATE, LABEL, f"group:{number}", "hash", {}, None)
        owner = Owner("account_group", number, 1, number, token)
        entries = Entries(site.ledger)
        await site.db.retried(lambda tx: entries.keep(tx, step, owner, 7, {}, before=None, action=""))

    ended = await asyncio.gather(enter(1), enter(2), return_exceptions=True)
    (refused,) = [one for one in ended if one is not None]
    assert isinstance(refused, NameShared)
    assert len(site.rows(LABELS_KEPT)) == 1


async def test_labels_that_are_entered_at_the_same_time_do_not_hinder_each_other(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[str] = []
    real = mysql.error_of

    def told(exc: BaseException, at: MysqlSettings) -> SyncError:
        error = real(exc, at)
        lost.append(error.code)
        return error

    monkeypatch.setattr(mysql, "error_of", told)
    topic = Topic()
    writer = await site.own(site.make_writer())
    await writer.write(
        [
            topic.send(GROUPS, number, [Label(key=f"group:{number}", label=f"grp: {number}")], sequence=number)
            for number in range(1, 41)
        ]
    )
    assert len(site.rows(LABELS_KEPT)) == 40
    assert lost == []
