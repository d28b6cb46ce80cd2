"""What the invented ISP sells, charges and was paid: what there is on the first day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest

from sandbox.sonar.store import Store
from sandbox.world import World
from sandbox.world.billing_oddities import find
from sandbox.world.books import Books
from sandbox.world.invariants import violations
from sandbox.world.registry import Row
from tests.unit.sandbox_world.conftest import NOW, a_world

WRITTEN = (
    "Service",
    "DataServiceDetail",
    "VoiceServiceDetail",
    "RecurringServiceDetail",
    "ExpiringServiceDetail",
    "OverageServiceDetail",
    "AdjustmentServiceDetail",
    "VoiceServiceGenericParameter",
    "VoiceServiceGenericParameterTax",
    "LocalPrefix",
    "Package",
    "PackageService",
    "UsageBasedBillingPolicy",
    "UsageBasedBillingPolicyFreePeriod",
    "Tax",
    "GeoTaxZone",
    "ServiceTax",
    "ServiceTaxDefinition",
    "AvalaraTaxDefinition",
    "TaxProvider",
    "GeneralLedgerCode",
    "ServiceMetadata",
    "VoiceProvider",
    "AccountService",
    "AccountVoiceServiceDetail",
    "ServiceMetadataValue",
    "TaxOverride",
    "TaxExemption",
    "Invoice",
    "Debit",
    "Credit",
    "Discount",
    "TaxTransaction",
    "MonthlyBillingCompletion",
    "DepositSlip",
    "DataUsageHistory",
    "DataUsageTopOff",
    "CallDetailRecord",
    "AccountEvent",
    "DisconnectionLog",
    "ScheduledEvent",
    "ScheduledEventAccountVoiceServiceDetail",
)


@pytest.fixture(scope="module")
def full() -> World:
    """A hundred accounts with all their history, for reading only."""
    return a_world(100, full=True)


@pytest.fixture
def small() -> World:
    """Sixty accounts of a test's own."""
    return a_world()


def test_every_collection_has_rows_at_sixty_accounts(sixty: World) -> None:
    assert [name for name in WRITTEN if not sixty.store.table(name)] == []


@pytest.mark.parametrize("accounts", [1, 2, 20])
def test_few_accounts_are_billed_too(accounts: int) -> None:
    world = a_world(accounts)
    assert violations(world.store) == []
    assert world.store.table("Service")


def test_the_same_seed_gives_the_same_invoices(sixty: World) -> None:
    def told(world: World) -> list[tuple[object, ...]]:
        tables = [world.store.table(name) for name in ("Invoice", "Debit", "Credit")]
        return [(id, *row.values()) for table in tables for id, row in table.items()]

    assert told(a_world()) == told(sixty)
    assert told(a_world(seed=8)) != told(sixty)


def test_the_services_of_an_account_with_their_taxes_are_its_recurring_charge(three_hundred: World) -> None:
    store = three_hundred.store
    books, checked = Books(store, store), 0
    for id, account in store.table("Account").items():
        if account["next_recurring_charge_amount"] is None:
            continue
        charge = 0
        for taken_id in store.pointing("AccountService", "account_id", id):
            taken = store.table("AccountService")[taken_id]
            service = store.table("Service")[taken["service_id"]]
            listed = (service["amount"] or 0) * taken["quantity"]
            price = taken["price_override"] if taken["price_override"] is not None else listed
            line = books.line(account, service, price)
            charge += -line.total if line.is_discount else line.total
        assert charge == account["next_recurring_charge_amount"]
        checked += 1
    assert checked > 200


def test_without_the_whole_history_no_payment_has_paid_an_invoice_yet(three_hundred: World) -> None:
    credits = three_hundred.store.table("Credit").values()
    assert {row["creditable_type"] for row in credits} == {"Discount"}


def test_with_the_whole_history_payments_pay_the_oldest_invoices_first(full: World) -> None:
    store = full.store
    assert violations(store) == []
    by_type = Counter(row["creditable_type"] for row in store.table("Credit").values())
    assert by_type["Payment"] > by_type["Discount"] > 0
    for account in store.table("Account"):
        invoices = [store.table("Invoice")[id] for id in store.pointing("Invoice", "account_id", account)]
        payments = [store.table("Payment")[id] for id in store.pointing("Payment", "account_id", account)]
        free = any(row["amount_remaining"] and row["status"] != "PENDING" for row in payments)
        # Money lies idle only where nothing is open.
        assert not free or not any(row["remaining_due"] and not row["void"] for row in invoices)


def test_the_whole_history_has_the_shape_of_a_real_instance(full: World) -> None:
    """10,158 accounts with 34,623 addresses, 357,287 debits, 221,231 credits and 52,037 discounts."""
    accounts = len(full.store.table("Account"))
    for name, mean in (("Address", 3.4), ("Debit", 35.2), ("Credit", 21.8), ("Discount", 5.1)):
        assert 0.7 * mean < len(full.store.table(name)) / accounts < 1.4 * mean, name


@pytest.mark.parametrize("name", ["AccountService", "Invoice", "Debit", "Discount"])
def test_ids_follow_the_order_of_time(full: World, name: str) -> None:
    last = NOW - timedelta(days=2)
    moments = [row["created_at"] for _, row in sorted(full.store.table(name).items()) if row["created_at"] < last]
    assert sum(one > other for one, other in pairwise(moments)) <= len(moments) // 10


@pytest.mark.parametrize("oddity", sorted(find(Store(lambda: NOW))))
def test_each_oddity_is_there_at_sixty_accounts(sixty: World, oddity: str) -> None:
    assert find(sixty.store)[oddity] != []


def test_a_tax_is_rounded_half_up_to_the_cent_and_exempts_what_it_exempts(small: World) -> None:
    store = small.store
    books = Books(store, store)
    account = next(
        row
        for id, row in store.table("Account").items()
        if not store.pointing("TaxOverride", "account_id", id)
        and not store.linked("Account", "geo_tax_zones", id)
        and not _terms(store, id)["tax_exempt"]
    )
    phone = next(row for row in store.table("Service").values() if row["name"] == "Home phone")
    found = {one.name: (one.taxed, one.amount) for one in books.line(account, phone, 2550).taxes}
    assert found == {
        "State telecommunications tax": (2550, 179),  # 178.5
        "911 surcharge": (2550, 150),
        "Universal service fund": (2050, 132),  # 131.97
    }
    store.update("AccountBillingParameter", _terms(store, account["id"])["id"], tax_exempt=True)
    assert books.line(account, phone, 2550).taxes == ()


def _terms(store: Store, account: int) -> Row:
    (id,) = store.pointing("AccountBillingParameter", "account_id", account)
    return store.table("AccountBillingParameter")[id]


def _open(store: Store) -> int:
    return next(id for id, row in store.table("Invoice").items() if row["remaining_due"] > 1 and not row["void"])


def _paid_by(store: Store) -> int:
    return next(id for id, row in store.table("Credit").items() if not row["void"])


def _on_an_invoice(store: Store) -> int:
    return next(id for id, row in store.table("Debit").items() if row["invoice_id"] is not None)


def _parent(store: Store) -> int:
    return next(id for id, row in store.table("Invoice").items() if row["child_invoice_remaining_due"] > 0)


def _other_account(store: Store, than: int) -> int:
    return next(id for id in store.table("Account") if id != than)


def _pay_with_anothers(store: Store) -> None:
    credit = _paid_by(store)
    store.update("Credit", credit, account_id=_other_account(store, store.table("Credit")[credit]["account_id"]))


def _charge_another(store: Store) -> None:
    debit = _on_an_invoice(store)
    store.update("Debit", debit, account_id=_other_account(store, store.table("Debit")[debit]["account_id"]))


def _apply_unseen(store: Store) -> None:
    """A payment is used, and nobody has written what is left of it."""
    invoice = _open(store)
    account = store.table("Invoice")[invoice]["account_id"]
    payment = next(id for id, row in store.table("Payment").items() if row["amount_remaining"] == row["amount"])
    store.insert(
        "Credit",
        account_id=account,
        amount=1,
        creditable_id=payment,
        creditable_type="Payment",
        invoice_id=invoice,
        void=False,
    )


def _first(store: Store, name: str) -> int:
    return min(store.table(name))


def _give_too_much(store: Store) -> None:
    credit = store.table("Credit")[_paid_by(store)]
    store.update("Discount", credit["creditable_id"], amount=0, amount_remaining=-1)


BREAKS: list[tuple[str, Callable[[Store], None], str]] = [
    ("a cent of a debit", lambda s: s.update("Debit", _on_an_invoice(s), amount=987_654), "total_debits is off by"),
    ("a cent of a tax", lambda s: s.update("TaxTransaction", 1, amount=98_765), "is off by"),
    ("a tax line is gone", lambda s: s.delete("TaxTransaction", _tax_of_an_invoice(s)), "total_taxes is off by"),
    ("less is due", lambda s: s.update("Invoice", _open(s), remaining_due=1), "remaining_due is off by"),
    ("a credit vanished", lambda s: s.delete("Credit", _paid_by(s)), "remaining_due is off by"),
    ("a credit of nothing", lambda s: s.update("Credit", _paid_by(s), amount=0), "amount is not positive"),
    ("a credit too large", lambda s: s.update("Credit", _paid_by(s), amount=9_999_999), "more was paid than charged"),
    ("void at no time", lambda s: s.update("Credit", _paid_by(s), void=True), "void and when do not go together"),
    ("somebody else's money", _pay_with_anothers, "pays with somebody else's money"),
    ("somebody else's charge", _charge_another, "is on somebody else's invoice"),
    ("a payment used in silence", _apply_unseen, "amount_remaining is off by 1"),
    (
        "a void invoice that is paid",
        lambda s: s.update("Invoice", s.table("Credit")[_paid_by(s)]["invoice_id"], void=True, voided_at=NOW),
        "void, and paid",
    ),
    ("an invoice void at no time", lambda s: s.update("Invoice", _open(s), void=True), "void and when"),
    (
        "a parent that forgot its child",
        lambda s: s.update("Invoice", _parent(s), child_invoice_remaining_due=0),
        "not what its children owe",
    ),
    ("due before its date", lambda s: s.update("Invoice", _open(s), due_date="2001-01-01"), "before its date"),
    ("more given than there is", _give_too_much, "more was applied than given"),
    ("a charge below nothing", lambda s: s.update("Debit", _first(s, "Debit"), amount=-1), "amount is negative"),
    (
        "reversed at no time",
        lambda s: s.update("Debit", _first(s, "Debit"), reversed=True, reversed_at=None),
        "reversed and when do not go together",
    ),
    (
        "usage that ends before it starts",
        lambda s: s.update("DataUsageHistory", 1, end_time=NOW - timedelta(days=9999)),
        "ends before it starts",
    ),
]


def _tax_of_an_invoice(store: Store) -> int:
    return next(
        id
        for id, row in store.table("TaxTransaction").items()
        if row["amount"]
        and row["taxtransactionable_type"] == "Debit"
        and store.table("Debit")[row["taxtransactionable_id"]]["invoice_id"] is not None
    )


@pytest.mark.parametrize(("how", "says"), [pytest.param(how, says, id=situation) for situation, how, says in BREAKS])
def test_a_broken_rule_is_named(small: World, how: Callable[[Store], None], says: str) -> None:
    assert violations(small.store) == []
    how(small.store)
    found = violations(small.store)
    assert any(says in line for line in found), found
