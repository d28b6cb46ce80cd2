"""Transactions and invoices: what moves the balance beside payments."""

# ruff: noqa: S608 - the names in the SQL are our own declarations, values are always passed beside it

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sandbox.splynx import ledger, settings, wire
from sandbox.splynx.call import Call
from sandbox.splynx.customers import exists
from sandbox.splynx.database import Row
from sandbox.splynx.entity import Errors, OfCustomer
from sandbox.splynx.payments import notified, owner_errors
from sandbox.splynx.problems import cannot_be_deleted
from sandbox.splynx.resources import RESOURCES
from sandbox.splynx.wire import Given

_NO_DAY = "0000-00-00"
_ITEM = [
    "id",
    "pos",
    "description",
    "quantity",
    "unit",
    "price",
    "tax",
    "period_from",
    "period_to",
    "transaction_id",
    "tax_id",
    "sub_account_id",
]


class Transactions(OfCustomer):
    """`admin/finance/transactions`."""

    also_required = ("type", "date", "category")

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
        return errors

    def fixed(self, call: Call, row: Given) -> Given:
        return {"total": _total(row["quantity"], row["price"], row["tax_percent"])}

    async def created(self, call: Call, row: Given, given: Given) -> None:
        ledger.recompute(call, int(row["customer_id"]))
        call.log_change(int(row["customer_id"]))

    async def updated(self, call: Call, before: Row, changes: Given, given: Given) -> None:
        if {"quantity", "price", "tax_percent"} & set(changes):
            after = {**before, **changes}
            await self.write(call, before, {"total": _total(after["quantity"], after["price"], after["tax_percent"])})
        if changes:
            ledger.recompute(call, int(before["customer_id"]))
            call.log_change(int(before["customer_id"]))

    async def delete(self, call: Call, row_id: str) -> None:
        before = await self.find(call, row_id)
        await super().delete(call, row_id)
        ledger.recompute(call, int(before["customer_id"]))


class Invoices(OfCustomer):
    """`admin/finance/invoices`: one debit per item; the balance falls; a positive one may pay at once."""

    unique = ("number",)

    def __init__(self) -> None:
        super().__init__(RESOURCES["admin/finance/invoices"])

    async def prepare(self, call: Call, given: Given) -> Given:
        given.setdefault("date_created", call.clock.date())
        given.setdefault("date_till", given["date_created"])
        if not given.get("number"):
            given["number"] = await next_number(call, given.get("customer_id"))
        return given

    async def validate(self, call: Call, given: Given, before: Row | None) -> Errors:
        errors = await owner_errors(call, given)
        items = _items(given)
        if before is None and not items:
            errors.append(("items", "Items cannot be blank."))
        if sum((_item_total(item) for item in items), Decimal(0)) < 0:
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
        await bill(call, int(row["customer_id"]), int(row["id"]), row["date_created"], _items(given))
        if call.is_on(settings.INVOICE_NOTIFICATION) and str(row["is_sent"]) != "1":
            call.mail("invoice", int(row["customer_id"]), await notified(call, int(row["customer_id"])))
        call.log_change(int(row["customer_id"]))

    async def updated(self, call: Call, before: Row, changes: Given, given: Given) -> None:
        if changes:
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
        call.session.later("UPDATE invoices_items SET deleted = '1' WHERE invoice_id = %s", (before["id"],))
        ledger.recompute(call, int(before["customer_id"]))
        ledger.changed_document(call, int(before["id"]))
        call.log_change(int(before["customer_id"]))

    async def computed(self, call: Call, rows: Sequence[Row], answers: Sequence[dict[str, Any]]) -> None:
        if not rows:
            return
        members = ", ".join(str(row["id"]) for row in rows)
        items = await call.session.rows(
            "SELECT i.*, t.category FROM invoices_items i LEFT JOIN billing_transactions t ON t.id = i.transaction_id"
            f" WHERE i.invoice_id IN ({members}) AND i.deleted = '0' ORDER BY i.pos"
        )
        by_invoice: dict[int, list[dict[str, Any]]] = {}
        for item in items:
            shown = {name: item[name] for name in _ITEM}
            shown["categoryIdForTransaction"] = item["category"]
            shown["tax_amount"] = wire.number(_item_total(item) - _item_total({**item, "tax": 0}))
            by_invoice.setdefault(item["invoice_id"], []).append(shown)
        for row, answer in zip(rows, answers, strict=True):
            answer["items"] = by_invoice.get(row["id"], [])


async def bill(call: Call, customer: int, invoice: int, date: str, items: Sequence[Given]) -> None:
    """Write the items of an invoice with their debits, its total and the balance, which may pay it at once."""
    service = await ledger.category(call, ledger.SERVICE_CATEGORY)
    total = Decimal(0)
    for position, item in enumerate(items, 1):
        amount = _item_total(item)
        total += amount
        transaction = await ledger.enter(
            call,
            customer,
            "debit",
            amount,
            category_id=int(item.get("categoryIdForTransaction") or service),
            description=str(item.get("description", "")),
            date=date,
            invoice_id=invoice,
            quantity=item.get("quantity") or 1,
            price=ledger.money(item.get("price")),
            tax_percent=item.get("tax") or 0,
        )
        call.session.later(
            "INSERT INTO invoices_items (invoice_id, pos, description, quantity, unit, price, tax, tax_id, period_from,"
            " period_to, transaction_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                invoice,
                position,
                str(item.get("description", "")),
                item.get("quantity") or 1,
                str(item.get("unit", "")),
                ledger.money(item.get("price")),
                item.get("tax") or 0,
                item.get("tax_id") or 0,
                item.get("period_from") or _NO_DAY,
                item.get("period_to") or _NO_DAY,
                transaction,
            ),
        )
    call.session.later("UPDATE invoices SET total = %s, due = %s WHERE id = %s", (total, total, invoice))
    ledger.recompute(call, customer)
    if call.is_on(settings.PAY_FROM_BALANCE):
        await ledger.allocate(call, customer)


async def next_number(call: Call, customer: Any) -> str:
    """The pattern that the product ships: `{year}{partner_id|2}{next|6}`."""
    row = await call.session.row(
        "SELECT partner_id FROM customers WHERE id = %s", (int(customer) if str(customer).isdigit() else 0,)
    )
    prefix = f"{call.clock.date()[:4]}{str((row or {}).get('partner_id', 0)).zfill(2)}"
    last = await call.session.row(
        "SELECT MAX(CAST(SUBSTRING(number, %s) AS UNSIGNED)) n FROM invoices"
        " WHERE number LIKE %s AND LENGTH(number) = %s",
        (len(prefix) + 1, f"{prefix}%", len(prefix) + 6),
    )
    return prefix + str(int((last or {}).get("n") or 0) + 1).zfill(6)


def _items(given: Given) -> list[Given]:
    items = given.get("items") or []
    if isinstance(items, dict):
        items = list(items.values())
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _item_total(item: Given) -> Decimal:
    return _total(item.get("quantity") or 1, item.get("price"), item.get("tax"))


def _total(quantity: Any, price: Any, tax: Any) -> Decimal:
    """quantity times price with tax. The quantity is a whole number in the database, so it is one here."""
    whole = int(Decimal(str(quantity or 0)).to_integral_value(rounding="ROUND_HALF_UP"))
    return ledger.money(whole * Decimal(str(price or 0)) * (1 + Decimal(str(tax or 0)) / 100))
