"""Writes are taken back to what was there before, over REST and SQL; what others edited since stays as they left it."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from console.journal import journal_of, prune
from console.rollback import run_rollback, text_of, writes_of
from console.shapes import members
from plumbing.errors import ConfigurationError, ExitCode
from schemas.entities.scoped import OUT_OF_SCOPE
from schemas.records import Ref, SplynxRecord
from tests.integration.console.undone import pair, picture, rollback, run_of, second_run, ways
from tests.integration.sinks.pair import Pair, account, payment, service, tariff
from tests.modes import in_both_modes

__all__ = ["pair"]

pytestmark = pytest.mark.timeout(300)


@in_both_modes
async def test_a_run_is_taken_back_and_the_taking_back_as_well(pair: Pair) -> None:
    before = picture(pair)
    await second_run(pair)
    wrong, run = picture(pair), run_of(pair)
    assert wrong != before

    foreseen = await rollback(pair, run_id=run, apply=False)
    assert picture(pair) == wrong
    assert ways(foreseen) == {
        ("payment", "14"): "withdraw",
        ("payment", "13"): "restore",
        ("payment", "12"): "restore",
        ("payment", "11"): "restore",
        ("customer_billing", "4"): "restore",
        ("customer_info", "4"): "restore",
        ("customer", "4"): "withdraw",
        ("customer", "1"): "restore",
    }
    order = [one.target.entity for one in foreseen.records]
    assert order == sorted(order, key=["payment", "customer_billing", "customer_info", "customer"].index)
    document = foreseen.document()
    assert document.keys() | {"version"} == {"version"} | members("rollback")
    (customer,) = [one for one in document["records"] if (one["entity"], one["key"]) == ("customer", "1")]
    assert customer["columns"] == ["customer_labels", "name", "sonar_status"]
    assert "Example" not in text_of(document)

    done = await rollback(pair, run_id=run)
    assert done.exit_code is ExitCode.DONE
    after = picture(pair)
    assert [row for row in after["customers"] if row["login"] != "s4"] == before["customers"]
    (made,) = [row for row in after["customers"] if row["login"] == "s4"]
    assert made["status"] == "disabled"
    for part in ("labels", "fields", "info"):
        assert [row for row in after[part] if row["login"] != "s4"] == before[part]
    assert after["money"] == before["money"]
    assert pair.rows("SELECT COUNT(*) AS n FROM {ledger}.intents WHERE state = 'open'") == [{"n": 0}]

    with pytest.raises(ConfigurationError, match=f"undone already by run {done.run_id}"):
        await rollback(pair, run_id=run)
    again = await rollback(pair, run_id=done.run_id)
    assert again.exit_code is ExitCode.DONE
    assert picture(pair) == wrong
    # And once more: what was written again can be taken back again.
    await rollback(pair, run_id=run)
    assert picture(pair) == after


@in_both_modes
async def test_a_service_is_opened_again_after_its_customer_and_ended_where_the_run_made_it(pair: Pair) -> None:
    shown = (
        "SELECT c.status AS customer, s.status, s.end_date FROM services_internet s"
        " JOIN customers c ON c.id = s.customer_id ORDER BY s.id"
    )
    pair.send("account", 3, account(3) | {"internet_service": [service(501, 3)]}, sequence=10, owner=3)
    await pair.sink()
    made, running = run_of(pair), pair.rows(shown)
    closed = service(501, 3, status="disabled", end_date="2026-02-03")
    pair.send("account", 3, account(3, status="disabled") | {"internet_service": [closed]}, sequence=11, owner=3)
    await pair.sink()
    shut = run_of(pair)
    assert [(row["customer"], row["status"], str(row["end_date"])) for row in pair.rows(shown)] == [
        ("disabled", "disabled", "2026-02-03")
    ]  # one row: no copy

    opened_again = await rollback(pair, run_id=shut)
    assert opened_again.exit_code is ExitCode.DONE
    assert [one.target.entity for one in opened_again.records] == ["customer", "internet_service"]
    assert pair.rows(shown) == running
    taken_back = await rollback(pair, run_id=made)
    assert ways(taken_back) == {("internet_service", "501"): "withdraw"}
    (ended,) = pair.rows(shown)
    assert (ended["customer"], ended["status"], str(ended["end_date"])) == ("active", "disabled", "2026-01-02")


@in_both_modes
async def test_what_was_taken_back_is_written_again_when_its_bundle_comes_again(pair: Pair) -> None:
    await second_run(pair)
    wrong = picture(pair)
    await rollback(pair, run_id=run_of(pair))
    await second_run(pair)
    assert picture(pair) == wrong


@in_both_modes
async def test_rows_that_somebody_edited_since_are_listed_and_left(pair: Pair, by_sql: bool) -> None:
    await second_run(pair)
    pair.run("UPDATE customers SET name = 'By Hand Example' WHERE login = 's1'")
    pair.run("UPDATE payments SET comment = 'by hand' WHERE receipt_number = 'SP11'")
    pair.run("UPDATE customers SET deleted = '1' WHERE login = 's4'")
    pair.run("UPDATE customers SET city = 'Elsewhere' WHERE login = 's2'")  # no column of that run's
    result = await rollback(pair, run_id=run_of(pair))
    assert result.exit_code is ExitCode.PARTLY
    left = {(one.target.entity, one.key): one.undo.why for one in result.records if one.undo.why}
    assert left[("customer", "1")] == "edited in Splynx since: name"
    assert left[("payment", "11")] == "edited in Splynx since: comment"
    assert left[("customer", "4")] == "its row is no longer in Splynx"
    assert pair.rows("SELECT name FROM customers WHERE login = 's1'") == [{"name": "By Hand Example"}]
    # Splynx takes no document for a customer that is deleted.
    assert left.get(("payment", "14")) == (None if by_sql else "Splynx refuses the fields customer_id")
    money = {"s1": Decimal("9.99"), "s2": Decimal(2), "s3": Decimal(3)}
    assert picture(pair)["money"] == money | ({} if by_sql else {"s4": Decimal(4)})


async def test_an_edit_of_another_additional_field_holds_nothing_back_and_stays(pair: Pair) -> None:
    edited = (
        "SELECT v.value FROM customers_values v JOIN customers c ON c.id = v.id"
        " WHERE c.login = 's1' AND v.name = 'sonar_account_number'"
    )
    await second_run(pair)
    pair.run(
        "UPDATE customers_values v JOIN customers c ON c.id = v.id SET v.value = 'By hand'"
        " WHERE c.login = 's1' AND v.name = 'sonar_account_number'"
    )
    done = await rollback(pair, run_id=run_of(pair))
    assert ways(done)[("customer", "1")] == "restore"
    assert pair.rows(edited) == [{"value": "By hand"}]
    await rollback(pair, run_id=done.run_id)
    assert pair.rows(edited) == [{"value": "By hand"}]


async def test_an_edit_of_a_payments_row_in_the_ledger_or_of_whose_it_is_is_seen(pair: Pair) -> None:
    await second_run(pair)
    dated = "SELECT t.date FROM billing_transactions t JOIN payments p ON p.transaction_id = t.id"
    pair.run(
        "UPDATE billing_transactions t JOIN payments p ON p.transaction_id = t.id SET t.date = '2001-02-03'"
        " WHERE p.receipt_number = 'SP11'"
    )
    pair.run(
        "UPDATE billing_transactions t JOIN payments p ON p.transaction_id = t.id JOIN customers c ON c.login = 's1'"
        " SET t.customer_id = c.id, p.customer_id = c.id WHERE p.receipt_number = 'SP13'"
    )
    result = await rollback(pair, run_id=run_of(pair))
    left = {one.key: one.undo.why for one in result.records if one.target.entity == "payment" and one.undo.why}
    assert left == {"11": "edited in Splynx since: ledger_date", "13": "edited in Splynx since: customer_id"}
    assert str(pair.rows(f"{dated} WHERE p.receipt_number = 'SP11'")[0]["date"]) == "2001-02-03"
    assert pair.rows("SELECT COUNT(*) AS n FROM payments WHERE receipt_number LIKE 'SP13-%'") == [{"n": 0}]


async def test_a_customer_stays_open_while_a_service_of_another_run_runs_on(pair: Pair) -> None:
    """Splynx would end that service, and leave a copy of it."""
    services = "SELECT status FROM services_internet ORDER BY id"
    pair.send("account", 4, account(4), sequence=10, owner=4)
    await pair.sink()
    made = run_of(pair)
    pair.send("account", 4, account(4) | {"internet_service": [service(501, 4)]}, sequence=11, owner=4)
    await pair.sink()
    sold = run_of(pair)
    result = await rollback(pair, run_id=made)
    (why,) = [one.undo.why for one in result.records if one.target.entity == "customer"]
    assert why == "internet_service 501 of it runs on, and Splynx would copy it: undo that first"
    assert (result.exit_code, pair.rows(services)) == (ExitCode.PARTLY, [{"status": "active"}])
    # Together both are closed, which is foreseen.
    foreseen = await rollback(pair, account=4, apply=False)
    assert {ways(foreseen)[key] for key in (("internet_service", "501"), ("customer", "4"))} == {"withdraw"}
    for run in (sold, made):
        assert (await rollback(pair, run_id=run)).exit_code is ExitCode.DONE
    assert pair.rows(services) == [{"status": "disabled"}]


@in_both_modes
async def test_what_a_later_run_wrote_is_left_until_that_is_taken_back(pair: Pair) -> None:
    before = picture(pair)
    await second_run(pair)
    second = run_of(pair)
    pair.send("account", 1, account(1, name="Third Example"), sequence=20, owner=1)
    await pair.sink()
    third = run_of(pair)
    result = await rollback(pair, run_id=second, apply=False)
    (one,) = [one for one in result.records if (one.target.entity, one.key) == ("customer", "1")]
    assert one.undo.why == f"written again by run {third}: undo that first"
    # Together they are taken back to what was there before both.
    since = pair.rows(f"SELECT MIN(at) AS at FROM {{ledger}}.journal WHERE run_id = '{second}'")[0]["at"]
    await rollback(pair, since=since.replace(tzinfo=UTC))
    after = picture(pair)
    assert [row for row in after["customers"] if row["login"] != "s4"] == before["customers"]
    assert after["money"] == before["money"]


@in_both_modes
async def test_one_customer_is_taken_back_alone(pair: Pair) -> None:
    result = await rollback(pair, account=2)
    assert ways(result) == {
        ("payment", "12"): "withdraw",
        ("customer_billing", "2"): "restore",
        ("customer_info", "2"): "restore",
        ("customer", "2"): "withdraw",
    }
    assert [row["status"] for row in picture(pair)["customers"]] == ["active", "disabled", "active"]
    assert set(picture(pair)["money"]) == {"s1", "s3"}


@in_both_modes
async def test_what_was_written_for_a_customer_is_found_whose_ever_it_is_now(pair: Pair) -> None:
    """One payment went on to another customer, and another to one that is out of the pilot's scope."""
    pair.send("payment", 11, payment(11, 2, 100), sequence=10, owner=2)
    pair.send("payment", 13, {}, sequence=11, owner=9, reason=OUT_OF_SCOPE)
    await pair.sink()
    moved = run_of(pair)

    result = await rollback(pair, account=3)
    assert ways(result).items() >= {("payment", "13"): "withdraw", ("customer", "3"): "withdraw"}.items()
    assert set(picture(pair)["money"]) == {"s2"}

    why = {(one.target.entity, one.key): one.undo.why for one in (await rollback(pair, account=1, apply=False)).records}
    assert why[("payment", "11")] == f"written again by run {moved}: undo that first"
    assert ways(await rollback(pair, account=1, run_id=moved, apply=False)) == {}
    # Of the other customer it is what was written for that one: it goes back to where it was.
    assert ways(await rollback(pair, account=2))[("payment", "11")] == "restore"
    assert picture(pair)["money"] == {"s1": Decimal(1)}
    assert ways(await rollback(pair, account=1))[("payment", "11")] == "withdraw"
    assert picture(pair)["money"] == {}


@in_both_modes
async def test_one_batch_is_taken_back_alone(pair: Pair) -> None:
    await second_run(pair)
    before = picture(pair)
    pair.settings = pair.settings.model_copy(update={"sink": pair.settings.sink.model_copy(update={"batch": 1})})
    pair.send("payment", 11, payment(11, 1, 1200), sequence=30, owner=1)
    pair.send("payment", 13, payment(13, 2, 500), sequence=31, owner=2)
    await pair.sink()
    (row,) = pair.rows("SELECT run_id, batch FROM {ledger}.journal WHERE record_key = '13' ORDER BY id DESC LIMIT 1")
    writes = writes_of(None, f"{row['run_id']}/{row['batch']}", None, None)
    result = await run_rollback(pair.settings, writes, apply=True, values=False, tell=lambda *_: None)
    assert ways(result) == {("payment", "13"): "restore"}
    assert picture(pair)["money"] == before["money"] | {"s1": before["money"]["s1"] + Decimal("2.01")}


@pytest.mark.parametrize("batch", ["7", "run/", "run/x", "/7", "another/7"])
def test_what_is_no_batch_is_refused(batch: str) -> None:
    with pytest.raises(ConfigurationError, match="is no batch") as caught:
        writes_of("run", batch, None, None)
    assert "/7" in caught.value.next_step


async def test_a_rollback_of_nothing_is_one_clear_message(pair: Pair) -> None:
    with pytest.raises(ConfigurationError, match="no such writes"):
        await rollback(pair, run_id="1-unknown")


@in_both_modes
async def test_money_is_left_where_it_may_not_be_written(pair: Pair) -> None:
    splynx = pair.settings.splynx.model_copy(update={"disposable": False})
    pair.settings = pair.settings.model_copy(update={"splynx": splynx})
    result = await rollback(pair, account=3)
    assert result.exit_code is ExitCode.PARTLY
    (one,) = [one for one in result.records if one.target.money]
    assert one.undo.why == "splynx.disposable is false"
    assert set(picture(pair)["money"]) == {"s1", "s2", "s3"}


async def test_what_was_thrown_away_of_the_journal_cannot_be_taken_back(pair: Pair) -> None:
    run = run_of(pair)
    later = (datetime.now(UTC) - timedelta(microseconds=1)).isoformat()
    size = await journal_of(pair.settings)
    assert size is not None
    assert size["calls"] > 0
    foreseen = await prune(pair.settings, later, apply=False)
    assert (foreseen.entries, foreseen.kept) == (size["entries"], 0)
    assert (foreseen.calls, foreseen.calls_kept) == (size["calls"], 0)
    assert await journal_of(pair.settings) == size
    early = await prune(pair.settings, "2020-01-01T00:00:00Z", apply=True)
    assert (early.entries, early.calls, early.calls_kept) == (0, 0, size["calls"])
    assert (await prune(pair.settings, later, apply=True)).entries == size["entries"]
    emptied = await journal_of(pair.settings)
    assert emptied is not None
    assert (emptied["entries"], emptied["oldest"], emptied["calls"]) == (0, None, 0)
    with pytest.raises(ConfigurationError, match="no such writes"):
        await rollback(pair, run_id=run)


async def test_no_image_holds_a_password(pair: Pair) -> None:
    pair.send("account", 1, account(1, password="a second password", name="Other Example"), sequence=10, owner=1)
    await pair.sink()
    images = pair.rows("SELECT before_image FROM {ledger}.journal WHERE before_image IS NOT NULL")
    assert images
    assert not any("password" in row["before_image"] for row in images)


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_a_run_wrote_its_rollback_restores_every_column_of_ours(pair: Pair, seed: int) -> None:
    chance = random.Random(seed)
    sequence, minor = 100, {number: 100 * number for number in (1, 2, 3)}
    for number in (101, 102):
        pair.send("service", number, tariff(number), sequence=1)
    await pair.sink()

    async def write() -> None:
        nonlocal sequence
        sequence += 1
        plan = chance.choice([101, 102])
        changed = {"price": chance.choice(["60.0000", "65.0000"]), "sonar_technology": chance.choice(["FIBER", "DSL"])}
        pair.send("service", plan, tariff(plan, **changed), sequence=sequence)
        for number in chance.sample([1, 2, 3], chance.randint(1, 3)):
            sequence += 1
            labels = chance.choice([[], [Ref(entity="label", key="flag:delinquent")]])
            tariff_id = Ref(entity="internet_tariff", key=str(chance.choice([101, 102])))
            price, package = chance.choice(["60.0000", "65.0000"]), chance.choice(["", "Triple play"])
            sold: list[SplynxRecord] = [
                service(one, number, tariff_id=tariff_id, unit_price=price, sonar_package=package)
                for one in chance.sample([10 * number, 10 * number + 1], chance.randint(0, 2))
            ]
            pair.send(
                "account",
                number,
                account(
                    number, name=chance.choice(["A Example", "B Example", "C Example"]), city=chance.choice(["X", "Y"]),
                    status=chance.choice(["active", "blocked"]), sonar_status=chance.choice(["Active", "Late"]),
                    customer_labels=labels,
                ) | {"internet_service": sold},
                sequence=sequence, owner=number,
            )  # fmt: skip
        for number in chance.sample([1, 2, 3], 2):
            sequence += 1
            minor[number] = chance.choice([0, 150, 275])
            payer = chance.choice([1, 2, 3])
            records = payment(10 + number, payer, minor[number]) if minor[number] else {"payment": []}
            pair.send("payment", 10 + number, records, sequence=sequence, owner=number)
        await pair.sink()

    before: dict[str, dict[str, Any]] = {}
    after: dict[str, dict[str, Any]] = {}
    first, last = run_of(pair), picture(pair)
    for _ in range(3):
        await write()
        if (run := run_of(pair)) != first and run not in before:  # else it had nothing to write
            before[run], after[run] = last, picture(pair)
            last = after[run]
    # The newest first, as it says; and all of them come back when the undoings are undone.
    undone: dict[str, str] = {}
    for run in reversed(before):
        result = await rollback(pair, run_id=run)
        assert result.exit_code is ExitCode.DONE, text_of(result.document())
        assert picture(pair) == before[run]
        undone[run] = str(result.run_id)
    for run in before:
        await rollback(pair, run_id=undone[run])
        assert picture(pair) == after[run]
