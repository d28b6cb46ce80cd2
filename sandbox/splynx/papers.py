"""Proforma invoices, which move no balance, and credit notes, which give some back."""

# ruff: noqa: S608 - the names in the SQL are our own declarations, values are always passed beside it

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sandbox.splynx import allocation, items, ledger
from sandbox.splynx.allocation import Payer
from sandbox.splynx.arrays import listed
from sandbox.splynx.call import Call
from sandbox.splynx.database import Row
from sandbox.splynx.entity import Errors, OfCustomer
from sandbox.splynx.problems import cannot_be_deleted
from sandbox.splynx.resources import RESOURCES
from sandbox.splynx.wire import Given


class Papers(OfCustomer):
    """What both have in common: a number, items, a total."""

    def __init__(self, path: str, lines: items.Items) -> None:
        super().__init__(RESOURCES[path])
        self.lines = lines

    async def prepare(self, call: Call, given: Given) -> Given:
        given.setdefault("date_created", call.clock.date())
        if not given.get("number"):
            given["number"] = await items.next_number(call, self.table, given.get("customer_id"))
        return given

    async def validate(self, call: Call, given: Given, before: Row | None) -> Errors:
        if before is None and not items.of_body(given):
            return [("items", "Items cannot be blank.")]
        return []

    async def computed(self, call: Call, rows: Sequence[Row], answers: Sequence[dict[str, Any]]) -> None:
        await self.lines.show(call, rows, answers)

    async def lines_of(self, call: Call, row: Row, given: Given) -> Decimal | None:
        """Write the items of a body; the new total, None when it has none."""
        if not items.of_body(given):
            return None
        there = {int(item["id"]): item for item in await self.lines.stored(call, int(row["id"]))}
        for item in items.of_body(given):
            known = there.get(int(item.get("id") or 0))
            if known is None:
                await self.lines.add(call, int(row["id"]), len(there) + 1, item)
                there[-len(there) - 1] = item
            else:
                self.lines.change(call, known["id"], item)
                known |= item
        total = sum((items.total_of(item) for item in there.values()), Decimal(0))
        await self.write(call, row, {"total": total})
        return total


class Proformas(Papers):
    """`admin/finance/proforma-invoices`. Paying one moves the balance, the paper itself does not."""

    def __init__(self) -> None:
        super().__init__("admin/finance/proforma-invoices", items.Items("requests_items", "request_id"))

    async def prepare(self, call: Call, given: Given) -> Given:
        given = await super().prepare(call, given)
        given.setdefault("date_till", given["date_created"])
        return given

    async def created(self, call: Call, row: Given, given: Given) -> None:
        await self.lines_of(call, row, given)
        call.log_change(int(row["customer_id"]))

    async def updated(self, call: Call, before: Row, changes: Given, given: Given) -> None:
        await self.lines_of(call, before, given)
        await self.write(call, before, {"date_updated": call.clock.date()})

    async def removing(self, call: Call, before: Row) -> None:
        if before["status"] == "paid":
            raise cannot_be_deleted("A paid proforma invoice cannot be deleted!")
        self.lines.remove(call, int(before["id"]))


class CreditNotes(Papers):
    """`admin/finance/credit-notes`: one credit in the ledger; it lowers the invoices that it is for."""

    def __init__(self) -> None:
        super().__init__("admin/finance/credit-notes", items.Items("credit_notes_items", "credit_note_id"))

    async def created(self, call: Call, row: Given, given: Given) -> None:
        note, customer = int(row["id"]), int(row["customer_id"])
        total = await self.lines_of(call, row, given) or Decimal(0)
        transaction = await ledger.enter(
            call,
            customer,
            "credit",
            total,
            category_id=await ledger.category(call, ledger.CORRECTION_CATEGORY),
            description=f"Credit note {row['number']}",
            date=row["date_created"],
            credit_note_id=note,
        )
        await self.write(call, row, {"remind_amount": total})
        payer = Payer("credit_note", note, transaction, total)
        for invoice in _ids(given.get("invoicesId")):
            call.session.later(
                "INSERT INTO credit_notes_to_invoices (credit_note_id, invoice_id) VALUES (%s, %s)", (note, invoice)
            )
            await allocation.pay(call, customer, payer, invoice)
        ledger.recompute(call, customer)
        call.log_change(customer)

    async def updated(self, call: Call, before: Row, changes: Given, given: Given) -> None:
        note, customer = int(before["id"]), int(before["customer_id"])
        total = await self.lines_of(call, before, given)
        if total is not None:
            used = ledger.money(before["total"]) - ledger.money(before["remind_amount"])
            await self.write(call, before, {"remind_amount": max(total - used, Decimal(0))})
            call.session.later(
                "UPDATE billing_transactions SET price = %s, total = %s, updated_at = %s WHERE credit_note_id = %s",
                (total, total, call.clock.datetime(), note),
            )
            ledger.recompute(call, customer)
        await self.write(call, before, {"date_updated": call.clock.date()})

    async def removing(self, call: Call, before: Row) -> None:
        note = int(before["id"])
        if before["status"] == "refunded":
            raise cannot_be_deleted("A refunded credit note cannot be deleted!")
        await allocation.release(call, note, "credit_note")
        call.session.later(
            "UPDATE billing_transactions SET deleted = '1', updated_at = %s WHERE credit_note_id = %s",
            (call.clock.datetime(), note),
        )
        self.lines.remove(call, note)
        ledger.recompute(call, int(before["customer_id"]))

    async def computed(self, call: Call, rows: Sequence[Row], answers: Sequence[dict[str, Any]]) -> None:
        await super().computed(call, rows, answers)
        if not rows:
            return
        ids = ", ".join(str(row["id"]) for row in rows)
        found: dict[int, list[int]] = {}
        for link in await call.session.rows(f"SELECT * FROM credit_notes_to_invoices WHERE credit_note_id IN ({ids})"):
            found.setdefault(link["credit_note_id"], []).append(link["invoice_id"])
        for row, answer in zip(rows, answers, strict=True):
            answer["invoicesId"] = found.get(row["id"], [])


def _ids(value: Any) -> list[int]:
    """Invoices as an array, or as a text with commas."""
    members = str(value).split(",") if isinstance(value, str | int) else listed(value or [])
    return [int(member) for member in members if str(member).strip().isdigit()]
