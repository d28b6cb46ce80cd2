"""How far each topic was consumed, and what became of every offset."""

# ruff: noqa: S608 - the names in the SQL are our own; values are always passed beside it

from collections.abc import Sequence

from clients.mysql import Transaction
from sinks.tables.base import Tables


class Progress(Tables):
    """Checkpoints; outcomes as ranges of offsets plus exceptions."""

    async def checkpoints(self, tx: Transaction, topic: str) -> dict[int, int]:
        """`{partition: next offset}` of what the ledger has of a topic."""
        rows = await tx.fetch(
            f"SELECT partition_no, next_offset FROM {self.table('checkpoint')} WHERE topic = %s",
            (topic,),
        )
        return {row["partition_no"]: row["next_offset"] for row in rows}

    async def put_checkpoint(self, tx: Transaction, topic: str, partition: int, next_offset: int) -> None:
        """Everything below `next_offset` has its outcome."""
        await tx.execute(
            f"INSERT INTO {self.table('checkpoint')} (topic, partition_no, next_offset) VALUES (%s, %s, %s)"
            " ON DUPLICATE KEY UPDATE next_offset = VALUES(next_offset)",
            (topic, partition, next_offset),
        )

    async def put_outcomes(
        self, tx: Transaction, topic: str, partition: int, outcomes: Sequence[tuple[int, str, str]]
    ) -> None:
        """The outcome of each consumed offset, `(offset, outcome, code)`, rising: one range, and its exceptions."""
        first, last = outcomes[0][0], outcomes[-1][0]
        counts: dict[str, int] = {}
        for _, outcome, _ in outcomes:
            counts[outcome] = counts.get(outcome, 0) + 1
        common = max(sorted(counts), key=lambda name: counts[name])
        joined = await tx.execute(
            f"UPDATE {self.table('outcomes')} SET last_offset = %s"
            " WHERE topic = %s AND partition_no = %s AND last_offset = %s AND outcome = %s",
            (last, topic, partition, first - 1, common),
        )
        if not joined:
            await tx.execute(
                f"INSERT INTO {self.table('outcomes')}"
                " (topic, partition_no, first_offset, last_offset, outcome) VALUES (%s, %s, %s, %s, %s)",
                (topic, partition, first, last, common),
            )
        await tx.insert_many(
            f"INSERT INTO {self.table('exceptions')} (topic, partition_no, topic_offset, outcome, code)"
            " VALUES (%s, %s, %s, %s, %s)",
            [(topic, partition, offset, outcome, code) for offset, outcome, code in outcomes if outcome != common],
        )
