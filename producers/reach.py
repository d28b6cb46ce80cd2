"""How far back each look for changes reaches: by collection, and so that nothing is lost between two looks."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from producers.followed import Followed
from producers.lateness import Lateness

_Place = tuple[str, str]
"""Aggregate and collection."""


class Reach:
    """Where looks begin. A collection has an overlap of its own; an aggregate's watermark trails by its widest."""

    def __init__(self, lateness: Lateness) -> None:
        self._lateness = lateness
        self._of_aggregate: dict[str, list[str]] = {}
        self._looked: dict[_Place, datetime] = {}
        """When a look last showed a collection for an aggregate: one may stand still."""
        self._fronts: dict[str, datetime] = {}
        """`{aggregate: up to when looks have shown it, and what they showed is read}`; late rows apart."""

    def follow(self, collections: Sequence[Followed]) -> None:
        """Look at these from now on."""
        found: dict[str, dict[str, None]] = {}
        for one in collections:
            found.setdefault(one.aggregate.name, {})[one.thin.collection] = None
        self._of_aggregate = {name: list(mine) for name, mine in found.items()}

    @property
    def collections(self) -> set[str]:
        """All that are looked at."""
        return {name for mine in self._of_aggregate.values() for name in mine}

    @property
    def widest(self) -> timedelta:
        """The widest overlap of all: by it trails what depends on every collection."""
        return self._lateness.width(self.collections)

    def width(self, aggregate: str) -> timedelta:
        """How far an aggregate's watermark trails: by the widest overlap of its collections."""
        return self._lateness.width(self._of_aggregate.get(aggregate, ()))

    def begin(self, one: Followed, covered: datetime, now: datetime) -> datetime:
        """Where a look at a collection begins for an aggregate that is covered up to `covered`.

        Behind the last look by the collection's own overlap. After a restart nobody knows how far that look came for
        it, nor for one that stood still: it begins where the watermark is.
        """
        name, width = one.aggregate.name, self._lateness.width([one.thin.collection])
        front = self._fronts.get(name) if (name, one.thin.collection) in self._looked else None
        return min(covered if front is None else front - width, now - width)

    def last(self, one: Followed) -> datetime | None:
        """When a look last showed a collection for this aggregate; None: not since the start, or it could not."""
        return self._looked.get((one.aggregate.name, one.thin.collection))

    def looked(self, at: datetime, shown: Iterable[Followed], without: Collection[str]) -> None:
        """A look that began at `at` has come to its end. `without`: collections of which nothing is known now."""
        self._looked = {
            (one.aggregate.name, one.thin.collection): at for one in shown if one.thin.collection not in without
        }

    def polled(self, fronts: Mapping[str, datetime], standing: Collection[str]) -> None:
        """What was found is read as far as `fronts`; aggregates in `standing` may be changing unseen."""
        self._fronts = {name: at for name, at in fronts.items() if name not in standing}
