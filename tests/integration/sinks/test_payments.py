"""Payments as rows: compensated, corrected, refused alone, and as many statements for any number of them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from clients.mysql import Transaction
from clients.mysql_errors import IdsUnknown
from plumbing.errors import ConfigurationError
from schemas.records import SplynxRecord
from sinks.payment_ids import FLOOR, check_empty
from sinks.payments import Payments
from tests.integration.sinks.conftest import Site
from tests.integration.sinks.records import ACCOUNTS, PAYMENTS, Topic, customer, payment

pytestmark = pytest.mark.timeout(120)


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


async def test_where_the_server_numbers_rows_otherwise_nothing_of_a_batch_is_there(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, writer = Topic(), await site.own(site.make_writer())
    await writer.write([topic.send(ACCOUNTS, one, customer(one), sequence=1) for one in (1, 2)])
    numbered = Transaction.insert_numbered

    async def swapped(self: Transaction, sql: str, rows: Sequence[Sequence[Any]]) -> list[int]:
        """As a proxy that rewrites the statement, or several writers at once, would have it."""
        return (await numbered(self, sql, rows))[::-1]

    monkeypatch.setattr(Transaction, "insert_numbered", swapped)
    with pytest.raises(IdsUnknown, match="of 2 new payments 0 have the ids"):
        await writer.write([topic.send(PAYMENTS, 10 + n, [payment(10 + n, n, 100 * n)], sequence=2) for n in (1, 2)])
    assert site.rows("SELECT id FROM payments UNION SELECT id FROM billing_transactions") == []
    assert set(site.deposits().values()) == {Decimal(0)}


async def test_payments_keep_the_ids_of_sonar_and_what_has_none_takes_none_of_theirs(site: Site) -> None:
    """Reversals and opposite documents lie far above, and an id that a row has is not taken from it."""
    topic = Topic()
    async with site.db.session() as tx:
        payments = await Payments.of(tx, keep_ids=True)
        await check_empty(tx, site.ledger)
    writer = await site.own(site.make_writer(payments=payments))
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    back = payment(70, 1, -200, key="70-R3", receipt_number="SP70-R3", field_4="sonar:ReversedPayment:3", reverses="70")
    sent = [
        topic.send(PAYMENTS, 70, [payment(70, 1, 900, field_4="sonar:Payment:70"), back], sequence=2),
        topic.send(PAYMENTS, 9, [payment(9, 1, 100, field_4="sonar:Payment:9")], sequence=2),
    ]
    await writer.write(sent)
    await writer.write(
        [topic.send(PAYMENTS, 9, [], sequence=3), topic.send(PAYMENTS, 71, [payment(71, 1, 1)], sequence=3)]
    )
    ids = {row["receipt_number"]: row["id"] for row in site.rows("SELECT id, receipt_number FROM payments")}
    assert ids == {"SP70": 70, "SP70-R3": FLOOR, "SP9": 9, "SP9-X": FLOOR + 1, "SP71": 71}
    assert list(site.deposits().values()) == [Decimal("7.01")]
    (one,) = site.rows("SELECT customer_id FROM payments WHERE id = 70")
    body = {"customer_id": one["customer_id"], "payment_type": 1, "date": "2026-01-01", "amount": 1}
    site.run("UPDATE payments SET id = 72 WHERE receipt_number = %s", await _by_hand(site, body))
    await writer.write([topic.send(PAYMENTS, 72, [payment(72, 1, 1)], sequence=3)])
    (moved,) = site.rows("SELECT id FROM payments WHERE receipt_number = 'SP72'")
    assert moved["id"] > FLOOR
    # The ledger knows its payments; without it, what is none of ours stands in the way.
    async with site.db.session() as tx:
        await check_empty(tx, site.ledger)
    site.run("DELETE FROM {ledger}.crosswalk WHERE entity = 'payment'")
    async with site.db.session() as tx:
        with pytest.raises(ConfigurationError, match="none of ours"):
            await check_empty(tx, site.ledger)


async def _by_hand(site: Site, body: dict[str, object]) -> str:
    """The receipt of a payment that somebody enters in Splynx."""
    await site.client.post("admin/finance/payments", body | {"receipt_number": "BY-HAND"})
    return "BY-HAND"


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


async def test_a_reversal_waits_for_its_payment_that_was_set_aside(site: Site) -> None:
    """Alone it would take from the balance what nobody gave to it."""
    topic, writer = Topic(), await site.own(site.make_writer())
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    one = site.rows("SELECT id FROM customers")[0]["id"]
    body = {"customer_id": one, "payment_type": 1, "date": "2026-01-01", "amount": 1, "receipt_number": "SP10"}
    theirs = await site.client.post("admin/finance/payments", body)
    both, others = _reversed(10, 900), _reversed(12, 300)
    await writer.write([topic.send(PAYMENTS, n, one, sequence=2) for n, one in ((10, both), (12, others))])
    assert await writer.settle() == 0
    assert {row["record_key"]: row["code"] for row in site.rows("SELECT record_key, code FROM {ledger}.held")} == {
        "10": "sink.natural_key_taken", "10-R3": "sink.predecessor_missing",
    }  # fmt: skip
    assert site.deposits() == {one: Decimal(1)}

    await site.client.put("admin/finance/payments", int(theirs["id"]), {"receipt_number": "P10"})
    await writer.write([topic.send(PAYMENTS, 10, both[:1], sequence=3)])
    await writer.write([topic.send(PAYMENTS, 10, both, sequence=4)])
    assert site.rows("SELECT * FROM {ledger}.held") == []
    assert site.deposits() == {one: Decimal(1)}
    assert len(site.rows("SELECT * FROM payments")) == 5


@pytest.mark.parametrize("also", [100, 0], ids=["its payment was changed, too", "alone"])
async def test_a_reversal_of_a_payment_that_was_deleted_in_splynx_is_not_written(site: Site, also: int) -> None:
    """The balance is right without both; with the reversal alone the customer would owe what nobody paid."""
    topic, writer = Topic(), await site.own(site.make_writer())
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    await writer.write([topic.send(PAYMENTS, n, [payment(n, 1, 900)], sequence=2) for n in (10, 11)])
    (row,) = site.rows("SELECT id FROM payments WHERE receipt_number = 'SP10'")
    await site.client.delete("admin/finance/payments", row["id"])
    (paid,) = site.deposits().values()
    bundles = [[payment(10, 1, 900, remind_minor=also), _reversed(10, 900)[1]], _reversed(11, 900)]
    await writer.write([topic.send(PAYMENTS, n, one, sequence=3) for n, one in zip((10, 11), bundles, strict=True)])
    held = site.rows("SELECT record_key, code, state FROM {ledger}.held ORDER BY record_key")
    assert {"record_key": "10-R3", "code": "sink.row_missing", "state": "dead"} in held
    assert len(held) == (2 if also else 1)
    assert list(site.deposits().values()) == [paid - 9], "only the one whose payment is there"


def _reversed(number: int, minor: int) -> list[SplynxRecord]:
    """A payment, and its reversal as a whole."""
    mark = f"{number}-R3"
    back = payment(number, 1, -minor, key=mark, receipt_number=f"SP{mark}", reverses=str(number))
    return [payment(number, 1, minor), back]


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


@pytest.mark.fault(28)
async def test_two_payments_swap_their_receipts_and_one_that_wants_a_third_s_waits(site: Site) -> None:
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write(
        [
            topic.send(ACCOUNTS, 1, customer(1), sequence=1),
            *(topic.send(PAYMENTS, n, [payment(n, 1, 100 * n)], sequence=1) for n in (10, 11, 12, 13)),
        ]
    )
    wanted = {10: "SP11", 11: "SP10", 12: "SP13"}
    await writer.write(
        [topic.send(PAYMENTS, n, [payment(n, 1, 100 * n, receipt_number=wanted[n])], sequence=2) for n in wanted]
    )
    rows = site.rows("SELECT receipt_number, amount FROM payments ORDER BY id")
    assert [(row["receipt_number"], int(row["amount"])) for row in rows] == [
        ("SP11", 10), ("SP10", 11), ("SP12", 12), ("SP13", 13),
    ]  # fmt: skip
    assert site.rows("SELECT record_key, code FROM {ledger}.held") == [
        {"record_key": "12", "code": "sink.natural_key_taken"}
    ]
    assert list(site.deposits().values()) == [Decimal(46)]


async def test_a_receipt_that_is_only_spelled_otherwise_is_taken(site: Site) -> None:
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write(
        [
            topic.send(ACCOUNTS, 1, customer(1), sequence=1),
            topic.send(PAYMENTS, 10, [payment(10, 1, 900)], sequence=1),
        ]
    )
    await writer.write([topic.send(PAYMENTS, 11, [payment(11, 1, 100, receipt_number="sp10")], sequence=1)])
    assert site.rows("SELECT code FROM {ledger}.held") == [{"code": "sink.natural_key_taken"}]


async def test_a_payment_that_does_not_fit_its_column_is_set_aside_alone(site: Site) -> None:
    """More than DECIMAL(19,4) holds, and a text that is longer than its column."""
    topic = Topic()
    writer = await site.own(site.make_writer())
    await writer.write([topic.send(ACCOUNTS, n, customer(n), sequence=1) for n in (1, 2)])
    batch = [topic.send(PAYMENTS, n, [payment(n, 1 + n % 2, 100)], sequence=2) for n in range(10, 17)]
    batch.insert(3, topic.send(PAYMENTS, 17, [payment(17, 1, 10**18)], sequence=2))
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


async def test_a_batch_of_payments_takes_the_same_statements_whatever_its_size(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    counted.clear()
    await writer.write([topic.send(PAYMENTS, n, _reversed(n, 100), sequence=2) for n in (400, 401)])
    assert len(counted) == sizes[2]  # reversals go with their payments: a savepoint more, no change of a deposit
    assert site.deposits().popitem()[1] == Decimal(103)
