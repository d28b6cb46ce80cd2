"""The rows that our sink writes, and a peer that writes the same: when all are there, and whether they are equal."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from clients.mysql import Database
from plumbing.settings import Settings
from sandbox.local.stack import Addresses
from tests.bench.bare import WRITTEN, marks_of, rows_of
from tests.bench.connect import Connect, sink_settings
from tests.bench.paying import Installation, Share, batches_of, installation, sink_on
from tests.bench.peer_topics import Row, Table, digest, same_row

TABLES = tuple(WRITTEN)
TARGET = tuple(name for name in TABLES if not name.startswith("ledger."))
"""Those of Splynx alone."""
_WHERE = {"ledger.crosswalk": "aggregate = 'payment'"}
"""What a run has written of a table that had rows before."""
_PATIENCE_SECONDS = 300.0
_LOOK_SECONDS = 0.1
_LOOKS_A_CHECK = 10

Digests = Mapping[str, tuple[int, int]]
"""`{table: (rows, checksum of all columns)}`."""
Fetch = Callable[..., Awaitable[Sequence[Mapping[str, Any]]]]


class NotTheSame(AssertionError):
    """Not the recorded rows were written; names the tables."""


@dataclass(frozen=True)
class Recorded:
    """What was written: `{table: rows}` of each batch of each share, and what each table holds in the end."""

    shares: Sequence[Sequence[Mapping[str, Sequence[Row]]]]
    tables: Sequence[Table]
    digests: Digests

    def count(self, names: Sequence[str]) -> int:
        """How many rows were written into these tables, one that was written twice counted twice."""
        return sum(len(batch[name]) for share in self.shares for batch in share for name in names)

    def shares_of(self, table: Table) -> list[list[Row]]:
        """The rows of a table by share, in the order of writing."""
        return [[row for batch in share for row in batch[qualified(table)]] for share in self.shares]

    def edge(self, names: Sequence[str], place: int) -> list[tuple[str, Row]]:
        """The first (0) or the last (-1) row of each table in each share."""
        return [(name, share[place][name][place]) for share in self.shares for name in names]


def qualified(table: Table) -> str:
    """Its name among `TABLES`."""
    return next(name for name in TABLES if bare_name(name) == table.name)


def bare_name(table: str) -> str:
    """Without the mark of the ledger's schema."""
    return table.removeprefix("ledger.")


async def record(at: Addresses, settings: Settings, shares: Sequence[Share], batches: int) -> Recorded:
    """Write all batches of payments once with our sink, and see what rows that makes."""
    found = []
    async with installation(at) as into, AsyncExitStack() as stack:
        for share in shares:
            sink, kept = await sink_on(stack, into, settings, share), []
            for turn, batch in enumerate(batches_of(settings, batches, share)):
                before = await marks_of(sink, into, settings, share, turn)
                await sink.write(batch)
                kept.append(await rows_of(sink, into, before))
            found.append(kept)
        tables = [await _table(sink.db.fetch, into, name) for name in TABLES]
        return Recorded(found, tables, await digests_of(sink.db.fetch, into, tables))


async def _table(fetch: Fetch, at: Installation, name: str) -> Table:
    """As the server describes it."""
    rows = await fetch(
        "SELECT column_name AS name, data_type AS kind, is_nullable AS nullable, column_key AS in_key"
        " FROM information_schema.columns WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position",
        [at.ledger if name.startswith("ledger.") else at.server.name, bare_name(name)],
    )
    columns = {str(row["name"]): (str(row["kind"]), row["nullable"] == "YES") for row in rows}
    return Table(bare_name(name), columns, [str(row["name"]) for row in rows if row["in_key"] == "PRI"])


async def digests_of(fetch: Fetch, at: Installation, tables: Sequence[Table]) -> Digests:
    """What these tables hold of a run."""
    found = {}
    for table in tables:
        name = qualified(table)
        row = (await fetch(digest(at.table(name), table.columns, _WHERE.get(name, "TRUE"))))[0]
        found[name] = (int(row["n"]), int(row["digest"]))
    return found


def compare(expected: Digests, found: Digests) -> None:
    """See that the tables in `found` hold what was expected.

    Raises:
        NotTheSame: with each table that differs.
    """
    wrong = [
        f"{name} has {rows} rows of {expected[name][0]}" if rows != expected[name][0] else f"{name} differs in content"
        for name, (rows, checksum) in found.items()
        if (rows, checksum) != expected[name]
    ]
    if wrong:
        raise NotTheSame(f"other rows were written than recorded: {', '.join(wrong)}")


class Peer:
    """The connector, run again and again, each time into an installation of its own."""

    def __init__(self, at: Addresses, connect: Connect, recorded: Recorded) -> None:
        self._at, self._connect, self._recorded = at, connect, recorded
        self._runs = 0

    async def write(self, names: Sequence[str]) -> float:
        """Seconds from the first row that is seen until all rows of these tables are there; their content is compared.

        Raises:
            StartFailed: Connect or a task ended.
            NotTheSame: other rows are there.
        """
        self._runs += 1
        connector = f"peer-{self._runs}"
        async with installation(self._at, one_schema=True) as into, Database(into.settings()) as db:
            self._connect.add(connector, sink_settings(into.server, [bare_name(name) for name in names]))
            try:
                seconds = await self._arrival(db.fetch, into, names, connector)
            finally:
                self._connect.remove(connector)
            tables = [table for table in self._recorded.tables if qualified(table) in names]
            compare(self._recorded.digests, await digests_of(db.fetch, into, tables))
            return seconds

    async def _arrival(self, fetch: Fetch, into: Installation, names: Sequence[str], connector: str) -> float:
        first, last = (self._recorded.edge(names, place) for place in (0, -1))
        deadline = time.monotonic() + _PATIENCE_SECONDS
        began: float | None = None
        while True:
            for _ in range(_LOOKS_A_CHECK):
                if began is None and await _seen(fetch, into, first):
                    began = time.monotonic()
                if began is not None and await _seen(fetch, into, last) == len(last):
                    return time.monotonic() - began
                await asyncio.sleep(_LOOK_SECONDS)
            await asyncio.to_thread(self._connect.check, connector)
            if time.monotonic() > deadline:
                raise NotTheSame(f"after {_PATIENCE_SECONDS:.0f} s only a part of the peer's rows is there")


async def _seen(fetch: Fetch, into: Installation, rows: Sequence[tuple[str, Row]]) -> int:
    """How many of these rows are there, as they were recorded: each table's writer keeps the order of a share."""
    texts, values = [], list[Any]()
    for name, row in rows:
        text, given = same_row(into.table(name), row)
        texts.append(text)
        values += given
    found = await fetch(f"SELECT CAST(SUM(n) AS SIGNED) AS n FROM ({' UNION ALL '.join(texts)}) AS each_one", values)
    return int(found[0]["n"])
