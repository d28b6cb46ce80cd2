"""Changes of look-ups on their way to the roots that carry them: in portions, and gone on with after a restart.

Beside them everything else goes on. The watermark waits until the last carrier has been read again.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import structlog

from clients.sonar_errors import UNSERVED, SonarQueryInvalid
from plumbing import metrics
from plumbing.errors import SyncError
from producers.changes import Changes
from producers.cursors import Cursors, CursorUnusable
from producers.demands import Demands
from producers.descent import Descent
from producers.families import Child
from producers.followed import Followed
from producers.index import Index

log = structlog.get_logger()

_CURSOR = "fan_outs"
_PORTION = 2000
"""Roots that wait for their reading at a time, of all fan-outs together."""
_FEW = 2
"""Steps in which Sonar does not serve something before it is asked for seldom."""
_ROUNDS = 10
"""Requests for carriers in one poll."""
_CONDITIONS = 1500
"""Ids in the searches of one request, of all of them together; of one alone there may be more."""
_STEP_SECONDS = 2.0
"""After so long no further request is begun in a poll: what was found is read, and everything else has its turn."""
_LEAST = 20
"""Carriers of each that are asked for together, however many there are."""
_TOGETHER = 150
"""Look-ups of one kind whose carriers are looked for together."""

Place = tuple[str, str]
"""Scope and name under which the index keeps a look-up's versions."""


def place_of(followed: Followed) -> Place:
    """Where the index keeps a look-up's versions: the collection may be that of children, too."""
    return followed.aggregate.root.name, f"@{followed.thin.collection}"


class Changed(NamedTuple):
    """A look-up as it is now (None: gone), and the rows with which the ways to its carriers begin."""

    state: Child | None
    starts: frozenset[int]
    since: datetime
    read_from: int = 0
    """Carriers that were read before this sequence show it as it is."""


@dataclass
class Batch:
    """Look-ups of one kind whose carriers are being read again."""

    followed: Followed
    rows: dict[int, Changed]
    sequence: int
    """Roots that were read from here on show them as they are: so a restart does not begin anew."""
    descent: Descent
    waiting: set[int] = field(default_factory=set)
    """Roots that were found and have not been read again yet."""
    found: bool = False
    in_vain: int = 0
    """Steps in which Sonar did not serve it."""
    is_resting: bool = False
    """It is not asked for now."""


class FanOuts:
    """All of them, by kind of look-up, in the order in which they were noticed."""

    def __init__(
        self,
        changes: Changes,
        index: Index,
        demands: Demands,
        cursors: Cursors,
        *,
        next_number: Callable[[], int],
        is_peopled: Callable[[Followed], Awaitable[bool]],
    ) -> None:
        """`next_number`: the sequence of the next request. `is_peopled`: whether a collection of roots shows any row.

        Raises:
            CursorUnusable: what is kept of them is none of ours.
        """
        self._changes, self._index, self._demands, self._cursors = changes, index, demands, cursors
        self._next_number, self._is_peopled = next_number, is_peopled
        self._queued: dict[Place, dict[int, Changed]] = {}
        self._batches: dict[Place, Batch] = {}
        self._kept = False
        self._followed: dict[Place, Followed] = {}
        self.follow(changes.collections)
        try:
            for name, document in (cursors.get(_CURSOR) or {}).items():
                self._restore(name, document)
        except (KeyError, TypeError, ValueError) as exc:
            raise CursorUnusable("the cursor of fan-outs is not one of ours") from exc

    def noted(self, followed: Followed, id: int) -> Child | None:
        """A look-up as its carriers show it, or will when what is under way has ended; None: never noted, or gone."""
        under_way = self._under_way(place_of(followed), id)
        return self._index.child(*place_of(followed), id) if under_way is None else under_way.state

    def add(self, followed: Followed, id: int, changed: Changed) -> bool:
        """Read again what carries a look-up, found from `changed.starts`; False when there is nothing to read."""
        place = place_of(followed)
        before = self._under_way(place, id)
        if before is None and not changed.starts:
            self._index.set_alone(*place, id, changed.state)
            return False
        if before is not None:
            changed = Changed(
                changed.state,
                changed.starts | before.starts,
                min(changed.since, before.since),
                min(changed.read_from, before.read_from),
            )
        self._queued.setdefault(place, {})[id] = changed
        return True

    def _under_way(self, place: Place, id: int) -> Changed | None:
        batch = self._batches.get(place)
        read = None if batch is None else batch.rows.get(id)
        return self._queued.get(place, {}).get(id, read)

    def follow(self, collections: Sequence[Followed]) -> None:
        """Look for carriers of these from now on. What is under way for others waits."""
        followed = {place_of(one): one for one in collections if one.look_up is not None}
        self._followed.update(followed)
        self._looked_at = followed.keys()

    def waiting(self) -> dict[str, datetime]:
        """`{aggregate: since when the oldest of its fan-outs is under way}`."""
        found: dict[str, datetime] = {}
        for place in self._batches.keys() | self._queued.keys():
            batch, name = self._batches.get(place), self._followed[place].aggregate.name
            rows = [*self._queued.get(place, {}).values(), *(batch.rows.values() if batch is not None else ())]
            oldest = min(row.since for row in rows)
            found[name] = min(oldest, found.get(name, oldest))
        return found

    async def step(self, *, resting_too: bool) -> None:
        """Ask for the next portion of carriers; `resting_too`: of those too that Sonar did not serve in the last steps.

        Raises:
            SyncError: likewise, and nothing else can be asked for either.
        """
        self._begin(resting_too=resting_too)
        ends = time.monotonic() + _STEP_SECONDS
        for _ in range(_ROUNDS):
            room = _PORTION - sum(len(one.waiting) for one in self._batches.values())
            open_ones = [one for place, one in self._batches.items() if place in self._looked_at]
            asked = [one for one in open_ones if one.descent.question is not None and not one.is_resting]
            asked = _bearable(asked[: max(0, room) // _LEAST])
            if not asked:
                break
            carriers = await self._changes.down([one.descent for one in asked], max(_LEAST, room // len(asked)))
            for batch, found in zip(asked, carriers, strict=True):
                if isinstance(found, SyncError):
                    self._not_found(batch, found)
                else:
                    self._found(batch, found)
            if time.monotonic() > ends:
                break

    def _begin(self, *, resting_too: bool) -> None:
        for place in [place for place in self._queued if place in self._looked_at and place not in self._batches]:
            rows, followed = self._queued[place], self._followed[place]
            # Of what changed for good all carriers are read: those of the others would be, too.
            of_all = next(iter(rows.values())).read_from == 0
            alike = [id for id, row in rows.items() if (row.read_from == 0) is of_all]
            taken = {id: rows.pop(id) for id in alike[:_TOGETHER]}
            if not rows:
                del self._queued[place]
            self._batches[place] = self._batch(followed, taken, self._next_number())
        for batch in self._batches.values():
            batch.is_resting = batch.in_vain >= _FEW and not resting_too

    def _batch(self, followed: Followed, rows: dict[int, Changed], sequence: int) -> Batch:
        starts = sorted({start for row in rows.values() for start in row.starts})
        return Batch(followed, rows, sequence, self._changes.carriers(followed, starts))

    def _not_found(self, batch: Batch, error: SyncError) -> None:
        """It waits, and with it the watermark. What changes meanwhile is published all the same."""
        batch.is_resting = True
        batch.in_vain += 1
        metrics.ERRORS.labels("capture", error.code).inc()
        log.warning("capture.carriers_not_found", error=error.code, reason=str(error))

    def _found(self, batch: Batch, found: Sequence[int]) -> None:
        root, since = batch.followed.aggregate.root.name, min(row.since for row in batch.rows.values())
        read_from = min(row.read_from for row in batch.rows.values())
        for id in found:
            batch.found = True
            known = self._index.root(root, id)
            if known is None or read_from <= known.sequence < batch.sequence or known.in_doubt:
                self._demands.add(batch.followed.aggregate, id, since)
                batch.waiting.add(id)

    async def settle(self) -> None:
        """Note those whose carriers have all been read again and acknowledged; keep how far the others are."""
        for place, batch in list(self._batches.items()):
            name = batch.followed.aggregate.name
            batch.waiting = {id for id in batch.waiting if self._demands.is_open(name, id)}
            if batch.descent.question is not None or batch.waiting or batch.is_resting:
                continue
            try:
                is_peopled = batch.found or await self._is_peopled(batch.followed)
            except SonarQueryInvalid:
                raise
            except UNSERVED as exc:
                self._not_found(batch, exc)
                continue
            del self._batches[place]
            if not is_peopled:
                # The next look, at last a sweep, tells again of what is not as it is noted; of what is, nobody does.
                as_noted = {id: row for id, row in batch.rows.items() if row.state == self._index.child(*place, id)}
                if as_noted:
                    self._queued[place] = as_noted | self._queued.get(place, {})
                continue
            for id, row in batch.rows.items():
                self._index.set_alone(*place, id, row.state)
        if self._batches or self._kept:
            await self._cursors.save(_CURSOR, {"|".join(place): _document(one) for place, one in self._batches.items()})
            self._kept = bool(self._batches)

    def _restore(self, name: str, document: dict[str, Any]) -> None:
        scope, _, collection = name.partition("|")
        followed, since = self._followed.get((scope, collection)), datetime.fromisoformat(document["since"])
        if followed is None:
            return  # its aggregate is left out now
        rows = {
            int(id): Changed(None if state is None else Child(*state), frozenset(starts), since)
            for id, (state, starts) in document["rows"].items()
        }
        self._kept = True
        self._batches[scope, collection] = self._batch(followed, rows, int(document["sequence"]))


def _bearable(batches: Sequence[Batch]) -> list[Batch]:
    """As many of them, from the first, as Sonar can look for together: each of their ids is a condition of its own."""
    asked: list[Batch] = []
    conditions = 0
    for one in batches:
        question = one.descent.question
        assert question is not None  # only such are asked
        conditions += len(question[1])
        if asked and conditions > _CONDITIONS:
            break
        asked.append(one)
    return asked


def _document(batch: Batch) -> dict[str, Any]:
    return {
        "sequence": batch.sequence,
        "since": min(row.since for row in batch.rows.values()).isoformat(),
        "rows": {
            str(id): [None if row.state is None else list(row.state), sorted(row.starts)]
            for id, row in batch.rows.items()
        },
    }
