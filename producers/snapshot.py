"""The snapshot: every root once, by ranges of ids, resumable at every page."""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import structlog

from clients.sonar_ending import SonarEnded
from clients.sonar_errors import UNSERVED, SonarForbidden
from clients.sonar_purpose import asking
from plumbing import metrics
from plumbing.errors import ExitCode, SyncError
from producers import documents
from producers.cursors import Cursors
from producers.extents import Extent
from producers.ids import Ids
from producers.lease import Lease
from producers.needs import SchemaUnfit
from producers.publisher import Published, Publisher
from producers.reader import Page, Reader
from schemas.aggregate import Aggregate, in_splynx

log = structlog.get_logger()

_THIRD_READS = 5
_IN_VAIN = 5
"""After so many collections that cannot be read, none between them that can, the others are not tried."""
_RANGES_TOGETHER = 150
"""Ranges of ids in one request."""
_ROWS_AT_ONCE = 32
"""Roots of a page that become events before others have their turn."""


@dataclass
class Range:
    """Ids above `last`, up to `high` (None: open end)."""

    last: int
    high: int | None
    done: bool = False


@dataclass
class Progress:
    """How far the snapshot of one collection is. `total` is Sonar's own count when it began."""

    run: str
    started: str
    total: int | None
    read: int
    ranges: list[Range]

    @property
    def done(self) -> bool:
        """Whether every range has been read to its end."""
        return all(one.done for one in self.ranges)

    def document(self) -> dict[str, Any]:
        """As it is kept in the cursor."""
        return {
            "run": self.run,
            "started": self.started,
            "total": self.total,
            "read": self.read,
            "ranges": [[one.last, one.high, one.done] for one in self.ranges],
        }

    @classmethod
    def of(cls, document: dict[str, Any]) -> "Progress":
        """From a cursor."""
        ranges = [Range(last, high, done) for last, high, done in document["ranges"]]
        return cls(document["run"], document["started"], document["total"], document["read"], ranges)


class _Work(NamedTuple):
    """A range that waits to be read."""

    aggregate: Aggregate
    progress: Progress
    range: Range


def cut(highest: int, total: int | None, page: int, ways: int) -> list[Range]:
    """Ranges that together hold every id, the last one open; one range where there is little to read."""
    if highest <= 0 or total is None or total <= 2 * page:
        return [Range(0, None)]
    edges = [highest * place // ways for place in range(ways)]
    return [Range(low, high) for low, high in zip(edges, [*edges[1:], None], strict=True)]


class Snapshot:
    """Reads whole collections and publishes them with op `r`. The cursor of a range moves after the acknowledgement."""

    def __init__(
        self, reader: Reader, publisher: Publisher, cursors: Cursors, lease: Lease, *, ways: int, run_id: str
    ) -> None:
        self._reader, self._publisher, self._cursors, self._lease = reader, publisher, cursors, lease
        self._ways, self._run_id = ways, run_id  # ways: into how many ranges a collection is cut
        self._one_page = asyncio.Lock()
        """Held while a page becomes events: what waits for Sonar has its turn after a few rows of one, not of each."""
        self._in_vain = 0
        """Collections that could not be read, one after the other."""
        self.gate = asyncio.Event()
        """Cleared while following is at work: it always wins."""
        self.gate.set()

    def progress(self, aggregate: Aggregate) -> Progress | None:
        """How far it is; None: never begun."""
        return progress_of(self._cursors, aggregate)

    def is_complete(self, aggregates: Sequence[Aggregate]) -> bool:
        """Whether all of them were read in full, by this or an earlier run."""
        return all((known := self.progress(one)) is not None and known.done for one in aggregates)

    async def run(
        self, aggregates: Sequence[Aggregate], stop: asyncio.Event, *, started: datetime, force: str | None
    ) -> bool:
        """Snapshot what is not complete yet; with `force` (a name of the order) all that this order has not read yet.

        Returns:
            False when `stop` came first.

        Raises:
            SonarForbidden: the token may not read one of them (in full); all others have been read.
            SchemaUnfit: Sonar's schema lacks what one of them needs; likewise.
            SonarGraphqlError, SonarTimeout, SonarFailed, IncompletePage: Sonar does not serve one of them; likewise.
        """
        due = []
        unfit = {one.name: why for one in aggregates if (why := self._reader.refusal(one)) is not None}
        refused: dict[str, SyncError] = {**unfit}
        for aggregate in (one for one in aggregates if one.name not in unfit):
            known = self.progress(aggregate)
            if known is None or not known.done or force not in (None, known.run):
                due.append((aggregate, known))
        with asking("snapshot"):
            # What another run has begun says nothing of rows that it read before they were ordered again.
            new = [one for one, known in due if known is None or known.done or force not in (None, known.run)]
            begun = await self._begin(new, refused, started, force or self._run_id)
        work, self._in_vain = deque[_Work](), 0
        for aggregate, known in due:
            progress = begun.get(aggregate.name, known)
            if progress is not None and aggregate.name not in refused:
                work += [_Work(aggregate, progress, one) for one in progress.ranges if not one.done]
        # In the order of the aggregates, and no request waits for the last page of the collection before.
        async with asyncio.TaskGroup() as group:
            # Twice as many ranges as requests at a time: while some publish, the others ask.
            for _ in range(2 * self._ways):
                group.create_task(self._work(work, refused, stop))
        for one in refused.values():
            if not isinstance(one, SonarForbidden | SchemaUnfit):
                raise one  # it is tried again
        if refused:
            raise _left(aggregates, refused)
        return not stop.is_set()

    async def some(
        self, aggregate: Aggregate, ids: Ids, after: int, stop: asyncio.Event
    ) -> AsyncIterator[tuple[int, list[int]]]:
        """Read the roots of `ids` above `after` again, until `stop`.

        Yields after each page, when its events are acknowledged: the id up to which all is read, and which roots Sonar
        has that the one before did not cover.
        """
        left = ids.above(after)
        while left.ranges and not stop.is_set():
            await self.gate.wait()
            part, size = left.ranges[:_RANGES_TOGETHER], self._reader.page_size(aggregate)
            page = await self._page(aggregate, documents.within(part), size)
            found = [row.id for row in page.rows]
            is_last = not found or (page.total is not None and page.total <= len(found))
            await self._publish(aggregate, page)
            covered = part[-1][1] if is_last else found[-1]
            yield covered, found
            left = left.above(covered)

    async def _begin(
        self, aggregates: Sequence[Aggregate], refused: dict[str, SyncError], started: datetime, run: str
    ) -> dict[str, Progress]:
        """Ask how large each collection is, and cut it into ranges."""
        collections = [one for one in aggregates if not one.root.singleton]
        # In another order each time: some that fail one after the other keep the rest waiting until the next try only.
        random.shuffle(collections)
        extents = dict(zip((one.name for one in collections), await self._reader.extents(collections), strict=True))
        begun = {}
        for aggregate in aggregates:
            extent = extents.get(aggregate.name, Extent(1, 0))
            if isinstance(extent, SyncError):
                refused[aggregate.name] = extent
                continue
            ranges = cut(extent.newest, extent.rows, self._reader.page_size(aggregate), self._ways)
            begun[aggregate.name] = Progress(run, started.isoformat(), extent.rows, 0, ranges)
        await asyncio.gather(*(self._save(one, begun[one.name]) for one in aggregates if one.name in begun))
        return begun

    async def _work(self, work: deque[_Work], refused: dict[str, SyncError], stop: asyncio.Event) -> None:
        while work and not stop.is_set():
            aggregate, progress, one = work.popleft()
            if aggregate.name in refused:
                continue
            try:
                with asking("snapshot", aggregate.root.name):
                    if aggregate.root.singleton:
                        await self._singleton(aggregate, progress)
                    else:
                        await self._range(aggregate, progress, one, stop)
            except SchemaUnfit as exc:
                refused[aggregate.name] = exc
            except UNSERVED as exc:
                self._in_vain += aggregate.name not in refused and not isinstance(exc, SonarForbidden)
                refused[aggregate.name] = exc  # the others are read all the same
                if self._in_vain == _IN_VAIN:
                    raise  # it is Sonar that fails
            except SonarEnded:
                return  # the other ranges may be about to save their cursors

    async def _singleton(self, aggregate: Aggregate, progress: Progress) -> None:
        page = await self._reader.singleton(aggregate)
        await self._publish(aggregate, page)
        progress.read, progress.ranges[0].done = 1, True
        await self._save(aggregate, progress)

    async def _range(self, aggregate: Aggregate, progress: Progress, one: Range, stop: asyncio.Event) -> None:
        page = await self._next(aggregate, one.last, one.high)
        while True:
            last, rows = page.rows[-1].id if page.rows else one.last, len(page.rows)
            done = not page.rows or (page.total is not None and page.total <= len(page.rows))
            await self._hand_in(aggregate, page)
            # While the broker is waited for, Sonar is asked for what follows.
            ahead = None if done or stop.is_set() else asyncio.create_task(self._next(aggregate, last, one.high))
            try:
                await self._publisher.commit()
                self._in_vain = 0
                one.last, one.done = last, done
                progress.read += rows
                await self._save(aggregate, progress)
                if ahead is None:
                    return
                page = await ahead
            finally:
                if ahead is not None:
                    ahead.cancel()

    async def _next(self, aggregate: Aggregate, last: int, high: int | None) -> Page:
        await self.gate.wait()
        return await self._page(aggregate, documents.after_id(last, high), self._reader.page_size(aggregate))

    async def _page(self, aggregate: Aggregate, search: list[dict[str, Any]], rows: int) -> Page:
        with self._reader.copied(aggregate):
            return await self._reader.page(aggregate, search, rows)

    async def _publish(self, aggregate: Aggregate, page: Page) -> None:
        await self._hand_in(aggregate, page)
        await self._publisher.commit()

    async def _hand_in(self, aggregate: Aggregate, page: Page) -> None:
        """Make events of a page, which loses its rows; they are on the topic after the next commit."""
        again, in_vain = await self._rows(aggregate, page), 0
        while again and in_vain < _THIRD_READS:
            # Another read of these roots overlapped with this one and saw something else: a third one decides.
            third, before = await self._page(aggregate, documents.any_of(again), len(again)), len(again)
            untold = [id for id in again if not third.tells_of(id)]
            again = await self._rows(aggregate, third) + untold
            in_vain = 0 if len(again) < before else in_vain + 1

    async def _rows(self, aggregate: Aggregate, page: Page) -> list[int]:
        overlapped = []
        async with self._one_page:
            page.rows.reverse()
            while page.rows:
                await asyncio.sleep(0)
                self._lease.check()
                for _ in range(min(_ROWS_AT_ONCE, len(page.rows))):
                    # Taken out: it takes many times what its event does, and is let go of while it is at hand.
                    row = page.rows.pop()
                    children = page.children(row)
                    if self._publisher.row(aggregate, row, children, page, snapshot=True) is Published.OVERLAPPED:
                        overlapped.append(row.id)
        return overlapped

    async def _save(self, aggregate: Aggregate, progress: Progress) -> None:
        self._lease.check()
        name = aggregate.root.name
        metrics.SNAPSHOT_ROWS.labels(name, "read").set(progress.read)
        metrics.SNAPSHOT_ROWS.labels(name, "total").set(progress.total or 0)
        await self._cursors.save(_name(aggregate), progress.document())


def progress_of(cursors: Cursors, aggregate: Aggregate) -> Progress | None:
    """How far the snapshot of one collection is; None: never begun."""
    document = cursors.get(_name(aggregate))
    return Progress.of(document) if document is not None else None


def _left(aggregates: Sequence[Aggregate], refused: Mapping[str, SyncError]) -> SyncError:
    """What tells which of these stand still, what that costs, and whether the others were read. `refused`: by name."""
    declared = {one.name: one for one in aggregates}
    costs = f"it stands still, and with it in Splynx {in_splynx(*(declared[name] for name in refused))}"
    others = len(refused) < len(aggregates)
    if others:
        costs += "; all others were read"
    error: SyncError = SchemaUnfit(f"{'; '.join(map(str, refused.values()))}: {costs}")
    if forbidden := [name for name, one in refused.items() if isinstance(one, SonarForbidden)]:
        error = SonarForbidden(f"the token may not read {', '.join(forbidden)} in full: {costs}")
    if others:
        error.exit_code = ExitCode.PARTLY
    return error


def _name(aggregate: Aggregate) -> str:
    return f"snapshot:{aggregate.name}"
