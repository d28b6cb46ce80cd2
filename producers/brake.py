"""The brake: more of a collection missing than usual is taken for a mistake until somebody says that it is none."""

from collections import deque
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog

from plumbing import metrics
from producers.cursors import Cursors

log = structlog.get_logger()

CODE = "capture.deletes_held"
LEAST = 20
"""Deletes of one collection that are believed within a day, however small it is."""
_CURSOR = "brake"
_WINDOW = timedelta(days=1)


class Held(NamedTuple):
    """Deletes that are not believed: how many of how many rows, and since when by Sonar's clock."""

    missing: int
    known: int
    since: str


class Brake:
    """Counts the deletes of a day by collection. What it holds, and what it was told to let pass, is in the cursors."""

    def __init__(self, cursors: Cursors, share: float) -> None:
        """`share`: of a collection's rows that may go within a day."""
        self._cursors, self._share = cursors, share
        self._recent: dict[str, deque[datetime]] = {}
        document: dict[str, Any] = cursors.get(_CURSOR) or {}
        self.held: dict[str, Held] = {name: Held(*parts) for name, parts in document.get("held", {}).items()}
        self._allowed: dict[str, int] = dict(document.get("allowed", {}))
        self._spent = False
        self._tell()

    async def lets_pass(self, collection: str, missing: int, known: int, now: datetime, *, told: bool = True) -> bool:
        """Whether `missing` more deletes of a collection, of which `known` rows were published, are believed.

        `told`: the log tells of each. Where nothing does, a collection that is empty all at once is not believed, for
        that is what one looks like that may no longer be read.
        """
        recent = self._recent.setdefault(collection, deque())
        while recent and recent[0] < now - _WINDOW:
            recent.popleft()
        fits = missing <= self._allowed.get(collection, 0)
        is_usual = missing + len(recent) <= max(LEAST, self._share * (known + len(recent)))
        if fits or (is_usual and (told or missing < known)):
            if self.held.pop(collection, None) is not None:
                await self._save()
            return True
        before = self.held.get(collection)
        self.held[collection] = Held(missing, known, now.isoformat() if before is None else before.since)
        if before != self.held[collection]:
            await self._save()
            remedy = f"Look at Sonar; if they are meant to be gone: crossfade follow --accept-deletes {collection}"
            log.error(CODE, collection=collection, missing=missing, known=known, next_step=remedy)
        return False

    def happened(self, collection: str, now: datetime) -> None:
        """A delete was published."""
        self._recent.setdefault(collection, deque()).append(now)
        left = self._allowed.get(collection, 0) - 1
        if left > 0:
            self._allowed[collection] = left
        elif self._allowed.pop(collection, None) is None:
            return
        self._spent = True

    async def keep(self) -> None:
        """Save how much of what was accepted has been spent."""
        if self._spent:
            await self._save()

    async def accept(self, collection: str) -> Held | None:
        """Let as many deletes pass as are held of a collection; more would be held again. None: none are held."""
        held = self.held.pop(collection, None)
        if held is not None:
            self._allowed[collection] = held.missing
            await self._save()
        return held

    async def _save(self) -> None:
        self._tell()
        self._spent = False
        held = {name: list(one) for name, one in self.held.items()}
        await self._cursors.save(_CURSOR, {"held": held, "allowed": self._allowed})

    def _tell(self) -> None:
        metrics.STAGE_PAUSED.labels("capture", CODE).set(bool(self.held))
