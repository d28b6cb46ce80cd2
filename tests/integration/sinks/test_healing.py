"""Calls whose answer is lost or never came: found again or made again, and no twin."""

import pytest

from clients.splynx_errors import SplynxUnreachable
from tests.integration.sinks.conftest import Site
from tests.integration.sinks.records import ACCOUNTS, Topic, customer

pytestmark = pytest.mark.timeout(120)


@pytest.mark.fault(6)
@pytest.mark.fault(38)
@pytest.mark.parametrize("fault", ["reset_after_commit", "delay_after_commit", "delay_before"])
async def test_a_lost_answer_is_found_again_and_makes_no_twin(site: Site, fault: str) -> None:
    site.arm(fault, method="POST", path="customers/customer$", seconds=4)
    writer = await site.own(site.make_writer())
    await writer.write([Topic().send(ACCOUNTS, 1, customer(1), sequence=1)])
    assert site.rows("SELECT COUNT(*) AS n FROM customers")[0]["n"] == 1
    assert [row["state"] for row in site.rows("SELECT state FROM {ledger}.intents WHERE method = 'POST'")] == ["done"]


@pytest.mark.fault(6)
async def test_a_call_that_never_arrived_is_made_again(site: Site) -> None:
    site.arm("reset_before", method="POST", path="customers/customer$")
    writer = await site.own(site.make_writer())
    batch = [Topic().send(ACCOUNTS, 1, customer(1), sequence=1)]
    with pytest.raises(SplynxUnreachable):
        await writer.write(batch)
    await writer.write(batch)
    assert site.rows("SELECT COUNT(*) AS n FROM customers")[0]["n"] == 1
    states = [row["state"] for row in site.rows("SELECT state FROM {ledger}.intents WHERE method = 'POST' ORDER BY id")]
    assert states == ["lost", "done"]
