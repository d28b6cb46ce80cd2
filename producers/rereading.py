"""Roots read again because something changed: what was read is published, and a demand that it meets is closed."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from clients.sonar_errors import UNSERVED, SonarForbidden, SonarQueryInvalid
from clients.sonar_purpose import asking
from plumbing import metrics
from plumbing.errors import SyncError
from producers import documents
from producers.brake import Brake
from producers.demands import CHANNELS, LOG, Demand, Demands
from producers.families import Child
from producers.glimpses import Glimpses
from producers.ids import Ids
from producers.index import Index
from producers.lease import Lease
from producers.noticing import Noticing
from producers.publisher import Published, Publisher
from producers.reader import Page, Reader
from schemas.aggregate import Aggregate

log = structlog.get_logger()

_PAGES = 20
"""Of each aggregate at a time: what else is to be done has its turn."""
_PATIENCE = 20
"""Readings after which a child that its root never shows is taken as not being part of what we select."""
_REST, _LONGEST_REST = timedelta(minutes=1), timedelta(hours=1)
"""After which a row that could not be had is asked for again: the first time, and at most, each time twice as long."""
_FEW_ATTEMPTS = 2
_IN_VAIN = 3
"""After so many roots that cannot be had, none between them that can, an aggregate waits for the next poll."""
_LINGERING = 5
"""Readings of a root that the log tells is gone: it may be shown for some moments more."""


class Rereading:
    """Meets demands, in whole pages. A reading counts only when it shows what was demanded."""

    def __init__(
        self,
        demands: Demands,
        noticing: Noticing,
        reader: Reader,
        publisher: Publisher,
        index: Index,
        lease: Lease,
        brake: Brake,
        glimpses: Glimpses,
        aggregates: Sequence[Aggregate],
    ) -> None:
        """`aggregates`: all that may ever be asked for, for the metrics."""
        self._demands, self._noticing, self._reader, self._publisher = demands, noticing, reader, publisher
        self._index, self._lease, self._brake, self._glimpses = index, lease, brake, glimpses
        self.standing: dict[str, str] = {}
        """`{aggregate: code}` of those whose roots the token may not read as we need them. Their demands stay open."""
        self._resting: dict[tuple[str, int], tuple[datetime, timedelta]] = {}
        """Roots that Sonar cannot serve though it serves others, by aggregate: until when they are left alone, for how
        long."""
        self._in_vain = 0
        """Roots of an aggregate that could not be had, one after the other."""
        self._believes: dict[str, bool] = {}
        """`{collection: whether its deletes are believed}`, as the brake said when its demands were last met."""
        self.deleted: defaultdict[str, Counter[str]] = defaultdict(Counter)
        """`{aggregate: {channel: deletes published by this process}}`."""
        metrics.preset(metrics.DELETES, [one.name for one in aggregates], CHANNELS)

    async def meet(self, aggregates: Sequence[Aggregate], now: datetime, *, whole: bool = False) -> None:
        """Read what is demanded of these again, up to a number of pages of each; `whole`: what fills no page waits.

        Raises:
            SyncError: what is not met stays open.
        """
        for aggregate in aggregates:
            await self._believe(aggregate, now)
            self._in_vain = 0
            size = self._reader.page_size(aggregate)
            # What does not show yet what it should waits for the next poll.
            tried = {id for (name, id), (until, _) in self._resting.items() if name == aggregate.name and until > now}
            for _ in range(_PAGES):
                batch = self._demands.batch(aggregate, size, tried)
                if not batch or (whole and len(batch) < size) or self._in_vain == _IN_VAIN:
                    break
                tried.update(one.id for one in batch)
                try:
                    await self._read_all(aggregate, batch, now)
                except SonarForbidden as exc:
                    self.stand(aggregate, exc)
                    break
                self.forget([aggregate.name])
            if not self._demands.doomed(aggregate):
                await self._brake.settle(aggregate.root.name)

    async def _believe(self, aggregate: Aggregate, now: datetime) -> None:
        """Whether deletes are believed that somebody tells of."""
        said, collection = self._demands.doomed(aggregate), aggregate.root.name
        held = self._brake.held.get(collection)
        if not said and (held is None or held.swept):
            return
        known = self._index.size(collection, collection)
        # Of what was never published nothing can go: a snapshot that is under way has not come to it yet.
        doomed = sum(self._index.is_live(collection, id) for id in said)
        passes = await self._brake.lets_pass(collection, doomed, known, now)
        try:
            self._believes[collection] = passes and await self._noticing.is_peopled(aggregate, known - doomed)
        except SonarQueryInvalid:
            raise
        except UNSERVED:
            self._believes[collection] = False  # what is said of what cannot be read waits

    def stand(self, aggregate: Aggregate, exc: SyncError) -> None:
        """Let an aggregate stand still: an answer without what may not be read would look as if it were empty."""
        metrics.ERRORS.labels("capture", exc.code).inc()
        if self.standing.get(aggregate.name) != exc.code:
            log.error(
                "capture.aggregate_stands_still",
                aggregate=aggregate.name, error=exc.code, reason=str(exc), next_step=exc.next_step,
            )  # fmt: skip
        self.standing[aggregate.name] = exc.code

    def forget(self, aggregates: Iterable[str]) -> None:
        """These stand still no more, or for something else."""
        for name in aggregates:
            self.standing.pop(name, None)

    async def _read_all(
        self, aggregate: Aggregate, batch: list[Demand], now: datetime, attempts: int | None = None
    ) -> None:
        """Read a batch again. A root that Sonar cannot serve is found by halves, and rests; all others are read."""
        try:
            while batch and self._in_vain < _IN_VAIN:
                batch = await self._read_again(aggregate, batch, now, attempts)
                self._in_vain = 0
        except (SonarForbidden, SonarQueryInvalid):
            raise
        except UNSERVED as exc:
            if self._in_vain == _IN_VAIN:
                return
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._read_all(aggregate, batch[:middle], now, _FEW_ATTEMPTS)
                await self._read_all(aggregate, batch[middle:], now, _FEW_ATTEMPTS)
            elif await self._noticing.is_there(aggregate):
                self._rest(aggregate, batch[0].id, exc)
            else:
                raise

    def _rest(self, aggregate: Aggregate, id: int, exc: SyncError) -> None:
        """Leave a root alone for a while; its demand stays open, and the watermark of its aggregate waits."""
        _, before = self._resting.get((aggregate.name, id), (None, _REST / 2))
        length = min(2 * before, _LONGEST_REST)
        metrics.ERRORS.labels("capture", exc.code).inc()
        log.error(
            "capture.row_not_served",
            aggregate=aggregate.name, key=id, error=exc.code, reason=str(exc), again_in_seconds=length.total_seconds(),
            next_step="Look the row up in Sonar; it is asked for again, and everything else goes on.",
        )  # fmt: skip
        self._resting[aggregate.name, id] = self._reader.server_time + length, length
        self._in_vain += 1

    async def _read_again(
        self, aggregate: Aggregate, batch: Sequence[Demand], now: datetime, attempts: int | None
    ) -> list[Demand]:
        """Read the roots of a batch and publish them; what is not met stays open.

        Returns those of which the page does not tell: it was cut short, or nobody counted what lies beyond it.
        """
        with asking("re-read", aggregate.root.name):
            ids = Ids.of(one.id for one in batch)
            search = documents.within(ids.ranges)
            page = await self._reader.page(aggregate, search, len(batch), whole=True, attempts=attempts)
        self._lease.check()
        rows = {row.id: row for row in page.rows}
        told = [one for one in batch if page.tells_of(one.id)]
        for demand in told:
            self._resting.pop((aggregate.name, demand.id), None)
            demand.attempts += 1
            row = rows.get(demand.id)
            met = self._missing(demand, page) if row is None else self._present(demand, row, page, now)
            if met:
                self._demands.done(demand)
        await self._publisher.commit()
        return [one for one in batch if not page.tells_of(one.id)] if told else []

    def _present(self, demand: Demand, row: Any, page: Page, now: datetime) -> bool:
        aggregate, scope = demand.aggregate, demand.aggregate.root.name
        children = page.children(row)
        outcome = self._publisher.row(aggregate, row, children, page, snapshot=False)
        if outcome is Published.OVERLAPPED:
            return False
        is_lingering = demand.channel == LOG and demand.attempts < _LINGERING
        self._glimpses.note(aggregate.name, demand.id, page.carried(row), now, page.server_time)
        demand.in_vain = outcome is Published.HALTED
        seen = {(name, id): version for name, ids in children.items() for id, version in ids.items()}
        unmet = demand.unmet(seen)
        for (collection, id), version in demand.expected.items():
            if version is None and (collection, id) not in seen:
                known = self._index.child(scope, collection, id)
                if known is not None and known.root == demand.id:
                    self._index.set_alone(scope, collection, id, None)
        if unmet and demand.attempts >= _PATIENCE:
            for (collection, id), version in unmet.items():
                log.warning("capture.child_never_shown", collection=collection, key=id, aggregate=aggregate.name)
                self._index.set_alone(scope, collection, id, None if version is None else Child(demand.id, version))
            return True
        demand.expected = unmet
        return not unmet and not is_lingering

    def _missing(self, demand: Demand, page: Page) -> bool:
        collection = demand.aggregate.root.name
        if demand.maybe_deleted and not self._believes[collection]:
            return False
        if demand.maybe_deleted:
            # Two witnesses: the log or two listings tell of it, and a read by id does not find it.
            outcome = self._publisher.deleted(demand.aggregate, demand.id, page)
            if outcome is Published.EVENT:
                self._brake.happened(collection, page.server_time)
                self.deleted[demand.aggregate.name][demand.channel] += 1
                metrics.DELETES.labels(demand.aggregate.name, demand.channel).inc()
            return outcome is not Published.OVERLAPPED
        # Not there, and nothing says that it was deleted: perhaps not visible yet, perhaps its log entry is not.
        demand.in_vain = demand.attempts >= _PATIENCE
        return demand.in_vain
