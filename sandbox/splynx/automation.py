"""The product's scheduled job: it bills and blocks whatever rows it finds, if its switches are on."""

# ruff: noqa: S608 - the tables in the SQL are our own, values are always passed beside it

from decimal import Decimal

from sandbox.splynx import documents, ledger, settings
from sandbox.splynx.call import Call
from sandbox.splynx.customers import set_status
from sandbox.splynx.items import next_number
from sandbox.splynx.payments import notified
from sandbox.splynx.services import KINDS


async def run(call: Call) -> dict[str, int]:
    """Run it once, now; `{invoices, blocked, reminders}`."""
    done = {"invoices": 0, "blocked": 0, "reminders": 0}
    if call.is_on(settings.AUTO_ISSUING):
        done["invoices"] = await _issue(call)
    if call.is_on(settings.BILLING_DUE):
        done["blocked"] = await _block(call)
    if call.is_on(settings.REMINDERS):
        done["reminders"] = await _remind(call)
    return done


async def _issue(call: Call) -> int:
    """An invoice for each active or blocked customer whose billing makes invoices: one item per running service."""
    issued = 0
    for customer in await call.session.rows(
        "SELECT c.id FROM customers c JOIN customer_billing b ON b.customer_id = c.id WHERE c.deleted = '0'"
        " AND c.status IN ('active', 'blocked') AND b.enabled = '1' AND b.make_invoices = '1' ORDER BY c.id"
    ):
        items = await _items(call, customer["id"])
        if items:
            await _invoice(call, customer["id"], items)
            issued += 1
    return issued


async def _items(call: Call, customer: int) -> list[dict[str, object]]:
    items: list[dict[str, object]] = []
    for kind, table in KINDS.items():
        running = await call.session.rows(
            f"SELECT description, quantity, unit_price price FROM `{table}`"
            " WHERE customer_id = %s AND status = 'active' AND deleted = '0'",
            (customer,),
        )
        items += [{**service, "description": service["description"] or kind} for service in running]
    return items


async def _invoice(call: Call, customer: int, items: list[dict[str, object]]) -> None:
    today, now = call.clock.date(), call.clock.datetime()
    number = await next_number(call, "invoices", customer)
    invoice = await call.session.insert(
        "INSERT INTO invoices (customer_id, number, date_created, real_create_datetime, date_updated, date_payment,"
        " date_till, total, due, payment_id, note, memo, added_by, added_by_id, type)"
        " VALUES (%s, %s, %s, %s, %s, '0000-00-00', %s, 0, 0, 0, '', '', 'system', 0, 'recurring')",
        (customer, number, today, now, today, today),
    )
    await documents.bill(call, customer, invoice, today, items)
    if call.is_on(settings.INVOICE_NOTIFICATION):
        call.mail("invoice", customer, await notified(call, customer))


async def _block(call: Call) -> int:
    """Active customers below their minimum balance are blocked."""
    late = await call.session.rows(
        "SELECT c.id FROM customers c JOIN customer_billing b ON b.customer_id = c.id WHERE c.deleted = '0'"
        " AND c.status = 'active' AND b.enabled = '1' AND b.deposit < b.min_balance ORDER BY c.id"
    )
    for customer in late:
        await set_status(call, customer["id"], "active", "blocked")
    return len(late)


async def _remind(call: Call) -> int:
    """A mail to each customer that owes and has reminders on."""
    reminded = 0
    for row in await call.session.rows(
        "SELECT c.id, b.deposit FROM customers c JOIN customer_billing b ON b.customer_id = c.id"
        " WHERE c.deleted = '0' AND b.reminder_enable = '1' AND b.deposit < 0 ORDER BY c.id"
    ):
        to = await notified(call, row["id"])
        if to and ledger.money(row["deposit"]) < Decimal(0):
            call.mail("reminder", row["id"], to)
            reminded += 1
    return reminded
