"""Up to where following has covered Sonar, as it is kept: of each aggregate, also of those that are left out now."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from producers.cursors import Cursors, CursorUnusable

_CURSOR = "follow"


class Positions:
    """Instants of Sonar's clock, read from the cursors each time: what is not saved is not covered."""

    def __init__(self, cursors: Cursors) -> None:
        self._cursors = cursors

    @property
    def low(self) -> datetime | None:
        """Where the aggregate is that is furthest behind; None: following has never begun."""
        return self._instant("at")

    def covered(self, name: str) -> datetime | None:
        """Where one aggregate is; one that was never followed begins where the others are."""
        document = self._document
        behind = {**document.get("left", {}), **document.get("behind", {})}.get(name)
        return self._instant("front" if "front" in document else "at") if behind is None else _instant_of(behind)

    def deletes(self, names: Iterable[str]) -> datetime | None:
        """Up to where every delete of these is covered."""
        at, left = self._instant("deletes"), self._document.get("left", {})
        return None if at is None else min([at, *(_instant_of(left[name]) for name in names if name in left)])

    @property
    def sequence(self) -> int:
        """What was read from here on may have shown look-ups as no look did (`Glimpses`); 0: nobody knows."""
        return int(self._document.get("sequence", 0))

    async def save(self, covered: Mapping[str, datetime], deletes: datetime, sequence: int) -> None:
        """Save where each aggregate that is followed is now."""
        front = max(covered.values(), default=deletes)
        document = {
            "at": min(covered.values(), default=deletes).isoformat(),
            "front": front.isoformat(),
            "deletes": deletes.isoformat(),
            "behind": {name: at.isoformat() for name, at in covered.items() if at < front},
            "names": sorted(covered),
            "left": self._left(covered),
            "sequence": sequence,
        }
        await self._cursors.save(_CURSOR, document)

    def _left(self, covered: Mapping[str, datetime]) -> dict[str, str]:
        """Where each that is followed no more stood (`sonar.leave_out`): taken in again, it goes on from there."""
        before = self._document
        stood = dict.fromkeys(before.get("names", ()), before.get("front")) | before.get("behind", {})
        return {name: at for name, at in {**stood, **before.get("left", {})}.items() if name not in covered}

    @property
    def _document(self) -> dict[str, Any]:
        return self._cursors.get(_CURSOR) or {}

    def _instant(self, name: str) -> datetime | None:
        return _instant_of(self._document.get(name)) if self._document else None


def _instant_of(text: Any) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except (ValueError, TypeError) as exc:
        raise CursorUnusable("the cursor of following holds no instant") from exc
