"""Of which aggregates a snapshot read pages between two looks for changes."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Look(NamedTuple):
    """A look for changes as it began."""

    copied: frozenset[str]
    """Aggregates of which a page was read since the last look began, or was under way then."""
    begun: dict[str, int]
    under_way: frozenset[str]


class Copying:
    """A page may show what was for a while between two looks, and is no more: the look after it has to know of it."""

    def __init__(self) -> None:
        self._begun: Counter[str] = Counter()
        self._under_way: Counter[str] = Counter()
        self._last = Look(frozenset(), {}, frozenset())

    @contextmanager
    def page(self, aggregate: str) -> Iterator[None]:
        """A page of an aggregate's roots, from before it is asked for until it has come."""
        self._begun[aggregate] += 1
        self._under_way[aggregate] += 1
        try:
            yield
        finally:
            self._under_way[aggregate] -= 1

    def look(self) -> Look:
        """Where a look begins. One that fails is no look: the next begins where it did."""
        since = {name for name, count in self._begun.items() if count != self._last.begun.get(name)}
        under_way = frozenset(name for name, count in self._under_way.items() if count)
        return Look(self._last.under_way | since, dict(self._begun), under_way)

    def looked(self, look: Look) -> None:
        """A look has come to its end."""
        self._last = look
