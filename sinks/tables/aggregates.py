"""The newest bundle that was applied of each aggregate."""

# ruff: noqa: S608 - the names in the SQL are our own; values are always passed beside it

from collections.abc import Iterable, Sequence
from typing import Any

from clients.mysql import Transaction
from clients.mysql_errors import DUPLICATE, StatementRefused
from schemas.ledger import DOUBTED, LIVE, ROLLED_BACK
from sinks.errors import Overtaken
from sinks.plan import AggregateState
from sinks.tables.base import AggregateKey, Tables, chunks, marks, upsert

AGGREGATES = (
    "aggregate", "sonar_id", "owner_id", "partition_no", "topic_offset", "sequence", "hash", "generation",
    "rules_version", "outcome", "deleted", "run_id", "updated_at",
)  # fmt: skip


class AppliedAggregates(Tables):
    """One row per aggregate; `outcome` is that of its worst record."""

    async def states(
        self, tx: Transaction, keys: Iterable[AggregateKey], *, lock: bool = False
    ) -> dict[AggregateKey, AggregateState]:
        """The newest applied bundle per aggregate."""
        found: dict[AggregateKey, AggregateState] = {}
        for first, part in chunks(keys):
            for row in await tx.fetch(
                f"SELECT aggregate, sonar_id, sequence, hash, generation, outcome FROM {self.table('aggregates')}"
                f" WHERE aggregate = %s AND sonar_id IN ({marks(part)}) ORDER BY aggregate, sonar_id"
                + (" FOR UPDATE" if lock else ""),
                [first, *part],
            ):
                found[(row["aggregate"], row["sonar_id"])] = AggregateState(
                    row["sequence"], row["hash"], row["generation"], row["outcome"]
                )
        return found

    async def not_overtaken(self, tx: Transaction, aggregate: str, sonar_id: int, sequence: int) -> None:
        """Raises Overtaken when the ledger already has a newer bundle; its row stays locked until the commit."""
        state = (await self.states(tx, [(aggregate, sonar_id)], lock=True)).get((aggregate, sonar_id))
        if state is not None and state.sequence > sequence:
            raise Overtaken(f"{aggregate} {sonar_id} was applied in a newer state meanwhile")

    async def enter_aggregates(self, tx: Transaction, rows: Sequence[tuple[Any, ...]]) -> None:
        """Rows, as `put_aggregates` takes them, of aggregates that are not there yet: nobody else enters them now.

        To look for them with a lock would lock the gap in which they are missing, and with it what others enter there:
        sinks beside each other would wait for each other without an end.

        Raises:
            Overtaken: another has entered one, which was waited for.
        """
        stamp = (self.run_id, self.now())
        marked = marks(AGGREGATES)
        try:
            await tx.insert_many(
                f"INSERT INTO {self.table('aggregates')} ({', '.join(AGGREGATES)}) VALUES ({marked})",
                [(*row, *stamp) for row in sorted(rows)],
            )
        except StatementRefused as exc:
            if exc.errno != DUPLICATE:
                raise
            raise Overtaken("an aggregate that was not known was applied meanwhile") from exc

    async def put_aggregates(self, tx: Transaction, rows: Sequence[tuple[Any, ...]]) -> None:
        """Rows in the order of `AGGREGATES` without `run_id` and `updated_at`."""
        stamp = (self.run_id, self.now())
        await tx.insert_many(upsert(self.table("aggregates"), AGGREGATES, 2), [(*row, *stamp) for row in sorted(rows)])

    async def mark_rolled_back(self, tx: Transaction, keys: Iterable[AggregateKey]) -> None:
        """Records of these aggregates were taken back: an equal bundle is no longer taken for written."""
        for first, part in chunks(keys):
            await tx.execute(
                f"UPDATE {self.table('aggregates')} SET outcome = %s WHERE aggregate = %s"
                f" AND sonar_id IN ({marks(part)})",
                [ROLLED_BACK, first, *part],
            )

    async def doubt_outcome(self, tx: Transaction, key: AggregateKey) -> None:
        """A call for a record of it was healed: an equal bundle is no longer taken for written.

        Of which something waits, or was taken back, it is not anyway; and what was written of it settles that.
        """
        await tx.execute(
            f"UPDATE {self.table('aggregates')} SET outcome = %s WHERE aggregate = %s AND sonar_id = %s"
            " AND outcome IN ('applied', 'unchanged')",
            [DOUBTED, *key],
        )

    async def settle_outcomes(self, tx: Transaction, keys: Iterable[AggregateKey]) -> None:
        """Aggregates of which nothing waits any more count as applied; as doubted, while a call was healed of one of
        their records that was not written since: of such a one the hash is forgotten.
        """
        for first, part in chunks(keys):
            await tx.execute(
                f"UPDATE {self.table('aggregates')} a SET a.outcome = IF(EXISTS ("
                f"SELECT 1 FROM {self.table('crosswalk')} c WHERE c.aggregate = a.aggregate AND c.sonar_id = a.sonar_id"
                " AND c.state = %s AND c.hash = ''), %s, 'applied')"
                f" WHERE a.aggregate = %s AND a.sonar_id IN ({marks(part)}) AND a.outcome IN ('parked', 'deferred')"
                f" AND NOT EXISTS (SELECT 1 FROM {self.table('held')} h"
                " WHERE h.aggregate = a.aggregate AND h.sonar_id = a.sonar_id)",
                [LIVE, DOUBTED, first, *part],
            )
