"""Records that were not written: parked, deferred, woken, dead."""

# ruff: noqa: S608 - the names in the SQL are our own; values are always passed beside it

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Any

from clients.mysql import Row, Transaction
from plumbing.reading import Place
from schemas.ledger import DEFERRED, LIVE, PARKED, READY
from sinks.errors import PredecessorMissing
from sinks.tables.base import AggregateKey, Key, Tables, chunks, marks, upsert

HELD = (
    "entity", "record_key", "aggregate", "sonar_id", "state", "code", "reason", "waits_entity", "waits_key", "sequence",
    "hash", "document", "topic", "partition_no", "topic_offset", "run_id", "since",
)  # fmt: skip


class HeldRecords(Tables):
    """One row per record, with its document, so that it can be written without its bundle."""

    async def put_held(self, tx: Transaction, rows: Sequence[tuple[Any, ...]]) -> None:
        """Rows in the order of `HELD` without `run_id` and `since`; since when it waits is kept on a repeat.

        One that was given up and is held again begins to wait anew.
        """
        stamp = (self.run_id, self.now())
        # Columns change one after the other: `since` must see the state of before.
        kept = "UPDATE since = IF(state IN ('dead', 'dismissed'), VALUES(since), since), "
        sql = upsert(self.table("held"), HELD, 2).replace(", since = VALUES(since)", "").replace("UPDATE ", kept, 1)
        await tx.insert_many(sql, [(*row, *stamp) for row in sorted(rows, key=lambda row: row[:2])])

    async def drop_held(self, tx: Transaction, keys: Iterable[Key]) -> None:
        """Forget records that no longer wait."""
        for first, part in chunks(keys):
            await tx.execute(
                f"DELETE FROM {self.table('held')} WHERE entity = %s AND record_key IN ({marks(part)})",
                [first, *part],
            )

    async def raise_held(self, tx: Transaction, keys: Iterable[Key], sequence: int) -> None:
        """Let records wait on as of a newer bundle of their aggregate."""
        for first, part in chunks(keys):
            await tx.execute(
                f"UPDATE {self.table('held')} SET sequence = %s WHERE entity = %s AND record_key IN ({marks(part)})",
                [sequence, first, *part],
            )

    async def still_parked(self, tx: Transaction, rows: Iterable[Row]) -> set[Key]:
        """Which of these rows wait as they did when they were read; all of them stay locked until the commit."""
        sequences = {(row["entity"], row["record_key"]): row["sequence"] for row in rows}
        found: set[Key] = set()
        for first, part in chunks(sequences):
            for row in await tx.fetch(
                f"SELECT entity, record_key, state, sequence FROM {self.table('held')} WHERE entity = %s"
                f" AND record_key IN ({marks(part)}) ORDER BY record_key FOR UPDATE",
                [first, *part],
            ):
                key = (row["entity"], row["record_key"])
                if (row["state"], row["sequence"]) == (PARKED, sequences[key]):
                    found.add(key)
        return found

    async def held_of(self, tx: Transaction, keys: Iterable[AggregateKey]) -> dict[AggregateKey, dict[Key, Row]]:
        """What each aggregate has waiting."""
        found: dict[AggregateKey, dict[Key, Row]] = {}
        for first, part in chunks(keys):
            for row in await tx.fetch(
                f"SELECT * FROM {self.table('held')} WHERE aggregate = %s AND sonar_id IN ({marks(part)})",
                [first, *part],
            ):
                records = found.setdefault((row["aggregate"], row["sonar_id"]), {})
                records[row["entity"], row["record_key"]] = row
        return found

    async def wake(self, tx: Transaction) -> int:
        """Mark every parked record ready whose wait is over, whoever owns its partition; how many.

        A withdrawn record is enough for those that only refer to it, and not for those that it must come before.
        """
        return await tx.execute(
            f"UPDATE {self.table('held')} h JOIN {self.table('crosswalk')} c"
            " ON c.entity = h.waits_entity AND c.record_key = h.waits_key"
            " SET h.state = 'ready' WHERE h.state = 'parked' AND (h.code <> %s OR c.state = %s)",
            (PredecessorMissing.code, LIVE),
        )

    async def release_deferred(self, tx: Transaction) -> int:
        """Mark every deferred record ready, for no reason to defer any holds now; how many."""
        return await tx.execute(f"UPDATE {self.table('held')} SET state = 'ready' WHERE state = 'deferred'")

    async def held(
        self,
        tx: Transaction,
        state: str,
        partitions: Iterable[int],
        limit: int,
        *,
        but: Collection[str] = (),
        behind: int = 0,
    ) -> list[Row]:
        """Held records in a state, of these partitions, the longest waiting first.

        `but`: aggregates left out. `behind`: so many are passed over.
        """
        wanted = sorted(set(partitions))
        if not wanted:
            return []
        left_out = f" AND aggregate NOT IN ({marks(but)})" if but else ""
        return await tx.fetch(
            f"SELECT * FROM {self.table('held')} WHERE state = %s AND partition_no IN"
            f" ({marks(wanted)}){left_out} ORDER BY since, entity, record_key LIMIT %s OFFSET %s",
            [state, *wanted, *sorted(but), limit, behind],
        )

    async def waiting_places(self, tx: Transaction) -> set[tuple[Place, Key]]:
        """Where the message of each record lies that may still be given up, or written, and the record."""
        rows = await tx.fetch(
            f"SELECT topic, partition_no, topic_offset, entity, record_key FROM {self.table('held')}"
            " WHERE state IN (%s, %s, %s)",
            (PARKED, READY, DEFERRED),
        )
        return {
            (Place(row["topic"], row["partition_no"], row["topic_offset"]), (row["entity"], row["record_key"]))
            for row in rows
        }

    async def held_counts(self, tx: Transaction) -> dict[Key, int]:
        """`{(entity, state): how many}`."""
        rows = await tx.fetch(f"SELECT entity, state, COUNT(*) AS n FROM {self.table('held')} GROUP BY entity, state")
        return {(row["entity"], row["state"]): int(row["n"]) for row in rows}

    async def longest_parked(self, tx: Transaction) -> dict[str, timedelta]:
        """`{entity: how long its record that waits longest has waited}`."""
        rows = await tx.fetch(
            f"SELECT entity, MIN(since) AS since FROM {self.table('held')} WHERE state = %s GROUP BY entity", (PARKED,)
        )
        return {row["entity"]: self.now() - row["since"] for row in rows}

    async def longest_waiting(self, tx: Transaction, limit: int) -> list[Row]:
        """`{entity, record_key, since}` of the records that have been parked longest, whoever owns their partitions."""
        return await tx.fetch(
            f"SELECT entity, record_key, since FROM {self.table('held')} WHERE state = %s"
            " ORDER BY since, entity, record_key LIMIT %s",
            (PARKED, limit),
        )
