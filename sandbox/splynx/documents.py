"""Transactions and invoices: what moves the balance beside payments."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sandbox.splynx import allocation, items, ledger, settings
from sandbox.splynx.call import Call, exists
from sandbox.splynx.database import Row
from sandbox.splynx.entity import Errors, OfCustomer
from sandbox.splynx.payments import notified, owner_errors
from sandbox.splynx.problems import cannot_be_deleted
from sandbox.splynx.resources import RESOURCES
from sandbox.splynx.wire import Given

LINES = items.Items("invoices_items", "invoice_id")


class Transactions(OfCustomer):
    """`admin/finance/transactions`."""

    def __init__(self) -> None:
        super().__init__(RESOURCES["admin/finance/transactions"])

    async def prepare(self, call: Call, given: Given) -> Given:
        given.setdefault("quantity", 1)
        return given

    async def validate(self, call: Call, given: Given, before: Row | None) -> Errors:
        errors = await owner_errors(call, given)
        category = given.get("category")
        if category not in (None, "") and not await exists(call, "billing_transactions_categories", category):
            errors.append(("category", "Category is invalid."))
        if before and before["invoiced_by_id"]:
            errors.append(("invoiced_by_id", "An invoiced transaction cannot be changed."))
        return errors

    def fixed(self, call: Call, row: Given) -> Given:
        total = items.total(row["quantity"], row["price"], row["tax_percent"])
        return {"total": total, "remind_amount": _open(row, total)}

    async def created(self, call: Call, row: Given, given: Given) -> None:
        ledger.recompute(call, int(row["customer_id"]))
        call.log_change(int(row["customer_id"]))

    async def updated(self, call: Call, before: Row, changes: Given, given: Given) -> None:
        if {"quantity", "price", "tax_percent"} & set(changes):
            after = {**before, **changes}
            total = items.total(after["quantity"], after["price"], after["tax_percent"])
            await self._give_back(call, before)
            await self.write(call, before, {"total": total, "remind_amount": _open(after, total)})
        if changes:
            ledger.recompute(call, int(before["customer_id"]))
            call.log_change(int(before["customer_id"]))

    async def removing(self, call: Call, before: Row) -> None:
        if before["invoiced_by_id"]:
            raise cannot_be_deleted("An invoiced transaction cannot be deleted!")
        await self._give_back(call, before)

    async def _give_back(self, call: Call, before: Row) -> None:
        """Undo what the transaction paid, or what settled it."""
        if before["type"] == "credit":
            await allocation.release(call, int(before["id"]), "transaction")
        else:
            await allocation.reopen(call, int(before["id"]))

    async def delete(self, call: Call, row_id: str) -> None:
        before = await self.find(call, row_id)
        await super().delete(call, row_id)
        ledger.recompute(call, int(before["customer_id"]))


def _open(row: Given, total: Decimal) -> Decimal:
    """What of a transaction may settle others, or be settled: nothing where a document or an invoice stands for it."""
    names = ("invoice_id", "payment_id", "credit_note_id", "to_invoice")
    return Decimal(0) if any(str(row[name] or 0) != "0" for name in names) else max(total, Decimal(0))


class Invoices(OfCustomer):
    """`admin/finance/invoices`: one debit per item; the balance falls; a positive one may pay at once."""

    def __init__(self) -> None:
        super().__init__(RESOURCES["admin/finance/invoices"])

    async def prepare(self, call: Call, given: Given) -> Given:
        given.setdefault("date_created", call.clock.date())
        given.setdefault("date_till", given["date_created"])
        if not given.get("number"):
            given["number"] = await items.next_number(call, self.table, given.get("customer_id"))
        return given

    async def validate(self, call: Call, given: Given, before: Row | None) -> Errors:
        errors = await owner_errors(call, given)
        lines = items.of_body(given)
        if before is None and not lines:
            errors.append(("items", "Items cannot be blank."))
        if sum((items.total_of(item) for item in lines), Decimal(0)) < 0:
            errors.append(("total", "Total may not be negative."))
        return errors

    def fixed(self, call: Call, row: Given) -> Given:
        return {
            "added_by": "api",
            "added_by_id": call.key.id,
            "real_create_datetime": call.clock.datetime(),
            "date_updated": call.clock.date(),
        }

    async def created(self, call: Call, row: Given, given: Given) -> None:
        await bill(call, int(row["customer_id"]), int(row["id"]), row["date_created"], items.of_body(given))
        if call.is_on(settings.INVOICE_NOTIFICATION) and str(row["is_sent"]) != "1":
            call.mail("invoice", int(row["customer_id"]), await notified(call, int(row["customer_id"])))
        call.log_change(int(row["customer_id"]))

    async def updated(self, call: Call, before: Row, changes: Given, given: Given) -> None:
        lines = items.of_body(given)
        if lines:
            await _rebill(call, before, lines)
        if changes.get("status") == "paid" and before["status"] != "paid" and not lines:
            await self.write(call, before, {"due": 0})  # as an add-on does that books its payment itself
        if changes or lines:
            await self.write(call, before, {"date_updated": call.clock.date()})
            ledger.changed_document(call, int(before["id"]))
            call.log_change(int(before["customer_id"]))

    async def removing(self, call: Call, before: Row) -> None:
        paid = await call.session.row("SELECT id FROM invoice_payers WHERE invoice_id = %s LIMIT 1", (before["id"],))
        if paid is not None or before["status"] == "paid":
            raise cannot_be_deleted("A paid invoice cannot be deleted!")
        call.session.later(
            "UPDATE billing_transactions SET deleted = '1', updated_at = %s WHERE invoice_id = %s",
            (call.clock.datetime(), before["id"]),
        )
        LINES.remove(call, int(before["id"]))
        ledger.recompute(call, int(before["customer_id"]))
        ledger.changed_document(call, int(before["id"]))
        call.log_change(int(before["customer_id"]))

    async def computed(self, call: Call, rows: Sequence[Row], answers: Sequence[dict[str, Any]]) -> None:
        await LINES.show(call, rows, answers)


async def bill(call: Call, customer: int, invoice: int, date: str, lines: Sequence[Given]) -> None:
    """Write the items of an invoice with their debits, its total and the balance, which may pay it at once."""
    total = Decimal(0)
    for position, item in enumerate(lines, 1):
        total += await _debit(call, customer, invoice, date, position, item)
    call.session.later("UPDATE invoices SET total = %s, due = %s WHERE id = %s", (total, total, invoice))
    ledger.recompute(call, customer)
    if call.is_on(settings.PAY_FROM_BALANCE):
        await allocation.allocate(call, customer)
        call.session.later(
            "UPDATE invoices SET payd_from_deposit = '1' WHERE id = %s AND status = 'paid' AND total > 0", (invoice,)
        )


async def _debit(call: Call, customer: int, invoice: int, date: str, position: int, item: Given) -> Decimal:
    """One new item and its row of the ledger; what it comes to."""
    amount = items.total_of(item)
    category = item.get("categoryIdForTransaction") or await ledger.category(call, ledger.SERVICE_CATEGORY)
    transaction = await ledger.enter(
        call,
        customer,
        "debit",
        amount,
        category_id=int(category),
        description=str(item.get("description", "")),
        date=date,
        invoice_id=invoice,
        quantity=item.get("quantity") or 1,
        price=ledger.money(item.get("price")),
        tax_percent=item.get("tax") or 0,
    )
    await LINES.add(call, invoice, position, {"price": 0} | item, transaction)
    return amount


async def _rebill(call: Call, before: Row, lines: Sequence[Given]) -> None:
    """Items of a PUT: those with an `id` change, the others are new; those left out stay. What was paid stays paid."""
    customer, invoice = int(before["customer_id"]), int(before["id"])
    there = {int(item["id"]): item for item in await LINES.stored(call, invoice)}
    total, position = Decimal(0), len(there)
    for item in lines:
        known = there.pop(int(item.get("id") or 0), None)
        if known is None:
            position += 1
            total += await _debit(call, customer, invoice, before["date_created"], position, item)
            continue
        after = {**known, **item}
        LINES.change(call, known["id"], item)
        call.session.later(
            "UPDATE billing_transactions SET description = %s, quantity = %s, price = %s, tax_percent = %s, total = %s,"
            " updated_at = %s WHERE id = %s",
            (
                after["description"],
                after["quantity"],
                ledger.money(after["price"]),
                after["tax"],
                items.total_of(after),
                call.clock.datetime(),
                known["transaction_id"],
            ),
        )
        total += items.total_of(after)
    total += sum((items.total_of(item) for item in there.values()), Decimal(0))
    due = max(total - (ledger.money(before["total"]) - ledger.money(before["due"])), Decimal(0))
    call.session.later("UPDATE invoices SET total = %s, due = %s WHERE id = %s", (total, due, invoice))
    ledger.recompute(call, customer)
