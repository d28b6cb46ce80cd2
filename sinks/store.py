"""The ledger as the sink reads and writes it. Every method runs in the transaction that it is handed."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from clients.mysql import Row, Transaction
from plumbing.clock import Clock, utc_now
from schemas import ledger
from sinks.errors import Fenced, Overtaken
from sinks.plan import AggregateState, Document, Known

T = TypeVar("T")
Key = tuple[str, str]
AggregateKey = tuple[str, int]

_CHUNK = 500
CROSSWALK = (
    "entity", "record_key", "aggregate", "sonar_id", "target_id", "hash", "sequence", "state", "revision", "document",
    "updated_at",
)  # fmt: skip
HELD = (
    "entity", "record_key", "aggregate", "sonar_id", "state", "code", "reason", "waits_entity", "waits_key", "sequence",
    "hash", "document", "topic", "partition_no", "topic_offset", "run_id", "since",
)  # fmt: skip
AGGREGATES = (
    "aggregate", "sonar_id", "owner_id", "partition_no", "topic_offset", "sequence", "hash", "generation",
    "rules_version", "outcome", "deleted", "run_id", "updated_at",
)  # fmt: skip


@dataclass(frozen=True)
class JournalEntry:
    """A change of Splynx's rows: what they were, None for what we created."""

    entity: str
    key: str
    target_id: int
    action: str
    before: Any
    sequence: int


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


def _chunks(values: Iterable[T]) -> Iterator[list[T]]:
    items = list(values)
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]


def _naive(instant: datetime) -> datetime:
    return instant.replace(tzinfo=None)


def dumped(document: object) -> str:
    """A document as the ledger keeps it."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, default=str)


class Ledger:
    """The ledger's tables in `schema` of the server that a transaction runs on."""

    def __init__(self, schema: str, run_id: str, clock: Clock = utc_now) -> None:
        self.schema = schema
        self.run_id = run_id
        self._clock = clock

    def table(self, name: str) -> str:
        """The qualified name of one of the ledger's tables."""
        return f"`{self.schema}`.`{name}`"

    def now(self) -> datetime:
        """The instant to write, naive UTC as the columns keep it."""
        return _naive(self._clock())

    async def create(self, tx: Transaction) -> None:
        """Make what is missing."""
        rows = await tx.fetch(
            "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = %s", (self.schema,)
        )
        there = {row["name"] for row in rows}
        for name, statement in zip(ledger.TABLES, ledger.statements(self.schema), strict=True):
            if name not in there:
                await tx.execute(statement)
        await self.set_meta(tx, "version", str(ledger.VERSION))

    async def exists(self, tx: Transaction) -> bool:
        """Whether the ledger was made."""
        rows = await tx.fetch(
            "SELECT 1 AS found FROM information_schema.tables WHERE table_schema = %s AND table_name = 'crosswalk'",
            (self.schema,),
        )
        return bool(rows)

    async def meta(self, tx: Transaction, name: str) -> str | None:
        """A named value."""
        row = await tx.fetch_one(f"SELECT value FROM {self.table('meta')} WHERE name = %s", (name,))  # noqa: S608
        return None if row is None else str(row["value"])

    async def set_meta(self, tx: Transaction, name: str, value: str) -> None:
        """Keep a named value."""
        await tx.execute(
            f"INSERT INTO {self.table('meta')} (name, value) VALUES (%s, %s)"  # noqa: S608
            " ON DUPLICATE KEY UPDATE value = VALUES(value)",
            (name, value),
        )

    # the fence

    async def take(self, tx: Transaction, partition: int, owner: str) -> int:
        """Become the writer of a partition; the token that older writers no longer have."""
        await tx.execute(
            f"INSERT INTO {self.table('fence')} (partition_no, token, owner, taken_at) VALUES (%s, 1, %s, %s)"  # noqa: S608
            " ON DUPLICATE KEY UPDATE token = token + 1, owner = VALUES(owner), taken_at = VALUES(taken_at)",
            (partition, owner, self.now()),
        )
        row = await tx.fetch_one(f"SELECT token FROM {self.table('fence')} WHERE partition_no = %s", (partition,))  # noqa: S608
        assert row is not None
        return int(row["token"])

    async def hold(self, tx: Transaction, tokens: Mapping[int, int]) -> None:
        """Check, and lock until the commit, that these partitions are still ours.

        Raises:
            Fenced: another writer took one over.
        """
        if not tokens:
            return
        marks = ", ".join(["%s"] * len(tokens))
        rows = await tx.fetch(
            f"SELECT partition_no, token FROM {self.table('fence')} WHERE partition_no IN ({marks})"  # noqa: S608
            " ORDER BY partition_no LOCK IN SHARE MODE",
            sorted(tokens),
        )
        if {row["partition_no"]: row["token"] for row in rows} != dict(tokens):
            raise Fenced("another sink took over a partition of this one")

    # what was applied

    async def states(
        self, tx: Transaction, keys: Iterable[AggregateKey], *, lock: bool = False
    ) -> dict[AggregateKey, AggregateState]:
        """The newest applied bundle per aggregate."""
        found: dict[AggregateKey, AggregateState] = {}
        for part in _chunks(sorted(set(keys))):
            for row in await tx.fetch(
                f"SELECT aggregate, sonar_id, sequence, hash, generation, outcome FROM {self.table('aggregates')}"  # noqa: S608
                f" WHERE (aggregate, sonar_id) IN ({_pairs(part)}) ORDER BY aggregate, sonar_id"
                + (" FOR UPDATE" if lock else ""),
                _flat(part),
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

    async def put_aggregates(self, tx: Transaction, rows: Sequence[tuple[Any, ...]]) -> None:
        """Rows in the order of `AGGREGATES` without `run_id` and `updated_at`."""
        stamp = (self.run_id, self.now())
        await tx.insert_many(_upsert(self.table("aggregates"), AGGREGATES, 2), [(*row, *stamp) for row in sorted(rows)])

    async def known(self, tx: Transaction, keys: Iterable[AggregateKey]) -> dict[AggregateKey, list[Known]]:
        """The crosswalk rows that each aggregate owns."""
        found: dict[AggregateKey, list[Known]] = {}
        for part in _chunks(sorted(set(keys))):
            for row in await tx.fetch(
                f"SELECT * FROM {self.table('crosswalk')} WHERE (aggregate, sonar_id) IN ({_pairs(part)})",  # noqa: S608
                _flat(part),
            ):
                found.setdefault((row["aggregate"], row["sonar_id"]), []).append(_known(row))
        return found

    async def known_record(self, tx: Transaction, key: Key) -> Known | None:
        """One crosswalk row."""
        row = await tx.fetch_one(
            f"SELECT * FROM {self.table('crosswalk')} WHERE entity = %s AND record_key = %s",  # noqa: S608
            key,
        )
        return None if row is None else _known(row)

    async def ids(self, tx: Transaction, keys: Iterable[Key]) -> dict[Key, int]:
        """`{(entity, key): id in Splynx}` of what is there."""
        found: dict[Key, int] = {}
        for part in _chunks(sorted(set(keys))):
            for row in await tx.fetch(
                f"SELECT entity, record_key, target_id FROM {self.table('crosswalk')}"  # noqa: S608
                f" WHERE (entity, record_key) IN ({_pairs(part)})",
                _flat(part),
            ):
                found[(row["entity"], row["record_key"])] = row["target_id"]
        return found

    async def ids_of(self, tx: Transaction, entity: str) -> dict[str, int]:
        """`{key: id}` of a whole entity; for small ones and for adoption."""
        rows = await tx.fetch(
            f"SELECT record_key, target_id FROM {self.table('crosswalk')} WHERE entity = %s",  # noqa: S608
            (entity,),
        )
        return {row["record_key"]: row["target_id"] for row in rows}

    async def put_crosswalk(self, tx: Transaction, rows: Sequence[tuple[Any, ...]]) -> None:
        """Rows in the order of `CROSSWALK` without `updated_at`; documents as text."""
        now = self.now()
        await tx.insert_many(_upsert(self.table("crosswalk"), CROSSWALK, 2), [(*row, now) for row in sorted(rows)])

    async def forget_hash(self, tx: Transaction, key: Key) -> None:
        """Have a record compared in full when its bundle comes again."""
        await tx.execute(
            f"UPDATE {self.table('crosswalk')} SET hash = '' WHERE entity = %s AND record_key = %s",  # noqa: S608
            key,
        )

    async def settle_outcomes(self, tx: Transaction, keys: Iterable[AggregateKey]) -> None:
        """Aggregates of which nothing waits any more count as applied."""
        for part in _chunks(sorted(set(keys))):
            await tx.execute(
                f"UPDATE {self.table('aggregates')} a SET a.outcome = 'applied'"  # noqa: S608
                f" WHERE (a.aggregate, a.sonar_id) IN ({_pairs(part)}) AND a.outcome IN ('parked', 'deferred')"
                f" AND NOT EXISTS (SELECT 1 FROM {self.table('held')} h"
                " WHERE h.aggregate = a.aggregate AND h.sonar_id = a.sonar_id)",
                _flat(part),
            )

    async def journal(self, tx: Transaction, entries: Sequence[JournalEntry]) -> None:
        """Keep before-images."""
        now = self.now()
        await tx.insert_many(
            f"INSERT INTO {self.table('journal')}"  # noqa: S608
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
            f"INSERT INTO {self.table('conflicts')} (entity, record_key, target_id, field, sequence, at)"  # noqa: S608
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [(known.entity, known.key, known.target_id, field, sequence, now) for field in fields],
        )

    # held records

    async def put_held(self, tx: Transaction, rows: Sequence[tuple[Any, ...]]) -> None:
        """Rows in the order of `HELD` without `run_id` and `since`; since when it waits is kept on a repeat."""
        stamp = (self.run_id, self.now())
        sql = _upsert(self.table("held"), HELD, 2).replace(", since = VALUES(since)", "")
        await tx.insert_many(sql, [(*row, *stamp) for row in sorted(rows, key=lambda row: row[:2])])

    async def drop_held(self, tx: Transaction, keys: Iterable[Key]) -> None:
        """Forget records that no longer wait."""
        for part in _chunks(sorted(set(keys))):
            await tx.execute(
                f"DELETE FROM {self.table('held')} WHERE (entity, record_key) IN ({_pairs(part)})",  # noqa: S608
                _flat(part),
            )

    async def held_of(self, tx: Transaction, keys: Iterable[AggregateKey]) -> dict[AggregateKey, set[Key]]:
        """What each aggregate has waiting."""
        found: dict[AggregateKey, set[Key]] = {}
        for part in _chunks(sorted(set(keys))):
            for row in await tx.fetch(
                f"SELECT entity, record_key, aggregate, sonar_id FROM {self.table('held')}"  # noqa: S608
                f" WHERE (aggregate, sonar_id) IN ({_pairs(part)})",
                _flat(part),
            ):
                found.setdefault((row["aggregate"], row["sonar_id"]), set()).add((row["entity"], row["record_key"]))
        return found

    async def wake(self, tx: Transaction) -> int:
        """Mark every parked record ready whose wait is over, whoever owns its partition; how many."""
        return await tx.execute(
            f"UPDATE {self.table('held')} h JOIN {self.table('crosswalk')} c"  # noqa: S608
            " ON c.entity = h.waits_entity AND c.record_key = h.waits_key"
            " SET h.state = 'ready' WHERE h.state = 'parked'"
        )

    async def release_deferred(self, tx: Transaction, code: str) -> int:
        """Mark records ready that were deferred for a reason that no longer holds; how many."""
        return await tx.execute(
            f"UPDATE {self.table('held')} SET state = 'ready' WHERE state = 'deferred' AND code = %s",  # noqa: S608
            (code,),
        )

    async def held(self, tx: Transaction, state: str, partitions: Iterable[int], limit: int) -> list[Row]:
        """Held records in a state, of these partitions, the longest waiting first."""
        wanted = sorted(set(partitions))
        if not wanted:
            return []
        return await tx.fetch(
            f"SELECT * FROM {self.table('held')} WHERE state = %s AND partition_no IN"  # noqa: S608
            f" ({', '.join(['%s'] * len(wanted))}) ORDER BY since, entity, record_key LIMIT %s",
            [state, *wanted, limit],
        )

    async def held_counts(self, tx: Transaction) -> dict[Key, int]:
        """`{(entity, state): how many}`."""
        rows = await tx.fetch(
            f"SELECT entity, state, COUNT(*) AS n FROM {self.table('held')} GROUP BY entity, state"  # noqa: S608
        )
        return {(row["entity"], row["state"]): int(row["n"]) for row in rows}

    # offsets

    async def checkpoints(self, tx: Transaction, topic: str) -> dict[int, int]:
        """`{partition: next offset}` of what the ledger has of a topic."""
        rows = await tx.fetch(
            f"SELECT partition_no, next_offset FROM {self.table('checkpoint')} WHERE topic = %s",  # noqa: S608
            (topic,),
        )
        return {row["partition_no"]: row["next_offset"] for row in rows}

    async def put_checkpoint(self, tx: Transaction, topic: str, partition: int, next_offset: int) -> None:
        """Everything below `next_offset` has its outcome."""
        await tx.execute(
            f"INSERT INTO {self.table('checkpoint')} (topic, partition_no, next_offset) VALUES (%s, %s, %s)"  # noqa: S608
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
            f"UPDATE {self.table('outcomes')} SET last_offset = %s"  # noqa: S608
            " WHERE topic = %s AND partition_no = %s AND last_offset = %s AND outcome = %s",
            (last, topic, partition, first - 1, common),
        )
        if not joined:
            await tx.execute(
                f"INSERT INTO {self.table('outcomes')}"  # noqa: S608
                " (topic, partition_no, first_offset, last_offset, outcome) VALUES (%s, %s, %s, %s, %s)",
                (topic, partition, first, last, common),
            )
        await tx.insert_many(
            f"INSERT INTO {self.table('exceptions')} (topic, partition_no, topic_offset, outcome, code)"  # noqa: S608
            " VALUES (%s, %s, %s, %s, %s)",
            [(topic, partition, offset, outcome, code) for offset, outcome, code in outcomes if outcome != common],
        )

    # intents

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
            f"INSERT INTO {self.table('intents')} (entity, record_key, aggregate, sonar_id, sequence, method, state,"  # noqa: S608
            " partition_no, token, deadline, created_at) VALUES (%s, %s, %s, %s, %s, %s, 'open', %s, %s, %s, %s)",
            (*key, *owner, sequence, method, partition, token, _naive(deadline), self.now()),
        )

    async def close_intent(self, tx: Transaction, intent: int, state: str) -> None:
        """What became of a call: `done`, `refused` or `lost`."""
        await tx.execute(f"UPDATE {self.table('intents')} SET state = %s WHERE id = %s", (state, intent))  # noqa: S608

    async def every_open_intent(self, tx: Transaction) -> list[Intent]:
        """Calls whose outcome is open, whoever began them."""
        rows = await tx.fetch(f"SELECT * FROM {self.table('intents')} WHERE state = 'open' ORDER BY id")  # noqa: S608
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


def _upsert(table: str, columns: Sequence[str], key_columns: int) -> str:
    values = ", ".join(["%s"] * len(columns))
    updates = ", ".join(f"{name} = VALUES({name})" for name in columns[key_columns:])
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values}) ON DUPLICATE KEY UPDATE {updates}"  # noqa: S608


def _pairs(part: Sequence[object]) -> str:
    return ", ".join(["(%s, %s)"] * len(part))


def _flat(part: Sequence[tuple[Any, Any]]) -> list[Any]:
    return [value for pair in part for value in pair]
