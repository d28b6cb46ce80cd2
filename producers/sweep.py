"""The sweep: every collection listed by id and version, a page at a time, spread over the day.

It finds what no other way tells of: a delete that the log does not show, a change whose `updated_at` did not move or
came later than the overlap reaches. What is missing is believed after a second listing, some time later.
"""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import merge
from itertools import groupby

import structlog

from clients.sonar_purpose import asking
from plumbing import metrics
from producers import documents
from producers.brake import Brake
from producers.changes import Changes
from producers.cursors import Cursors
from producers.demands import SWEEP
from producers.fan_outs import place_of
from producers.followed import Followed
from producers.index import Index
from producers.noticing import Noticing
from producers.thin_pages import PAGE

log = structlog.get_logger()

_CURSOR = "sweep"


@dataclass
class Listing:
    """One collection under way, for all that follow it: each in its own way, and of some it is the root."""

    followed: Sequence[Followed]
    known: Sequence[Sequence[int]]
    """Of each of `followed` the ids that were published when it began, ascending."""
    last: int = 0
    missing: dict[int, list[Followed]] = field(default_factory=dict)
    """`{id: who knows it}`, of what the listing did not show."""
    ended: datetime | None = None
    """When the last page was read; what is missing is looked for again after the safety lag."""

    @property
    def collection(self) -> str:
        """Its name."""
        return self.followed[0].thin.collection

    def miss(self, shown: Collection[int], high: int | None) -> None:
        """Take a page that shows these ids and was asked to begin above `last`; None: it was the last one."""
        for one, known in zip(self.followed, self.known, strict=True):
            until = len(known) if high is None else bisect_right(known, high)
            for id in known[bisect_right(known, self.last) : until]:
                if id not in shown:
                    self.missing.setdefault(id, []).append(one)

    def count(self) -> int:
        """How many rows are known."""
        return sum(1 for _ in groupby(merge(*self.known)))


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
        metrics.SWEEP_SECONDS.set(every.total_seconds())
        document = cursors.get(_CURSOR) or {}
        self._swept: dict[str, str] = dict(document)
        """`{collection: when its last sweep ended}`."""
        self._kept, self._unkept = dict(self._swept), set[str]()
        """As the cursor has it, and of which it does not tell yet."""
        self._listing: Listing | None = None
        self._due: datetime | None = None
        self.follow(changes.collections)

    @property
    def swept(self) -> dict[str, datetime]:
        """When each collection was last listed whole, as `{collection: Sonar's clock}`."""
        return {name: datetime.fromisoformat(at) for name, at in self._swept.items()}

    @property
    def oldest(self) -> datetime | None:
        """When the collection was swept that was swept longest ago; None: one of them never was."""
        ended = [self._swept.get(name) for name in self._followed]
        return min((datetime.fromisoformat(at) for at in ended if at is not None), default=None) if all(ended) else None

    @property
    def of_aggregates(self) -> dict[str, datetime | None]:
        """`{aggregate: since when all that is followed for it has been swept}`; None: some of it never was."""
        found = dict[str, list[str]]()
        for name, followed in self._followed.items():
            for one in followed:
                found.setdefault(one.aggregate.name, []).append(self._swept.get(name, ""))
        return {name: datetime.fromisoformat(min(ended)) if all(ended) else None for name, ended in found.items()}

    def follow(self, collections: Sequence[Followed]) -> None:
        """List these from now on. The listing under way is taken up again from its beginning."""
        self._followed: dict[str, list[Followed]] = {}
        for one in collections:
            self._followed.setdefault(one.thin.collection, []).append(one)
        self._listing = None

    async def step(self, now: datetime, low: datetime, aggregates: Collection[str] | None = None) -> None:
        """Read the page that is due, if one is. `low`: following has covered every change before.

        `aggregates`: those that may be swept, None: all. What others look up is swept for these, what belongs to others
        is not.

        Raises:
            SyncError: the next step reads the same page again.
        """
        due = self._due is None or now >= self._due
        if not (due or self._brake.unseen):
            return
        found = ((name, self._followers(name, aggregates)) for name in self._readable())
        readable = {name: followers for name, followers in found if followers}
        # Collections whose deletes somebody has accepted are listed at once, after a restart as well.
        hurried = {name: followers for name, followers in readable.items() if name in self._brake.unseen}
        if not (due or hurried):
            return
        listing = self._listing
        if listing is None or self._gives_way(listing, hurried, aggregates):
            listing = self._listing = self._next(hurried or readable)
        if listing is None:
            return
        with asking("sweep", listing.collection):
            if listing.ended is None:
                await self._page(listing, now, low)
            elif now >= listing.ended + self._settle:
                await self._believe(listing, now)
        self._due = now + self._every / self._pages()

    def _readable(self) -> list[str]:
        return [name for name in self._followed if name not in self._changes.standing]

    def _followers(self, name: str, aggregates: Collection[str] | None) -> list[Followed]:
        """Who follows a collection for one of these aggregates; nobody where another one has its roots there."""
        mine = [one for one in self._followed[name] if aggregates is None or one.aggregate.name in aggregates]
        return mine if all(one in mine for one in self._followed[name] if one.is_root) else []

    def _gives_way(self, listing: Listing, hurried: Collection[str], aggregates: Collection[str] | None) -> bool:
        """Whether a listing ends early: another collection is in a hurry, or who follows it may not be swept now."""
        if hurried and listing.collection not in hurried:
            return True
        followers = self._followers(listing.collection, aggregates)
        return any(one not in followers for one in listing.followed)

    def _next(self, found: Mapping[str, Sequence[Followed]]) -> Listing | None:
        """Of these collections, and who follows them, the one that was swept longest ago."""
        if not found:
            return None
        followed = found[min(found, key=lambda name: self._swept.get(name, ""))]
        return Listing(followed, [self._known(one) for one in followed])

    def _known(self, one: Followed) -> Sequence[int]:
        scope = one.aggregate.root.name
        if one.touch is not None:
            return self._index.shown(scope, one.touch.collection)
        return self._index.live(scope) if one.look_up is None else self._index.alone(*place_of(one))

    def _is_known(self, one: Followed, id: int) -> bool:
        scope = one.aggregate.root.name
        if one.touch is None and one.look_up is None:
            return self._index.is_live(scope, id)
        place = place_of(one) if one.touch is None else (scope, one.touch.collection)
        return self._index.root_of(*place, id) is not None

    def _pages(self) -> int:
        size = self._index.size
        rows = (max(size(one.aggregate.root.name, name) for one in all) for name, all in self._followed.items())
        return sum(count // PAGE + 3 for count in rows)

    async def _page(self, listing: Listing, now: datetime, low: datetime) -> None:
        rows = await self._changes.page(listing.followed[0], documents.after_id(listing.last))
        if rows is None:
            self._listing = None  # it cannot be read: nothing is known of it, and nothing is missing
            return
        high = int(rows[-1]["id"]) if rows else None
        listing.miss({int(row["id"]) for row in rows}, high)
        for row in rows:
            self._look(listing, row, now, low)
        if high is None:
            listing.ended = now
            if not listing.missing:
                await self._brake.lets_pass(listing.collection, 0, listing.count(), now, swept=True)
                await self._done(listing, now)
        else:
            listing.last = high

    def _look(self, listing: Listing, row: dict[str, str], now: datetime, low: datetime) -> None:
        differs = [self._noticing.listed(one, row, now) for one in listing.followed]
        if any(differs) and datetime.fromisoformat(row["updated_at"]) < low:
            metrics.SWEPT.labels(listing.collection, "missed").inc()
            log.warning("capture.change_missed", collection=listing.collection, key=row["id"])

    async def _believe(self, listing: Listing, now: datetime) -> None:
        """The second pass: what is still missing is gone, unless the brake says that it is too much."""
        gone: dict[int, list[Followed]] = {}
        missing, followed, part = sorted(listing.missing), listing.followed[0], PAGE // 2
        while ids := missing[:part]:
            rows = await self._changes.page(followed, documents.any_of(ids), len(ids))
            if rows is None and listing.collection not in self._changes.standing:
                part = max(1, len(ids) // 2)  # it was too much
                continue
            if rows is None:
                self._listing = None
                return
            del missing[: len(ids)]
            for row in rows:
                for one in listing.followed:
                    self._noticing.row(one, row, now)
            for id in set(ids).difference(int(row["id"]) for row in rows):
                if known := [one for one in listing.missing[id] if self._is_known(one, id)]:
                    gone[id] = known
        collection = listing.collection
        if not await self._brake.lets_pass(collection, len(gone), listing.count(), now, swept=True):
            self._listing = None  # it is listed again later, and at once when somebody accepts the deletes
            self._swept[collection] = now.isoformat()
            self._unkept.add(collection)
            return
        for id, known in gone.items():
            metrics.SWEPT.labels(collection, "gone").inc()
            for one in known:
                self._noticing.gone(one, id, now, SWEEP)
            if not any(one.is_root for one in known):
                self._brake.happened(collection, now)  # of a root it happens when its delete is published
        await self._done(listing, now)

    async def _done(self, listing: Listing, now: datetime) -> None:
        if not any(one.is_root for one in listing.followed):
            await self._brake.settle(listing.collection)  # of roots once their deletes are published
        self._listing = None
        self._swept[listing.collection] = now.isoformat()
        self._unkept.add(listing.collection)

    async def keep(self, waiting: Collection[str]) -> None:
        """Save which sweeps have ended. `waiting`: aggregates of which something is still to be read.

        What a sweep found nothing else finds: a restart before it was read lists the collection again.
        """
        is_waiting = {name: any(one.aggregate.name in waiting for one in all) for name, all in self._followed.items()}
        read = {name for name in self._unkept if not is_waiting.get(name)}
        if read:
            self._unkept -= read
            self._kept |= {name: self._swept[name] for name in read}
            await self._cursors.save(_CURSOR, dict(self._kept))
