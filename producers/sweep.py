"""The sweep: every collection listed by id and version, a page at a time, spread over the day.

It finds what no other way tells of: a delete that the log does not show, a change whose `updated_at` did not move or
came later than the overlap reaches. What is missing is believed after a second listing, some time later.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from clients.sonar_purpose import asking
from plumbing import metrics
from producers import documents
from producers.brake import Brake
from producers.changes import PAGE, Changes, Followed
from producers.cursors import Cursors
from producers.index import Index
from producers.noticing import Noticing, look_up_place

log = structlog.get_logger()

_CURSOR = "sweep"


@dataclass
class Listing:
    """One collection under way. `known`: the ids that were published when it began, ascending."""

    followed: Followed
    known: Sequence[int]
    last: int = 0
    missing: list[int] = field(default_factory=list)
    ended: datetime | None = None
    """When the last page was read; what is missing is looked for again after the safety lag."""


class Sweep:
    """Does one page whenever it is due. Where it stands is in the cursors: a restart lists one collection anew."""

    def __init__(
        self,
        changes: Changes,
        noticing: Noticing,
        index: Index,
        cursors: Cursors,
        brake: Brake,
        *,
        every: timedelta,
        settle: timedelta,
    ) -> None:
        """`every`: how long one sweep of everything takes. `settle`: Sonar may hide a row for so long."""
        self._changes, self._noticing, self._index = changes, noticing, index
        self._cursors, self._brake, self._every, self._settle = cursors, brake, every, settle
        document = cursors.get(_CURSOR) or {}
        self._swept: dict[str, str] = dict(document)
        """`{place: when its last sweep ended}`."""
        self._listing: Listing | None = None
        self._due: datetime | None = None

    @property
    def swept(self) -> dict[str, datetime]:
        """When each collection was last listed whole, as `{scope/collection: Sonar's clock}`."""
        return {name: datetime.fromisoformat(at) for name, at in self._swept.items()}

    @property
    def oldest(self) -> datetime | None:
        """When the collection was swept that was swept longest ago; None: one of them never was."""
        ended = [self._swept.get(_place(one)) for one in self._changes.collections]
        return min((datetime.fromisoformat(at) for at in ended if at is not None), default=None) if all(ended) else None

    def hurry(self, collection: str) -> None:
        """List a collection next, and at once."""
        for one in self._changes.collections:
            if one.thin.collection == collection:
                self._swept.pop(_place(one), None)
        self._listing = self._due = None

    async def step(self, now: datetime, low: datetime) -> None:
        """Read the page that is due, if one is. `low`: following has covered every change before.

        Raises:
            SyncError: the next step reads the same page again.
        """
        if self._due is not None and now < self._due:
            return
        if self._listing is None:
            self._listing = self._next()
        listing = self._listing
        if listing is None:
            return
        with asking("sweep", listing.followed.thin.collection):
            if listing.ended is None:
                await self._page(listing, now, low)
            elif now >= listing.ended + self._settle:
                await self._believe(listing, now)
        self._due = now + self._every / self._pages()

    def _next(self) -> Listing | None:
        """The collection that was swept longest ago."""
        readable = [one for one in self._changes.collections if one.thin.collection not in self._changes.denied]
        if not readable:
            return None
        one = min(readable, key=lambda one: self._swept.get(_place(one), ""))
        return Listing(one, self._known(one))

    def _known(self, one: Followed) -> Sequence[int]:
        scope = one.aggregate.root.name
        if one.touch is not None:
            return self._index.shown(scope, one.touch.collection)
        return self._index.live(scope) if one.look_up is None else self._index.alone(*look_up_place(one))

    def _pages(self) -> int:
        rows = (self._index.size(one.aggregate.root.name, one.thin.collection) for one in self._changes.collections)
        return sum(count // PAGE + 3 for count in rows)

    async def _page(self, listing: Listing, now: datetime, low: datetime) -> None:
        rows = await self._changes.page(listing.followed, documents.after_id(listing.last))
        if rows is None:
            self._listing = None  # denied: nothing is known of it, and nothing is missing
            return
        high = int(rows[-1]["id"]) if rows else None
        shown = {int(row["id"]) for row in rows}
        within = (id for id in listing.known if id > listing.last and (high is None or id <= high))
        listing.missing += [id for id in within if id not in shown]
        for row in rows:
            await self._look(listing.followed, row, now, low)
        if high is None:
            listing.ended = now
            if not listing.missing:
                await self._brake.lets_pass(listing.followed.thin.collection, 0, len(listing.known), now)
                await self._done(listing, now)
        else:
            listing.last = high

    async def _look(self, followed: Followed, row: dict[str, str], now: datetime, low: datetime) -> None:
        differs = await self._noticing.row(followed, row, now)
        if differs and datetime.fromisoformat(row["updated_at"]) < low:
            metrics.SWEPT.labels(followed.thin.collection, "missed").inc()
            log.warning("capture.change_missed", collection=followed.thin.collection, key=row["id"])

    async def _believe(self, listing: Listing, now: datetime) -> None:
        """The second pass: what is still missing is gone, unless the brake says that it is too much."""
        gone: list[int] = []
        for start in range(0, len(listing.missing), PAGE // 2):
            ids = listing.missing[start : start + PAGE // 2]
            rows = await self._changes.page(listing.followed, documents.any_of(ids))
            if rows is None:
                self._listing = None
                return
            for row in rows:
                await self._noticing.row(listing.followed, row, now)
            shown = {int(row["id"]) for row in rows}
            still = set(self._known(listing.followed))
            gone += [id for id in ids if id not in shown and id in still]
        collection = listing.followed.thin.collection
        if not await self._brake.lets_pass(collection, len(gone), len(listing.known), now, told=not gone):
            self._listing = None  # it is listed again later, and at once when somebody accepts the deletes
            self._swept[_place(listing.followed)] = now.isoformat()
            return
        for id in gone:
            metrics.SWEPT.labels(collection, "gone").inc()
            await self._noticing.gone(listing.followed, id, now)
            if listing.followed.touch is not None or listing.followed.look_up is not None:
                self._brake.happened(collection, now)  # of a root it happens when its delete is published
        await self._done(listing, now)

    async def _done(self, listing: Listing, now: datetime) -> None:
        self._listing = None
        self._swept[_place(listing.followed)] = now.isoformat()
        await self._cursors.save(_CURSOR, self._swept)


def _place(one: Followed) -> str:
    return f"{one.aggregate.name}/{one.thin.collection}"
