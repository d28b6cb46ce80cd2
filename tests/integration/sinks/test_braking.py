"""A mistake in the rules stops the sink before it does harm, until somebody says what it was."""

import asyncio

import pytest

from clients.splynx_errors import SplynxUnreachable
from sinks.errors import BrakeApplied
from sinks.runner import run_sink
from tests.integration.sinks.conftest import Site
from tests.integration.sinks.pair import Pair, account, payment
from tests.integration.sinks.records import ACCOUNTS, Topic, customer

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


@pytest.mark.fault(18)
async def test_a_batch_that_is_tried_again_while_splynx_is_away_is_braked_as_if_it_was_not(site: Site) -> None:
    topic, writer = Topic(), await site.own(site.make_writer())
    await writer.write([topic.send(ACCOUNTS, number, customer(number), sequence=1) for number in range(1, 22)])
    few = [topic.send(ACCOUNTS, number, [], sequence=2, deleted=True) for number in range(1, 16)]
    site.arm("500", method="PUT", path="customers/customer/", times=len(few))
    with pytest.raises(SplynxUnreachable):
        await writer.write(few)
    await site.healing().heal_all(writer.tokens)
    await writer.write(few)
    assert site.rows("SELECT COUNT(*) AS n FROM customers WHERE status = 'disabled'")[0]["n"] == 15
    more = [topic.send(ACCOUNTS, number, [], sequence=2, deleted=True) for number in range(16, 22)]
    with pytest.raises(BrakeApplied, match="21 of 21 records of customer"):
        await writer.write(more)
