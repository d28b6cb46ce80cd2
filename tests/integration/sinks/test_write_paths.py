"""Payments by either way: the same rows, the same balance; nothing twice, nothing left blocked or unblocked."""

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from clients.splynx_errors import SplynxUnreachable
from schemas.aggregate import WritePath
from schemas.ledger import LOST
from schemas.records import SplynxRecord
from schemas.write_paths import WritePaths
from sinks.adoption import Marked
from sinks.errors import Overtaken
from sinks.payments import Payments
from sinks.rest import RestRecords
from sinks.rollback import Rollback, Writes
from sinks.rollback_writes import RollbackWrites
from sinks.site import Site as Opened
from sinks.tables.intents import BESIDE
from sinks.tables.journal import Chosen
from sinks.undo import Way
from tests.integration.sinks.conftest import Site
from tests.integration.sinks.records import ACCOUNTS, PAYMENT, PAYMENTS, TARGETS, Payment, Topic, customer, payment

pytestmark = pytest.mark.timeout(120)

WAYS = WritePaths(sql=True, chosen={("payment", "freeze"): WritePath.REST})
"""By SQL, and after the freeze over REST."""
NUMBERS = {"id", "customer_id", "transaction_id", "payment_id", "updated_at", "added_by_id"}
"""Columns that differ between any two rows, and the number of the API's key."""
EXCEPTED = {Payment.columns.get(name, name) for name in PAYMENT.record.not_over_rest}


def opened(site: Site) -> list[dict[str, Any]]:
    """Calls and promises whose outcome is open."""
    return site.rows("SELECT method FROM {ledger}.intents WHERE state = 'open' ORDER BY id")


async def enter(site: Site, phase: str) -> None:
    async with site.db.transaction() as tx:
        await site.ledger.enter(tx, phase)


def rows_of(site: Site, account: int, number: int) -> dict[str, list[dict[str, Any]]]:
    """Both tables' rows of a customer, without what any two rows differ in; `number` stands as N."""
    (one,) = site.rows("SELECT id FROM customers WHERE login = %s", f"s{account}")
    found = {}
    for table in ("payments", "billing_transactions"):
        rows = site.rows(f"SELECT * FROM {table} WHERE customer_id = %s ORDER BY id", one["id"])
        found[table] = [
            {
                name: value.replace(str(number), "N") if isinstance(value, str) else value
                for name, value in row.items()
                if name not in NUMBERS | (EXCEPTED if table == "payments" else set())
            }
            for row in rows
        ]
    return found


async def test_either_way_ends_with_the_same_rows(site: Site) -> None:
    """Paid, corrected, taken back, paid again, reversed."""
    writer, topic = await site.own(site.make_writer(ways=WAYS)), Topic()
    await writer.write([topic.send(ACCOUNTS, n, customer(n), sequence=1) for n in (1, 2)])
    for account, number, phase in ((1, 4711, "shadow"), (2, 4822, "freeze")):
        await enter(site, phase)
        mark = f"sonar:Payment:{number}"
        paid = payment(number, account, 900, field_4=mark, memo="x")
        mended = payment(number, account, 1250, field_4=mark, comment="cash", memo="y", date="2026-03-05")
        back = payment(
            number, account, -250, key=f"{number}-R3", receipt_number=f"SP{number}-R3",
            field_4="sonar:ReversedPayment:3", reverses=str(number),
        )  # fmt: skip
        told: list[list[SplynxRecord]] = [[paid], [mended], [], [mended], [mended, back]]
        for sequence, records in enumerate(told, 2):
            await writer.write([topic.send(PAYMENTS, number, records, sequence=sequence)])
    assert site.rows("SELECT * FROM {ledger}.held") == []
    assert set(site.deposits().values()) == {Decimal(10)}
    by_sql, over_rest = rows_of(site, 1, 4711), rows_of(site, 2, 4822)
    assert by_sql == over_rest
    assert [row["receipt_number"] for row in over_rest["payments"]] == ["SPN", "SPN-X", "SPN-A", "SPN-R3"]
    methods = site.rows("SELECT method FROM {ledger}.intents WHERE entity = 'payment' ORDER BY id")
    assert [row["method"] for row in methods] == ["POST", "PUT", "POST", "POST", "POST"]


async def test_a_payment_that_was_written_by_sql_goes_on_over_rest_and_moves(site: Site) -> None:
    writer, topic = await site.own(site.make_writer(ways=WAYS)), Topic()
    await writer.write([topic.send(ACCOUNTS, n, customer(n), sequence=1) for n in (1, 2)])
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 1, 900, field_4="sonar:Payment:10")], sequence=2)])
    await enter(site, "drain")
    await enter(site, "freeze")
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 1, 950, field_4="sonar:Payment:10")], sequence=3)])
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 2, 950, field_4="sonar:Payment:10")], sequence=4)])
    assert sorted(site.deposits().values()) == [Decimal(0), Decimal("9.5")]
    receipts = site.rows("SELECT receipt_number, amount FROM payments ORDER BY id")
    assert [(row["receipt_number"], row["amount"]) for row in receipts] == [
        ("SP10", Decimal("9.5")), ("SP10-X", Decimal("-9.5")), ("SP10-A", Decimal("9.5")),
    ]  # fmt: skip


async def test_a_payment_that_went_over_rest_goes_on_by_sql_and_is_rolled_back(site: Site) -> None:
    """What Splynx thinks of it is nobody's edit: neither the moment of the call, nor what is not allocated."""
    async with site.db.session() as tx:
        payments = await Payments.of(tx, not_ours=WAYS.not_ours(PAYMENT))
    writer, topic = await site.own(site.make_writer(ways=WAYS, payments=payments)), Topic()
    await enter(site, "freeze")
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    await writer.write([topic.send(PAYMENTS, 10, [paid(10)], sequence=2)])
    await writer.write([topic.send(PAYMENTS, 10, [paid(10, 1100)], sequence=3)])
    first = site.rows("SELECT real_create_datetime FROM payments")
    site.ledger.run_id = "later"
    await writer.write([topic.send(PAYMENTS, 10, [paid(10, 1200, comment="over REST")], sequence=4)])
    await enter(site, "shadow")
    await writer.write([topic.send(PAYMENTS, 10, [paid(10, 1300)], sequence=5)])
    assert site.rows("SELECT * FROM {ledger}.conflicts") == []
    assert site.rows("SELECT real_create_datetime FROM payments") == first
    assert list(site.deposits().values()) == [Decimal(13)]

    for run, deposit in (("later", Decimal(11)), ("run", Decimal(0))):
        rollback = Rollback(_opened(site), {}, money=True, ways=WAYS)
        rest = RestRecords(site.client, site.db, site.ledger, TARGETS)
        writes = RollbackWrites(_opened(site), rollback, rest, payments)
        site.ledger.run_id = f"back of {run}"
        chosen = await rollback.chosen(Writes(run_id=run))
        only = Chosen(chosen.writes, {"payment": 1}, chosen.oldest, chosen.newest)
        told = [
            one.undo.way for part in [one async for one in rollback.parts(only)] for one in await writes.apply(part)
        ]
        assert Way.LEFT not in told
        assert list(site.deposits().values()) == [deposit]


def _opened(site: Site) -> Opened:
    return Opened(site.client, site.db, site.ledger, Marked(site.client, site.db, TARGETS, sql=True), None)


@pytest.mark.parametrize("fault", ["reset_after_commit", "reset_before"])
async def test_a_lost_answer_over_rest_makes_no_second_payment(site: Site, fault: str) -> None:
    writer, topic = await site.own(site.make_writer(ways=WAYS)), Topic()
    await enter(site, "freeze")
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    sent = [topic.send(PAYMENTS, 10, [payment(10, 1, 900, field_4="sonar:Payment:10")], sequence=2)]
    site.arm(fault, method="POST", path="finance/payments$")
    with suppress(SplynxUnreachable):
        await writer.write(sent)
    await writer.write(sent)
    assert list(site.deposits().values()) == [Decimal(9)]
    assert len(site.rows("SELECT * FROM payments")) == 1


async def test_a_receipt_that_is_somebody_elses_is_refused_over_rest_too(site: Site) -> None:
    writer, topic = await site.own(site.make_writer(ways=WAYS)), Topic()
    await enter(site, "freeze")
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    (one,) = site.rows("SELECT id FROM customers")
    body = {"customer_id": one["id"], "payment_type": 1, "date": "2026-01-01", "amount": 1, "receipt_number": "SP10"}
    await site.client.post("admin/finance/payments", body)
    back = payment(10, 1, -900, key="10-R3", receipt_number="SP10-R3", field_4="sonar:R", reverses="10")
    paid = payment(10, 1, 900, field_4="sonar:Payment:10")
    await writer.write([topic.send(PAYMENTS, 10, [paid, back], sequence=2)])
    assert {row["record_key"]: row["code"] for row in site.rows("SELECT record_key, code FROM {ledger}.held")} == {
        "10": "sink.natural_key_taken", "10-R3": "sink.predecessor_missing",
    }  # fmt: skip
    assert list(site.deposits().values()) == [Decimal(1)]


async def test_a_reversal_of_a_payment_that_was_deleted_in_splynx_is_not_written_over_rest(site: Site) -> None:
    """The balance is right without both; with the reversal alone the customer would owe what nobody paid."""
    writer, topic = await site.own(site.make_writer(ways=WAYS)), Topic()
    await enter(site, "freeze")
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    await writer.write([topic.send(PAYMENTS, 10, [paid(10)], sequence=2)])
    (row,) = site.rows("SELECT id FROM payments")
    await site.client.delete("admin/finance/payments", row["id"])
    back = paid(10, -900, key="10-R3", receipt_number="SP10-R3", field_4="sonar:R:3", reverses="10")
    await writer.write([topic.send(PAYMENTS, 10, [paid(10), back], sequence=3)])
    assert site.rows("SELECT record_key, code, state FROM {ledger}.held") == [
        {"record_key": "10-R3", "code": "sink.row_missing", "state": "dead"}
    ]
    assert list(site.deposits().values()) == [Decimal(0)]


class Killed(BaseException):
    """Nobody handles it."""


def paid(number: int, minor: int = 900, **more: object) -> Payment:
    """A payment of account 1."""
    return payment(number, 1, minor, **({"field_4": f"sonar:Payment:{number}"} | more))


async def test_a_blocked_customer_who_pays_over_rest_stays_blocked(site: Site) -> None:
    """Splynx makes it active; Sonar says when it is. Several pay at once, and a reversal that is undone pays, too."""
    writer, topic = await site.own(site.make_writer(ways=WAYS)), Topic()
    await enter(site, "freeze")
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, status="blocked"), sequence=1)])
    await writer.write([topic.send(PAYMENTS, n, [paid(n)], sequence=2) for n in (10, 11, 12, 13)])
    assert site.rows("SELECT status FROM customers") == [{"status": "blocked"}]
    back = paid(10, -900, key="10-R3", receipt_number="SP10-R3", field_4="sonar:R:3", reverses="10")
    await writer.write([topic.send(PAYMENTS, 10, [paid(10), back], sequence=3)])
    await writer.write([topic.send(PAYMENTS, 10, [paid(10)], sequence=4)])
    assert site.rows("SELECT status FROM customers") == [{"status": "blocked"}]
    assert list(site.deposits().values()) == [Decimal(36)]
    assert site.rows("SELECT * FROM {ledger}.conflicts") == []


@pytest.mark.fault(6)
@pytest.mark.parametrize(
    "place",
    [
        pytest.param("sinks.entries.Entries.keep", id="before the ledger has it"),
        pytest.param("sinks.beside.Beside._put_back", id="before it is blocked again"),
    ],
)
async def test_a_sink_that_dies_while_a_blocked_customer_pays_leaves_it_blocked(
    site: Site, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, topic = await site.own(site.make_writer(ways=WAYS)), Topic()
    await enter(site, "freeze")
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, status="blocked"), sequence=1)])
    sent = [topic.send(PAYMENTS, 10, [paid(10)], sequence=2)]

    async def dies(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(place, dies)
        with pytest.raises(Killed):
            await writer.write(sent)
    assert site.rows("SELECT status FROM customers") == [{"status": "active"}]
    successor = await site.own(site.make_writer(ways=WAYS))
    await site.healing().heal_all(successor.tokens)
    assert site.rows("SELECT status FROM customers") == [{"status": "blocked"}]
    await successor.write(sent)
    assert site.rows("SELECT status FROM customers") == [{"status": "blocked"}]
    assert len(site.rows("SELECT * FROM payments")) == 1
    assert site.rows("SELECT * FROM {ledger}.intents WHERE state = 'open'") == []


@pytest.mark.fault(6)
async def test_nobody_waits_for_a_payment_that_was_not_sent_to_block_its_customer_again(site: Site) -> None:
    writer, topic = await site.own(site.make_writer(ways=WAYS)), Topic()
    await enter(site, "freeze")
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, status="blocked"), sequence=1)])
    await writer.write([topic.send(PAYMENTS, 10, [paid(10)], sequence=2)])
    sent = [topic.send(PAYMENTS, 10, [], sequence=3)]
    async with site.db.session() as tx:
        theirs = await site.ledger.begin(
            tx, key=("payment", "10"), owner=("payment", 10), sequence=3, method="POST", partition=1, token=1,
            patience=timedelta(0),
        )  # fmt: skip
    with pytest.raises(Overtaken):
        await writer.write(sent)
    assert [row["method"] for row in opened(site)] == ["POST"]
    async with site.db.session() as tx:
        await site.ledger.close_intent(tx, theirs, LOST)
    await writer.write(sent)
    assert list(site.deposits().values()) == [Decimal(0)]
    assert site.rows("SELECT status FROM customers") == [{"status": "blocked"}]


@pytest.mark.parametrize(
    ("place", "error", "earlier"),
    [
        pytest.param("entries.Entries.keep", Overtaken("quicker"), False, id="the ledger does not have it"),
        pytest.param("rest_rows.RestRows.read_back", SplynxUnreachable("away"), False, id="the ledger has it"),
        pytest.param("entries.Entries.nobody_else", Overtaken("quicker"), True, id="an earlier call may make it yet"),
    ],
)
async def test_a_payment_that_may_have_been_made_is_looked_for_before_its_customer_is_blocked_again(
    site: Site, place: str, error: Exception, earlier: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, topic = await site.own(site.make_writer(ways=WAYS)), Topic()
    await enter(site, "freeze")
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, status="blocked"), sequence=1)])

    async def fails(*_: object, **__: object) -> None:
        raise error

    if earlier:
        async with site.db.session() as tx:
            intent = await site.ledger.begin(
                tx, key=("payment", "10"), owner=("payment", 10), sequence=2, method="POST", partition=0, token=1,
                patience=timedelta(0),
            )  # fmt: skip
            await site.ledger.close_intent(tx, intent, LOST)
    monkeypatch.setattr(f"sinks.{place}", fails)
    with pytest.raises(type(error)):
        await writer.write([topic.send(PAYMENTS, 10, [paid(10)], sequence=2)])
    assert BESIDE in [row["method"] for row in opened(site)]


@pytest.mark.fault(6)
async def test_a_document_made_just_before_a_crash_counts_though_a_newer_bundle_wants_another(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch that comes again has only the newest bundle: what the one before it made in Splynx is money, too."""
    ways = WritePaths(sql=False)
    writer, topic = await site.own(site.make_writer(ways=ways, payments=None)), Topic()
    await writer.write([topic.send(ACCOUNTS, n, customer(n), sequence=1) for n in (1, 2)])
    await writer.write([topic.send(PAYMENTS, n, [paid(n)], sequence=2) for n in (11, 12)])
    moved = payment(12, 2, 900, field_4="sonar:Payment:12")
    # Made, taken back, taken back to be moved, made.
    torn: dict[int, list[SplynxRecord]] = {10: [paid(10)], 11: [], 12: [moved], 13: [paid(13)]}

    async def dies(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("sinks.entries.Entries.keep", dies)
        for number, records in torn.items():
            with pytest.raises(Killed):
                await writer.write([topic.send(PAYMENTS, number, records, sequence=3)])
    assert balances(site) == {"s1": Decimal(18), "s2": Decimal(0)}
    site.ledger.run_id = "successor"
    successor = await site.own(site.make_writer(ways=ways, payments=None))
    await site.healing().heal_all(successor.tokens)
    newest: dict[int, list[SplynxRecord]] = {10: [], 11: [paid(11)], 12: [paid(12)], 13: [paid(13, 1000)]}
    await successor.write([topic.send(PAYMENTS, number, one, sequence=4) for number, one in newest.items()])
    assert site.rows("SELECT * FROM {ledger}.held") == []
    assert balances(site) == {"s1": Decimal(28), "s2": Decimal(0)}
    # What was found is of the run that made it: a rollback of either takes back its own.
    await taken_back(site, "successor", ways)
    assert balances(site) == {"s1": Decimal(18), "s2": Decimal(0)}
    await taken_back(site, "run", ways)
    assert balances(site) == {"s1": Decimal(0), "s2": Decimal(0)}


@pytest.mark.fault(38)
async def test_a_document_that_an_older_call_left_is_brought_up_to_date_and_moved(site: Site) -> None:
    ways = WritePaths(sql=False)
    writer, topic = await site.own(site.make_writer(ways=ways, payments=None)), Topic()
    await writer.write([topic.send(ACCOUNTS, n, customer(n), sequence=1) for n in (1, 2)])
    (first, _) = site.rows("SELECT id FROM customers ORDER BY login")
    for number in (10, 11):
        late = {"customer_id": first["id"], "payment_type": 1, "date": "2026-03-04", "amount": 8, "comment": "before"}
        marked = {"receipt_number": f"SP{number}", "field_4": f"sonar:Payment:{number}"}
        await site.client.post("admin/finance/payments", late | marked)
    moved = payment(11, 2, 900, field_4="sonar:Payment:11")
    await writer.write([topic.send(PAYMENTS, n, [one], sequence=2) for n, one in ((10, paid(10)), (11, moved))])
    assert site.rows("SELECT * FROM {ledger}.held") == []
    assert balances(site) == {"s1": Decimal(9), "s2": Decimal(9)}
    assert site.rows("SELECT comment FROM payments WHERE receipt_number IN ('SP10', 'SP11-A')") == [{"comment": ""}] * 2


async def test_without_the_database_money_goes_over_rest_and_what_cannot_is_told(site: Site) -> None:
    ways = WritePaths(sql=False)
    assert ways.way(PAYMENT) is WritePath.REST
    assert "remind_amount is the whole amount" in ways.cost(PAYMENT)
    writer, topic = await site.own(site.make_writer(ways=ways, payments=None)), Topic()
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 1, 900, field_4="sonar:Payment:10")], sequence=2)])
    assert list(site.deposits().values()) == [Decimal(9)]
    assert writer.counts.records[("payment", "applied")] == 1


async def test_money_is_taken_back_over_rest_where_there_is_no_database(site: Site) -> None:
    """One was corrected and moved, one withdrawn, one new with a reversal, of a blocked customer: back, and again."""
    ways = WritePaths(sql=False)
    writer, topic = await site.own(site.make_writer(ways=ways, payments=None)), Topic()
    await writer.write([topic.send(ACCOUNTS, n, customer(n, status="blocked"), sequence=1) for n in (1, 2)])
    await writer.write([topic.send(PAYMENTS, n, [paid(n, 100 * n)], sequence=2) for n in (10, 11, 12)])
    before = balances(site)
    site.ledger.run_id = "wrong"
    back = paid(13, -500, key="13-R3", receipt_number="SP13-R3", field_4="sonar:R:3", reverses="13")
    told: dict[int, list[SplynxRecord]] = {
        10: [payment(10, 2, 1000, field_4="sonar:Payment:10")], 11: [], 12: [paid(12, 750, comment="cash")],
        13: [paid(13, 900), back],
    }  # fmt: skip
    await writer.write([topic.send(PAYMENTS, n, records, sequence=3) for n, records in told.items()])
    wrong = balances(site)
    assert (before, wrong) == ({"s1": Decimal(33), "s2": Decimal(0)}, {"s1": Decimal("11.5"), "s2": Decimal(10)})

    assert await taken_back(site, "wrong", ways) == dict.fromkeys(["10", "11", "12"], "restore") | dict.fromkeys(
        ["13", "13-R3"], "withdraw"
    )
    assert balances(site) == before
    assert site.rows("SELECT comment FROM payments WHERE receipt_number = 'SP12'") == [{"comment": ""}]
    assert set((await taken_back(site, "wrong", ways)).values()) == {"left"}
    await taken_back(site, "back of wrong", ways)
    assert balances(site) == wrong
    await taken_back(site, "wrong", ways)
    assert balances(site) == before
    assert {row["status"] for row in site.rows("SELECT status FROM customers")} == {"blocked"}
    assert site.rows("SELECT * FROM {ledger}.intents WHERE state = 'open'") == []
    # What somebody edited since stays.
    site.run("UPDATE payments SET amount = 77, comment = 'by hand' WHERE receipt_number = 'SP12'")
    assert (await taken_back(site, "run", ways))["12"] == "left"


@pytest.mark.parametrize("then", ["repeated", "a sink goes on"])
async def test_a_payment_that_moves_back_over_rest_is_neither_lost_nor_doubled_by_an_interruption(
    site: Site, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    ways = WritePaths(sql=False)
    writer, topic = await site.own(site.make_writer(ways=ways, payments=None)), Topic()
    await writer.write([topic.send(ACCOUNTS, n, customer(n), sequence=1) for n in (1, 2)])
    await writer.write([topic.send(PAYMENTS, 10, [paid(10)], sequence=2)])
    site.ledger.run_id = "wrong"
    moved: list[SplynxRecord] = [payment(10, 2, 900, field_4="sonar:Payment:10")]
    await writer.write([topic.send(PAYMENTS, 10, moved, sequence=3)])
    made, calls = RestRecords.post, []

    async def dies(self: RestRecords, *args: Any) -> Any:
        calls.append(args)
        if len(calls) == 2:
            raise Killed
        return await made(self, *args)

    with monkeypatch.context() as patched:
        patched.setattr(RestRecords, "post", dies)
        with pytest.raises(Killed):
            await taken_back(site, "wrong", ways)
    assert balances(site) == {"s1": Decimal(0), "s2": Decimal(0)}
    if then == "repeated":
        assert await taken_back(site, "wrong", ways) == {"10": "restore"}
        assert balances(site) == {"s1": Decimal(9), "s2": Decimal(0)}
    else:
        successor = await site.own(site.make_writer(ways=ways, payments=None))
        await site.healing().heal_all(successor.tokens)
        assert site.rows("SELECT state FROM {ledger}.crosswalk WHERE entity = 'payment'") == [{"state": "gone"}]
        await successor.write([topic.send(PAYMENTS, 10, moved, sequence=3)])  # as a replay sends it
        assert balances(site) == {"s1": Decimal(0), "s2": Decimal(9)}
    assert site.rows("SELECT * FROM {ledger}.intents WHERE state = 'open'") == []


async def test_a_payment_that_was_taken_back_over_rest_just_before_a_crash_is_known_to_the_sink_that_goes_on(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways = WritePaths(sql=False)
    writer, topic = await site.own(site.make_writer(ways=ways, payments=None)), Topic()
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    site.ledger.run_id = "wrong"
    await writer.write([topic.send(PAYMENTS, 10, [paid(10)], sequence=2)])

    async def dies(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(RollbackWrites, "_enter", dies)
        with pytest.raises(Killed):
            await taken_back(site, "wrong", ways)
    assert balances(site) == {"s1": Decimal(0)}
    successor = await site.own(site.make_writer(ways=ways, payments=None))
    await site.healing().heal_all(successor.tokens)
    assert set((await taken_back(site, "wrong", ways)).values()) == {"left"}  # it is withdrawn already
    await successor.write([topic.send(PAYMENTS, 10, [paid(10)], sequence=2)])
    assert balances(site) == {"s1": Decimal(9)}


def balances(site: Site) -> dict[str, Decimal]:
    """`{login: deposit}`, each of which is the sum of the customer's ledger rows."""
    deposits = site.deposits()
    return {row["login"]: deposits[row["id"]] for row in site.rows("SELECT id, login FROM customers")}


async def taken_back(site: Site, run: str, ways: WritePaths) -> dict[str, str]:
    """`{payment: what was done}` of a run's payments."""
    rollback = Rollback(_opened(site), {}, money=True, ways=ways)
    rest = RestRecords(site.client, site.db, site.ledger, TARGETS)
    writes = RollbackWrites(_opened(site), rollback, rest, None)
    site.ledger.run_id = f"back of {run}"
    chosen = await rollback.chosen(Writes(run_id=run))
    only = Chosen(chosen.writes, {"payment": 1}, chosen.oldest, chosen.newest)
    parts = [one async for one in rollback.parts(only)]
    return {one.key: one.undo.way.value for part in parts for one in await writes.apply(part)}
