"""The balance of a customer: its ledger rows, and the deposit made of them."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.splynx.call import Call

PAYMENT_CATEGORY = "Payment"
SERVICE_CATEGORY = "Service"
CORRECTION_CATEGORY = "Correction"
_PLACES = Decimal("0.0001")


def money(value: Any) -> Decimal:
    """An amount as the database keeps it: four decimals."""
    return Decimal(str(value or 0)).quantize(_PLACES, rounding=ROUND_HALF_UP)


async def category(call: Call, name: str) -> int:
    """The id of a base category by its name; their ids differ between installations."""
    row = await call.session.row(
        "SELECT id FROM billing_transactions_categories WHERE name = %s AND is_base = '1' AND deleted = '0'"
        " ORDER BY id LIMIT 1",
        (name,),
    )
    return int(row["id"]) if row else 1


async def enter(
    call: Call,
    customer: int,
    kind: str,
    total: Decimal,
    *,
    category_id: int,
    description: str,
    date: str,
    source: str = "auto",
    **more: Any,
) -> int:
    """Add a row to the ledger; its id. The caller recomputes the deposit."""
    values = {
        "customer_id": customer,
        "type": kind,
        "quantity": 1,
        "unit": "",
        "price": total,
        "total": total,
        "remind_amount": 0,
        "tax_percent": 0,
        "tax_id": 0,
        "date": date,
        "category": category_id,
        "description": description,
        "comment": "",
        "period_from": "0000-00-00",
        "period_to": "0000-00-00",
        "source": source,
        "updated_at": call.clock.datetime(),
        **more,
    }
    names = ", ".join(f"`{name}`" for name in values)
    return await call.session.insert(
        f"INSERT INTO billing_transactions ({names}) VALUES ({', '.join(['%s'] * len(values))})",  # noqa: S608
        list(values.values()),
    )


def recompute(call: Call, customer: int) -> None:
    """Set the deposit to what the ledger says: the sum of credits minus the sum of debits, deleted rows left out."""
    # The row lock comes before the sum is read, so a writer that holds it is waited for and counted.
    call.session.later(
        "UPDATE customer_billing SET deposit = (SELECT"
        " COALESCE(SUM(CASE type WHEN 'credit' THEN total ELSE -total END), 0)"
        " FROM billing_transactions WHERE customer_id = %s AND deleted = '0') WHERE customer_id = %s",
        (customer, customer),
    )


def changed_document(call: Call, invoice: int) -> None:
    """An invoice changed: its cached PDF goes, and the accounting add-on pushes it again."""
    call.session.later("DELETE FROM invoices_cache WHERE invoice_id = %s", (invoice,))
    call.session.later("UPDATE accounting_invoices SET modified = '1' WHERE invoice_id = %s", (invoice,))
