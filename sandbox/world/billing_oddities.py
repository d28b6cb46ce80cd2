"""Oddities of money that a mapping has to get over; each is found again by `find`, whatever happened since."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import timedelta

from sandbox.sonar.store import Store
from sandbox.world.books import Books
from sandbox.world.domain import Beginning
from sandbox.world.registry import Row
from sandbox.world.services import named
from sandbox.world.usage import called


def plant(beginning: Beginning) -> None:
    """Give some accounts what chance may not have given anyone."""
    store, calendar = beginning.store, beginning.calendar
    books, at = Books(store, store), calendar.second(calendar.yesterday, 17 * 3600)
    rows = sorted(store.table("Account").items())
    hosts = [row for _, row in rows if store.pointing("AccountService", "account_id", row["id"])][:6]
    if not hosts:
        return
    picks = [hosts[place % len(hosts)] for place in range(6)]
    day = calendar.yesterday

    # Nothing to pay: emitted as paid.
    books.invoice(picks[0], day, [books.line(picks[0], named(store, "free"), 0)], monthly=False, at=at)

    # One discount over two invoices, and an invoice of many small lines.
    fee = named(store, "fee")
    two = [books.invoice(picks[1], day, [books.line(picks[1], fee, 700)], monthly=False, at=at) for _ in range(2)]
    goodwill = books.line(picks[1], named(store, "goodwill"), 1000)
    discount = books.discount(picks[1], goodwill, user=beginning.catalogue.users[2], at=at)
    for invoice in two:
        books.apply("Discount", discount, invoice, at=at)
    many = [books.line(picks[2], fee, cents, description=f"Part {cents} <b>of many</b>") for cents in range(1, 121)]
    books.invoice(picks[2], day, many, monthly=False, at=at, message="<p>Thank you &amp; see you</p>")

    # Applied by mistake, and taken back; and a discount that was taken back as a whole.
    again = books.invoice(picks[3], day, [books.line(picks[3], fee, 900)], monthly=False, at=at)
    mistaken = books.discount(picks[3], books.line(picks[3], named(store, "goodwill"), 400), at=at)
    books.apply("Discount", mistaken, again, at=at)
    books.void_credit(books.live_credits(of=("Discount", mistaken))[-1]["id"], at)
    books.settle("Discount", mistaken, at, reversed=True, reversed_at=at, reversed_by_user_id=1)

    # A charge for three things at a price that does not divide, for part of a month.
    visit = books.line(picks[4], named(store, "visit"), 10_000, quantity=3, description="Three visits \U0001f69a")
    debit = books.debit(picks[4], visit, at=at)
    store.update("Debit", debit, at=at, prorated_from=day - timedelta(days=9), prorated_to=day)

    # One invoice for a parent and, on it, a child's.
    parent = books.invoice(picks[5], day, [books.line(picks[5], fee, 500)], monthly=False, at=at)
    books.invoice(picks[0], day, [books.line(picks[0], fee, 650)], monthly=False, parent=parent, at=at)

    # A call that nobody has made.
    called(store, beginning.rng, None, None, at)


def find(store: Store) -> dict[str, list[int]]:
    """`{oddity: ids of its rows, ascending}`, every oddity named even where there is none."""
    lines = Counter(row["invoice_id"] for row in store.table("Debit").values())
    covers: dict[int, set[int]] = defaultdict(set)
    for credit in store.table("Credit").values():
        if credit["creditable_type"] == "Discount" and not credit["void"]:
            covers[credit["creditable_id"]].add(credit["invoice_id"])
    names = Counter(row["name"] for row in store.table("Service").values())
    wanted: dict[str, tuple[str, Callable[[Row], bool]]] = {
        "service_named_twice": ("Service", lambda row: names[row["name"]] > 1),
        "overlong_service": ("Service", lambda row: len(row["name"]) > 64),
        "service_sold_no_more": ("Service", lambda row: not row["enabled"]),
        "service_without_price": ("Service", lambda row: row["amount"] is None),
        "yearly_service": ("RecurringServiceDetail", lambda row: row["billing_frequency"] == 12),
        "flat_tax": ("Tax", lambda row: row["application"] == "FLAT"),
        "tax_exemption_amount": ("ServiceTax", lambda row: row["exemption_amount"] > 0),
        "overridden_price": ("AccountService", lambda row: row["price_override"] is not None),
        "empty_invoice": ("Invoice", lambda row: row["total_debits"] + row["total_taxes"] == 0),
        "long_invoice": ("Invoice", lambda row: lines[row["id"]] > 100),
        "child_invoice": ("Invoice", lambda row: row["parent_invoice_id"] is not None),
        "parent_invoice": ("Invoice", lambda row: row["child_invoice_remaining_due"] > 0),
        "waiting_charge": ("Debit", lambda row: row["invoice_id"] is None and not row["reversed"]),
        "indivisible_charge": ("Debit", lambda row: row["amount"] % row["quantity"] != 0),
        "prorated_charge": ("Debit", lambda row: row["prorated_from"] is not None),
        "discount_over_two_invoices": ("Discount", lambda row: len(covers[row["id"]]) > 1),
        "unused_discount": ("Discount", lambda row: row["amount_remaining"] > 0),
        "reversed_discount": ("Discount", lambda row: row["reversed"]),
        "void_credit": ("Credit", lambda row: row["void"]),
        "call_of_nobody": ("CallDetailRecord", lambda row: row["account_id"] is None),
        "open_usage": ("DataUsageHistory", lambda row: row["end_time"] is None),
    }
    return {
        oddity: sorted(row["id"] for row in store.table(type_name).values() if holds(row))
        for oddity, (type_name, holds) in wanted.items()
    }
