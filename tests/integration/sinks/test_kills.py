"""The sink as a process of its own, killed while Splynx was doing what it was told."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

import httpx2
import pytest

from tests.integration.sinks.pair import Pair, account, load, payment, until
from tests.prepared import Prepared

pytestmark = pytest.mark.timeout(300)


@contextmanager
def _sink_process(pair: Pair, prepared: Prepared) -> Iterator[Callable[[], None]]:
    """`crossfade sink --apply`, gone at the end; what it yields fails when it has ended by itself."""
    log = pair.config.parent / "sink.log"
    words = ["sink", "--apply", "--config", str(pair.config)]
    process = prepared.start("console", words, os.environ, out=log, err=log)

    def still_running() -> None:
        assert process.poll() is None, log.read_text()

    try:
        yield still_running
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _arm(pair: Pair, kind: str, seconds: float) -> None:
    """Have the creation of the next customer take long, before or after it is done."""
    fault = {"kind": kind, "method": "POST", "path": "customers/customer$", "seconds": seconds}
    answer = httpx2.post(f"{pair.splynx.control}/faults", json=fault)
    assert answer.status_code == 204, answer.text


@pytest.mark.fault(6)
async def test_killed_between_a_creation_and_its_answer_it_makes_no_twin_and_misses_none(
    pair: Pair, prepared: Prepared
) -> None:
    _arm(pair, "delay_after_commit", 10)  # longer than the sink waits for an answer
    load(pair)
    with _sink_process(pair, prepared) as running:
        # The marker: Splynx has the customer, and the ledger does not know.
        await until(
            pair,
            "SELECT 1 FROM customers WHERE id NOT IN"
            " (SELECT target_id FROM {ledger}.crosswalk WHERE entity = 'customer') AND EXISTS"
            " (SELECT 1 FROM {ledger}.intents WHERE state = 'open')",
            running,
        )
    await pair.sink()
    assert pair.rows("SELECT login, COUNT(*) AS n FROM customers GROUP BY login") == [
        {"login": f"s{number}", "n": 1} for number in (1, 2, 3)
    ]
    # A rollback knows that each was made, the one that was found too.
    made = "SELECT record_key FROM {ledger}.journal WHERE entity = 'customer' AND action = 'create' ORDER BY record_key"
    assert [row["record_key"] for row in pair.rows(made)] == ["1", "2", "3"]
    # The other two may have been killed before they were sent: lost, and made by another call.
    assert pair.rows("SELECT state FROM {ledger}.intents WHERE state NOT IN ('done', 'lost')") == []
    assert pair.rows("SELECT SUM(deposit) AS money FROM customer_billing")[0]["money"] == 6


@pytest.mark.fault(6)
@pytest.mark.fault(38)
async def test_a_creation_that_is_still_going_on_when_it_is_searched_for_makes_no_twin(
    pair: Pair, prepared: Prepared
) -> None:
    _arm(pair, "delay_before", 4)
    pair.send("account", 1, account(1), sequence=1, owner=1)
    with _sink_process(pair, prepared) as running:
        await until(pair, "SELECT 1 FROM {ledger}.intents WHERE state = 'open'", running)
        await asyncio.sleep(0.5)  # the request is on its way; there is nothing in Splynx that tells of it yet
    assert pair.rows("SELECT id FROM customers") == []
    await pair.sink()
    assert pair.rows("SELECT login FROM customers") == [{"login": "s1"}]
    assert [row["state"] for row in pair.rows("SELECT state FROM {ledger}.intents WHERE method = 'POST'")] == ["done"]


@pytest.mark.fault(5)
async def test_killed_at_any_moment_the_money_is_right_in_the_end(pair: Pair, prepared: Prepared) -> None:
    for number in range(1, 21):
        pair.send("account", number, account(number), sequence=1, owner=number)
        pair.send("payment", number, payment(number, number, 100), sequence=1, owner=number)
    for customers in (4, 13):
        with _sink_process(pair, prepared) as running:
            await until(pair, f"SELECT 1 FROM customers HAVING COUNT(*) >= {customers}", running)
    await pair.sink()
    assert pair.rows("SELECT COUNT(*) AS n, COUNT(DISTINCT login) AS logins FROM customers") == [
        {"n": 20, "logins": 20}
    ]
    assert pair.rows("SELECT COUNT(*) AS n, SUM(amount) AS money FROM payments") == [{"n": 20, "money": Decimal(20)}]
    assert pair.rows("SELECT SUM(deposit) AS money FROM customer_billing")[0]["money"] == 20
