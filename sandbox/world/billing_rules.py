"""What must hold between invoices, their lines, and the credits that pay them: to the cent, whatever has happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sandbox.sonar.store import Store


def violations(store: Store) -> Iterator[str]:
    """Every broken rule of the books, with type and id."""
    taxes: Counter[tuple[str, int]] = Counter()
    for row in store.table("TaxTransaction").values():
        taxes[row["taxtransactionable_type"], row["taxtransactionable_id"]] += row["amount"]
    used, paid = _credits(store)
    yield from _credit_rows(store)
    yield from _invoices(store, taxes, paid)
    yield from _discounts(store, taxes, used)
    yield from _usage(store)


def credited(store: Store) -> Counter[int]:
    """`{payment id: what of it was applied to invoices}`."""
    used, _ = _credits(store)
    return Counter({id: amount for (type_name, id), amount in used.items() if type_name == "Payment"})


def _credits(store: Store) -> tuple[Counter[tuple[str, int]], Counter[int]]:
    """What of every payment and discount was applied, and what every invoice was paid."""
    used: Counter[tuple[str, int]] = Counter()
    paid: Counter[int] = Counter()
    for row in store.table("Credit").values():
        if not row["void"]:
            used[row["creditable_type"], row["creditable_id"]] += row["amount"]
            paid[row["invoice_id"]] += row["amount"]
    return used, paid


def _credit_rows(store: Store) -> Iterator[str]:
    for id, row in store.table("Credit").items():
        if row["amount"] <= 0:
            yield f"Credit {id}: amount is not positive"
        if row["void"] != (row["voided_at"] is not None):
            yield f"Credit {id}: void and when do not go together"
        source = store.table(row["creditable_type"]).get(row["creditable_id"])
        if source is not None and source["account_id"] != row["account_id"]:
            yield f"Credit {id}: pays with somebody else's money"


def _invoices(store: Store, taxes: Counter[tuple[str, int]], paid: Counter[int]) -> Iterator[str]:
    charged: Counter[int] = Counter()
    taxed: Counter[int] = Counter()
    children: Counter[int] = Counter()
    invoices = store.table("Invoice")
    for id, row in store.table("Debit").items():
        if row["invoice_id"] is None:
            continue
        charged[row["invoice_id"]] += row["amount"]
        taxed[row["invoice_id"]] += taxes["Debit", id]
        if row["invoice_id"] in invoices and invoices[row["invoice_id"]]["account_id"] != row["account_id"]:
            yield f"Debit {id}: is on somebody else's invoice"
    for row in invoices.values():
        if row["parent_invoice_id"] is not None and not row["void"]:
            children[row["parent_invoice_id"]] += row["remaining_due"]
    for id, row in invoices.items():
        if row["total_debits"] != charged[id]:
            yield f"Invoice {id}: total_debits is off by {row['total_debits'] - charged[id]}"
        if row["total_taxes"] != taxed[id]:
            yield f"Invoice {id}: total_taxes is off by {row['total_taxes'] - taxed[id]}"
        due = row["total_debits"] + row["total_taxes"] - paid[id]
        if row["remaining_due"] != due:
            yield f"Invoice {id}: remaining_due is off by {row['remaining_due'] - due}"
        if due < 0:
            yield f"Invoice {id}: more was paid than charged"
        if row["void"] and paid[id]:
            yield f"Invoice {id}: void, and paid"
        if row["void"] != (row["voided_at"] is not None):
            yield f"Invoice {id}: void and when do not go together"
        if row["child_invoice_remaining_due"] != children[id]:
            yield f"Invoice {id}: child_invoice_remaining_due is not what its children owe"
        if not row["date"] <= row["due_date"] or not row["date"] <= row["end_date"]:
            yield f"Invoice {id}: is due or ends before its date"


def _discounts(store: Store, taxes: Counter[tuple[str, int]], used: Counter[tuple[str, int]]) -> Iterator[str]:
    for id, row in store.table("Discount").items():
        usable = 0 if row["reversed"] else row["amount"] + taxes["Discount", id]
        if row["amount_remaining"] != usable - used["Discount", id]:
            yield f"Discount {id}: amount_remaining is off by {row['amount_remaining'] - usable + used['Discount', id]}"
        if row["amount_remaining"] < 0:
            yield f"Discount {id}: more was applied than given"
    for type_name in ("Debit", "Discount"):
        for id, row in store.table(type_name).items():
            if row["amount"] < 0:
                yield f"{type_name} {id}: amount is negative"
            if row["reversed"] != (row["reversed_at"] is not None):
                yield f"{type_name} {id}: reversed and when do not go together"


def _usage(store: Store) -> Iterator[str]:
    for id, row in store.table("DataUsageHistory").items():
        if row["end_time"] is not None and row["end_time"] < row["start_time"]:
            yield f"DataUsageHistory {id}: ends before it starts"
