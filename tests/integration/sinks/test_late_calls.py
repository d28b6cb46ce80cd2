"""Calls that came through after they were given up, with what was true then."""

from datetime import timedelta

import pytest

from schemas.ledger import LOST
from tests.integration.sinks.conftest import Site
from tests.integration.sinks.records import ACCOUNTS, Topic, customer

pytestmark = pytest.mark.timeout(120)


async def _older_call(site: Site) -> None:
    """What a call that came through late has left."""
    await _made(site)
    async with site.db.session() as tx:
        intent = await site.ledger.begin(
            tx, key=("customer", "1"), owner=("account", 1), sequence=1, method="POST", partition=0, token=1,
            patience=timedelta(0),
        )  # fmt: skip
        await site.ledger.close_intent(tx, intent, LOST)


async def _made(site: Site) -> None:
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
    site.ledger.run_id = "successor"
    writer = await site.own(site.make_writer())
    await writer.write([Topic().send(ACCOUNTS, 1, customer(1, "Anna"), sequence=2)])
    assert site.rows("SELECT name FROM customers") == [{"name": "Anna"}]
    assert not site.rows("SELECT * FROM {ledger}.held")
    # Whoever made it, is whose run is taken back.
    written = site.rows("SELECT action, run_id FROM {ledger}.journal WHERE entity = 'customer' ORDER BY id")
    assert [(one["action"], one["run_id"]) for one in written] == [("create", "run"), ("change", "successor")]


@pytest.mark.fault(38)
async def test_a_row_that_an_older_call_left_is_brought_up_to_date_when_the_newer_call_is_lost(site: Site) -> None:
    await _older_call(site)
    writer = await site.own(site.make_writer())
    site.arm("reset_before", method="POST", path="customers/customer$")
    await writer.write([Topic().send(ACCOUNTS, 1, customer(1, "Anna"), sequence=2)])
    assert site.rows("SELECT name FROM customers") == [{"name": "Anna"}]
    assert not site.rows("SELECT * FROM {ledger}.held")


async def test_a_row_that_carries_a_sonar_id_by_hand_is_not_written_over(site: Site) -> None:
    """Neither are its parts: they wait for it."""
    await _made(site)
    site.run("UPDATE customer_info SET contact_person = 'by hand'")
    writer = await site.own(site.make_writer())
    await writer.write([Topic().send(ACCOUNTS, 1, customer(1, "Anna"), sequence=2)])
    assert site.rows("SELECT name FROM customers") == [{"name": "Before"}]
    assert site.rows("SELECT contact_person FROM customer_info") == [{"contact_person": "by hand"}]
    assert {
        row["record_key"]: row["code"] for row in site.rows("SELECT * FROM {ledger}.held WHERE entity = 'customer'")
    } == {"1": "sink.natural_key_taken"}
    assert site.rows("SELECT * FROM {ledger}.crosswalk") == []
