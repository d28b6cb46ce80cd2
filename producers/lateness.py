"""How late rows become visible in Sonar, learned by collection: how far back each look for changes has to reach."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

import structlog

from plumbing import metrics
from producers.cursors import Cursors

log = structlog.get_logger()

_CURSOR = "lateness"
_TWICE = 2
_WIDEST = timedelta(days=1)
_REMEMBERED = timedelta(days=7)
_SAME = timedelta(hours=1)
"""So long a row says nothing new that is not later than another was: else each poll would save what it saw."""
_ENOUGH = 100
"""Looks that showed something new of a collection: then what it showed itself says more than what others did."""


_CODE = "capture.late_row"
metrics.preset(metrics.ERRORS, ["capture"], [_CODE])

_Late = tuple[float, datetime]
"""Seconds, and when it was seen by Sonar's clock."""


class Lateness:
    """An overlap is never narrower than `least`, and twice as wide as the latest row of the last week was late.

    Each collection has its own: what bears many changes is not read again and again for the lateness of another. Yet
    what made one late (an index behind, a slow server) may befall all: until a collection has shown enough since the
    latest row of all came, it is taken to be as late as that. This costs little, for what shows little is read fast.
    """

    def __init__(self, cursors: Cursors, least: timedelta) -> None:
        self._cursors, self._least = cursors, least
        document: dict[str, Any] = cursors.get(_CURSOR) or {}
        self._learned: dict[str, list[_Late]] = {
            name: list(zip(parts[::2], map(datetime.fromisoformat, parts[1::2]), strict=True))
            for name, parts in document.items()
        }
        """By collection the latest row, and of those that were seen after it the latest ones: what counts once it is
        forgotten."""
        self._shown: dict[str, tuple[int, datetime]] = {}
        """`{collection: (looks that showed something new of it, the last of them)}`, since the latest row of all."""
        self._own = set[str]()
        """Collections that have shown enough: their own lateness counts."""
        self._changed = False

    @property
    def learned(self) -> dict[str, timedelta]:
        """How late rows of a collection came at most; zero is not kept."""
        return {name: timedelta(seconds=rows[0][0]) for name, rows in self._learned.items()}

    def width(self, collections: Iterable[str]) -> timedelta:
        """How far back looks for changes have to reach in the collection of these where rows come latest."""
        late, latest = self.learned, self._latest
        return self.wide_for(max((self._late(name, late, latest) for name in collections), default=timedelta()))

    def wide_for(self, late: timedelta) -> timedelta:
        """The overlap of a collection whose rows come so late."""
        return max(self._least, min(_TWICE * late, _WIDEST))

    @property
    def _latest(self) -> timedelta:
        return max(self.learned.values(), default=timedelta())

    def _late(self, name: str, learned: dict[str, timedelta], latest: timedelta) -> timedelta:
        return learned.get(name, timedelta()) if name in self._own else latest

    def saw(self, collection: str, changed: datetime, unseen: datetime, now: datetime) -> None:
        """A row that changed at `changed` is seen for the first time; a look at `unseen` did not show it."""
        late = unseen - changed
        looks, last = self._shown.get(collection, (0, None))
        if last != now:  # of what one look shows in one go, all may have come by one transaction
            self._shown[collection] = looks + 1, now
        seconds, known = late.total_seconds(), self._learned.get(collection, [])
        if seconds <= 0 or any(one >= seconds and at > now - _SAME for one, at in known):
            return
        if not known or seconds > known[0][0]:
            self._later_than_ever(collection, late)
        self._learned[collection] = [*(one for one in known if one[0] > seconds), (seconds, now)]
        self._changed = True

    def _later_than_ever(self, collection: str, late: timedelta) -> None:
        width = self.width([collection])
        if late > width / _TWICE:
            metrics.ERRORS.labels("capture", _CODE).inc()
            log.warning(
                _CODE, collection=collection, late_seconds=round(late.total_seconds()),
                overlap_seconds=round(width.total_seconds()),
            )  # fmt: skip
        if late > self._latest:
            self._shown.clear()
            self._own.clear()

    def narrow(self, now: datetime, collections: Collection[str]) -> None:
        """Forget what is older than a week, and see of which of these collections enough was seen."""
        for name, rows in list(self._learned.items()):
            if rows[0][1] < now - _REMEMBERED:
                self._changed = True
                self._learned[name] = [one for one in rows if one[1] >= now - _REMEMBERED]
                if not self._learned[name]:
                    del self._learned[name]
                    metrics.LATENESS.labels(name).set(0)
        self._own |= {name for name in collections if self._shown.get(name, (0, now))[0] >= _ENOUGH}

    async def keep(self, now: datetime, collections: Collection[str], *, forgetting: bool) -> None:
        """Save what was learned, and tell how wide the overlap of each collection is.

        `forgetting`: they may become narrower. Not while something is still to be read: it was found by an overlap as
        wide as this, and after a restart it has to be found again.
        """
        if forgetting:
            self.narrow(now, collections)
        for name, late in self.learned.items():
            metrics.LATENESS.labels(name).set(late.total_seconds())
        for name in collections:
            metrics.OVERLAP.labels(name).set(self.width([name]).total_seconds())
        if self._changed:
            document = {
                name: [part for late, at in rows for part in (late, at.isoformat())]
                for name, rows in self._learned.items()
            }
            await self._cursors.save(_CURSOR, document)
            self._changed = False
