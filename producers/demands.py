"""Roots that must be read again, since when, and what the reading has to show before it counts."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from heapq import nsmallest

from schemas.aggregate import Aggregate

LOG, SWEEP, WEBHOOK = "log", "sweep", "webhook"
CHANNELS = (LOG, SWEEP, WEBHOOK)
"""Who tells of deletes."""


@dataclass(slots=True)
class Demand:
    """One root. `expected` maps (collection, child id) to the version that must be shown, None: must be gone."""

    aggregate: Aggregate
    id: int
    since: datetime
    """Sonar's clock when the change was first seen, or, seen late, the safety lag after the watermark of then.

    The watermark stays the safety lag below it until the demand is met."""
    told: datetime
    """The earliest of all who asked for it: so far deletes stay uncovered until it is met."""
    expected: dict[tuple[str, int], int | None] = field(default_factory=dict)
    named: set[tuple[str, int]] = field(default_factory=set)
    """All children that were ever expected."""
    channel: str = ""
    """Who told first that it was deleted, one of `CHANNELS`; believed only when a read by id does not find the root."""
    attempts: int = 0
    in_vain: bool = False
    """What the last reading gave could not be published: the demand is met as far as it can be."""

    @property
    def maybe_deleted(self) -> bool:
        """Whether somebody tells of a delete."""
        return bool(self.channel)

    def unmet(self, shown: dict[tuple[str, int], int]) -> dict[tuple[str, int], int | None]:
        """What the reading does not show yet."""
        return {child: version for child, version in self.expected.items() if shown.get(child) != version}


class Demands:
    """All open demands, one per root."""

    def __init__(self) -> None:
        self._open: dict[str, dict[int, Demand]] = {}
        """By aggregate and root."""
        self._expecting: dict[tuple[str, tuple[str, int]], set[int]] = {}
        """`{(aggregate, child): roots whose demand names it}`."""
        self._in_vain: set[tuple[str, int]] = set()
        """Roots whose last reading could not be published. Each look shows them anew, which is no news."""

    def __len__(self) -> int:
        return sum(map(len, self._open.values()))

    def add(
        self,
        aggregate: Aggregate,
        id: int,
        since: datetime,
        *,
        child: tuple[str, int] | None = None,
        version: int | None = None,
        channel: str = "",
    ) -> bool:
        """Ask for a root; with `child`, for a reading that shows it in `version` (None: no more).

        `channel`: who tells that the root has been deleted.

        Returns:
            False when the same was asked for already, now or in vain: it is no change that was just noticed.
        """
        mine = self._open.setdefault(aggregate.name, {})
        new = id not in mine
        demand = mine.setdefault(id, Demand(aggregate, id, since, since))
        # Such as by a log that could not be read: how far looks reach back is no matter of that.
        demand.told = min(demand.told, since)
        new = new or bool(channel and not demand.channel)
        demand.channel = demand.channel or channel
        if child is not None:
            new = new or child not in demand.expected or demand.expected[child] != version
            demand.expected[child] = version
            demand.named.add(child)
            self._expecting.setdefault((aggregate.name, child), set()).add(id)
        return new and (aggregate.name, id) not in self._in_vain

    def seen(self, aggregate: Aggregate, child: tuple[str, int], owner: int | None, version: int | None) -> None:
        """Sonar shows a child with this owner, in this version: who waits for an earlier state of it waits for this.

        A row that changes again before its root is read would never be shown in the version that was seen first.
        """
        for id in self._expecting.get((aggregate.name, child), ()):
            expected = self._open[aggregate.name][id].expected
            if child in expected:
                expected[child] = version if id == owner else None

    def is_open(self, aggregate: str, id: int) -> bool:
        """Whether a root is still to be read."""
        return id in self._open.get(aggregate, {})

    def done(self, demand: Demand) -> None:
        """The demand is met."""
        del self._open[demand.aggregate.name][demand.id]
        (self._in_vain.add if demand.in_vain else self._in_vain.discard)((demand.aggregate.name, demand.id))
        for child in demand.named:
            ids = self._expecting[demand.aggregate.name, child]
            ids.discard(demand.id)
            if not ids:
                del self._expecting[demand.aggregate.name, child]

    def waiting(self) -> dict[str, datetime]:
        """`{aggregate: since when its oldest open demand waits}`."""
        return {name: min(one.since for one in mine.values()) for name, mine in self._open.items() if mine}

    def told(self) -> datetime | None:
        """The earliest of all who asked for one that is open; None: none is."""
        return min((one.told for mine in self._open.values() for one in mine.values()), default=None)

    def doomed(self, aggregate: Aggregate) -> list[int]:
        """Roots of an aggregate that are said to be gone."""
        return [one.id for one in self._open.get(aggregate.name, {}).values() if one.maybe_deleted]

    def batch(self, aggregate: Aggregate, size: int, without: Collection[int] = ()) -> list[Demand]:
        """The next demands of one aggregate, those tried least first."""
        mine = (one for one in self._open.get(aggregate.name, {}).values() if one.id not in without)
        return nsmallest(size, mine, key=lambda one: (one.attempts, one.since, one.id))
