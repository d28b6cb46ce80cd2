"""The items of documents: read from a body, written, shown, added up; and the numbers that documents get."""

# ruff: noqa: S608 - the names in the SQL are our own declarations, values are always passed beside it

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.splynx import ledger, wire
from sandbox.splynx.arrays import listed
from sandbox.splynx.call import Call
from sandbox.splynx.columns import value_of
from sandbox.splynx.database import Row
from sandbox.splynx.tables import TABLES
from sandbox.splynx.wire import Given

_WRITTEN = ("description", "quantity", "unit", "price", "tax", "tax_id", "period_from", "period_to", "sub_account_id")
_SHOWN = ("id", "pos", *_WRITTEN[:5], "period_from", "period_to", "transaction_id", "tax_id", "sub_account_id")


def of_body(given: Given) -> list[Given]:
    """The items that a body carries."""
    items = given.get("items") or []
    return [item for item in listed(items) if isinstance(item, dict)] if isinstance(items, list | dict) else []


def total_of(item: Given) -> Decimal:
    """What an item comes to, with tax."""
    return total(item.get("quantity") or 1, item.get("price"), item.get("tax"))


def total(quantity: Any, price: Any, tax: Any) -> Decimal:
    """quantity times price with tax. The quantity is a whole number in the database, so it is one here."""
    whole = int(Decimal(str(quantity or 0)).to_integral_value(rounding="ROUND_HALF_UP"))
    return ledger.money(whole * Decimal(str(price or 0)) * (1 + Decimal(str(tax or 0)) / 100))


@dataclass(frozen=True)
class Items:
    """The table of one kind of document's items, and the column that names the document."""

    table: str
    owner: str

    async def stored(self, call: Call, document: int) -> list[Row]:
        """The live items of a document in their order."""
        sql = f"SELECT * FROM `{self.table}` WHERE `{self.owner}` = %s AND deleted = '0' ORDER BY pos"
        return await call.session.rows(sql, (document,))

    async def add(self, call: Call, document: int, position: int, item: Given, transaction: int = 0) -> None:
        """Write a new item."""
        table = TABLES[self.table]
        row = {column.name: column.empty for column in table.columns if not column.auto}
        row |= self._values(item) | {self.owner: document, "pos": position, "quantity": item.get("quantity") or 1}
        if "transaction_id" in row:
            row["transaction_id"] = transaction
        names = ", ".join(f"`{name}`" for name in row)
        call.session.later(
            f"INSERT INTO `{self.table}` ({names}) VALUES ({', '.join(['%s'] * len(row))})", list(row.values())
        )

    def change(self, call: Call, item_id: int, item: Given) -> None:
        """Change what a body says of an item that is there."""
        values = self._values(item)
        if values:
            setting = ", ".join(f"`{name}` = %s" for name in values)
            call.session.later(f"UPDATE `{self.table}` SET {setting} WHERE id = %s", [*values.values(), item_id])

    def remove(self, call: Call, document: int) -> None:
        call.session.later(f"UPDATE `{self.table}` SET deleted = '1' WHERE `{self.owner}` = %s", (document,))

    async def show(self, call: Call, rows: Sequence[Row], answers: Sequence[dict[str, Any]]) -> None:
        """Add the items to the answers; those with a transaction tell its category."""
        if not rows:
            return
        ids = ", ".join(str(row["id"]) for row in rows)
        booked = "transaction_id" in TABLES[self.table].by_name
        join = "LEFT JOIN billing_transactions t ON t.id = i.transaction_id" if booked else ""
        found: dict[int, list[dict[str, Any]]] = {}
        for item in await call.session.rows(
            f"SELECT i.*{', t.category' if booked else ''} FROM `{self.table}` i {join}"
            f" WHERE i.`{self.owner}` IN ({ids}) AND i.deleted = '0' ORDER BY i.pos"
        ):
            shown = {name: item[name] for name in _SHOWN if name in item}
            if booked:
                shown["categoryIdForTransaction"] = item["category"]
            shown["tax_amount"] = wire.number(total_of(item) - total_of({**item, "tax": 0}))
            found.setdefault(item[self.owner], []).append(shown)
        for row, answer in zip(rows, answers, strict=True):
            answer["items"] = found.get(row["id"], [])

    def _values(self, item: Given) -> Given:
        known = TABLES[self.table].by_name
        return {name: value_of(known[name], item[name]) for name in _WRITTEN if name in item and name in known}


async def next_number(call: Call, table: str, customer: Any) -> str:
    """The pattern that the product ships: `{year}{partner_id|2}{next|6}`; a proforma's lacks the partner."""
    prefix = call.clock.date()[:4]
    if table != "requests":
        owner = int(customer) if str(customer).isdigit() else 0
        row = await call.session.row("SELECT partner_id FROM customers WHERE id = %s", (owner,))
        prefix += str((row or {}).get("partner_id", 0)).zfill(2)
    last = await call.session.row(
        f"SELECT MAX(CAST(SUBSTRING(number, %s) AS UNSIGNED)) n FROM `{table}`"
        " WHERE number LIKE %s AND LENGTH(number) = %s",
        (len(prefix) + 1, f"{prefix}%", len(prefix) + 6),
    )
    return prefix + str(int((last or {}).get("n") or 0) + 1).zfill(6)
