"""Rows kept in an order, so that a page by keyset costs its own length and not the table's."""

from bisect import bisect_left, insort
from collections import Counter

_FEW = 64


class Order:
    """Sorted (value, id) pairs. A change is only noted; the next reader pays for all noted ones at once.

    That makes loading a world (hundreds of thousands of back-dated rows) and following it (a few changes between two
    pages) both cheap.
    """

    def __init__(self) -> None:
        self._keys: list[tuple[object, int]] = []
        self._added: list[tuple[object, int]] = []
        self._removed: list[tuple[object, int]] = []

    def add(self, value: object, id: int) -> None:
        """Note a pair."""
        self._added.append((value, id))

    def remove(self, value: object, id: int) -> None:
        """Note that a pair which was added before is gone."""
        self._removed.append((value, id))

    def pairs(self) -> list[tuple[object, int]]:
        """All pairs in ascending order; the list is ours, read it and let go of it before the next change."""
        if self._added:
            if len(self._added) < _FEW:
                for key in self._added:
                    insort(self._keys, key)
            else:
                self._keys += self._added
                self._keys.sort()
            self._added = []
        if self._removed:
            if len(self._removed) < _FEW:
                for key in self._removed:
                    del self._keys[bisect_left(self._keys, key)]
            else:
                # A pair may have been removed and added again, so each removal takes one occurrence away.
                gone = Counter(self._removed)
                kept = []
                for key in self._keys:
                    if gone[key] > 0:
                        gone[key] -= 1
                    else:
                        kept.append(key)
                self._keys = kept
            self._removed = []
        return self._keys


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
