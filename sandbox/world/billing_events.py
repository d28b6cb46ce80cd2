"""Events of billing: invoices are written, paid, voided; charges and discounts come and go; payments are applied."""

from __future__ import annotations

from datetime import date

from sandbox.world import service_events
from sandbox.world.books import Books, Line
from sandbox.world.domain import Event
from sandbox.world.life import Life
from sandbox.world.registry import Row
from sandbox.world.services import named
from sandbox.world.summary import counts

INDEXED = (
    "Service",
    "AccountService",
    "Invoice",
    "Debit",
    "Credit",
    "Discount",
    "Tax",
    "DataUsageHistory",
    "ScheduledEvent",
)


def books_of(life: Life) -> Books:
    """The books of a life, written through its registry."""
    return Books(life.registry.store, life.registry)


def account_of(life: Life, row: Row) -> Row | None:
    """The account of a row, unless somebody deleted it."""
    return life.registry.row("Account", row["account_id"])


def billed(life: Life) -> bool:
    """The monthly run of one account: all that it has, and what waited for an invoice."""
    found = life.registry.draw("AccountService", life.rng)
    account = account_of(life, found[1]) if found is not None else None
    if account is None:
        return False
    store, books, today = life.registry.store, books_of(life), date.fromisoformat(life.today())
    table = store.table("AccountService")
    charges: list[Line] = []
    discounts: list[Line] = []
    for id in list(store.pointing("AccountService", "account_id", account["id"])):
        taken, service = table[id], store.table("Service")[table[id]["service_id"]]
        listed = (service["amount"] or 0) * taken["quantity"]
        amount = taken["price_override"] if taken["price_override"] is not None else listed
        line = books.line(account, service, amount, quantity=taken["quantity"])
        (discounts if line.is_discount else charges).append(line)
        if service["type"] == "EXPIRING":
            times = (taken["number_of_times_billed"] or 0) + 1
            life.registry.update("AccountService", id, number_of_times_billed=times)
    loose = [
        id
        for id in store.pointing("Debit", "account_id", account["id"])
        if store.table("Debit")[id]["invoice_id"] is None and not store.table("Debit")[id]["reversed"]
    ]
    invoice = books.invoice(account, today, charges, loose=loose)
    for line in discounts:
        books.apply("Discount", books.discount(account, line), invoice)
    return True


def payment_applied(life: Life) -> bool:
    """Money that came in earlier pays what is open, the oldest invoice first."""
    found = life.registry.draw("Payment", life.rng, lambda row: counts(row) and row["amount_remaining"] > 0)
    if found is None:
        return False
    payment, row = found
    books = books_of(life)
    applied = 0
    for invoice in list(life.registry.store.pointing("Invoice", "account_id", row["account_id"])):
        applied += books.apply("Payment", payment, invoice)
    return applied > 0


def credit_voided(life: Life) -> bool:
    found = life.registry.draw("Credit", life.rng, lambda row: not row["void"])
    if found is None:
        return False
    books_of(life).void_credit(found[0])
    return True


def invoice_voided(life: Life) -> bool:
    found = life.registry.draw("Invoice", life.rng, lambda row: not row["void"])
    if found is None:
        return False
    books_of(life).void_invoice(found[0])
    return True


def invoice_fell_due(life: Life) -> bool:
    found = life.registry.draw(
        "Invoice", life.rng, lambda row: not row["void"] and row["remaining_due"] > 0 and not row["delinquent"]
    )
    if found is None:
        return False
    life.registry.update("Invoice", found[0], delinquent=True, delinquency_date=life.today())
    return True


def late_fee_charged(life: Life) -> bool:
    """A late fee comes on an invoice of its own."""
    found = life.registry.draw("Invoice", life.rng, lambda row: row["delinquent"] and not row["late_fee_applied"])
    account = account_of(life, found[1]) if found is not None else None
    if found is None or account is None:
        return False
    books, fee = books_of(life), named(life.registry.store, "fee")
    lines = [books.line(account, fee, fee["amount"] or 0)]
    life.registry.update("Invoice", found[0], late_fee_applied=True)
    books.invoice(account, date.fromisoformat(life.today()), lines, monthly=False, late_fee_only=True)
    return True


def charged(life: Life) -> bool:
    """A charge that waits for the next invoice."""
    found = life.registry.draw("Account", life.rng, lambda row: row["activation_date"] is not None)
    if found is None:
        return False
    books, service = books_of(life), named(life.registry.store, life.rng.choice(("visit", "correction")))
    amount, count = life.rng.randint(100, 20_000), life.rng.choice((1, 1, 2, 3))
    books.debit(found[1], books.line(found[1], service, amount, quantity=count, description="Asked for"))
    return True


def charge_deleted(life: Life) -> bool:
    """Only what is on no invoice can be deleted; its tax lines go with it."""
    return life.delete_one("Debit", lambda row: row["invoice_id"] is None)


def charge_reversed(life: Life) -> bool:
    def holds(row: Row) -> bool:
        invoice = life.registry.row("Invoice", row["invoice_id"]) if row["invoice_id"] is not None else None
        return invoice is not None and not invoice["void"] and not row["reversed"]

    found = life.registry.draw("Debit", life.rng, holds)
    if found is None:
        return False
    books_of(life).reverse(found[0], user=life.rng.choice(life.catalogue.users))
    return True


def discount_given(life: Life) -> bool:
    """Something off; most of it is used at once."""
    found = life.registry.draw("Invoice", life.rng, lambda row: not row["void"])
    account = account_of(life, found[1]) if found is not None else None
    if found is None or account is None:
        return False
    books, service = books_of(life), named(life.registry.store, life.rng.choice(("goodwill", "loyalty", "bundle")))
    line = books.line(account, service, life.rng.randint(1, 3000), description="For the trouble")
    discount = books.discount(account, line, user=life.rng.choice(life.catalogue.users))
    if life.rng.random() < 0.8:
        books.apply("Discount", discount, found[0])
    return True


def discount_reversed(life: Life) -> bool:
    """A discount is taken back; what it paid is open again."""
    found = life.registry.draw("Discount", life.rng, lambda row: not row["reversed"] and row["debit_id"] is None)
    if found is None:
        return False
    user = life.rng.choice(life.catalogue.users)
    books_of(life).settle("Discount", found[0], reversed=True, reversed_at=life.clock(), reversed_by_user_id=user)
    return True


def tax_raised(life: Life) -> bool:
    """From now on; lines that were written keep their taxes."""
    found = life.registry.draw("Tax", life.rng, lambda row: row["type"] == "GLOBAL")
    if found is None:
        return False
    life.registry.update("Tax", found[0], rate=life.rng.choice((1.0, 1.25, 6.4375, 7.0, 7.25)))
    return True


EVENTS: tuple[tuple[Event, float], ...] = (
    (billed, 12),
    (payment_applied, 14),
    (charged, 4),
    (discount_given, 4),
    (invoice_fell_due, 3),
    (late_fee_charged, 1),
    (charge_reversed, 1),
    (charge_deleted, 1),
    (credit_voided, 0.7),
    (invoice_voided, 0.5),
    (discount_reversed, 0.7),
    (tax_raised, 0.3),
    *service_events.EVENTS,
)
