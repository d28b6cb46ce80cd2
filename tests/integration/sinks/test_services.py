"""Services lie below their customer: made, closed before it, opened after it, ended when they are gone."""

from datetime import date
from typing import Any

import pytest

from schemas.bundle import Refused
from schemas.values.errors import OutOfRange
from sinks.errors import KeyTaken
from tests.integration.sinks.conftest import Site
from tests.integration.sinks.records import ACCOUNTS, Topic, customer, service
from tests.modes import in_both_modes

pytestmark = [pytest.mark.timeout(120), in_both_modes]
SERVICES = "SELECT customer_id, login, status, end_date, unit_price FROM services_internet ORDER BY id"


def _shown(rows: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(row["login"], row["status"], str(row["end_date"])) for row in rows]


async def test_a_service_follows_its_customer_and_leaves_no_copy(site: Site) -> None:
    topic, writer = Topic(), await site.own(site.make_writer())
    running = [*customer(1), service(501, 1), service(502, 1)]
    await writer.write([topic.send(ACCOUNTS, 1, running, sequence=1)])
    made = site.rows(SERVICES)
    assert _shown(made) == [("s1-501", "active", "0000-00-00"), ("s1-502", "active", "0000-00-00")]
    assert {row["customer_id"] for row in made} == {row["id"] for row in site.rows("SELECT id FROM customers")}

    shut = [
        *customer(1, status="disabled"), service(501, 1, status="disabled", end_date="2026-02-01"),
        service(502, 1, status="disabled", end_date="2026-02-01"),
    ]  # fmt: skip
    await writer.write([topic.send(ACCOUNTS, 1, shut, sequence=2)])
    # Had the customer been disabled first, Splynx would have ended them today and made a copy of each.
    closed = [("s1-501", "disabled", "2026-02-01"), ("s1-502", "disabled", "2026-02-01")]
    assert _shown(site.rows(SERVICES)) == closed
    assert [row["status"] for row in site.rows("SELECT status FROM customers")] == ["disabled"]

    # Had the services been opened first, Splynx would have refused them.
    dearer = [*customer(1), service(501, 1, unit_price="65.0000")]
    await writer.write([topic.send(ACCOUNTS, 1, dearer, sequence=3, day=date(2026, 3, 1))])
    rows = site.rows(SERVICES)
    assert _shown(rows) == [("s1-501", "active", "0000-00-00"), ("s1-502", "disabled", "2026-02-01")]
    assert str(rows[0]["unit_price"]) == "65.0000"

    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=4, day=date(2026, 3, 2))])
    assert _shown(site.rows(SERVICES))[0] == ("s1-501", "disabled", "2026-03-02")
    images = site.rows("SELECT before_image FROM {ledger}.journal WHERE action = 'gone' AND record_key = '501'")
    assert [row["before_image"] for row in images] == ['{"end_date":"0000-00-00","status":"active"}']
    states = site.rows("SELECT record_key, state FROM {ledger}.crosswalk WHERE entity = 'internet_service'")
    assert {(row["record_key"], row["state"]) for row in states} == {("501", "gone"), ("502", "gone")}


async def test_a_service_whose_answer_was_lost_is_found_again_by_its_sonar_id(site: Site) -> None:
    topic, writer = Topic(), await site.own(site.make_writer())
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    site.arm("reset_after_commit", path="internet-services$", method="POST", seconds=4)
    await writer.write([topic.send(ACCOUNTS, 1, [*customer(1), service(501, 1)], sequence=2)])
    assert _shown(site.rows(SERVICES)) == [("s1-501", "active", "0000-00-00")]


async def test_a_service_that_cannot_be_mapped_holds_up_nothing_but_itself(site: Site) -> None:
    topic, writer = Topic(), await site.own(site.make_writer())
    refused = (Refused("internet_service", "502", OutOfRange.code, str(OutOfRange("quantity"))),)
    await writer.write([topic.send(ACCOUNTS, 1, [*customer(1), service(501, 1)], sequence=1, refused=refused)])
    assert _shown(site.rows(SERVICES)) == [("s1-501", "active", "0000-00-00")]
    held = site.rows("SELECT record_key, state, code FROM {ledger}.held")
    assert held == [{"record_key": "502", "state": "dead", "code": OutOfRange.code}]
    assert writer.counts.bundles["dead_lettered"] == 1
    # One that was written stays as it is, and so does its customer's status: Splynx would copy it.
    refused = (Refused("internet_service", "501", OutOfRange.code, "quantity"),)
    shut = customer(1, status="disabled")
    await writer.write([topic.send(ACCOUNTS, 1, shut, sequence=2, refused=refused)])
    assert _shown(site.rows(SERVICES)) == [("s1-501", "active", "0000-00-00")]
    assert site.rows("SELECT status FROM customers") == [{"status": "active"}]
    # Mended: all of it is written.
    shut = [*customer(1, status="disabled"), service(501, 1, status="disabled", end_date="2026-02-01")]
    await writer.write([topic.send(ACCOUNTS, 1, shut, sequence=2)])
    assert _shown(site.rows(SERVICES)) == [("s1-501", "disabled", "2026-02-01")]
    assert site.rows("SELECT status FROM customers") == [{"status": "disabled"}]
    assert site.rows("SELECT * FROM {ledger}.held") == []


@pytest.mark.parametrize("was", ["done", "lost"])
async def test_a_service_that_another_account_has_is_not_taken_from_it(site: Site, was: str) -> None:
    """Sonar moves none; one that comes of another account all the same is told, and ended where it was."""
    topic, writer = Topic(), await site.own(site.make_writer())
    await writer.write([topic.send(ACCOUNTS, 1, [*customer(1), service(501, 1)], sequence=1)])
    await writer.write([topic.send(ACCOUNTS, 2, customer(2), sequence=2)])
    # Whether it was found again after a lost answer or not.
    site.run("UPDATE {ledger}.intents SET state = %s WHERE entity = 'internet_service'", was)
    moved = topic.send(ACCOUNTS, 2, [*customer(2), service(501, 2)], sequence=3)
    await writer.write([moved])
    assert _shown(site.rows(SERVICES)) == [("s1-501", "active", "0000-00-00")]
    held = site.rows("SELECT record_key, state, code FROM {ledger}.held")
    assert held == [{"record_key": "501", "state": "dead", "code": KeyTaken.code}]
    # It is still the first account's, which ends it.
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=4, day=date(2026, 3, 2))])
    assert _shown(site.rows(SERVICES)) == [("s1-501", "disabled", "2026-03-02")]
    # Somebody frees the Sonar id, and sends it again.
    site.run("DELETE FROM services_internet_values WHERE name = 'sonar_id'")
    await writer.write(topic.rewind([moved]))
    assert _shown(site.rows(SERVICES)) == [("s1-501", "disabled", "2026-03-02"), ("s2-501", "active", "0000-00-00")]
    assert site.rows("SELECT * FROM {ledger}.held") == []


@pytest.mark.fault(27)
async def test_what_somebody_deleted_in_splynx_is_withdrawn_without_a_letter(site: Site) -> None:
    topic, writer = Topic(), await site.own(site.make_writer())
    await writer.write([topic.send(ACCOUNTS, 1, [*customer(1), service(5, 1)], sequence=1)])
    site.run("UPDATE services_internet SET deleted = '1'")
    site.run("UPDATE customers SET deleted = '1'")
    await writer.write([topic.send(ACCOUNTS, 1, [], sequence=2, deleted=True)])
    assert site.rows("SELECT entity, code FROM {ledger}.held") == []
    states = site.rows("SELECT entity, state FROM {ledger}.crosswalk ORDER BY entity")
    assert {one["entity"]: one["state"] for one in states} == {
        "customer": "gone", "customer_info": "gone", "internet_service": "gone",
    }  # fmt: skip
