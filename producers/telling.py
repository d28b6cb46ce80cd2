"""What only capture knows, told for `crossfade status`: kept in the cursors, and so on a compacted topic."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from clients.sonar import SonarClient
from plumbing.clock import utc_now
from plumbing.pace import Pace
from producers.cursors import Cursors
from producers.drift import Drift
from producers.following import Following
from producers.index import Index
from producers.needs import collections_of
from producers.snapshot import progress_of
from schemas.aggregate import Aggregate

TOLD = "told"
"""The cursor's name."""
_EVERY_SECONDS = 30.0
_EVENTS = 10


class Telling:
    """Keeps the newest account of capture, at most every half a minute. Deletes are counted on over restarts."""

    def __init__(
        self,
        cursors: Cursors,
        aggregates: Sequence[Aggregate],
        index: Index,
        following: Following,
        drift: Drift,
        client: SonarClient,
        *,
        run_id: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cursors, self._aggregates, self._index = cursors, aggregates, index
        self._following, self._drift, self._client = following, drift, client
        self._run_id, self._since, self._clock = run_id, utc_now(), clock
        self._kept: float | None = None
        before = (cursors.get(TOLD) or {}).get("entities", {})
        self._deleted_before = {name: Counter(one["deletes"]) for name, one in before.items()}
        self._paces = dict[str, Pace]()
        """Of collections of which a snapshot has read some rows, and not all."""

    async def keep(self, *, now: bool = False) -> None:
        """Tell how things are, where it was not told a moment ago; `now`: in any case."""
        if not now and self._kept is not None and self._clock() - self._kept < _EVERY_SECONDS:
            return
        await self._cursors.save(TOLD, self.document())
        self._kept = self._clock()

    def document(self) -> dict[str, Any]:
        """`{at, since, run_id, requests, fingerprint, swept, events, entities}`; `requests` are those since `since`."""
        requests = Counter[str]()
        of_collections: dict[str | None, Counter[str]] = {}
        for (purpose, collection), count in self._client.asked.items():
            requests[purpose] += count
            of_collections.setdefault(collection, Counter())[purpose] += count
        swept = self._following.sweep.of_aggregates
        return {
            "at": utc_now().isoformat(),
            "since": self._since.isoformat(),
            "run_id": self._run_id,
            "requests": dict(requests),
            "fingerprint": self._drift.source.fingerprint,
            "swept": _text(self._following.sweep.oldest),
            "events": self._drift.events[-_EVENTS:],
            "entities": {one.name: self._entity(one, of_collections, swept.get(one.name)) for one in self._aggregates},
        }

    def _entity(
        self, aggregate: Aggregate, of_collections: dict[str | None, Counter[str]], swept: datetime | None
    ) -> dict[str, Any]:
        name, root, source = aggregate.name, aggregate.root.name, self._drift.source
        covered, deletes = self._following.covered(aggregate), self._following.deletes_covered(aggregate)
        learned, collections = self._following.late, collections_of(aggregate)
        deleted = self._deleted_before.get(name, Counter()) + self._following.deleted[name]
        return {
            "collections": collections,
            "rows": 1 if aggregate.root.singleton else self._index.size(root, root),
            "seconds_left": self._seconds_left(aggregate),
            "changes": _text(covered),
            # A delete is believed after a read by id: of what cannot be read none is proven.
            "deletes_up_to": None if covered is None or deletes is None else min(covered, deletes).isoformat(),
            "swept": _text(swept),
            "standing": self._following.standing.get(name),
            "late_seconds": max((learned[one].total_seconds() for one in collections if one in learned), default=0.0),
            "requests": dict(of_collections.get(root, {})),
            "deletes": dict(deleted),
            "lacks": source.unfit.get(name, []),
            "missing": source.missing.get(name, []),
            "unreadable": sorted(source.denied.get(name, ())),
        }

    def _seconds_left(self, aggregate: Aggregate) -> float | None:
        """How long the snapshot will still read one collection; None: it does not read it, or Sonar cannot count it."""
        name, progress = aggregate.name, progress_of(self._cursors, aggregate)
        # While others come first, which may take hours, nothing is read of it: that says nothing of its pace.
        if progress is None or progress.total is None or progress.done or not progress.read:
            self._paces.pop(name, None)
            return None
        left = max(0, progress.total - progress.read)
        return self._paces.setdefault(name, Pace()).seconds_left(left, self._clock())


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
