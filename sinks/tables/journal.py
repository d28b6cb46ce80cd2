"""Before-images of what we changed."""

# ruff: noqa: S608 - the names in the SQL are our own; values are always passed beside it

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clients.mysql import Row, Transaction
from sinks.tables.base import Key, Tables, chunks, dumped, marks, naive

ENTRY = "id, record_key, run_id, batch, action, before_image, undoes, at"
"""What is asked of an entry: each further column of many rows takes its time."""
Run = tuple[str, int]
"""A run, and the number of a batch of it."""


@dataclass(frozen=True)
class JournalEntry:
    """A change of Splynx's rows: what they were, None for what we created. `undoes`: see the ledger's table.

    `by`: whose change it is, where another one finds out that it was done.
    """

    entity: str
    key: str
    target_id: int
    action: str
    before: Any
    sequence: int
    undoes: int | None = None
    by: Run | None = None


@dataclass(frozen=True)
class JournalSize:
    """How much the journal holds. Instants as ISO text in UTC, None of an empty one."""

    entries: int
    megabytes: int
    """On disk, as the server estimates it."""
    oldest: str | None
    newest: str | None


@dataclass(frozen=True)
class Writes:
    """Which writes: of a run, of one of its batches, since an instant, for an account. All must hold."""

    run_id: str | None = None
    batch: int | None = None
    since: datetime | None = None
    account: int | None = None


@dataclass(frozen=True)
class Chosen:
    """What writes come to when it is asked: `{entity: records}`, and the ids of the oldest and the newest entry.

    What is written later is not among them, for an undoing writes entries itself.
    """

    writes: Writes
    records: Mapping[str, int]
    oldest: int
    newest: int
    keys: frozenset[Key] | None = None
    """The records of the account that was named; None where none was, for any."""

    def has(self, row: Row) -> bool:
        """Whether an entry is one of them, whoever it was for (`undo.written_for`)."""
        run_id, batch, since = self.writes.run_id, self.writes.batch, self.writes.since
        return (
            row["id"] <= self.newest
            and (run_id is None or row["run_id"] == run_id)
            and (batch is None or row["batch"] == batch)
            and (since is None or row["at"] >= naive(since))
        )


def _within(keys: Collection[Key] | None) -> Iterator[tuple[str, list[str]]]:
    """Conditions that together hold for the entries `j` of these records, with their values; one for all of None."""
    if keys is None:
        yield "", []
        return
    for entity, part in chunks(keys):
        yield f" AND j.entity = %s AND j.record_key IN ({marks(part)})", [entity, *part]


class Journal(Tables):
    """Rows are added, never changed; those of long ago are thrown away when the operator says so."""

    async def journal(self, tx: Transaction, entries: Sequence[JournalEntry]) -> None:
        """Keep before-images."""
        now = self.now()
        await tx.insert_many(
            f"INSERT INTO {self.table('journal')}"
            " (run_id, batch, entity, record_key, target_id, action, before_image, undoes, sequence, at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    *(one.by or (self.run_id, self.batch)),
                    one.entity,
                    one.key,
                    one.target_id,
                    one.action,
                    None if one.before is None else dumped(one.before),
                    one.undoes,
                    one.sequence,
                    now,
                )
                for one in entries
            ],
        )

    async def chosen(self, tx: Transaction, writes: Writes) -> Chosen:
        """How many records the writes are about, and the newest entry of them."""
        keys = None if writes.account is None else await self._written_for(tx, writes.account)
        where, values = self._where(writes)
        records, oldest, newest = Counter[str](), list[int](), list[int]()
        for within, whose in _within(keys):
            rows = await tx.fetch(
                "SELECT j.entity, COUNT(DISTINCT j.record_key) AS records, MIN(j.id) AS oldest, MAX(j.id) AS newest"
                f" FROM {self.table('journal')} j WHERE {where}{within} GROUP BY j.entity",
                [*values, *whose],
            )
            for row in rows:
                records[str(row["entity"])] += int(row["records"])
                oldest.append(int(row["oldest"]))
                newest.append(int(row["newest"]))
        return Chosen(writes, records, min(oldest, default=0), max(newest, default=0), keys)

    async def chosen_entries(
        self, tx: Transaction, chosen: Chosen, entity: str, below: int, limit: int
    ) -> list[tuple[int, str]]:
        """`(id, record key)` of the newest chosen entries of an entity below an id, the newest first."""
        where, values = self._where(chosen.writes)
        keys = None if chosen.keys is None else {key for key in chosen.keys if key[0] == entity}
        # By the ids themselves: there are many pages, and none may sort what all the others are about. But of one
        # account there are few, which are found by their keys.
        index = "FORCE INDEX (PRIMARY)" if keys is None else ""
        found: list[tuple[int, str]] = []
        for within, whose in _within(keys):
            rows = await tx.fetch(
                f"SELECT j.id, j.record_key FROM {self.table('journal')} j {index}"
                f" WHERE {where} AND j.entity = %s AND j.id >= %s AND j.id < %s{within} ORDER BY j.id DESC LIMIT %s",
                [*values, entity, chosen.oldest, below, *whose, limit],
            )
            found += [(int(row["id"]), str(row["record_key"])) for row in rows]
        return sorted(found, reverse=True)[:limit]

    def _where(self, writes: Writes) -> tuple[str, list[Any]]:
        where, values = ["1 = 1"], list[Any]()
        if writes.run_id is not None:
            where.append("j.run_id = %s")
            values.append(writes.run_id)
        if writes.batch is not None:
            where.append("j.batch = %s")
            values.append(writes.batch)
        if writes.since is not None:
            where.append("j.at >= %s")
            values.append(naive(writes.since))
        return " AND ".join(where), values

    async def _written_for(self, tx: Transaction, account: int) -> frozenset[Key]:
        """The records that are an account's, or were before they moved: whose they are now may be none of ours.

        No index leads from a customer to documents and images: they are gone through, once for a rollback.
        """
        found: set[Key] = set()
        for sql, whose in (
            (
                f"SELECT c.entity, c.record_key FROM {self.table('crosswalk')} c"
                " WHERE JSON_UNQUOTE(JSON_EXTRACT(c.document, '$.customer_id.key')) = %s",
                str(account),
            ),
            (
                f"SELECT c.entity, c.record_key FROM {self.table('aggregates')} a JOIN {self.table('crosswalk')} c"
                " ON c.aggregate = a.aggregate AND c.sonar_id = a.sonar_id"
                " WHERE a.owner_id = %s AND JSON_EXTRACT(c.document, '$.customer_id.key') IS NULL",
                account,
            ),
            (
                f"SELECT DISTINCT b.entity, b.record_key FROM {self.table('journal')} b"
                " WHERE COALESCE(JSON_UNQUOTE(JSON_EXTRACT(b.before_image, '$.charged')),"
                " JSON_UNQUOTE(JSON_EXTRACT(b.before_image, '$.customer_id'))) ="
                f" (SELECT x.target_id FROM {self.table('crosswalk')} x"
                " WHERE x.entity = 'customer' AND x.record_key = %s)",
                str(account),
            ),
        ):
            found |= {(str(row["entity"]), str(row["record_key"])) for row in await tx.fetch(sql, (whose,))}
        return frozenset(found)

    async def entries_of(self, tx: Transaction, keys: Iterable[Key]) -> dict[Key, list[Row]]:
        """Every entry of each record, in the order in which they were made, with the columns of `ENTRY`."""
        found: dict[Key, list[Row]] = {}
        for first, part in chunks(keys):
            for row in await tx.fetch(
                f"SELECT {ENTRY} FROM {self.table('journal')} WHERE entity = %s AND record_key IN ({marks(part)})"
                " ORDER BY id",
                [first, *part],
            ):
                found.setdefault((first, row["record_key"]), []).append(row)
        return found

    async def journal_size(self, tx: Transaction) -> JournalSize:
        """How much there is."""
        row = await tx.fetch_one(
            f"SELECT COUNT(*) AS n, MIN(at) AS oldest, MAX(at) AS newest FROM {self.table('journal')}"
        )
        assert row is not None
        ends = [None if row[name] is None else f"{row[name].isoformat()}Z" for name in ("oldest", "newest")]
        return JournalSize(int(row["n"]), await self.journal_bytes(tx) // 1_000_000, *ends)

    async def journal_bytes(self, tx: Transaction) -> int:
        """On disk, as the server estimates it: counting rows would take longer the more there are."""
        row = await tx.fetch_one(
            "SELECT COALESCE(SUM(data_length + index_length), 0) AS bytes FROM information_schema.tables"
            " WHERE table_schema = %s AND table_name = 'journal'",
            (self.schema,),
        )
        assert row is not None
        return int(row["bytes"])

    async def journal_parts(self, tx: Transaction, before: datetime) -> tuple[int, int]:
        """How many entries are from before an instant, and how many are not."""
        row = await tx.fetch_one(
            f"SELECT COUNT(*) AS n, COALESCE(SUM(at < %s), 0) AS old FROM {self.table('journal')}", (naive(before),)
        )
        assert row is not None
        return int(row["old"]), int(row["n"]) - int(row["old"])

    async def forget_journal(self, tx: Transaction, before: datetime, limit: int) -> int:
        """Throw the oldest entries from before an instant away, so many at most; how many that were."""
        return await tx.execute(
            f"DELETE FROM {self.table('journal')} WHERE at < %s ORDER BY id LIMIT %s", (naive(before), limit)
        )
