"""A mistake in the rules stops the sink before it does harm, until somebody says what it was."""

import asyncio

import pytest

from sinks.errors import BrakeApplied
from sinks.runner import run_sink
from tests.integration.sinks.pair import Pair, account, payment

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
async def braked(pair: Pair) -> Pair:
    """Rules that empty a target type were deployed, and the brake is on."""
    for number in range(1, 26):
        pair.send("account", number, account(number), sequence=2, owner=number)
        pair.send("payment", number, payment(number, number, 100), sequence=3, owner=number)
    await pair.sink()
    for number in range(1, 26):
        pair.send("payment", number, {"payment": []}, sequence=4, owner=number, generation=2)
    with pytest.raises(BrakeApplied, match="records of payment would be withdrawn"):
        await pair.sink()
    with pytest.raises(BrakeApplied, match="records of payment would be withdrawn"):  # a restart is no answer
        await run_sink(pair.settings, apply=True, stop=asyncio.Event())
    assert pair.rows("SELECT COUNT(*) AS n FROM payments WHERE amount < 0")[0]["n"] < 20
    return pair


@pytest.mark.fault(41)
async def test_what_the_brake_stopped_is_done_when_it_is_meant(braked: Pair) -> None:
    await braked.sink(approve=("payment",))
    assert braked.rows("SELECT SUM(deposit) AS money FROM customer_billing")[0]["money"] == 0


@pytest.mark.fault(41)
async def test_what_the_brake_stopped_is_left_out_when_the_rules_were_mended(braked: Pair) -> None:
    for number in range(1, 26):
        braked.send("payment", number, payment(number, number, 100), sequence=4, owner=number, generation=3)
    await braked.sink(approve=("mended",))
    assert braked.rows("SELECT SUM(deposit) AS money FROM customer_billing")[0]["money"] == 25
