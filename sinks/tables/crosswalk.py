"""From a record of a bundle to its row in Splynx."""

# ruff: noqa: S608 - the names in the SQL are our own; values are always passed beside it

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from clients.mysql import Row, Transaction
from schemas.ledger import LIVE
from sinks.plan import Document, Known
from sinks.tables.base import AggregateKey, Key, Tables, chunks, marks, upsert

CROSSWALK = (
    "entity", "record_key", "aggregate", "sonar_id", "target_id", "hash", "sequence", "state", "revision", "document",
    "updated_at",
)  # fmt: skip
_KNOWN = ", ".join(f"c.{name}" for name in CROSSWALK[:-1])
"""What is asked of a row: each further column of many takes its time."""


@dataclass(frozen=True)
class Owned:
    """A crosswalk row, whose it is, and partition and sequence of the bundle that was applied last; None: of none."""

    known: Known
    owner: AggregateKey
    partition: int | None
    applied: int | None


class Crosswalk(Tables):
    """One row per record that was written, withdrawn or adopted."""

    async def known(self, tx: Transaction, keys: Iterable[AggregateKey]) -> dict[AggregateKey, list[Known]]:
        """The crosswalk rows that each aggregate owns."""
        found: dict[AggregateKey, list[Known]] = {}
        for first, part in chunks(keys):
            for row in await tx.fetch(
                f"SELECT {_KNOWN} FROM {self.table('crosswalk')} c"
                f" WHERE c.aggregate = %s AND c.sonar_id IN ({marks(part)})",
                [first, *part],
            ):
                found.setdefault((row["aggregate"], row["sonar_id"]), []).append(_known(row))
        return found

    async def known_record(self, tx: Transaction, key: Key, *, lock: bool = False) -> Known | None:
        """One crosswalk row. `lock`: it stays as it is until the commit."""
        row = await tx.fetch_one(
            f"SELECT {_KNOWN} FROM {self.table('crosswalk')} c WHERE c.entity = %s AND c.record_key = %s"
            + (" FOR UPDATE" if lock else ""),
            key,
        )
        return None if row is None else _known(row)

    async def written_at(self, tx: Transaction, key: Key, owner: AggregateKey) -> int | None:
        """The sequence by which a record was written last; None where it was not, or for another aggregate."""
        row = await tx.fetch_one(
            f"SELECT sequence FROM {self.table('crosswalk')}"
            " WHERE entity = %s AND record_key = %s AND aggregate = %s AND sonar_id = %s",
            (*key, *owner),
        )
        return None if row is None else int(row["sequence"])

    async def written_of(self, tx: Transaction, keys: Iterable[AggregateKey]) -> dict[AggregateKey, dict[Key, int]]:
        """The sequence by which each record of these aggregates was written last."""
        found: dict[AggregateKey, dict[Key, int]] = {}
        for first, part in chunks(keys):
            for row in await tx.fetch(
                f"SELECT entity, record_key, aggregate, sonar_id, sequence FROM {self.table('crosswalk')}"
                f" WHERE aggregate = %s AND sonar_id IN ({marks(part)})",
                [first, *part],
            ):
                records = found.setdefault((row["aggregate"], row["sonar_id"]), {})
                records[row["entity"], row["record_key"]] = int(row["sequence"])
        return found

    async def owned(self, tx: Transaction, keys: Iterable[Key]) -> dict[Key, Owned]:
        """Crosswalk rows, each with its aggregate and where the newest bundle of that lies."""
        found: dict[Key, Owned] = {}
        for first, part in chunks(keys):
            for row in await tx.fetch(
                f"SELECT {_KNOWN}, a.partition_no, a.sequence AS applied FROM {self.table('crosswalk')} c"
                f" LEFT JOIN {self.table('aggregates')} a ON a.aggregate = c.aggregate AND a.sonar_id = c.sonar_id"
                f" WHERE c.entity = %s AND c.record_key IN ({marks(part)})",
                [first, *part],
            ):
                owner = (row["aggregate"], int(row["sonar_id"]))
                found[row["entity"], row["record_key"]] = Owned(_known(row), owner, row["partition_no"], row["applied"])
        return found

    async def ids(self, tx: Transaction, keys: Iterable[Key]) -> dict[Key, int]:
        """`{(entity, key): id in Splynx}` of what is there."""
        found: dict[Key, int] = {}
        for first, part in chunks(keys):
            for row in await tx.fetch(
                f"SELECT record_key, target_id FROM {self.table('crosswalk')}"
                f" WHERE entity = %s AND record_key IN ({marks(part)})",
                [first, *part],
            ):
                found[(first, row["record_key"])] = row["target_id"]
        return found

    async def live(self, tx: Transaction, keys: Iterable[Key]) -> set[Key]:
        """Which of these records are in Splynx, and were not withdrawn."""
        found: set[Key] = set()
        for first, part in chunks(keys):
            rows = await tx.fetch(
                f"SELECT record_key FROM {self.table('crosswalk')}"
                f" WHERE entity = %s AND record_key IN ({marks(part)}) AND state = %s",
                [first, *part, LIVE],
            )
            found |= {(first, row["record_key"]) for row in rows}
        return found

    async def ids_of(self, tx: Transaction, entity: str) -> dict[str, int]:
        """`{key: id}` of a whole entity; for small ones and for adoption."""
        rows = await tx.fetch(
            f"SELECT record_key, target_id FROM {self.table('crosswalk')} WHERE entity = %s",
            (entity,),
        )
        return {row["record_key"]: row["target_id"] for row in rows}

    async def keys_at(self, tx: Transaction, entity: str, ids: Iterable[int]) -> dict[int, str]:
        """`{id in Splynx: key}` of the rows of ours among these."""
        found: dict[int, str] = {}
        for _, part in chunks((entity, id) for id in ids):
            rows = await tx.fetch(
                f"SELECT target_id, record_key FROM {self.table('crosswalk')}"
                f" WHERE entity = %s AND target_id IN ({marks(part)})",
                [entity, *part],
            )
            found |= {int(row["target_id"]): str(row["record_key"]) for row in rows}
        return found

    async def other_of(self, tx: Transaction, key: Key, target_id: int, *, lock: bool) -> str | None:
        """The key of another live record of the same kind that has this row in Splynx. `lock`: of any transaction."""
        # By this index only: any other would lock entries of rows that others enter at the same time.
        rows = await tx.fetch(
            f"SELECT record_key FROM {self.table('crosswalk')} FORCE INDEX (by_target)"
            f" WHERE entity = %s AND target_id = %s AND state = %s{' FOR UPDATE' if lock else ''}",
            (key[0], target_id, LIVE),
        )
        return next((str(row["record_key"]) for row in rows if row["record_key"] != key[1]), None)

    async def crosswalk_counts(self, tx: Transaction) -> dict[str, int]:
        """`{entity: records}`."""
        rows = await tx.fetch(f"SELECT entity, COUNT(*) AS n FROM {self.table('crosswalk')} GROUP BY entity")
        return {row["entity"]: int(row["n"]) for row in rows}

    async def put_crosswalk(self, tx: Transaction, rows: Sequence[tuple[Any, ...]]) -> None:
        """Rows in the order of `CROSSWALK` without `updated_at`; documents as text."""
        now = self.now()
        await tx.insert_many(upsert(self.table("crosswalk"), CROSSWALK, 2), [(*row, now) for row in sorted(rows)])

    async def forget_hash(self, tx: Transaction, key: Key) -> None:
        """Have a record compared in full when its bundle comes again."""
        await tx.execute(
            f"UPDATE {self.table('crosswalk')} SET hash = '' WHERE entity = %s AND record_key = %s",
            key,
        )


def _known(row: Row) -> Known:
    document: Document = json.loads(row["document"])
    return Known(
        row["entity"],
        row["record_key"],
        row["target_id"],
        row["hash"],
        row["sequence"],
        row["state"],
        row["revision"],
        document,
    )
