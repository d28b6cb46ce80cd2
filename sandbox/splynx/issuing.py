"""What the scheduled job bills: invoices of a month, future items, proformas, and charges to stored cards."""

# ruff: noqa: S608 - the tables in the SQL are our own, values are always passed beside it

from decimal import Decimal
from typing import Any

from sandbox.splynx import documents, items, ledger, settings
from sandbox.splynx.call import Call
from sandbox.splynx.database import Row
from sandbox.splynx.payments import Payments, notified
from sandbox.splynx.services import KINDS

_BILLED = (
    "SELECT c.id FROM customers c JOIN customer_billing b ON b.customer_id = c.id WHERE c.deleted = '0'"
    " AND c.status IN ('active', 'blocked') AND b.enabled = '1' AND b.deleted = '0'"
)
_CARD = 3
"""The payment type of a fresh system that a stored card is charged under."""


async def issue(call: Call) -> int:
    """An invoice a month for each customer that has any made, from its billing day on: an item per running service."""
    today = call.clock.date()
    issued = 0
    for customer in await call.session.rows(
        f"{_BILLED} AND b.make_invoices = '1' AND b.billing_date <= %s AND NOT EXISTS (SELECT 1 FROM invoices i"
        " WHERE i.customer_id = c.id AND i.type = 'recurring' AND i.added_by = 'system' AND i.date_created >= %s)"
        " ORDER BY c.id",
        (int(today[8:]), f"{today[:7]}-01"),
    ):
        lines = await _running(call, customer["id"])
        waiting = await _future(call, customer["id"])
        if lines or waiting:
            await _invoice(call, customer["id"], lines, waiting)
            issued += 1
    return issued


async def force(call: Call) -> int:
    """An invoice for customers that have transactions marked for one, whether they are billed or not."""
    forced = 0
    for customer in await call.session.rows(
        "SELECT DISTINCT t.customer_id id FROM billing_transactions t JOIN customers c ON c.id = t.customer_id"
        " AND c.deleted = '0' WHERE t.deleted = '0' AND t.to_invoice = '1' AND t.type = 'debit' ORDER BY 1"
    ):
        await _invoice(call, customer["id"], [], await _future(call, customer["id"]))
        forced += 1
    return forced


async def propose(call: Call) -> int:
    """A proforma a month for those who have them made, for what their services cost."""
    today = call.clock.date()
    lines = items.Items("requests_items", "request_id")
    proposed = 0
    for customer in await call.session.rows(
        f"{_BILLED} AND b.request_auto_enable = '1' AND NOT EXISTS (SELECT 1 FROM requests r"
        " WHERE r.customer_id = c.id AND r.added_by = 'system' AND r.date_created >= %s) ORDER BY c.id",
        (f"{today[:7]}-01",),
    ):
        running = await _running(call, customer["id"])
        if not running:
            continue
        number = await items.next_number(call, "requests", customer["id"])
        total = sum((items.total_of(line) for line in running), Decimal(0))
        paper = await call.session.insert(
            "INSERT INTO requests (customer_id, number, date_created, real_create_datetime, date_updated, date_payment,"
            " date_till, total, payment_id, note, memo, added_by, added_by_id)"
            " VALUES (%s, %s, %s, %s, %s, '0000-00-00', %s, %s, 0, '', '', 'system', 0)",
            (customer["id"], number, today, call.clock.datetime(), today, today, total),
        )
        for position, line in enumerate(running, 1):
            await lines.add(call, paper, position, line)
        proposed += 1
    return proposed


async def charge(call: Call) -> int:
    """A payment for each open invoice of a customer whose card is stored: real money, at the real processor."""
    charged = 0
    for row in await call.session.rows(
        "SELECT i.id, i.customer_id, i.due FROM invoices i JOIN customers c ON c.id = i.customer_id AND c.deleted = '0'"
        " WHERE i.deleted = '0' AND i.status = 'not_paid' AND i.due > 0"
        " AND EXISTS (SELECT 1 FROM payment_account_data p WHERE p.customer_id = i.customer_id AND p.field_1 <> '')"
        " ORDER BY i.id"
    ):
        body = {"customer_id": row["customer_id"], "payment_type": _CARD, "date": call.clock.date()}
        await Payments().create(call, body | {"amount": row["due"], "invoice_id": row["id"]})
        charged += 1
    return charged


async def _running(call: Call, customer: int) -> list[dict[str, Any]]:
    """The running services of a customer as items."""
    lines: list[dict[str, Any]] = []
    for kind, table in KINDS.items():
        running = await call.session.rows(
            f"SELECT description, quantity, unit_price price FROM `{table}`"
            " WHERE customer_id = %s AND status = 'active' AND deleted = '0'",
            (customer,),
        )
        lines += [{**service, "description": service["description"] or kind} for service in running]
    return lines


async def _future(call: Call, customer: int) -> list[Row]:
    """Debits that wait for an invoice."""
    return await call.session.rows(
        "SELECT * FROM billing_transactions WHERE customer_id = %s AND deleted = '0' AND to_invoice = '1'"
        " AND type = 'debit' ORDER BY id",
        (customer,),
    )


async def _invoice(call: Call, customer: int, lines: list[dict[str, Any]], waiting: list[Row]) -> None:
    """An invoice of new items and of debits that are in the ledger already."""
    today, now = call.clock.date(), call.clock.datetime()
    number = await items.next_number(call, "invoices", customer)
    invoice = await call.session.insert(
        "INSERT INTO invoices (customer_id, number, date_created, real_create_datetime, date_updated, date_payment,"
        " date_till, total, due, payment_id, note, memo, added_by, added_by_id, type)"
        " VALUES (%s, %s, %s, %s, %s, '0000-00-00', %s, 0, 0, 0, '', '', 'system', 0, 'recurring')",
        (customer, number, today, now, today, today),
    )
    await documents.bill(call, customer, invoice, today, lines)
    for position, row in enumerate(waiting, len(lines) + 1):
        line = {**row, "tax": row["tax_percent"]}
        await documents.LINES.add(call, invoice, position, line, row["id"])
        call.session.later(
            "UPDATE billing_transactions SET to_invoice = '0', invoice_id = %s, invoiced_by_id = %s WHERE id = %s",
            (invoice, invoice, row["id"]),
        )
    if waiting:
        more = sum((ledger.money(row["total"]) for row in waiting), Decimal(0))
        call.session.later(
            "UPDATE invoices SET total = total + %s, due = due + %s WHERE id = %s", (more, more, invoice)
        )
    if call.is_on(settings.INVOICE_NOTIFICATION):
        call.mail("invoice", customer, await notified(call, customer))
