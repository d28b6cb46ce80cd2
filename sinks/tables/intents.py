"""REST calls begun: what nobody knows the outcome of yet.

Deadlines are of the server's clock: whoever reads them may run on another machine, whose own clock may be wrong.
"""

# ruff: noqa: S608 - the names in the SQL are our own; values are always passed beside it

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from clients.mysql import Transaction
from schemas.ledger import DONE, LOST, REFUSED
from sinks.tables.base import AggregateKey, Key, Tables, chunks, dumped, marks, naive
from sinks.tables.journal import Run

_NOW = "UTC_TIMESTAMP(3)"
_ANSWER = 255
"""Characters that are kept of one."""
BESIDE = "BESIDE"
"""The method of an intent that is no call, but the promise of one: that something is put back."""


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
    run: Run = ("", 0)
    """Who began it."""
    target_id: int | None = None
    """The row that it changes."""
    action: str = ""
    before: Mapping[str, Any] | None = None
    """What the journal is to hold of a change that was done; None: whoever began it sees to that."""


class Intents(Tables):
    """One row per call; those of long ago that nobody needs any more are thrown away when the operator says so."""

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
        target_id: int | None = None,
        sent: Mapping[str, Any] | None = None,
        action: str = "",
        before: Mapping[str, Any] | None = None,
    ) -> int:
        """Say what is about to be called; the intent's id.

        `patience`: until the call's deadline. `sent`: what a change of the row `target_id` asks for, or what is entered
        of a document. `action`, `before`: a change's entry in the journal, made by whoever finds out that it was done.
        """
        values = (
            self.run_id, self.batch, *key, *owner, sequence, method, target_id, None if sent is None else dumped(sent),
            action, None if before is None else dumped(before), partition, token,
        )  # fmt: skip
        return await tx.insert(
            f"INSERT INTO {self.table('intents')} (run_id, batch, entity, record_key, aggregate, sonar_id, sequence,"
            " method, target_id, sent, action, before_image, partition_no, token, state, deadline, created_at)"
            f" VALUES ({marks(values)}, 'open', {_NOW} + INTERVAL %s MICROSECOND, {_NOW})",
            (*values, patience // timedelta(microseconds=1)),
        )

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

    async def at_work(self, tx: Transaction, key: Key) -> set[int]:
        """The partitions that have a call for a record of which nobody knows yet what became of it."""
        rows = await tx.fetch(
            f"SELECT DISTINCT partition_no FROM {self.table('intents')} WHERE state = 'open' AND method <> '{BESIDE}'"
            " AND entity = %s AND record_key = %s",
            key,
        )
        return {int(row["partition_no"]) for row in rows}

    async def called_for(self, tx: Transaction, keys: Iterable[AggregateKey]) -> dict[AggregateKey, int]:
        """The sequence of the oldest such call of each of these aggregates that has one."""
        found: dict[AggregateKey, int] = {}
        for first, part in chunks(keys):
            for row in await tx.fetch(
                f"SELECT aggregate, sonar_id, MIN(sequence) AS sequence FROM {self.table('intents')}"
                f" WHERE state = 'open' AND method <> '{BESIDE}' AND aggregate = %s AND sonar_id IN ({marks(part)})"
                " GROUP BY aggregate, sonar_id",
                [first, *part],
            ):
                found[row["aggregate"], row["sonar_id"]] = int(row["sequence"])
        return found

    async def made_by(self, tx: Transaction, key: Key) -> Run | None:
        """Who began the newest creation of a record of which nobody knows whether it came through."""
        row = await tx.fetch_one(
            f"SELECT run_id, batch FROM {self.table('intents')} WHERE state IN ('open', 'lost') AND method = 'POST'"
            " AND entity = %s AND record_key = %s ORDER BY id DESC LIMIT 1",
            key,
        )
        return None if row is None else (str(row["run_id"]), int(row["batch"]))

    async def perhaps_made(self, tx: Transaction, key: Key, partition: int, since: int) -> bool:
        """Whether a creation of a record, by whoever has this partition, may have come to Splynx.

        One that surely has counts when it was begun after the intent `since`.
        """
        row = await tx.fetch_one(
            f"SELECT 1 FROM {self.table('intents')} WHERE method = 'POST' AND entity = %s AND record_key = %s"
            " AND partition_no = %s AND (state IN ('open', 'lost') OR state = 'done' AND id > %s) LIMIT 1",
            (*key, partition, since),
        )
        return row is not None

    async def give_up(self, tx: Transaction, intent: int, answer: str) -> None:
        """The call is not waited for any more, nor sent: what it may still do in Splynx, it has begun by now."""
        await tx.execute(
            f"UPDATE {self.table('intents')} SET deadline = LEAST(deadline, {_NOW}), answer = %s"
            " WHERE id = %s AND state = 'open'",
            (answer[:_ANSWER], intent),
        )

    async def close_intent(self, tx: Transaction, intent: int, state: str, answer: str = "") -> None:
        """What became of a call: `done`, `refused` or `lost`. `answer`: without one, that stays which is kept."""
        # What a change sent matters only while nobody knows whether it came through.
        await tx.execute(
            f"UPDATE {self.table('intents')} SET state = %s, sent = IF(%s = 'lost' AND method = 'PUT', sent, NULL),"
            " before_image = NULL, answer = IF(%s = '', answer, %s) WHERE id = %s",
            (state, state, answer, answer[:_ANSWER], intent),
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
                (row["run_id"], int(row["batch"])),
                row["target_id"],
                row["action"],
                None if row["before_image"] is None else json.loads(row["before_image"]),
            )
            for row in rows
        ]

    async def open_intents(self, tx: Transaction, partitions: Iterable[int]) -> list[Intent]:
        """Calls of these partitions whose outcome is open."""
        wanted = set(partitions)
        return [one for one in await self.every_open_intent(tx) if one.partition in wanted]

    async def unfinished(self, tx: Transaction) -> int:
        """How many calls are open that nobody waits for any more: the answer was lost, or whoever called was."""
        row = await tx.fetch_one(
            f"SELECT COUNT(*) AS n FROM {self.table('intents')} WHERE state = 'open' AND method <> '{BESIDE}'"
            f" AND deadline <= {_NOW}"
        )
        assert row is not None
        return int(row["n"])

    async def hand_over(self, tx: Transaction, partition: int) -> None:
        """Have whoever takes this partition next heal all calls whose outcome is open, whichever they are of."""
        await tx.execute(f"UPDATE {self.table('intents')} SET partition_no = %s WHERE state = 'open'", (partition,))

    async def calls(self, tx: Transaction) -> int:
        """How many there are, whatever became of them."""
        row = await tx.fetch_one(f"SELECT COUNT(*) AS n FROM {self.table('intents')}")
        assert row is not None
        return int(row["n"])

    async def calls_parts(self, tx: Transaction, before: datetime) -> tuple[int, int]:
        """How many calls begun before an instant nobody needs any more, and how many others there are."""
        where, value = self._over(before)
        row = await tx.fetch_one(f"SELECT COUNT(*) AS n FROM {self.table('intents')} WHERE {where}", (value,))
        assert row is not None
        over = int(row["n"])
        return over, await self.calls(tx) - over

    async def forget_calls(self, tx: Transaction, before: datetime, limit: int) -> int:
        """Throw the oldest calls away that were begun before an instant, so many at most; how many that were.

        Never one that is open.
        """
        where, value = self._over(before)
        return await tx.execute(
            f"DELETE FROM {self.table('intents')} WHERE {where} ORDER BY id LIMIT %s", (value, limit)
        )

    def _over(self, before: datetime) -> tuple[str, datetime]:
        """What became of them is certain; or lost, and something newer was written of their record for certain.

        Until then a lost one tells an edit from what it may have done, and whose a row is that it may have made.
        """
        intents, crosswalk = self.table("intents"), self.table("crosswalk")
        certain = f"state IN ('{DONE}', '{REFUSED}') OR method = '{BESIDE}' AND state = '{LOST}'"
        newer = (
            f"SELECT 1 FROM {crosswalk} c WHERE c.entity = {intents}.entity AND c.record_key = {intents}.record_key"
            f" AND c.sequence > {intents}.sequence"
        )
        return f"created_at < %s AND ({certain} OR state = '{LOST}' AND EXISTS ({newer}))", naive(before)
