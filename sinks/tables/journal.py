"""Before-images of what we changed, and what others changed behind us."""

# ruff: noqa: S608 - the names in the SQL are our own; values are always passed beside it

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from clients.mysql import Transaction
from sinks.plan import Known
from sinks.tables.base import Tables, dumped


@dataclass(frozen=True)
class JournalEntry:
    """A change of Splynx's rows: what they were, None for what we created."""

    entity: str
    key: str
    target_id: int
    action: str
    before: Any
    sequence: int


class Journal(Tables):
    """Rows are added, never changed."""

    async def journal(self, tx: Transaction, entries: Sequence[JournalEntry]) -> None:
        """Keep before-images."""
        now = self.now()
        await tx.insert_many(
            f"INSERT INTO {self.table('journal')}"
            " (run_id, entity, record_key, target_id, action, before_image, sequence, at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    self.run_id,
                    one.entity,
                    one.key,
                    one.target_id,
                    one.action,
                    None if one.before is None else dumped(one.before),
                    one.sequence,
                    now,
                )
                for one in entries
            ],
        )

    async def conflicts(self, tx: Transaction, known: Known, fields: Iterable[str], sequence: int) -> None:
        """Fields that somebody else changed."""
        now = self.now()
        await tx.insert_many(
            f"INSERT INTO {self.table('conflicts')} (entity, record_key, target_id, field, sequence, at)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [(known.entity, known.key, known.target_id, field, sequence, now) for field in fields],
        )

    async def conflict_counts(self, tx: Transaction) -> dict[str, int]:
        """`{entity: values that somebody else changed}`."""
        rows = await tx.fetch(f"SELECT entity, COUNT(*) AS n FROM {self.table('conflicts')} GROUP BY entity")
        return {row["entity"]: int(row["n"]) for row in rows}
