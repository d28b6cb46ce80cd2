"""How late rows become visible in Sonar, learned by collection: how far back each look for changes has to reach."""

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


_CODE = "capture.late_row"
metrics.preset(metrics.ERRORS, ["capture"], [_CODE])


class Lateness:
    """The overlap is never narrower than `least`, and twice as wide as the latest row of the last week was late."""

    def __init__(self, cursors: Cursors, least: timedelta) -> None:
        self._cursors, self._least = cursors, least
        document: dict[str, Any] = cursors.get(_CURSOR) or {}
        self._learned: dict[str, tuple[float, str]] = {name: (late, at) for name, (late, at) in document.items()}
        """`{collection: (seconds, when it was seen by Sonar's clock)}`."""
        self._changed = False

    @property
    def learned(self) -> dict[str, timedelta]:
        """How late rows of a collection came at most; zero is not kept."""
        return {name: timedelta(seconds=late) for name, (late, _) in self._learned.items()}

    @property
    def width(self) -> timedelta:
        """How far back a look for changes reaches, and how far the watermark trails."""
        latest = max(self.learned.values(), default=timedelta())
        return max(self._least, min(_TWICE * latest, _WIDEST))

    def saw(self, collection: str, changed: datetime, unseen: datetime, now: datetime) -> None:
        """A row that changed at `changed` is seen for the first time; a look at `unseen` did not show it."""
        late = unseen - changed
        known, _ = self._learned.get(collection, (0.0, ""))
        if late.total_seconds() <= known:
            return
        if late > self.width / _TWICE:
            metrics.ERRORS.labels("capture", _CODE).inc()
            log.warning(
                _CODE, collection=collection, late_seconds=round(late.total_seconds()),
                overlap_seconds=round(self.width.total_seconds()),
            )  # fmt: skip
        self._learned[collection] = (late.total_seconds(), now.isoformat())
        self._changed = True

    async def keep(self, now: datetime) -> None:
        """Forget what is older than a week, and save what was learned."""
        old = [name for name, (_, at) in self._learned.items() if datetime.fromisoformat(at) < now - _REMEMBERED]
        for name in old:
            del self._learned[name]
            metrics.LATENESS.labels(name).set(0)
        for name, late in self.learned.items():
            metrics.LATENESS.labels(name).set(late.total_seconds())
        metrics.OVERLAP.set(self.width.total_seconds())
        if self._changed or old:
            await self._cursors.save(_CURSOR, {name: list(one) for name, one in self._learned.items()})
            self._changed = False
