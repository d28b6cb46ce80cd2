"""Splynx as it is: facts of what was written from Sonar, deposits, and rows that are there twice."""

from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from clients.mysql import Database
from reconciliation.crosswalk import keys_of, live_links
from reconciliation.facts import TRANSACTION, Fact
from reconciliation.findings import Finding
from reconciliation.rows import PART_TABLES, SERVICE_TABLES, Row, SplynxRows
from schemas.aggregate import Target

_RUNS = ("active", "stopped", "pending")
"""Statuses of services that are, or may be, charged."""


class SplynxFacts:
    """Reads facts and findings of one Splynx, some hundred customers at a time."""

    def __init__(self, rows: SplynxRows, ledger: Database, exponent: int) -> None:
        self._rows, self._ledger, self._exponent = rows, ledger, exponent

    async def count(self) -> int:
        """How many customers there are to read."""
        rows = await self._ledger.fetch("SELECT COUNT(*) AS n FROM crosswalk WHERE entity = 'customer'")
        return int(rows[0]["n"])

    async def customers(
        self, accounts: Sequence[str] | None = None
    ) -> AsyncIterator[tuple[int, list[Fact], list[Finding]]]:
        """`(customers, facts, findings)` of all of them or of these accounts: with their parts and payments.

        What is wrong within Splynx is found: `M1`, a deposit that is not the sum of its ledger rows; `twin`, another
        live customer with the same login.
        """
        async for ours in live_links(self._ledger, "customer", accounts, self._rows.at_once):
            if not ours:
                continue
            ids = sorted(ours)
            rows = await self._rows.customers(ids)
            facts = [Fact("customer", ours[row["id"]], ours[row["id"]], state=row["status"]) for row in rows]
            for entity in PART_TABLES:
                facts += await self._parts(entity, ours)
            for entity in SERVICE_TABLES:
                facts += await self._services(entity, ours)
            facts += await self._payments(ours)
            facts += await self._charges(ours)
            yield len(ours), facts, [*await self._unbalanced(ours), *await self._twins(ours, rows)]

    async def catalogue(
        self, target: Target, rows: Mapping[int, Mapping[str, Any]]
    ) -> tuple[list[Fact], list[Finding]]:
        """The facts of a catalogue entity, of which Splynx lists `rows`; `twin`: another row has the same name."""
        facts: list[Fact] = []
        findings: list[Finding] = []
        named: dict[tuple[str, ...], list[int]] = {}
        for id, row in sorted(rows.items()):
            named.setdefault(_name(target, row), []).append(id)
        async for ours in live_links(self._ledger, target.entity):
            for id, key in ours.items():
                if id in rows:
                    facts.append(Fact(target.entity, key, None))
                    findings += [
                        Finding("twin", target.entity, key, " ".join(target.natural_key), None, f"splynx:{other}")
                        for other in named[_name(target, rows[id])]
                        if other != id
                    ]
        return facts, findings

    async def _parts(self, entity: str, ours: Mapping[int, str]) -> list[Fact]:
        """A part has its customer's id; what counts is that we wrote it and that it is there."""
        written = await keys_of(self._ledger, entity, ours)
        if not written:
            return []
        there = await self._rows.holders(entity, sorted(written))
        return [Fact(entity, written[id], written[id]) for id in sorted(there)]

    async def _services(self, entity: str, ours: Mapping[int, str]) -> list[Fact]:
        """Services by status; a `stray` one stands for no record and may be charged: Splynx's own copy of one of ours
        (mapping R5), or made there by hand.
        """
        rows = await self._rows.services(entity, sorted(ours))
        keys = await keys_of(self._ledger, entity, [row["id"] for row in rows])
        return [
            Fact(
                entity, key or f"splynx:{row['id']}", ours[row["customer_id"]],
                row["status"] if key is not None else "stray",
            )
            for row in rows
            if (key := keys.get(row["id"])) is not None or row["status"] in _RUNS
        ]  # fmt: skip

    async def _payments(self, ours: Mapping[int, str]) -> list[Fact]:
        rows = await self._rows.payments_of(sorted(ours))
        keys = await keys_of(self._ledger, "payment", [row["id"] for row in rows])
        return without_withdrawn([self._document(row, keys, ours) for row in rows])

    async def _charges(self, ours: Mapping[int, str]) -> list[Fact]:
        """What Splynx, or somebody there, charged or credited to our customers beside payments (mapping M12)."""
        rows = await self._rows.charges(sorted(ours))
        return [
            Fact(
                TRANSACTION, f"splynx:{row['id']}", ours[row["customer_id"]], "stray",
                detail=f"{row['type']} {row['date']} {in_minor(row['total'], self._exponent):f}",
            )
            for row in rows
        ]  # fmt: skip

    def _document(self, row: Row, keys: Mapping[int, str], ours: Mapping[int, str]) -> Fact:
        key = keys.get(row["id"])
        minor = in_minor(row["amount"], self._exponent)
        # A row that no record stands for was made in Splynx, or twice.
        state = "stray" if key is None else "reversal" if "-R" in key else "payment"
        return Fact(
            "payment", key or f"splynx:{row['id']}", ours[row["customer_id"]], state, str(row["date"]),
            int(row["payment_type"]), int(minor), is_whole=minor == int(minor),
        )  # fmt: skip

    async def _unbalanced(self, ours: Mapping[int, str]) -> list[Finding]:
        rows = await self._rows.balances(sorted(ours))
        found = []
        for row in rows:
            expected, actual = (in_minor(row[name], self._exponent) for name in ("total", "deposit"))
            if expected != actual:
                key = ours[row["customer_id"]]
                found.append(
                    Finding("M1", "customer_billing", key, "deposit_minor", f"{expected:f}", f"{actual:f}", (key,))
                )
        return found

    async def _twins(self, ours: Mapping[int, str], rows: Sequence[Row]) -> list[Finding]:
        logins = {row["login"].lower(): row["id"] for row in rows}
        if not logins:
            return []
        same = await self._rows.named([row["login"] for row in rows])
        found = []
        for row in same:
            first = logins.get(row["login"].lower())
            if first is not None and row["id"] != first:
                key = ours[first]
                found.append(Finding("twin", "customer", key, "login", None, f"splynx:{row['id']}", (key,)))
        return found


def in_minor(amount: object, exponent: int) -> Decimal:
    """The amount in minor units, exact: somebody may have entered a fraction of one.

    >>> in_minor("-12.5000", 2), in_minor("0.0050", 2)
    (Decimal('-1250'), Decimal('0.5'))
    """
    scaled = Decimal(str(amount)).scaleb(exponent)
    whole = scaled.to_integral_value()
    return whole if scaled == whole else scaled.normalize()


def _name(target: Target, row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(row.get(attribute)).casefold() for attribute in target.natural_key)


def without_withdrawn(documents: list[Fact]) -> list[Fact]:
    """Without pairs of documents that no record stands for and that cancel out: a payment withdrawn by its opposite."""
    open_ones: dict[tuple[object, ...], list[Fact]] = {}
    kept: list[Fact] = []
    for one in documents:
        if one.state != "stray" or one.minor is None:
            kept.append(one)
            continue
        opposite = open_ones.get((one.account, one.day, one.method, -one.minor))
        if opposite:
            opposite.pop()
        else:
            open_ones.setdefault((one.account, one.day, one.method, one.minor), []).append(one)
    return kept + [one for group in open_ones.values() for one in group]
