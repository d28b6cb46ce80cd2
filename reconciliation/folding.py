"""The newest bundle of each aggregate that the auditor met, spilled to disk: a backlog has millions of them."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from plumbing.reading import Place

Key = tuple[str, int]
"""Aggregate and Sonar id."""

_TABLE = """
CREATE TABLE bundle (
    aggregate TEXT NOT NULL, id INTEGER NOT NULL, sequence INTEGER NOT NULL, generation INTEGER NOT NULL,
    hash TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, "offset" INTEGER NOT NULL,
    records TEXT NOT NULL,
    PRIMARY KEY (aggregate, id)
) WITHOUT ROWID
"""
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Bundle:
    """One message of a `splynx.*` topic; `sequence` is None where it is no bundle."""

    place: Place
    aggregate: str
    sonar_id: int = 0
    sequence: int | None = None
    generation: int = 0
    hash: str = ""
    records: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """`{entity: keys}` of what the aggregate owns."""


class Fold:
    """Folds bundles by key: the highest sequence wins, then the highest generation. Use as a context manager."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA cache_size = -16384")
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute(_TABLE)
        self._batch: list[tuple[object, ...]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def add(self, one: Bundle) -> None:
        """Take one note of; of two that are equal the later one stays."""
        at = one.place
        key = one.aggregate, one.sonar_id
        place, records = (at.topic, at.partition, at.offset), json.dumps(one.records)
        self._batch.append((*key, one.sequence, one.generation, one.hash, *place, records))
        if len(self._batch) >= _BATCH:
            self._enter()

    def sequence_of(self, key: Key) -> int | None:
        """The highest sequence of a key; None of one that never came."""
        self._enter()
        row = self._db.execute("SELECT sequence FROM bundle WHERE aggregate = ? AND id = ?", key).fetchone()
        return None if row is None else int(row[0])

    def parts(self, size: int) -> Iterator[list[Bundle]]:
        """The newest of each key in the order of keys, so many at a time, those of each part of one aggregate."""
        self._enter()
        for (name,) in self._db.execute("SELECT DISTINCT aggregate FROM bundle ORDER BY aggregate").fetchall():
            rows = self._db.execute(
                'SELECT topic, partition, "offset", aggregate, id, sequence, generation, hash, records FROM bundle'
                " WHERE aggregate = ? ORDER BY id",
                (name,),
            )
            while part := rows.fetchmany(size):
                yield [_bundle(row) for row in part]

    def _enter(self) -> None:
        if not self._batch:
            return
        self._db.execute("BEGIN")
        self._db.executemany(
            "INSERT INTO bundle VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET sequence = excluded.sequence, generation = excluded.generation,"
            " hash = excluded.hash, topic = excluded.topic, partition = excluded.partition,"
            ' "offset" = excluded."offset", records = excluded.records'
            " WHERE (excluded.sequence, excluded.generation) >= (sequence, generation)",
            self._batch,
        )
        self._db.execute("COMMIT")
        self._batch.clear()


def _bundle(row: Sequence[Any]) -> Bundle:
    """A row as it was added."""
    topic, partition, offset, name, id, sequence, generation, digest, records = row
    return Bundle(Place(topic, partition, offset), name, id, sequence, generation, digest, json.loads(records))
