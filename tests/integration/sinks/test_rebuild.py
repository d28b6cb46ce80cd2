"""A lost ledger, a restored Splynx and the ledger of another one halt the sink; a rebuild heals what can be."""

import asyncio
from collections.abc import Callable
from decimal import Decimal

import pytest
from pydantic import SecretStr

from plumbing.errors import DependencyUnreachable
from sandbox.local.sandboxes import SplynxSandbox
from sinks.errors import Fenced
from sinks.ledger_errors import AdoptionNeeded, ForeignTarget, RebuildInterrupted
from sinks.rebuild import run_rebuild
from sinks.runner import run_sink
from tests.integration.sinks.pair import Pair, account, going_on, load, payment, until
from tests.modes import in_both_modes

pytestmark = pytest.mark.timeout(300)


CHAIN = "SELECT receipt_number, amount FROM payments WHERE deleted = '0' ORDER BY receipt_number"


def _lose_ledger(pair: Pair) -> None:
    with pair.mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE `{pair.splynx.ledger}`")
        cursor.execute(f"CREATE DATABASE `{pair.splynx.ledger}` CHARACTER SET utf8mb4")


@pytest.mark.fault(39)
@in_both_modes
async def test_a_lost_ledger_halts_and_a_rebuild_heals_it(pair: Pair) -> None:
    load(pair)
    await pair.sink()
    reversed_one = payment(11, 1, 100)["payment"] + payment(11, 1, -40, reversal=7)["payment"]
    pair.send("payment", 11, {"payment": reversed_one}, sequence=3, owner=1)
    pair.send("payment", 12, {"payment": []}, sequence=3, owner=2)  # compensated: it must stay so
    await pair.sink()
    chain = pair.rows(CHAIN)
    assert [row["receipt_number"] for row in chain] == ["SP11", "SP11-R7", "SP12", "SP12-X", "SP13"]
    _lose_ledger(pair)
    with pytest.raises(AdoptionNeeded, match="3 of customer, 4 of payment") as caught:
        await run_sink(pair.settings, apply=True, stop=asyncio.Event())
    assert "ledger rebuild" in caught.value.next_step
    seen = await run_rebuild(pair.settings, apply=False)
    assert (seen.applied, seen.adopted["customer"]) == (False, 3)
    done = await run_rebuild(pair.settings, apply=True)
    assert done.adopted == seen.adopted
    pair.send("payment", 13, {"payment": []}, sequence=4, owner=3)  # withdrawn only after the rebuild
    await pair.sink()
    assert pair.rows(CHAIN) == [*chain, {"receipt_number": "SP13-X", "amount": Decimal(-3)}]
    assert pair.rows("SELECT COUNT(*) AS n FROM customers")[0]["n"] == 3
    for money in ("SUM(deposit) AS money FROM customer_billing", "SUM(total) AS money FROM billing_transactions"):
        assert pair.rows(f"SELECT {money}")[0]["money"] == Decimal("0.6")


@pytest.mark.fault(39)
@in_both_modes
async def test_a_restored_splynx_halts_and_a_rebuild_brings_it_up_to_date(pair: Pair) -> None:
    pair.send("account", 1, account(1), sequence=2, owner=1)
    pair.send("payment", 11, payment(11, 1, 100), sequence=2, owner=1)
    await pair.sink()
    yesterday = pair.back_up()
    pair.send("account", 1, account(1, name="Renamed today"), sequence=3, owner=1)
    pair.send("account", 2, account(2), sequence=3, owner=2)
    pair.send("payment", 12, payment(12, 2, 200), sequence=3, owner=2)
    pair.send("payment", 11, payment(11, 1, 150), sequence=3, owner=1)
    await pair.sink()
    pair.restore(yesterday)
    with pytest.raises(ForeignTarget) as caught:
        await run_sink(pair.settings, apply=True, stop=asyncio.Event())
    assert "ledger rebuild" in caught.value.next_step
    await run_rebuild(pair.settings, apply=True)
    # The topics are played anew, perhaps others of the same names: what is set aside then has letters of its own.
    assert not pair.rows("SELECT value FROM {ledger}.meta WHERE name = 'letters'")
    await pair.sink()
    assert [row["name"] for row in pair.rows("SELECT name FROM customers ORDER BY id")] == [
        "Renamed today", "Anna Example",
    ]  # fmt: skip
    assert pair.rows(CHAIN) == [
        {"receipt_number": "SP11", "amount": Decimal("1.5")}, {"receipt_number": "SP12", "amount": Decimal(2)},
    ]  # fmt: skip
    money = [row["deposit"] for row in pair.rows("SELECT deposit FROM customer_billing ORDER BY customer_id")]
    assert money == [Decimal("1.5"), Decimal(2)]


@pytest.mark.fault(39)
async def test_a_splynx_that_is_restored_under_a_running_sink_ends_it(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pair.sink()
    yesterday = pair.back_up()
    monkeypatch.setattr("sinks.loop._GUARD_SECONDS", 0.0)
    running = asyncio.create_task(run_sink(pair.settings, apply=True, stop=asyncio.Event()))
    pair.send("account", 1, account(1), sequence=2, owner=1)
    await until(pair, "SELECT 1 FROM customers", going_on(running))
    pair.restore(yesterday)
    with pytest.raises(ForeignTarget):
        await asyncio.wait_for(running, 60)


@pytest.mark.fault(34)
@pytest.mark.fault(39)
async def test_the_ledger_of_another_splynx_halts(pair: Pair, start_splynx: Callable[[], SplynxSandbox]) -> None:
    await pair.sink()
    other, db = start_splynx(), pair.settings.splynx.db
    assert db is not None
    pair.run(f"GRANT SELECT, INSERT, UPDATE ON `{other.database}`.* TO '{pair.splynx.writer}'@'%'")
    settings = pair.settings.model_copy(
        update={
            "splynx": pair.settings.splynx.model_copy(
                update={
                    "url": other.url, "key": other.key, "secret": SecretStr(other.secret),
                    "db": db.model_copy(update={"name": other.database}),
                }
            )
        }
    )  # fmt: skip
    with pytest.raises(ForeignTarget):
        await run_sink(settings, apply=True, stop=asyncio.Event())


async def test_a_rebuild_that_was_interrupted_keeps_the_sink_from_starting(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.send("account", 1, account(1), sequence=2, owner=1)
    await pair.sink()

    async def away(*_: object) -> None:
        raise DependencyUnreachable("away")

    with monkeypatch.context() as broken:
        broken.setattr("sinks.rebuild.adopt", away)
        with pytest.raises(DependencyUnreachable):
            await run_rebuild(pair.settings, apply=True)
    pair.run("INSERT INTO {ledger}.crosswalk VALUES ('customer','9','account',9,9,'',0,'live',0,'{}',NOW())")
    with pytest.raises(RebuildInterrupted):
        await run_sink(pair.settings, apply=True, stop=asyncio.Event())
    await run_rebuild(pair.settings, apply=True)
    await pair.sink()
    assert pair.rows("SELECT COUNT(*) AS n FROM customers")[0]["n"] == 1


@pytest.mark.fault(39)
async def test_a_call_of_a_partition_that_the_topics_have_no_more_is_healed_by_the_sink_after_a_rebuild(
    pair: Pair,
) -> None:
    """The topics were made anew with fewer: nobody takes the partition, and nothing of the record would be written."""
    pair.send("account", 1, account(1), sequence=2, owner=1)
    await pair.sink()
    pair.run(
        "INSERT INTO {ledger}.intents (run_id, batch, entity, record_key, aggregate, sonar_id, sequence, method,"
        " target_id, sent, action, before_image, partition_no, token, state, deadline, created_at)"
        " SELECT 'before', 1, 'customer', '1', 'account', 1, 3, 'PUT', target_id, '{\"name\": \"Renamed\"}', 'change',"
        " '{\"name\": \"Anna Example\"}', 5, 1, 'open', UTC_TIMESTAMP(3), UTC_TIMESTAMP(3)"
        " FROM {ledger}.crosswalk WHERE entity = 'customer'"
    )
    pair.run("UPDATE customers SET name = 'Renamed'")
    await run_rebuild(pair.settings, apply=True)
    pair.send("account", 1, account(1, name="Renamed again"), sequence=4, owner=1)
    await pair.sink()
    assert pair.rows("SELECT name FROM customers") == [{"name": "Renamed again"}]
    assert pair.rows("SELECT state FROM {ledger}.intents WHERE run_id = 'before'") == [{"state": "lost"}]
    (entry,) = pair.rows("SELECT before_image FROM {ledger}.journal WHERE run_id = 'before'")
    assert entry["before_image"] == '{"name":"Anna Example"}'


async def test_a_rebuild_ends_a_sink_that_is_running(pair: Pair) -> None:
    running = asyncio.create_task(run_sink(pair.settings, apply=True, stop=asyncio.Event()))
    await until(pair, "SELECT 1 FROM {ledger}.fence HAVING COUNT(*) = 2", going_on(running))
    await run_rebuild(pair.settings, apply=True)
    pair.send("account", 1, account(1), sequence=2, owner=1)
    with pytest.raises(Fenced):
        await asyncio.wait_for(running, 60)
    assert pair.rows("SELECT COUNT(*) AS n FROM customers")[0]["n"] == 0
