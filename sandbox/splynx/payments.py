"""Payments: each has one credit row in the ledger, moves the deposit, and may set off a receipt and an unblocking."""

from decimal import Decimal
from typing import Any

from sandbox.splynx import allocation, ledger, settings
from sandbox.splynx.allocation import Payer
from sandbox.splynx.call import Call, exists
from sandbox.splynx.customers import set_status
from sandbox.splynx.database import Row
from sandbox.splynx.entity import Errors, OfCustomer
from sandbox.splynx.resources import RESOURCES
from sandbox.splynx.wire import Given

_TEXTS = ("comment", "note", "memo", "field_1", "field_2", "field_3", "field_4", "field_5")


class Payments(OfCustomer):
    """`admin/finance/payments`."""

    def __init__(self) -> None:
        super().__init__(RESOURCES["admin/finance/payments"])

    async def prepare(self, call: Call, given: Given) -> Given:
        for name in _TEXTS:
            given.setdefault(name, "")
        if not given.get("receipt_number"):
            given["receipt_number"] = await self._next_number(call, given.get("payment_type"))
        return given

    async def validate(self, call: Call, given: Given, before: Row | None) -> Errors:
        errors = await owner_errors(call, given)
        kind = given.get("payment_type")
        if kind not in (None, "") and not await exists(call, "payments_types", kind):
            errors.append(("payment_type", "Payment type is invalid."))
        if before and "customer_id" in given and str(given["customer_id"]) != str(before["customer_id"]):
            errors.append(("customer_id", "The customer of a payment cannot be changed."))
        return errors

    def fixed(self, call: Call, row: Given) -> Given:
        return {
            "added_by": "api",
            "added_by_id": call.key.id,
            "real_create_datetime": call.clock.datetime(),
            "remind_amount": max(ledger.money(row["amount"]), Decimal(0)),
        }

    async def created(self, call: Call, row: Given, given: Given) -> None:
        customer, payment, amount = int(row["customer_id"]), int(row["id"]), ledger.money(row["amount"])
        transaction = await ledger.enter(
            call,
            customer,
            "credit",
            amount,
            category_id=await ledger.category(call, ledger.PAYMENT_CATEGORY),
            description=f"Payment {row['receipt_number']}",
            date=row["date"],
            payment_id=payment,
        )
        call.session.later("UPDATE payments SET transaction_id = %s WHERE id = %s", (transaction, payment))
        ledger.recompute(call, customer)
        await self._pay_what_it_names(call, row, transaction)
        if call.is_on(settings.AUTO_ASSOCIATE):
            await allocation.allocate(call, customer)
        call.log_change(customer)
        await self._receipt(call, customer, row)
        owner = await call.session.row("SELECT status FROM customers WHERE id = %s", (customer,))
        if owner and owner["status"] == "blocked" and amount > 0:
            await set_status(call, customer, "blocked", "active")

    async def updated(self, call: Call, before: Row, changes: Given, given: Given) -> None:
        payment, customer = int(before["id"]), int(before["customer_id"])
        if "amount" in changes:
            amount = ledger.money(changes["amount"])
            await allocation.release(call, payment)
            call.session.later(
                "UPDATE payments SET remind_amount = %s, invoice_id = NULL WHERE id = %s",
                (max(amount, Decimal(0)), payment),
            )
            call.session.later(
                "UPDATE billing_transactions SET price = %s, total = %s, updated_at = %s WHERE id = %s",
                (amount, amount, call.clock.datetime(), before["transaction_id"]),
            )
            ledger.recompute(call, customer)
            if call.is_on(settings.AUTO_ASSOCIATE):
                await allocation.allocate(call, customer)
        if "date" in changes:
            call.session.later(
                "UPDATE billing_transactions SET `date` = %s WHERE id = %s", (changes["date"], before["transaction_id"])
            )
        if changes:
            call.log_change(customer)

    async def removing(self, call: Call, before: Row) -> None:
        await allocation.release(call, int(before["id"]))
        call.session.later(
            "UPDATE billing_transactions SET deleted = '1', updated_at = %s WHERE id = %s",
            (call.clock.datetime(), before["transaction_id"]),
        )
        ledger.recompute(call, int(before["customer_id"]))
        call.log_change(int(before["customer_id"]))

    async def _pay_what_it_names(self, call: Call, row: Given, transaction: int) -> None:
        """The invoice or the proforma that the body names, whatever the switches say."""
        customer, payment = int(row["customer_id"]), int(row["id"])
        if row["invoice_id"]:
            payer = Payer("payment", payment, transaction, ledger.money(row["amount"]))
            await allocation.pay(call, customer, payer, int(row["invoice_id"]))
        if row["request_id"]:
            call.session.later(
                "UPDATE requests SET status = 'paid', payment_id = %s, date_payment = %s"
                " WHERE id = %s AND customer_id = %s",
                (payment, row["date"], row["request_id"], customer),
            )

    async def _receipt(self, call: Call, customer: int, row: Given) -> None:
        if str(row["is_sent"]) == "1" or not call.is_on(settings.PAYMENT_NOTIFICATION):
            return
        to = await notified(call, customer)
        if to:
            call.mail("payment_receipt", customer, to)
            call.session.later("UPDATE payments SET is_sent = '1' WHERE id = %s", (row["id"],))

    async def _next_number(self, call: Call, kind: Any) -> str:
        """The pattern that the product ships: `{year}-{type|2}-{next|5}`."""
        year = call.clock.date()[:4]
        prefix = f"{year}-{str(kind or 0).zfill(2)}-"
        row = await call.session.row(
            "SELECT MAX(CAST(SUBSTRING(receipt_number, %s) AS UNSIGNED)) n FROM payments WHERE receipt_number LIKE %s",
            (len(prefix) + 1, f"{prefix}%"),
        )
        return prefix + str(int((row or {}).get("n") or 0) + 1).zfill(5)


async def owner_errors(call: Call, given: Given) -> Errors:
    """A document needs a live customer."""
    customer = given.get("customer_id")
    if customer not in (None, "") and not await exists(call, "customers", customer):
        return [("customer_id", "Customer ID is invalid.")]
    return []


async def notified(call: Call, customer: int) -> str:
    """Where finance mails of a customer go; empty when it takes none."""
    row = await call.session.row(
        "SELECT c.email, c.billing_email, b.send_finance_notification wanted FROM customers c"
        " JOIN customer_billing b ON b.customer_id = c.id WHERE c.id = %s",
        (customer,),
    )
    if row is None or row["wanted"] == "0":
        return ""
    return str(row["billing_email"] or row["email"])
