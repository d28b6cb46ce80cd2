"""Payments that somebody changed, moved or deleted in Splynx: the deposit stays right, and it is told."""

import json
from decimal import Decimal

import pytest

from clients.splynx_errors import RecordRefused
from schemas.aggregate import WritePath
from schemas.ownership import Ownership
from schemas.records import FieldOwner, SplynxRecord
from schemas.write_paths import WritePaths
from sinks.payments import Payments
from tests.integration.sinks.conftest import Site
from tests.integration.sinks.records import ACCOUNTS, PAYMENTS, Topic, customer, payment
from tests.modes import in_both_modes

pytestmark = pytest.mark.timeout(120)

IMAGE = "SELECT before_image FROM {ledger}.journal WHERE entity = 'payment' AND action = 'change'"


@pytest.mark.fault(27)
@in_both_modes
async def test_the_money_of_a_payment_is_put_back_and_its_comment_is_held(site: Site) -> None:
    """What was there is told to the last digit, as text, whatever way it was read."""
    topic = Topic()
    writer = await site.own(site.make_writer())
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 1, 900)], sequence=2)])
    site.run("UPDATE payments SET comment = 'by hand', amount = 7.5 WHERE receipt_number = 'SP10'")
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 1, 900, memo="seen")], sequence=3)])
    told = site.rows("SELECT field, state, base, source, target FROM {ledger}.conflicts ORDER BY field")
    assert told == [
        {"field": "amount", "state": "overwritten", "base": '"9.00"', "source": '"9.00"', "target": '"7.5000"'},
        {"field": "comment", "state": "open", "base": '""', "source": '""', "target": '"by hand"'},
    ]
    assert site.rows("SELECT comment, amount, memo FROM payments") == [
        {"comment": "by hand", "amount": Decimal(9), "memo": "seen"}
    ]
    assert set(site.deposits().values()) == {Decimal(9)}
    assert json.loads(site.rows(IMAGE)[0]["before_image"])["amount"] == "7.5000"


@pytest.mark.fault(27)
async def test_an_amount_that_is_held_stays_whole_with_the_customers_deposit(site: Site) -> None:
    """Both rows of the payment and the deposit were edited as Splynx does it; the rules hold such edits."""
    topic = Topic()
    async with site.db.session() as tx:
        holding = await Payments.of(tx, Ownership(owners={("payment", "amount"): FieldOwner.SOURCE}))
    writer = await site.own(site.make_writer(payments=holding))
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 1, 900)], sequence=2)])
    site.run("UPDATE payments SET amount = 8")
    site.run("UPDATE billing_transactions SET price = 8, total = 8")
    site.run("UPDATE customer_billing SET deposit = 8")
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 1, 950, memo="seen")], sequence=3)])
    assert site.rows("SELECT amount, memo FROM payments") == [{"amount": Decimal(8), "memo": "seen"}]
    assert set(site.deposits().values()) == {Decimal(8)}
    states = {row["field"]: row["state"] for row in site.rows("SELECT field, state FROM {ledger}.conflicts")}
    assert states["amount"] == "open"


@pytest.mark.fault(27)
async def test_a_payment_that_was_deleted_in_splynx_is_a_dead_letter(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 1, 900)], sequence=2)])
    site.run("UPDATE payments SET deleted = '1'")
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 1, 950)], sequence=3)])
    assert site.rows("SELECT code, state FROM {ledger}.held") == [{"code": "sink.row_missing", "state": "dead"}]
    assert site.rows("SELECT COUNT(*) AS n FROM payments")[0]["n"] == 1


@pytest.mark.fault(27)
@pytest.mark.parametrize(
    ("edit", "field"),
    [
        pytest.param(
            "UPDATE payments SET amount = 12 WHERE receipt_number = 'SP9';"
            "UPDATE billing_transactions SET price = 12, total = 12 WHERE description = 'Payment SP9';"
            "UPDATE customer_billing SET deposit = 12 WHERE deposit = 9",
            "amount",
            id="its amount was changed",
        ),
        pytest.param(
            "UPDATE payments SET customer_id = (SELECT id FROM customers WHERE login = 's2')"
            " WHERE receipt_number = 'SP9';"
            "UPDATE billing_transactions SET customer_id = (SELECT id FROM customers WHERE login = 's2')"
            " WHERE description = 'Payment SP9';"
            "UPDATE customer_billing SET deposit = 9 - deposit",
            "customer_id",
            id="it was moved to another customer",
        ),
    ],
)
@pytest.mark.parametrize("phase", ["shadow", "freeze"], ids=["by SQL", "over REST"])
async def test_a_payment_that_was_edited_in_splynx_and_is_gone_leaves_nothing(
    site: Site, edit: str, field: str, phase: str
) -> None:
    ways = WritePaths(sql=True, chosen={("payment", "freeze"): WritePath.REST})
    writer, topic = await site.own(site.make_writer(ways=ways)), Topic()
    await writer.write(
        [topic.send(ACCOUNTS, one, customer(one), sequence=1) for one in (1, 2)]
        + [topic.send(PAYMENTS, 9, [payment(9, 1, 900)], sequence=1)]
    )
    for statement in edit.split(";"):
        site.run(statement)
    site.deposits()
    async with site.db.transaction() as tx:
        await site.ledger.enter(tx, phase)
    await writer.write([topic.send(PAYMENTS, 9, [], sequence=2)])
    assert list(site.deposits().values()) == [Decimal(0), Decimal(0)]
    rows = site.rows("SELECT field, target FROM {ledger}.conflicts WHERE state = 'overwritten'")
    told = {row["field"]: row["target"] for row in rows}
    assert field in told
    assert told.get("amount", '"12.0000"') == '"12.0000"'


@pytest.mark.fault(27)
@pytest.mark.parametrize("moves", [False, True], ids=["gone", "moved"])
async def test_an_edit_waits_again_when_splynx_refuses_what_was_to_take_the_payment_back(
    site: Site, monkeypatch: pytest.MonkeyPatch, moves: bool
) -> None:
    ways = WritePaths(sql=True, chosen={("payment", "shadow"): WritePath.REST})
    writer, topic = await site.own(site.make_writer(ways=ways)), Topic()
    await writer.write(
        [topic.send(ACCOUNTS, one, customer(one), sequence=1) for one in (1, 2)]
        + [topic.send(PAYMENTS, 9, [payment(9, 1, 900)], sequence=1)]
    )
    site.run("UPDATE payments SET comment = 'by hand'")
    told = "SELECT field, state, settled_by FROM {ledger}.conflicts"
    wanted: list[SplynxRecord] = [payment(9, 2, 900)] if moves else []

    async def refused(*args: object, **options: object) -> None:
        raise RecordRefused(("amount",))

    with monkeypatch.context() as patched:
        patched.setattr(site.client, "post", refused)
        await writer.write([topic.send(PAYMENTS, 9, wanted, sequence=2)])
    assert site.rows("SELECT state, code FROM {ledger}.held") == [{"state": "dead", "code": RecordRefused.code}]
    assert site.rows(told) == [{"field": "comment", "state": "open", "settled_by": None}]
    assert sorted(site.deposits().values()) == [Decimal(0), Decimal(9)]
    await writer.write([topic.send(PAYMENTS, 9, wanted, sequence=3)])
    assert [one["state"] for one in site.rows(told)] == ["overwritten"]


async def test_a_payment_that_was_taken_back_stays_told_when_what_follows_is_refused(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who pays is blocked no more: that is put back, and Splynx does not take it."""
    ways = WritePaths(sql=True, chosen={("payment", "shadow"): WritePath.REST})
    writer, topic = await site.own(site.make_writer(ways=ways)), Topic()
    await writer.write(
        [
            topic.send(ACCOUNTS, 1, customer(1, status="blocked"), sequence=1),
            topic.send(PAYMENTS, 9, [payment(9, 1, -900)], sequence=1),
        ]
    )
    site.run("UPDATE payments SET comment = 'by hand'")

    async def refused(*args: object, **options: object) -> None:
        raise RecordRefused(("status",))

    with monkeypatch.context() as patched:
        patched.setattr(site.client, "put", refused)
        await writer.write([topic.send(PAYMENTS, 9, [], sequence=2)])
    assert site.rows("SELECT code FROM {ledger}.held") == [{"code": RecordRefused.code}]
    assert list(site.deposits().values()) == [Decimal(0)]
    assert site.rows("SELECT state FROM {ledger}.conflicts") == [{"state": "overwritten"}]


async def test_a_payment_that_was_deleted_in_splynx_is_not_taken_back_twice(site: Site) -> None:
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write(
        [
            topic.send(ACCOUNTS, 1, customer(1), sequence=1),
            topic.send(PAYMENTS, 9, [payment(9, 1, 900)], sequence=1),
        ]
    )
    site.run("UPDATE payments SET deleted = '1'")
    site.run("UPDATE billing_transactions SET deleted = '1'")
    site.run("UPDATE customer_billing SET deposit = 0")
    await writer.write([topic.send(PAYMENTS, 9, [], sequence=2)])
    assert list(site.deposits().values()) == [Decimal(0)]
    assert site.rows("SELECT state, code FROM {ledger}.held") == [{"state": "dead", "code": "sink.row_missing"}]


async def test_a_payment_whose_former_customer_has_no_billing_row_stays_where_it_is(site: Site) -> None:
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write(
        [topic.send(ACCOUNTS, one, customer(one), sequence=1) for one in (1, 2)]
        + [topic.send(PAYMENTS, 9, [payment(9, 1, 900)], sequence=1)]
    )
    site.run("DELETE FROM customer_billing WHERE customer_id = (SELECT id FROM customers WHERE login = 's1')")
    await writer.write([topic.send(PAYMENTS, 9, [payment(9, 2, 900)], sequence=2)])
    assert list(site.deposits().values()) == [Decimal(0)]
    assert site.rows("SELECT state, code FROM {ledger}.held") == [{"state": "dead", "code": "sink.row_missing"}]
