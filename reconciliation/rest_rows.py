"""Splynx's rows over REST, where its database is not to be had: listings by page, and parts one by one.

A listing hides what is deleted, so a payment whose ledger row was deleted is one without. Splynx lists no parts: each
is a request. They are read once in a look, and lie until they are compared in SQLite's private temporary database,
which has no name and goes with the connection.
"""

import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

import orjson

from clients.splynx import SplynxClient
from clients.splynx_errors import RecordMissing
from clients.splynx_money import parsed
from clients.splynx_paths import listing
from clients.splynx_query import Search
from plumbing.lanes import in_lanes
from reconciliation.crosswalk import chunks
from reconciliation.fields import PAYMENT_TEXTS
from reconciliation.rows import Row
from schemas.catalogue import TARGETS
from schemas.values.text import UTF8MB4

TRANSACTIONS = "admin/finance/transactions"
IDS = 100
"""As many as the address of one listing holds."""
PAGE = 1000
_LEDGER = ("customer_id", "type", "total", "date")
_CHARSETS = {f"charset_{name}": UTF8MB4 for name in PAYMENT_TEXTS}


class RestRows:
    """As `rows.SplynxRows` says. Use as a context manager."""

    at_once = IDS

    def __init__(self, client: SplynxClient) -> None:
        self._client = client
        self._kept = sqlite3.connect("", isolation_level=None)
        self._kept.execute("CREATE TABLE part (entity TEXT, id INTEGER, row TEXT, PRIMARY KEY (entity, id))")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kept.close()

    def begin(self) -> None:
        """Parts are read again."""
        self._kept.execute("DELETE FROM part")

    async def customers(self, ids: Sequence[int]) -> Sequence[Row]:
        """Of customers."""
        return [row async for row in self._rows(_path("customer"), "id", ids)]

    async def named(self, logins: Sequence[str]) -> Sequence[Row]:
        """By log-in."""
        return _by_id([row async for row in self._rows(_path("customer"), "login", logins)])

    async def holders(self, entity: str, ids: Sequence[int]) -> set[int]:
        """Of a part, which customers have it."""
        return set(await self.parts(entity, ids))

    async def parts(self, entity: str, ids: Sequence[int]) -> Mapping[int, Row]:
        """Of a part, the rows: those that were read in this look, and else one by one."""
        found: dict[int, Row] = {}
        for some in chunks(ids, IDS):
            marks = ", ".join("?" * len(some))
            kept = self._kept.execute(
                f"SELECT id, row FROM part WHERE entity = ? AND id IN ({marks})",  # noqa: S608 - placeholders only
                (entity, *some),
            )
            known = {int(id): parsed(row) for id, row in kept}
            missing = [id for id in some if id not in known]
            at_once = self._client.settings.concurrency
            read = await in_lanes(missing, int, lambda id: self._part(entity, id), at_once)
            known |= dict(zip(missing, read, strict=True))
            self._kept.executemany(
                "INSERT INTO part VALUES (?, ?, ?)",
                [(entity, id, orjson.dumps(known[id], default=_number)) for id in missing],
            )
            found |= {id: row for id, row in known.items() if row is not None}
        return found

    async def services(self, entity: str, customers: Sequence[int]) -> Sequence[Row]:
        """Of services."""
        rows = [row async for row in self._rows(_path(entity), "customer_id", customers)]
        return _by_id([row | {"customer_id": int(row["customer_id"])} for row in rows])

    async def payments_of(self, customers: Sequence[int]) -> Sequence[Row]:
        """By customer."""
        rows = [row async for row in self._rows(_path("payment"), "customer_id", customers)]
        return _by_id([row | {"customer_id": int(row["customer_id"])} for row in rows])

    async def balances(self, customers: Sequence[int]) -> Iterable[Row]:
        """By customer; summed up here."""
        totals = dict.fromkeys(customers, Decimal(0))
        async for row in self._rows(TRANSACTIONS, "customer_id", customers):
            # Future items that no invoice has loaded yet are not part of the balance (fact sheet, the balance).
            if str(row.get("to_invoice")) != "1" or row.get("invoice_id"):
                amount = Decimal(str(row["total"]))
                totals[int(row["customer_id"])] += amount if row["type"] == "credit" else -amount
        billing = await self.parts("customer_billing", customers)
        return [{"customer_id": id, "deposit": row["deposit"], "total": totals[id]} for id, row in billing.items()]

    async def charges(self, customers: Sequence[int]) -> Sequence[Row]:
        """By customer."""
        rows = [row async for row in self._rows(TRANSACTIONS, "customer_id", customers)]
        return _by_id([row | {"customer_id": int(row["customer_id"])} for row in rows if not row.get("payment_id")])

    async def payments(self, ids: Sequence[int]) -> Mapping[int, Row]:
        """By id, each with its ledger row."""
        found = {int(row["id"]): row async for row in self._rows(_path("payment"), "id", ids)}
        wanted = sorted({int(row["transaction_id"]) for row in found.values() if row.get("transaction_id")})
        ledger = {int(row["id"]): row async for row in self._rows(TRANSACTIONS, "id", wanted)}
        return {
            id: _CHARSETS | row | _ledger_of(ledger.get(int(row.get("transaction_id") or 0)))
            for id, row in found.items()
        }

    async def _part(self, entity: str, id: int) -> dict[str, Any] | None:
        try:
            return await self._client.get(_path(entity), id)
        except RecordMissing:
            return None

    async def _rows(self, path: str, name: str, values: Sequence[int | str]) -> AsyncIterator[dict[str, Any]]:
        """Every row that has one of these values, page by page: rows that come meanwhile shift no page."""
        for some in chunks(values, IDS):
            last = 0
            while True:
                main: dict[str, object] = {name: ("IN", list(some))}
                if name == "id":
                    page = await self._client.list(path, Search(main=main))
                else:
                    search = Search(main=main | {"id": (">", last)}, order={"id": "ASC"}, limit=PAGE)
                    page = await self._client.list(path, search)
                for row in page:
                    yield row | {"id": int(row["id"])}
                if name == "id" or len(page) < PAGE:
                    break
                last = int(page[-1]["id"])


def _path(entity: str) -> str:
    return listing(str(TARGETS[entity].endpoint))


def _by_id(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: int(row["id"]))


def _number(exact: Decimal) -> orjson.Fragment:
    """A number as Splynx told it, digit by digit."""
    return orjson.Fragment(str(exact))


def _ledger_of(row: Mapping[str, Any] | None) -> dict[str, Any]:
    """The ledger row's columns, as a join has them: nothing of one that is not there."""
    if row is None:
        return {f"ledger_{name}": None for name in (*_LEDGER, "deleted")}
    return {**{f"ledger_{name}": row[name] for name in _LEDGER}, "ledger_deleted": "0"}
