"""The newest event of each aggregate on the `sonar.*` topics, spilled to disk: what the mappers are asked about.

Reconciliation compares with what they say, and a replay has it written again.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from plumbing.avro import Codec, Undecodable, make_registry
from plumbing.kafka import end_offsets, make_reader
from plumbing.reading import read_spans, value_of
from plumbing.settings import Settings
from schemas.aggregate import Aggregate
from schemas.avro import envelope_schema
from schemas.catalogue import AGGREGATES
from schemas.envelope import Event, event_of
from schemas.topics import Topics

MAPPED = tuple(one for one in AGGREGATES if one.mapper is not None)

_TABLE = """
CREATE TABLE event (
    aggregate TEXT NOT NULL, id INTEGER NOT NULL, owner INTEGER, sequence INTEGER NOT NULL, partition INTEGER NOT NULL,
    "offset" INTEGER NOT NULL, code TEXT, key BLOB, value BLOB NOT NULL, PRIMARY KEY (aggregate, id)
)
"""
_BATCH = 1000


@dataclass(frozen=True)
class Newest:
    """An aggregate's newest event and where it lies. `code`: why the mapper refuses it, once it was asked."""

    aggregate: str
    id: int
    owner: int | None
    sequence: int
    topic: str
    partition: int
    offset: int
    code: str | None = None


@dataclass(frozen=True)
class Stored:
    """A newest event as its message lies on the topic."""

    at: Newest
    key: bytes | None
    value: bytes


class Events:
    """Folds the topics by key, the highest sequence wins, whatever partition it lies in. Use as a context manager."""

    def __init__(
        self,
        settings: Settings,
        aggregates: Sequence[Aggregate] = MAPPED,
        starts: Mapping[tuple[str, int], int] | None = None,
    ) -> None:
        """`starts`: `{(topic, partition): offset}` to read from, where that is not the oldest one kept."""
        self._settings, self._topics = settings, Topics(settings.instance)
        self._aggregates = aggregates
        self._stack = ExitStack()
        self._db = sqlite3.connect("", isolation_level=None)
        self._stack.callback(self._db.close)
        self._db.execute("PRAGMA cache_size = -16384")
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute(_TABLE)
        self._db.execute("CREATE INDEX by_owner ON event (owner)")
        registry = self._stack.enter_context(make_registry(settings.registry))
        self._consumer = make_reader(settings.kafka, f"{self._topics.process_group}.reconcile")
        self._stack.callback(self._consumer.close)
        self._codecs = {
            one.name: Codec(registry, f"{self._topics.sonar(one.name)}-value", envelope_schema(one))
            for one in aggregates
        }
        self._read = dict(starts or {})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def read_on(self) -> None:
        """Read every topic from where the last reading ended to its present end.

        Raises:
            DependencyUnreachable: Kafka or the registry does not answer.
        """
        names = {self._topics.sonar(one.name): one.name for one in self._aggregates}
        spans = {
            (topic, partition): (max(low, self._read.get((topic, partition), 0)), high)
            for topic in names
            for partition, (low, high) in end_offsets(self._consumer, topic, self._settings.kafka.partitions).items()
        }
        batch: list[tuple[object, ...]] = []
        for place, message in read_spans(self._consumer, spans):
            name, value = names[place.topic], value_of(message)
            try:
                event = event_of(self._codecs[name].decode(value))
            except (Undecodable, KeyError, TypeError, ValueError):
                continue  # no event of ours: the processors set it aside, and the audit sees that they did
            at = place.partition, place.offset
            batch.append((name, event.sonar_id, event.owner_id, event.sequence, *at, message.key(), value))
            if len(batch) >= _BATCH:
                self._enter(batch)
                batch = []
        self._enter(batch)
        self._read = {place: high for place, (_, high) in spans.items()}

    def _enter(self, batch: Sequence[tuple[object, ...]]) -> None:
        self._db.execute("BEGIN")
        self._db.executemany(
            'INSERT INTO event (aggregate, id, owner, sequence, partition, "offset", key, value)'
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET owner = excluded.owner,"
            ' sequence = excluded.sequence, partition = excluded.partition, "offset" = excluded."offset",'
            " key = excluded.key, value = excluded.value, code = NULL WHERE excluded.sequence >= sequence",
            batch,
        )
        self._db.execute("COMMIT")

    def newest(
        self, aggregate: str, size: int, accounts: Sequence[str] | None = None
    ) -> Iterator[list[tuple[Newest, Event]]]:
        """The newest events in the order of ids, `size` at a time; of these accounts, or all.

        What no account owns always comes.
        """
        codec = self._codecs[aggregate]
        for page in self.stored(aggregate, size, accounts):
            yield [(one.at, event_of(codec.decode(one.value))) for one in page]

    def stored(
        self, aggregate: str, size: int, accounts: Sequence[str] | None = None, *, after: int = -1
    ) -> Iterator[list[Stored]]:
        """The same as their messages lie on the topic, with ids above `after`."""
        chosen = None if accounts is None else json.dumps([int(one) for one in accounts])
        topic, last = self._topics.sonar(aggregate), after
        while rows := self._db.execute(
            'SELECT id, owner, sequence, partition, "offset", key, value FROM event WHERE aggregate = ? AND id > ?'
            " AND (? IS NULL OR owner IS NULL OR owner IN (SELECT value FROM json_each(?))) ORDER BY id LIMIT ?",
            (aggregate, last, chosen, chosen, size),
        ).fetchall():
            yield [
                Stored(Newest(aggregate, row[0], row[1], row[2], topic, row[3], row[4]), row[5], row[6]) for row in rows
            ]
            last = rows[-1][0]

    @property
    def ends(self) -> dict[tuple[str, int], int]:
        """`{(topic, partition): offset}` that the last reading stopped before."""
        return dict(self._read)

    def count(self) -> int:
        """How many aggregates the topics hold."""
        return int(self._db.execute("SELECT COUNT(*) FROM event").fetchone()[0])

    def refuse(self, at: Newest, code: str) -> None:
        """Remember that the mapper refuses an event."""
        self._db.execute("UPDATE event SET code = ? WHERE aggregate = ? AND id = ?", (code, at.aggregate, at.id))

    def find(self, aggregate: str, id: int) -> Newest | None:
        """The newest event of one aggregate."""
        row = self._db.execute(
            'SELECT owner, sequence, partition, "offset", code FROM event WHERE aggregate = ? AND id = ?',
            (aggregate, id),
        ).fetchone()
        if row is None:
            return None
        return Newest(aggregate, id, row[0], row[1], self._topics.sonar(aggregate), row[2], row[3], row[4])

    def message(self, aggregate: str, id: int) -> Stored | None:
        """The newest event of one aggregate as its message lies on the topic."""
        for page in self.stored(aggregate, 1, after=id - 1):
            return page[0] if page[0].at.id == id else None
        return None

    def refused(self) -> dict[str, dict[str, int]]:
        """`{aggregate: {code: how many}}` of newest events that the mapper refuses."""
        found: dict[str, dict[str, int]] = {}
        for aggregate, code, count in self._db.execute(
            "SELECT aggregate, code, COUNT(*) FROM event WHERE code IS NOT NULL GROUP BY aggregate, code"
        ):
            found.setdefault(aggregate, {})[code] = count
        return found
