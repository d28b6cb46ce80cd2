"""How late rows become visible in Sonar, learned by collection: how far back each look for changes has to reach."""

from collections.abc import Iterable
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
_ENOUGH = 100
"""Looks that showed something new of a collection: then what it showed itself says more than what others did."""


_CODE = "capture.late_row"
metrics.preset(metrics.ERRORS, ["capture"], [_CODE])


class Lateness:
    """An overlap is never narrower than `least`, and twice as wide as the latest row of the last week was late.

    Each collection has its own: what bears many changes is not read again and again for the lateness of another. Yet
    what made one late (an index behind, a slow server) may befall all: until a collection has shown enough since the
    latest row of all came, it is taken to be as late as that. This costs little, for what shows little is read fast.
    """

    def __init__(self, cursors: Cursors, least: timedelta) -> None:
        self._cursors, self._least = cursors, least
        document: dict[str, Any] = cursors.get(_CURSOR) or {}
        self._learned: dict[str, tuple[float, str]] = {name: (late, at) for name, (late, at) in document.items()}
        """`{collection: (seconds, when it was seen by Sonar's clock)}`."""
        self._shown: dict[str, tuple[int, datetime]] = {}
        """`{collection: (looks that showed something new of it, the last of them)}`, since the latest row of all."""
        self._changed = False

    @property
    def learned(self) -> dict[str, timedelta]:
        """How late rows of a collection came at most; zero is not kept."""
        return {name: timedelta(seconds=late) for name, (late, _) in self._learned.items()}

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
        looks, _ = self._shown.get(name, (0, None))
        return learned.get(name, timedelta()) if looks >= _ENOUGH else latest

    def saw(self, collection: str, changed: datetime, unseen: datetime, now: datetime) -> None:
        """A row that changed at `changed` is seen for the first time; a look at `unseen` did not show it."""
        late = unseen - changed
        looks, last = self._shown.get(collection, (0, None))
        if last != now:  # of what one look shows in one go, all may have come by one transaction
            self._shown[collection] = looks + 1, now
        known, _ = self._learned.get(collection, (0.0, ""))
        if late.total_seconds() <= known:
            return
        width = self.width([collection])
        if late > width / _TWICE:
            metrics.ERRORS.labels("capture", _CODE).inc()
            log.warning(
                _CODE, collection=collection, late_seconds=round(late.total_seconds()),
                overlap_seconds=round(width.total_seconds()),
            )  # fmt: skip
        if late > self._latest:
            self._shown.clear()
        self._learned[collection] = (late.total_seconds(), now.isoformat())
        self._changed = True

    async def keep(self, now: datetime, collections: Iterable[str], *, forgetting: bool) -> None:
        """Save what was learned, and tell how wide the overlap of each collection is.

        `forgetting`: also forget what is older than a week. Not while something is still to be read: it was found by an
        overlap as wide as this, and after a restart it has to be found again.
        """
        old = [name for name, (_, at) in self._learned.items() if datetime.fromisoformat(at) < now - _REMEMBERED]
        for name in old if forgetting else ():
            del self._learned[name]
            metrics.LATENESS.labels(name).set(0)
            self._changed = True
        for name, late in self.learned.items():
            metrics.LATENESS.labels(name).set(late.total_seconds())
        for name in collections:
            metrics.OVERLAP.labels(name).set(self.width([name]).total_seconds())
        if self._changed:
            await self._cursors.save(_CURSOR, {name: list(one) for name, one in self._learned.items()})
            self._changed = False
