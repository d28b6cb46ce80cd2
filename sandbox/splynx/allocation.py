"""What money is for: payments, credit notes and plain credits that settle debits and pay invoices, and give back."""

# ruff: noqa: S608 - the tables in the SQL are our own, values are always passed beside it

from dataclasses import dataclass
from decimal import Decimal

from sandbox.splynx import ledger
from sandbox.splynx.call import Call

_TABLES = {"payment": "payments", "credit_note": "credit_notes", "transaction": "billing_transactions"}
"""Kind of a payer in `invoice_payers`, and its table."""
_PAYERS = """
SELECT 'payment' kind, id, transaction_id, remind_amount, `date` day FROM payments
 WHERE customer_id = %s AND deleted = '0' AND remind_amount > 0
UNION ALL SELECT 'credit_note', n.id, COALESCE(t.id, 0), n.remind_amount, n.date_created FROM credit_notes n
 LEFT JOIN billing_transactions t ON t.credit_note_id = n.id AND t.deleted = '0'
 WHERE n.customer_id = %s AND n.deleted = '0' AND n.remind_amount > 0
UNION ALL SELECT 'transaction', id, id, remind_amount, `date` FROM billing_transactions
 WHERE customer_id = %s AND deleted = '0' AND type = 'credit' AND remind_amount > 0
 AND COALESCE(payment_id, 0) = 0 AND COALESCE(credit_note_id, 0) = 0
ORDER BY day, kind, id
"""


@dataclass
class Payer:
    """One that has money left."""

    kind: str
    id: int
    transaction: int
    left: Decimal


async def allocate(call: Call, customer: int) -> None:
    """Let what is left settle plain debits, and then pay open invoices: the oldest first of all three."""
    rows = await call.session.rows(_PAYERS, (customer,) * 3)
    payers = [Payer(r["kind"], r["id"], r["transaction_id"], ledger.money(r["remind_amount"])) for r in rows]
    if not payers:
        return
    for debit in await call.session.rows(
        "SELECT id, remind_amount FROM billing_transactions WHERE customer_id = %s AND deleted = '0'"
        " AND type = 'debit' AND to_invoice = '0' AND COALESCE(invoice_id, 0) = 0 AND remind_amount > 0"
        " ORDER BY `date`, id",
        (customer,),
    ):
        due = ledger.money(debit["remind_amount"])
        for payer, part in _parts(payers, due):
            due -= part
            _pair(call, customer, payer, None, debit["id"], part)
        call.session.later("UPDATE billing_transactions SET remind_amount = %s WHERE id = %s", (due, debit["id"]))
    for invoice in await call.session.rows(
        "SELECT id, due FROM invoices WHERE customer_id = %s AND deleted = '0' AND status <> 'deleted' AND due > 0"
        " ORDER BY date_created, id",
        (customer,),
    ):
        due = ledger.money(invoice["due"])
        for payer, part in _parts(payers, due):
            due -= part
            _pay(call, customer, payer, invoice["id"], part, due)


async def pay(call: Call, customer: int, payer: Payer, invoice: int) -> None:
    """Let one pay one invoice with what it has left. Another's invoice takes none."""
    row = await call.session.row(
        "SELECT id, due FROM invoices WHERE id = %s AND customer_id = %s AND deleted = '0'", (invoice, customer)
    )
    due = ledger.money(row["due"]) if row else Decimal(0)
    for one, part in _parts([payer], due):
        _pay(call, customer, one, invoice, part, due - part)


async def release(call: Call, payer: int, kind: str = "payment") -> None:
    """Take back what one paid: invoices and debits are open again by that much. The caller sets what it has left."""
    for pair in await call.session.rows(
        "SELECT id, invoice_id, transaction_id, amount FROM invoice_payers WHERE payer_id = %s AND type = %s",
        (payer, kind),
    ):
        call.session.later("DELETE FROM invoice_payers WHERE id = %s", (pair["id"],))
        if pair["invoice_id"] is None:
            call.session.later(
                "UPDATE billing_transactions SET remind_amount = remind_amount + %s WHERE id = %s",
                (pair["amount"], pair["transaction_id"]),
            )
            continue
        call.session.later(
            "UPDATE invoices SET due = due + %s, status = 'not_paid', payment_id = 0, date_payment = '0000-00-00',"
            " payd_from_deposit = '0' WHERE id = %s",
            (pair["amount"], pair["invoice_id"]),
        )
        ledger.changed_document(call, pair["invoice_id"])


async def reopen(call: Call, debit: int) -> None:
    """Give back what settled a plain debit, to those who paid it."""
    for pair in await call.session.rows(
        "SELECT id, payer_id, type, amount FROM invoice_payers WHERE invoice_id IS NULL AND transaction_id = %s",
        (debit,),
    ):
        call.session.later("DELETE FROM invoice_payers WHERE id = %s", (pair["id"],))
        call.session.later(
            f"UPDATE `{_TABLES[pair['type']]}` SET remind_amount = remind_amount + %s WHERE id = %s",
            (pair["amount"], pair["payer_id"]),
        )


def _parts(payers: list[Payer], due: Decimal) -> list[tuple[Payer, Decimal]]:
    """Who pays how much of what is due; what they have left shrinks by it."""
    parts = []
    for payer in payers:
        part = min(due, payer.left)
        if part > 0:
            payer.left -= part
            due -= part
            parts.append((payer, part))
    return parts


def _pair(call: Call, customer: int, payer: Payer, invoice: int | None, transaction: int, amount: Decimal) -> None:
    # A settled debit is a row without an invoice, which the table allows; that the product writes one is an assumption.
    call.session.later(
        "INSERT INTO invoice_payers (customer_id, payer_id, type, invoice_id, transaction_id, amount)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        (customer, payer.id, payer.kind, invoice, transaction, amount),
    )
    call.session.later(
        f"UPDATE `{_TABLES[payer.kind]}` SET remind_amount = remind_amount - %s WHERE id = %s", (amount, payer.id)
    )


def _pay(call: Call, customer: int, payer: Payer, invoice: int, part: Decimal, due: Decimal) -> None:
    """Pay a part of an invoice, which `due` is left of."""
    _pair(call, customer, payer, invoice, payer.transaction, part)
    payment = payer.id if payer.kind == "payment" else 0
    if payment:
        call.session.later("UPDATE payments SET invoice_id = %s WHERE id = %s", (invoice, payment))
    if due > 0:
        call.session.later("UPDATE invoices SET due = %s WHERE id = %s", (due, invoice))
    else:
        call.session.later(
            "UPDATE invoices SET due = 0, status = 'paid', payment_id = %s, date_payment = %s WHERE id = %s",
            (payment, call.clock.date(), invoice),
        )
    ledger.changed_document(call, invoice)
