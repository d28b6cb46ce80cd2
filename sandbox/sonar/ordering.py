"""Rows kept in an order, so that a page by keyset costs its own length and not the table's."""

from array import array
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

_FEW = 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ID_BITS = 64
_ID = (1 << _ID_BITS) - 1

Pair = tuple[Any, int]
"""(value, id); a value is an id or an aware instant."""


class Order:
    """Ids by a value of their rows, those that tie by themselves. Sixteen bytes a row, and none until it is read.

    From then on a change is only noted; the next reader pays for all noted ones at once. That makes loading a world
    (millions of back-dated rows) and following it (a few changes between two pages) both cheap.
    """

    def __init__(self, pairs: Callable[[], Iterable[Pair]]) -> None:
        """`pairs`: all that there are, in any order; asked when the order is first read."""
        self._pairs = pairs
        self._is_kept = False
        self._values, self._ids = array("q"), array("q")
        self._added: list[tuple[int, int]] = []
        self._removed: list[tuple[int, int]] = []

    def add(self, value: object, id: int) -> None:
        """Note a pair."""
        if self._is_kept:
            self._added.append((_number(value), id))

    def remove(self, value: object, id: int) -> None:
        """Note that a pair which was added before is gone."""
        if self._is_kept:
            self._removed.append((_number(value), id))

    def ids(self) -> "array[int]":
        """All ids in the order of their values; the array is ours, read it and let go of it before the next change."""
        self._settle()
        return self._ids

    def place(self, value: object, id: int) -> int:
        """At which place of `ids` a pair lies, or would: before it are all that are less."""
        self._settle()
        return self._place(_number(value), id)

    def _place(self, number: int, id: int) -> int:
        low = bisect_left(self._values, number)
        return bisect_left(self._ids, id, low, bisect_right(self._values, number, low))

    def _settle(self) -> None:
        if not self._is_kept:
            self._is_kept = True
            # One number for each pair: a tuple of two would take three times the room while they are sorted.
            keys = sorted([_number(value) << _ID_BITS | id for value, id in self._pairs()])
            self._values, self._ids = array("q", map(_value_of, keys)), array("q", map(_id_of, keys))
        if self._added:
            self._take()
        if self._removed:
            self._drop()

    def _take(self) -> None:
        added, self._added = sorted(self._added), []
        if len(added) < _FEW:
            for number, id in added:
                at = self._place(number, id)
                self._values.insert(at, number)
                self._ids.insert(at, id)
        else:
            tail = self._cut(added[0])
            self._append(sorted(tail + added))

    def _drop(self) -> None:
        removed, self._removed = self._removed, []
        if len(removed) < _FEW:
            for number, id in removed:
                at = self._place(number, id)
                del self._values[at], self._ids[at]
        else:
            # A pair may have been removed and added again, so each removal takes one occurrence away.
            gone, kept = Counter(removed), []
            for pair in self._cut(min(removed)):
                if gone[pair] > 0:
                    gone[pair] -= 1
                else:
                    kept.append(pair)
            self._append(kept)

    def _cut(self, first: tuple[int, int]) -> list[tuple[int, int]]:
        """Take out all pairs from the first one on: most changes are at the end, where the newest rows are."""
        at = self._place(*first)
        tail = list(zip(self._values[at:], self._ids[at:], strict=True))
        del self._values[at:], self._ids[at:]
        return tail

    def _append(self, pairs: list[tuple[int, int]]) -> None:
        self._values.extend([number for number, _ in pairs])
        self._ids.extend([id for _, id in pairs])


def _number(value: object) -> int:
    """An id as it is, an instant in microseconds since 1970."""
    if isinstance(value, datetime):
        since = value - _EPOCH
        return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    assert isinstance(value, int)
    return value


def _value_of(key: int) -> int:
    return key >> _ID_BITS


def _id_of(key: int) -> int:
    return key & _ID


class IdSet:
    """Ids in ascending order: the rows that point to one other row."""

    __slots__ = ("ids",)

    def __init__(self) -> None:
        self.ids: list[int] = []

    def add(self, id: int) -> None:
        """Add an id that is not in it."""
        if not self.ids or self.ids[-1] < id:
            self.ids.append(id)
        else:
            insort(self.ids, id)

    def remove(self, id: int) -> None:
        """Take an id out."""
        del self.ids[bisect_left(self.ids, id)]

    def __contains__(self, id: int) -> bool:
        at = bisect_left(self.ids, id)
        return at < len(self.ids) and self.ids[at] == id
