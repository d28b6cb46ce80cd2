"""What the ledger's tables have in common: their schema, who writes, and the shapes of statements over many keys."""

# ruff: noqa: S608 - the names in the SQL are our own; values are always passed beside it

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import TypeVar

import orjson

from plumbing.clock import Clock, utc_now

T = TypeVar("T")
Key = tuple[str, str]
"""Entity and record key."""
AggregateKey = tuple[str, int]
"""Aggregate and Sonar id."""

_CHUNK = 500


class Tables:
    """The ledger's tables in `schema` of the server that a transaction runs on, as `run_id` writes them."""

    def __init__(self, schema: str, run_id: str, clock: Clock = utc_now) -> None:
        self.schema = schema
        self.run_id = run_id
        self.batch = 0
        """The number of what is written together, within the run; the writer counts."""
        self._clock = clock

    def table(self, name: str) -> str:
        """The qualified name of one of the ledger's tables."""
        return f"`{self.schema}`.`{name}`"

    def now(self) -> datetime:
        """The instant to write, naive UTC as the columns keep it."""
        return naive(self._clock())


def naive(instant: datetime) -> datetime:
    """An aware instant as the columns keep it."""
    return instant.astimezone(UTC).replace(tzinfo=None)


def dumped(document: object) -> str:
    """A document as the ledger keeps it."""
    options = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME
    return orjson.dumps(document, default=str, option=options).decode()


def chunks(keys: Iterable[tuple[str, T]]) -> Iterator[tuple[str, list[T]]]:
    """Keys in order, by their first part, so many at a time as one statement takes.

    For `a = %s AND b IN (…)`: a server searches a list of values, and tries a list of pairs one after the other.
    """
    for first, group in groupby(sorted(set(keys)), itemgetter(0)):
        rest = [key for _, key in group]
        for start in range(0, len(rest), _CHUNK):
            yield first, rest[start : start + _CHUNK]


def upsert(table: str, columns: Sequence[str], key_columns: int) -> str:
    """INSERT of one row that replaces all but the leading key columns of one that is there."""
    values = marks(columns)
    updates = ", ".join(f"{name} = VALUES({name})" for name in columns[key_columns:])
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values}) ON DUPLICATE KEY UPDATE {updates}"


def marks(values: Collection[object]) -> str:
    """A placeholder for each value."""
    return ", ".join(["%s"] * len(values))
