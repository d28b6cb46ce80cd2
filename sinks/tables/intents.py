"""REST calls begun: what nobody knows the outcome of yet.

Deadlines are of the server's clock: whoever reads them may run on another machine, whose own clock may be wrong.
"""

# ruff: noqa: S608 - the names in the SQL are our own; values are always passed beside it

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from clients.mysql import Transaction
from sinks.tables.base import AggregateKey, Key, Tables, dumped

_NOW = "UTC_TIMESTAMP(3)"


@dataclass(frozen=True)
class Intent:
    """A REST call whose outcome nobody knows yet."""

    id: int
    entity: str
    key: str
    aggregate: str
    sonar_id: int
    sequence: int
    method: str
    partition: int
    latest: float
    """Instant of this process' monotonic clock after which the call is not sent any more."""
    sent: Mapping[str, Any] | None = None


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
        patience: timedelta,
        sent: Mapping[str, Any] | None = None,
    ) -> int:
        """Say what is about to be called; the intent's id.

        `patience`: until the call's deadline. `sent`: what a change asks for, or what is entered of a row.
        """
        return await tx.insert(
            f"INSERT INTO {self.table('intents')} (entity, record_key, aggregate, sonar_id, sequence, method, sent,"
            " state, partition_no, token, deadline, created_at) VALUES (%s, %s, %s, %s, %s, %s, %s, 'open', %s, %s,"
            f" {_NOW} + INTERVAL %s MICROSECOND, {_NOW})",
            (
                *key, *owner, sequence, method, None if sent is None else dumped(sent), partition, token,
                patience // timedelta(microseconds=1),
            ),
        )  # fmt: skip

    async def perhaps_sent(self, tx: Transaction, key: Key, since: int) -> list[dict[str, Any]]:
        """What changes of a record asked for of which nobody knows whether they came through, the newest last.

        `since`: the sequence of what was written last for certain.
        """
        rows = await tx.fetch(
            f"SELECT sent FROM {self.table('intents')} WHERE state IN ('open', 'lost') AND method = 'PUT'"
            " AND entity = %s AND record_key = %s AND sequence >= %s ORDER BY id",
            (*key, since),
        )
        return [json.loads(row["sent"]) for row in rows]

    async def perhaps_made(self, tx: Transaction, key: Key) -> bool:
        """Whether a call of ours may have made this record's row, though its answer was lost."""
        rows = await tx.fetch(
            f"SELECT id FROM {self.table('intents')} WHERE state IN ('open', 'lost') AND method = 'POST'"
            " AND entity = %s AND record_key = %s LIMIT 1",
            key,
        )
        return bool(rows)

    async def give_up(self, tx: Transaction, intent: int) -> None:
        """The call is not waited for any more, nor sent: what it may still do in Splynx, it has begun by now."""
        await tx.execute(
            f"UPDATE {self.table('intents')} SET deadline = LEAST(deadline, {_NOW}) WHERE id = %s AND state = 'open'",
            (intent,),
        )

    async def close_intent(self, tx: Transaction, intent: int, state: str) -> None:
        """What became of a call: `done`, `refused` or `lost`."""
        # What a change sent matters only while nobody knows whether it came through.
        await tx.execute(
            f"UPDATE {self.table('intents')} SET state = %s, sent = IF(%s = 'lost' AND method = 'PUT', sent, NULL)"
            " WHERE id = %s",
            (state, state, intent),
        )

    async def every_open_intent(self, tx: Transaction) -> list[Intent]:
        """Calls whose outcome is open, whoever began them."""
        rows = await tx.fetch(
            f"SELECT i.*, TIMESTAMPDIFF(MICROSECOND, {_NOW}, i.deadline) AS left_us FROM {self.table('intents')} i"
            " WHERE i.state = 'open' ORDER BY i.id"
        )
        asked = time.monotonic()
        return [
            Intent(
                row["id"],
                row["entity"],
                row["record_key"],
                row["aggregate"],
                row["sonar_id"],
                row["sequence"],
                row["method"],
                row["partition_no"],
                asked + row["left_us"] / 1_000_000,
                None if row["sent"] is None else json.loads(row["sent"]),
            )
            for row in rows
        ]

    async def open_intents(self, tx: Transaction, partitions: Iterable[int]) -> list[Intent]:
        """Calls of these partitions whose outcome is open."""
        wanted = set(partitions)
        return [one for one in await self.every_open_intent(tx) if one.partition in wanted]
