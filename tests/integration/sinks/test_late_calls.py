"""Calls that came through after they were given up, with what was true then."""

import pytest

from tests.integration.sinks.conftest import Site
from tests.integration.sinks.records import ACCOUNTS, Topic, customer

pytestmark = pytest.mark.timeout(120)


async def _older_call(site: Site) -> None:
    """What a call that came through late has left."""
    await site.client.post(
        "admin/customers/customer",
        {
            "login": "s1", "status": "active", "name": "Before", "category": "person", "partner_id": 1,
            "location_id": 1, "additional_attributes": {"sonar_id": "1"},
        },
    )  # fmt: skip


@pytest.mark.fault(38)
async def test_a_row_that_an_older_call_left_is_brought_up_to_date(site: Site) -> None:
    await _older_call(site)
    writer = await site.own(site.make_writer())
    await writer.write([Topic().send(ACCOUNTS, 1, customer(1, "Anna"), sequence=2)])
    assert site.rows("SELECT name FROM customers") == [{"name": "Anna"}]
    assert not site.rows("SELECT * FROM {ledger}.held")


@pytest.mark.fault(38)
async def test_a_row_that_an_older_call_left_is_brought_up_to_date_when_the_newer_call_is_lost(site: Site) -> None:
    await _older_call(site)
    writer = await site.own(site.make_writer())
    site.arm("reset_before", method="POST", path="customers/customer$")
    await writer.write([Topic().send(ACCOUNTS, 1, customer(1, "Anna"), sequence=2)])
    assert site.rows("SELECT name FROM customers") == [{"name": "Anna"}]
    assert not site.rows("SELECT * FROM {ledger}.held")
