"""Facts of both ends, spilled to disk: what is counted and summed, compared by SQL in flat memory.

A fact is one record as far as counts and money go: a customer in its status, a payment with its account, local day,
method and amount. They lie in SQLite's private temporary database, which has no name and goes with the connection.
"""

# ruff: noqa: S608 - the statements are put together of our own constants; values are passed beside them

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from reconciliation.findings import Finding

PRESENT = "present"
"""State of a record of which only presence counts."""

EXPECTED, ACTUAL = 0, 1
TRANSACTION = "transaction"
"""A row of a customer's ledger that no payment made: an invoice, a charge, a credit. None comes of Sonar."""


@dataclass(frozen=True)
class Fact:
    """One record at one end. `minor` is money in minor units, `state` the status or `PRESENT`.

    `version`: state of the source's row, on the expected side. `skipped` says why the record is left out of every
    comparison (outside the pilot, deferred); the rest does not count then.
    """

    entity: str
    key: str
    account: str | None
    state: str = PRESENT
    day: str | None = None
    method: int | None = None
    minor: int | None = None
    version: str = ""
    skipped: str | None = None
    is_whole: bool = True
    """False where `minor` leaves a fraction out."""
    detail: str = ""
    """Must be equal in place of the state, of one without `minor`."""

    @property
    def text(self) -> str:
        """What must be equal."""
        if self.minor is None:
            return self.detail or self.state
        return f"{self.account} {self.day} {self.method} {self.minor}{'' if self.is_whole else ' and a fraction'}"


@dataclass(frozen=True)
class Skipped:
    """Records left out, counted; `minor` is their money."""

    entity: str
    why: str
    records: int
    minor: int


_TABLE = """
CREATE TABLE fact (
    entity TEXT NOT NULL, key TEXT NOT NULL, side INTEGER NOT NULL, account TEXT, state TEXT NOT NULL, day TEXT,
    method INTEGER, minor INTEGER, text TEXT NOT NULL, version TEXT NOT NULL, skipped TEXT,
    PRIMARY KEY (entity, key, side)
) WITHOUT ROWID
"""
_SIDES = "MAX(CASE WHEN side = 0 THEN {0} END) AS expected, MAX(CASE WHEN side = 1 THEN {0} END) AS actual"


class Facts:
    """The facts of both ends. Use as a context manager."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA cache_size = -16384")
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute(_TABLE)
        self._db.execute("CREATE INDEX by_account ON fact (account, entity)")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def add(self, side: int, facts: Iterable[Fact]) -> None:
        """Enter facts of one end; a later one of the same record replaces the earlier."""
        self._db.execute("BEGIN")
        self._db.executemany(
            "INSERT OR REPLACE INTO fact VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (f.entity, f.key, side, f.account, f.state, f.day, f.method, f.minor, f.text, f.version, f.skipped)
                for f in facts
            ),
        )
        self._db.execute("COMMIT")

    def skip(self, entity: str, key: str, why: str) -> None:
        """Leave out a record, whether it is expected or to be withdrawn."""
        self._db.execute(
            "INSERT INTO fact (entity, key, side, state, text, version, skipped) VALUES (?, ?, 0, '', '', '', ?)"
            " ON CONFLICT DO UPDATE SET skipped = COALESCE(skipped, excluded.skipped)",
            (entity, key, why),
        )

    def forget(self, accounts: Sequence[str] | None) -> None:
        """Drop the facts of these accounts and of what no account owns, at both ends; None: all of them."""
        if accounts is None:
            self._db.execute("DELETE FROM fact")
            return
        self._db.execute("DELETE FROM fact WHERE account IS NULL")
        self._db.executemany("DELETE FROM fact WHERE account = ?", ((one,) for one in accounts))

    def drop(self, records: Iterable[tuple[str, str]]) -> None:
        """Drop records, `(entity, key)`, at both ends."""
        self._db.executemany("DELETE FROM fact WHERE entity = ? AND key = ?", list(records))

    def records(self) -> Iterator[Finding]:
        """A finding for each record that differs, in the order of entities and keys.

        What an account outside the pilot has in Splynx is not ours to judge, its strays included.
        """
        rows = self._db.execute(
            f"SELECT entity, key, {_SIDES.format('text')}, MAX(minor IS NOT NULL), MAX(account), MAX(version),"
            " MAX(skipped) AS left_out, MIN(account) FROM fact f"
            f" WHERE NOT {_FOREIGN} GROUP BY entity, key HAVING left_out IS NULL AND expected IS NOT actual"
        )
        for entity, key, expected, actual, is_money, account, version, _, other in rows:
            field = "account day method minor" if is_money else _TOLD.get(entity, "record")
            concerned = tuple(sorted({one for one in (account, other) if one is not None}))
            yield Finding("record", entity, key, field, expected, actual, concerned, version)

    def sums(self) -> Iterator[Finding]:
        """A finding for each count and sum that differs (records by state, M7, money per account)."""
        kept = f"FROM fact f WHERE {_KEPT}"
        for entity, state, expected, actual in self._db.execute(
            f"SELECT entity, state, SUM(side = 0) AS expected, SUM(side = 1) AS actual {kept}"
            " GROUP BY entity, state HAVING expected != actual"
        ):
            yield Finding("counts", entity, state, "records", str(expected), str(actual))
        for day, method, expected, actual, expected_sum, actual_sum in self._db.execute(
            "SELECT day, method, SUM(side = 0), SUM(side = 1), SUM((side = 0) * minor), SUM((side = 1) * minor)"
            f" {kept} AND minor IS NOT NULL GROUP BY day, method"
        ):
            if (expected, expected_sum) != (actual, actual_sum):
                yield Finding(
                    "M7", "payment", f"{day} {method}", "documents sum_minor",
                    f"{expected} {expected_sum}", f"{actual} {actual_sum}",
                )  # fmt: skip
        for account, expected, actual in self._db.execute(
            "SELECT account, SUM((side = 0) * minor) AS expected, SUM((side = 1) * minor) AS actual"
            f" {kept} AND minor IS NOT NULL GROUP BY account HAVING expected != actual"
        ):
            yield Finding("balance", "customer", account, "payments_minor", str(expected), str(actual), (account,))

    def counts(self) -> dict[str, dict[str, list[int]]]:
        """`{entity: {state: [expected, actual]}}` without what is skipped."""
        found: dict[str, dict[str, list[int]]] = {}
        for entity, state, expected, actual in self._db.execute(
            f"SELECT entity, state, SUM(side = 0), SUM(side = 1) FROM fact f WHERE {_KEPT}"
            " GROUP BY entity, state ORDER BY entity, state"
        ):
            found.setdefault(entity, {})[state] = [expected, actual]
        return found

    def money(self) -> list[int]:
        """`[expected, actual]` of all payments less reversals, in minor units, without what is skipped."""
        row = self._db.execute(
            "SELECT COALESCE(SUM((side = 0) * minor), 0), COALESCE(SUM((side = 1) * minor), 0)"
            f" FROM fact f WHERE {_KEPT} AND minor IS NOT NULL"
        ).fetchone()
        return list(row)

    def skipped(self) -> list[Skipped]:
        """What is left out, by entity and reason."""
        rows = self._db.execute(
            "SELECT entity, skipped, COUNT(*), COALESCE(SUM(minor), 0) FROM fact WHERE skipped IS NOT NULL"
            " GROUP BY entity, skipped ORDER BY entity, skipped"
        )
        return [Skipped(*row) for row in rows]


_TOLD = {"customer": "status", "internet_service": "status", TRANSACTION: "kind day minor"}
"""What the text of a record without `minor` says, where it is more than that it is there."""
_FOREIGN = (
    f"(f.entity IN ('payment', 'internet_service', '{TRANSACTION}') AND f.side = 1"
    " AND EXISTS (SELECT 1 FROM fact c WHERE c.entity = 'customer' AND c.key = f.account AND c.side = 0"
    " AND c.skipped IS NOT NULL))"
)
_KEPT = (
    "NOT EXISTS (SELECT 1 FROM fact s WHERE s.entity = f.entity AND s.key = f.key AND s.side = 0"
    f" AND s.skipped IS NOT NULL) AND NOT {_FOREIGN}"
)
