"""The snapshot: every root once, by ranges of ids, resumable at every page."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from clients.sonar_errors import SonarForbidden
from clients.sonar_purpose import asking
from plumbing import metrics
from producers import documents
from producers.cursors import Cursors
from producers.lease import Lease
from producers.publisher import Published, Publisher
from producers.reader import Page, Reader
from schemas.aggregate import Aggregate

log = structlog.get_logger()

_THIRD_READS = 5


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
        self._ways, self._run_id = ways, run_id
        self.gate = asyncio.Event()
        """Cleared while following is at work: it always wins."""
        self.gate.set()

    def progress(self, aggregate: Aggregate) -> Progress | None:
        """How far it is; None: never begun."""
        document = self._cursors.get(_name(aggregate))
        return Progress.of(document) if document is not None else None

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
        """
        refusals: list[SonarForbidden] = []
        for aggregate in aggregates:
            known = self.progress(aggregate)
            if known is not None and known.done and force in (None, known.run):
                continue
            try:
                await self._whole(aggregate, known, stop, started, force or self._run_id)
            except* SonarForbidden as group:
                refusals += [one for one in group.exceptions if isinstance(one, SonarForbidden)]
            if stop.is_set():
                break
        if refusals:
            raise refusals[0]
        return not stop.is_set()

    async def _whole(
        self, aggregate: Aggregate, known: Progress | None, stop: asyncio.Event, started: datetime, run: str
    ) -> None:
        with asking("snapshot", aggregate.root.name):
            if known is None or known.done:
                known = await self._begin(aggregate, started, run)
            if aggregate.root.singleton:
                await self._singleton(aggregate, known)
            else:
                await self._collection(aggregate, known, stop)

    async def _begin(self, aggregate: Aggregate, started: datetime, run: str) -> Progress:
        total, highest = (1, 0) if aggregate.root.singleton else await self._reader.extent(aggregate)
        ranges = cut(highest, total, self._reader.page_size(aggregate), self._ways)
        progress = Progress(run, started.isoformat(), total, 0, ranges)
        await self._save(aggregate, progress)
        return progress

    async def _singleton(self, aggregate: Aggregate, progress: Progress) -> None:
        page = await self._reader.singleton(aggregate)
        await self._publish(aggregate, page)
        progress.read, progress.ranges[0].done = 1, True
        await self._save(aggregate, progress)

    async def _collection(self, aggregate: Aggregate, progress: Progress, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            for one in progress.ranges:
                if not one.done:
                    group.create_task(self._range(aggregate, progress, one, stop))

    async def _range(self, aggregate: Aggregate, progress: Progress, one: Range, stop: asyncio.Event) -> None:
        while not one.done and not stop.is_set():
            await self.gate.wait()
            size = self._reader.page_size(aggregate)
            page = await self._reader.page(aggregate, documents.after_id(one.last, one.high), size)
            await self._publish(aggregate, page)
            if page.rows:
                one.last = int(page.rows[-1]["id"])
                progress.read += len(page.rows)
            one.done = not page.rows or (page.total is not None and page.total <= len(page.rows))
            await self._save(aggregate, progress)

    async def _publish(self, aggregate: Aggregate, page: Page) -> None:
        self._lease.check()
        again = self._rows(aggregate, page)
        for _ in range(_THIRD_READS):
            if not again:
                break
            # Another read of these roots overlapped with this one and saw something else: a third one decides.
            third = await self._reader.page(aggregate, documents.any_of(again), len(again))
            self._lease.check()
            again = self._rows(aggregate, third) + [id for id in again if not third.tells_of(id)]
        await self._publisher.commit()

    def _rows(self, aggregate: Aggregate, page: Page) -> list[int]:
        overlapped = []
        for row in page.rows:
            shown = list(self._reader.shown(aggregate, row))
            if self._publisher.row(aggregate, row, shown, page, snapshot=True) is Published.OVERLAPPED:
                overlapped.append(int(row["id"]))
        return overlapped

    async def _save(self, aggregate: Aggregate, progress: Progress) -> None:
        self._lease.check()
        name = aggregate.root.name
        metrics.SNAPSHOT_ROWS.labels(name, "read").set(progress.read)
        metrics.SNAPSHOT_ROWS.labels(name, "total").set(progress.total or 0)
        await self._cursors.save(_name(aggregate), progress.document())


def _name(aggregate: Aggregate) -> str:
    return f"snapshot:{aggregate.name}"
