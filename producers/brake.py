"""The brake: more of a collection missing than usual is taken for a mistake until somebody says that it is none."""

from collections.abc import Collection
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
_STEP = timedelta(minutes=15)
"""Deletes are counted together for so long: the cursor holds a day of them."""


class Held(NamedTuple):
    """Deletes that are not believed: how many of how many rows, and since when by Sonar's clock."""

    missing: int
    known: int
    since: str
    swept: bool = False
    """A sweep misses them; else somebody tells of them."""


class Brake:
    """Counts the deletes of a day by collection. What it holds, and what it was told to let pass, is in the cursors."""

    def __init__(self, cursors: Cursors, share: float) -> None:
        """`share`: of a collection's rows that may go within a day."""
        self._cursors, self._share = cursors, share
        document: dict[str, Any] = cursors.get(_CURSOR) or {}
        recent = document.get("recent", {}).items()
        self._recent = {name: {datetime.fromisoformat(at): count for at, count in one.items()} for name, one in recent}
        """`{collection: {beginning of a step: deletes published in it}}`."""
        self.held: dict[str, Held] = {name: Held(*parts) for name, parts in document.get("held", {}).items()}
        self._allowed: dict[str, int] = dict(document.get("allowed", {}))
        accepted = document.get("accepted", {}).items()
        self.accepted: dict[str, Held] = {name: Held(*parts) for name, parts in accepted}
        """What was accepted, as it had been held, until its deletes are looked at once more, and published."""
        self._looked_at = set[str]()
        """Of those, what has been looked at."""
        self._happened = False
        self._tell()

    @property
    def unseen(self) -> set[str]:
        """Collections whose accepted deletes nobody has looked at yet."""
        return self.accepted.keys() - self._looked_at

    async def lets_pass(self, collection: str, missing: int, known: int, now: datetime, *, swept: bool = False) -> bool:
        """Whether `missing` more deletes of a collection, of which `known` rows were published, are believed.

        `swept`: a listing misses them, and nothing tells of them. Then a collection that is empty all at once is not
        believed, for that is what one looks like that may no longer be read. What a sweep found stays held until a
        sweep finds otherwise: a delete that the log tells of says nothing of it.
        """
        recent = sum(count for at, count in self._recent.get(collection, {}).items() if at > now - _WINDOW - _STEP)
        fits = missing <= self._allowed.get(collection, 0)
        is_usual = missing + recent <= max(LEAST, self._share * (known + recent))
        if fits or (is_usual and (not swept or missing < max(known, 1))):
            await self._release(collection, swept=swept)
            return True
        before, accepted = self.held.get(collection), self.accepted.get(collection)
        if before is not None and before.swept is not swept and before.missing >= missing:
            return False
        since = now.isoformat()
        if before is not None or accepted is not None:
            since = min(one.since for one in (before, accepted) if one is not None)
        if accepted is not None and swept >= accepted.swept:
            del self.accepted[collection]
        self.held[collection] = Held(missing, known, since, swept)
        if before != self.held[collection]:
            await self._save()
            remedy = f"Look at Sonar; if they are meant to be gone: crossfade follow --accept-deletes {collection}"
            log.error(CODE, collection=collection, missing=missing, known=known, next_step=remedy)
        return False

    async def _release(self, collection: str, *, swept: bool) -> None:
        held, accepted = self.held.get(collection), self.accepted.get(collection)
        if accepted is not None and swept >= accepted.swept:
            self._looked_at.add(collection)
        if held is not None and held.swept is swept:
            del self.held[collection]
            await self._save()

    async def settle(self, collection: str) -> None:
        """No delete of a collection waits. What was accepted and did not happen is not left for later ones."""
        if collection in self.unseen or not (collection in self.accepted or collection in self._allowed):
            return
        self.accepted.pop(collection, None)
        self._allowed.pop(collection, None)
        await self._save()

    def happened(self, collection: str, now: datetime) -> None:
        """A delete was published."""
        step = now - (now - datetime.min.replace(tzinfo=now.tzinfo)) % _STEP
        recent = {at: count for at, count in self._recent.get(collection, {}).items() if at >= step - _WINDOW}
        self._recent[collection] = recent | {step: recent.get(step, 0) + 1}
        left = self._allowed.pop(collection, 0) - 1
        if left > 0:
            self._allowed[collection] = left
        self._happened = True

    async def keep(self) -> None:
        """Save what has happened: a new start neither forgets a day's deletes nor allows again what has been spent."""
        if self._happened:
            await self._save()

    async def accept(self, collection: str) -> Held | None:
        """Let as many deletes pass as are held of a collection; more would be held again. None: none are held."""
        held = self.held.pop(collection, None)
        if held is not None:
            self._allowed[collection], self.accepted[collection] = held.missing, held
            self._looked_at.discard(collection)
            await self._save()
        return held

    def since(self, collections: Collection[str]) -> datetime | None:
        """Since when deletes of one of these are held, or accepted and not published; None: of none are."""
        waiting = [*self.held.items(), *self.accepted.items()]
        found = (datetime.fromisoformat(one.since) for name, one in waiting if name in collections)
        return min(found, default=None)

    async def _save(self) -> None:
        self._tell()
        self._happened = False
        held, accepted = ({name: list(one) for name, one in some.items()} for some in (self.held, self.accepted))
        recent = {name: {at.isoformat(): n for at, n in one.items()} for name, one in self._recent.items()}
        document = {"held": held, "allowed": self._allowed, "accepted": accepted, "recent": recent}
        await self._cursors.save(_CURSOR, document)

    def _tell(self) -> None:
        metrics.STAGE_PAUSED.labels("capture", CODE).set(bool(self.held))
