"""What happens to the money and the services of the invented ISP."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from sandbox.world import World
from sandbox.world.billing import BILLING
from sandbox.world.books import Books, months_later
from sandbox.world.invariants import violations
from tests.unit.sandbox_world.conftest import a_world
from tests.unit.sandbox_world.test_life import changed, versions

NAMES = [event.__name__ for event, _ in BILLING.events]


@pytest.fixture(scope="module")
def grown() -> World:
    """A hundred accounts after 2,000 steps, with money applied; for reading only."""
    world = a_world(100)
    world.step(2000)
    return world


def test_a_life_of_billing_breaks_no_rule(grown: World) -> None:
    assert grown.domains["billing"].lived.total() == 1000
    assert violations(grown.store) == []


def test_every_event_happens_in_an_ordinary_life(grown: World) -> None:
    lived = Counter(grown.domains["billing"].lived)
    assert [name for name in NAMES if lived[name] == 0] == []


@pytest.mark.parametrize("name", NAMES)
def test_each_event_by_itself_breaks_no_rule(name: str) -> None:
    world = a_world(60)
    # Money has to be applied before it can be taken back, and somebody has to owe for long.
    for before in ("payment_applied", "invoice_fell_due"):
        assert any(world.happen(before) for _ in range(20))
    logged = len(world.store.table("Log"))
    assert any(world.happen(name) for _ in range(20))
    assert len(world.store.table("Log")) > logged
    assert violations(world.store) == []


def an_applied_payment(world: World) -> tuple[int, int]:
    """(payment, invoice): money that pays an invoice."""
    assert any(world.happen("payment_applied") for _ in range(20))
    credit = max(world.store.table("Credit"))
    row = world.store.table("Credit")[credit]
    assert row["creditable_type"] == "Payment"
    return row["creditable_id"], row["invoice_id"]


@pytest.mark.parametrize("name", ["reversed_fully", "reversed_partly", "succeeded_failed", "payment_deleted"])
def test_money_that_is_taken_back_opens_the_invoice_again(name: str) -> None:
    world = a_world(60)
    for _ in range(60):
        world.happen("payment_applied")
    due = owed(world)
    assert sum(world.happen(name) for _ in range(40)) > 0
    assert owed(world) > due
    assert violations(world.store) == []


def owed(world: World) -> int:
    return sum(row["remaining_due"] for row in world.store.table("Invoice").values() if not row["void"])


def test_what_is_left_of_a_payment_never_falls_below_nothing(grown: World) -> None:
    assert min(row["amount_remaining"] for row in grown.store.table("Payment").values()) >= 0


def test_an_invoice_that_is_voided_frees_the_money_that_paid_it() -> None:
    world = a_world(60)
    payment, invoice = an_applied_payment(world)
    books = Books(world.store, world.store)
    before = world.store.table("Payment")[payment]["amount_remaining"]
    paid = sum(
        row["amount"]
        for row in books.live_credits(invoice=invoice)
        if (row["creditable_type"], row["creditable_id"]) == ("Payment", payment)
    )
    books.void_invoice(invoice)
    assert world.store.table("Payment")[payment]["amount_remaining"] == before + paid
    assert books.live_credits(invoice=invoice) == []
    assert violations(world.store) == []


def test_a_deleted_service_takes_what_belongs_to_it_along_and_the_log_tells() -> None:
    world = a_world(60)
    store = world.store
    value = min(store.table("ServiceMetadataValue"))
    service = store.table("ServiceMetadataValue")[value]["account_service_id"]
    account = store.table("AccountService")[service]["account_id"]
    last = max(store.table("Log"))
    store.delete("AccountService", service)
    assert value not in store.table("ServiceMetadataValue")
    told = [row for id, row in store.table("Log").items() if id > last and row["type"] == "DELETED"]
    assert {(row["logged_entity_type"], row["logged_entity_id"]) for row in told} >= {
        ("AccountService", service),
        ("ServiceMetadataValue", value),
    }
    assert ("Account", account) in {(row["loggable_type"], row["loggable_id"]) for row in told}


def test_a_list_price_changes_no_service_of_an_account(grown: World) -> None:
    before = versions(grown, "AccountService")
    assert grown.happen("list_price_changed")
    assert versions(grown, "AccountService") == before


def test_a_bill_takes_up_what_waited() -> None:
    world = a_world(60)
    waiting = {id for id, row in world.store.table("Debit").items() if row["invoice_id"] is None}
    assert waiting
    for _ in range(400):
        world.happen("billed")
    table = world.store.table("Debit")
    assert any(table[id]["invoice_id"] is not None for id in waiting)
    assert violations(world.store) == []


def test_a_renamed_service_leaves_its_lines_alone() -> None:
    world = a_world(60)
    lines, services = versions(world, "Debit"), versions(world, "Service")
    assert world.happen("service_renamed")
    assert len(changed(services, versions(world, "Service"))) == 1
    assert versions(world, "Debit") == lines


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        pytest.param("2026-01-15", 1, "2026-02-15", id="next month"),
        pytest.param("2026-01-31", 1, "2026-02-28", id="a shorter month"),
        pytest.param("2026-11-24", 24, "2028-11-24", id="two years"),
        pytest.param("2026-01-15", -1, "2025-12-15", id="the year before"),
    ],
)
def test_months_later(day: str, months: int, later: str) -> None:
    assert months_later(date.fromisoformat(day), months) == date.fromisoformat(later)
