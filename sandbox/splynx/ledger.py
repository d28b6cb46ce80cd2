"""The balance of a customer: its ledger rows, the deposit made of them, and payments allocated to invoices."""

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


async def allocate(call: Call, customer: int) -> None:
    """Let what payments have left pay open invoices, the oldest of both first."""
    payments = await call.session.rows(
        "SELECT id, transaction_id, remind_amount FROM payments"
        " WHERE customer_id = %s AND deleted = '0' AND remind_amount > 0 ORDER BY `date`, id",
        (customer,),
    )
    invoices = await call.session.rows(
        "SELECT id, due FROM invoices WHERE customer_id = %s AND deleted = '0' AND status <> 'deleted' AND due > 0"
        " ORDER BY date_created, id",
        (customer,),
    )
    left = {payment["id"]: money(payment["remind_amount"]) for payment in payments}
    for invoice in invoices:
        due = money(invoice["due"])
        for payment in payments:
            part = min(due, left[payment["id"]])
            if part <= 0:
                continue
            left[payment["id"]] -= part
            due -= part
            _pair(call, customer, "payment", payment["id"], payment["transaction_id"], invoice["id"], part)
            _reduce(call, invoice["id"], payment["id"], due)


def _pair(call: Call, customer: int, kind: str, payer: int, transaction: int, invoice: int, amount: Decimal) -> None:
    call.session.later(
        "INSERT INTO invoice_payers (customer_id, payer_id, type, invoice_id, transaction_id, amount)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        (customer, payer, kind, invoice, transaction, amount),
    )
    if kind == "payment":
        call.session.later(
            "UPDATE payments SET remind_amount = remind_amount - %s, invoice_id = %s WHERE id = %s",
            (amount, invoice, payer),
        )


def _reduce(call: Call, invoice: int, payment: int, due: Decimal) -> None:
    if due > 0:
        call.session.later("UPDATE invoices SET due = %s WHERE id = %s", (due, invoice))
    else:
        call.session.later(
            "UPDATE invoices SET due = 0, status = 'paid', payment_id = %s, date_payment = %s WHERE id = %s",
            (payment, call.clock.date(), invoice),
        )
    changed_document(call, invoice)


async def pay(
    call: Call, customer: int, kind: str, payer: int, transaction: int, invoice: int, most: Decimal
) -> Decimal:
    """Let a payment or a credit note pay one invoice, up to `most`; how much it took. Another's invoice takes none."""
    row = await call.session.row(
        "SELECT id, due FROM invoices WHERE id = %s AND customer_id = %s AND deleted = '0'", (invoice, customer)
    )
    part = min(money(row["due"]), most) if row else Decimal(0)
    if row is None or part <= 0:
        return Decimal(0)
    _pair(call, customer, kind, payer, transaction, invoice, part)
    _reduce(call, invoice, payer if kind == "payment" else 0, money(row["due"]) - part)
    return part


async def release(call: Call, payer: int, kind: str = "payment") -> None:
    """Take back what a payment or a credit note paid: its invoices are open again by that much."""
    for pair in await call.session.rows(
        "SELECT id, invoice_id, amount FROM invoice_payers WHERE payer_id = %s AND type = %s", (payer, kind)
    ):
        call.session.later(
            "UPDATE invoices SET due = due + %s, status = 'not_paid', payment_id = 0, date_payment = '0000-00-00'"
            " WHERE id = %s",
            (pair["amount"], pair["invoice_id"]),
        )
        call.session.later("DELETE FROM invoice_payers WHERE id = %s", (pair["id"],))
        changed_document(call, pair["invoice_id"])


def changed_document(call: Call, invoice: int) -> None:
    """An invoice changed: its cached PDF goes, and the accounting add-on pushes it again."""
    call.session.later("DELETE FROM invoices_cache WHERE invoice_id = %s", (invoice,))
    call.session.later("UPDATE accounting_invoices SET modified = '1' WHERE invoice_id = %s", (invoice,))
