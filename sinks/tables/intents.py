"""REST calls begun: what nobody knows the outcome of yet."""

# ruff: noqa: S608 - the names in the SQL are our own; values are always passed beside it

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from clients.mysql import Transaction
from sinks.tables.base import AggregateKey, Key, Tables, naive


@dataclass(frozen=True)
class Intent:
    """A REST call whose outcome nobody knows yet."""

    id: int
    entity: str
    key: str
    aggregate: str
    sonar_id: int
    sequence: int
    partition: int
    deadline: datetime


class Intents(Tables):
    """One row per call, kept."""

    async def begin(
        self,
        tx: Transaction,
        *,
        key: Key,
        owner: AggregateKey,
        sequence: int,
        method: str,
        partition: int,
        token: int,
        deadline: datetime,
    ) -> int:
        """Say what is about to be called; the intent's id."""
        return await tx.insert(
            f"INSERT INTO {self.table('intents')} (entity, record_key, aggregate, sonar_id, sequence, method, state,"
            " partition_no, token, deadline, created_at) VALUES (%s, %s, %s, %s, %s, %s, 'open', %s, %s, %s, %s)",
            (*key, *owner, sequence, method, partition, token, naive(deadline), self.now()),
        )

    async def close_intent(self, tx: Transaction, intent: int, state: str) -> None:
        """What became of a call: `done`, `refused` or `lost`."""
        await tx.execute(f"UPDATE {self.table('intents')} SET state = %s WHERE id = %s", (state, intent))

    async def every_open_intent(self, tx: Transaction) -> list[Intent]:
        """Calls whose outcome is open, whoever began them."""
        rows = await tx.fetch(f"SELECT * FROM {self.table('intents')} WHERE state = 'open' ORDER BY id")
        return [
            Intent(
                row["id"],
                row["entity"],
                row["record_key"],
                row["aggregate"],
                row["sonar_id"],
                row["sequence"],
                row["partition_no"],
                row["deadline"],
            )
            for row in rows
        ]

    async def open_intents(self, tx: Transaction, partitions: Iterable[int]) -> list[Intent]:
        """Calls of these partitions whose outcome is open."""
        wanted = set(partitions)
        return [one for one in await self.every_open_intent(tx) if one.partition in wanted]
