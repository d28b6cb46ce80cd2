"""Following: what changed since the watermark is found in thin pages and in the log, and its roots are read again."""

from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from clients.sonar_errors import UNSERVED, SonarForbidden, SonarQueryInvalid
from clients.sonar_purpose import asking
from clients.sonar_schema import SonarSchema
from plumbing import metrics
from producers.brake import Brake, Held
from producers.changes import Changes
from producers.cursors import Cursors
from producers.demands import Demands
from producers.followed import Followed
from producers.glimpses import Glimpses
from producers.hints import Hints
from producers.index import Index
from producers.lateness import Lateness
from producers.lease import Lease
from producers.needs import SchemaUnfit, collections_of
from producers.noticing import Noticing
from producers.positions import Positions
from producers.publisher import Publisher
from producers.reach import Reach
from producers.reader import Reader
from producers.rereading import Rereading
from producers.sonar_log import SonarLog
from producers.sweep import Sweep
from schemas.aggregate import Aggregate

_MANY = 5000
"""New demands for which a look for changes waits until whole pages of them are read: after an outage all may be new."""
_FEW = 2
"""Polls in a row in which the log is asked for in vain before it is asked for seldom."""
_SELDOM = 12
"""Polls between two looks at the settings, and at what Sonar denied or could not serve."""


class Following:
    """One poll after the other. A row is published as soon as it is seen; only the watermark trails."""

    def __init__(
        self,
        changes: Changes,
        reader: Reader,
        publisher: Publisher,
        index: Index,
        cursors: Cursors,
        lease: Lease,
        *,
        aggregates: Sequence[Aggregate],
        safety_lag: timedelta,
        sweep_every: timedelta,
        delete_share: float,
        server_time: Callable[[], datetime],
    ) -> None:
        """`server_time`: Sonar's clock as its last answer told it, so never ahead of the next read.

        `safety_lag`: how far the watermark trails at least (`Lateness`). `sweep_every`, `delete_share`: see `Sweep` and
        `Brake`.
        """
        self._changes, self._reader, self._publisher = changes, reader, publisher
        self._index, self._lease, self._positions = index, lease, Positions(cursors)
        self._aggregates = [one for one in aggregates if not one.root.singleton]
        self._singletons = [one for one in aggregates if one.root.singleton]
        self._lateness, self._server_time = Lateness(cursors, safety_lag), server_time
        self._reach = Reach(self._lateness)
        self._reach.follow(changes.collections)
        self.brake = Brake(cursors, delete_share)
        self._demands = Demands()
        self._glimpses = Glimpses(self._demands)
        self._sequence = self._positions.sequence
        self._sequences: deque[tuple[datetime, int]] = deque()
        """When polls began after which nothing was in doubt, and with which sequence: those that are not settled."""
        if self.low is not None:
            self._glimpses.restore(self._aggregates, index, self._sequence, self.low, server_time())
        self._noticing = Noticing(changes, index, self._demands, cursors, self._aggregates, reader.next_number)
        self._log = SonarLog(changes, self._noticing)
        self.hints = Hints(changes, self._noticing)
        self.sweep = Sweep(changes, self._noticing, index, cursors, self.brake, every=sweep_every, settle=safety_lag)
        self._unfit: frozenset[str] = frozenset()
        """Aggregates that stand still because Sonar's schema lacks what they need. They are not looked at."""
        self._again = Rereading(
            self._demands, self._noticing, reader, publisher, index, lease, self.brake, self._glimpses, self._aggregates
        )
        self._polls = 0

    @property
    def low(self) -> datetime | None:
        """Up to here every change is covered; None: following has never begun."""
        return self._positions.low

    def covered(self, aggregate: Aggregate) -> datetime | None:
        """Up to here every change of one aggregate is covered: one that stands still holds back no other."""
        return self._positions.covered(aggregate.name)

    @property
    def deletes_low(self) -> datetime | None:
        """Up to here every delete is covered: the log may be unreadable while changes go on, or deletes be held."""
        return min(filter(None, map(self.deletes_covered, self._aggregates)), default=self._logged_low)

    def deletes_covered(self, aggregate: Aggregate) -> datetime | None:
        """Up to here every delete in one aggregate is covered. What the brake holds is not."""
        held, low = self.brake.since(collections_of(aggregate)), self._logged_low
        return low if held is None or low is None else min(low, held)

    @property
    def _logged_low(self) -> datetime | None:
        """Up to here the log has been read, and what it tells of is done. What a sweep found never waits for it."""
        return self._positions.deletes([one.name for one in self._aggregates])

    @property
    def late(self) -> dict[str, timedelta]:
        """How late rows of a collection came at most, within a week."""
        return self._lateness.learned

    @property
    def overlap(self) -> timedelta:
        """How far the watermark of all trails: as far as the look reaches back that reaches furthest."""
        return self._reach.widest

    async def accept_deletes(self, collections: Sequence[str]) -> dict[str, Held]:
        """Believe what the brake holds of these collections; returns what that was, of those that it holds."""
        accepted = {name: await self.brake.accept(name) for name in collections}
        return {name: held for name, held in accepted.items() if held is not None}

    @property
    def deleted(self) -> Mapping[str, Counter[str]]:
        """`{aggregate: {channel: deletes published by this process}}`."""
        return self._again.deleted

    @property
    def halted(self) -> list[str]:
        """Collections and aggregates that stand still: the token may not read them, or Sonar cannot serve them."""
        return sorted(self._changes.standing.keys() | self._again.standing.keys())

    @property
    def standing(self) -> dict[str, str]:
        """`{aggregate: code of what it stands still for}`."""
        unread = self._changes.standing
        looked_at = [one for one in self._changes.collections if one.thin.collection in unread]
        found = {one.aggregate.name: unread[one.thin.collection] for one in looked_at} | self._again.standing
        return dict(sorted(found.items())) | dict.fromkeys(sorted(self._unfit), SchemaUnfit.code)

    def fit(self, collections: list[Followed], schema: SonarSchema, unfit: Mapping[str, Sequence[str]]) -> None:
        """Follow these from now on; aggregates in `unfit` stand still, and go on from there once they are fit again."""
        self._changes.follow(collections, schema)
        self._reach.follow(collections)
        self._noticing.fan_outs.follow(collections)
        self.hints.follow(collections)
        self._unfit = frozenset(unfit)
        self._again.forget(self._unfit)
        self.sweep.follow(collections)

    async def begin(self, server_time: datetime) -> None:
        """Where following starts that never did: below the snapshot that is about to begin, by the safety lag.

        The look-ups as they are now are noted first, so that only later changes of them fan out.
        """
        with asking("look-up"):
            async for _ in self._noticing.begin():
                await self._publisher.commit()
        start = server_time - self.overlap
        await self._save({one.name: start for one in self._aggregates}, start)

    async def poll(self, *, sweeping: Collection[str] | None = None) -> datetime:
        """Look once, publish what changed, move the cursor; returns up to when changes are now covered.

        `sweeping`: aggregates that may be swept, None: all; of one whose snapshot is not complete a sweep would take
        every row for a missed one.

        Raises:
            SyncError: nothing was moved; the next poll sees the same again.
        """
        low, deletes_low = self.low, self._logged_low
        if low is None or deletes_low is None:
            raise RuntimeError("begin before the first poll")
        now, lag, sequence = self._server_time(), self.overlap, self._reader.next_number()
        seldom = self._polls % _SELDOM == 0
        lows = {one.name: self.covered(one) or low for one in self._aggregates}
        with asking("follow"):
            await self._look_for_changes(lows, standing_too=seldom)
        looked = self._server_time()
        known = {name: min(now, at + self._reach.width(name)) for name, at in lows.items()}
        self._noticing.robbed(known)
        if self._polls == 0:
            self._noticing.in_doubt(known)
        with asking("log"):
            if seldom or self._log.in_vain < _FEW:
                await self._log.consider(deletes_low, min(now, deletes_low + lag))
        with asking("webhook"):
            await self.hints.consider(now)
        await self.sweep.step(now, low, sweeping)
        with asking("look-up"):
            await self._noticing.fan_outs.step(resting_too=seldom)
        await self._again.meet(self._fit(self._aggregates), now)
        self._polls += 1  # first: settings that cannot be read are not asked for by each poll
        if seldom:
            with asking("settings"):
                await self._read_settings()
        await self._publisher.commit()
        await self._noticing.fan_outs.settle()
        await self._publisher.commit()
        await self.brake.keep()
        standing, waiting = self.standing, self._demands.waiting()
        for name, since in self._noticing.fan_outs.waiting().items():
            waiting[name] = min(since, waiting.get(name, since))
        await self.sweep.keep(waiting)
        fronts = {name: min(now, waiting.get(name, now)) for name in lows}
        seen = {name: front - self._reach.width(name) for name, front in fronts.items()}
        # What may not be read may be changing unseen: the watermark waits until it may be read again.
        covered = {name: at if name in standing else max(at, seen[name]) for name, at in lows.items()}
        self._glimpses.looked(now, looked, lows.keys() - standing.keys(), sequence)
        if not standing and not self._glimpses.in_doubt and not self._noticing.fan_outs.waiting():
            self._sequences.append((now, sequence))
            settled = self._glimpses.settled(lows.keys())
            while settled is not None and self._sequences[0][0] <= settled:
                self._sequence = self._sequences.popleft()[1]
        # The log tells of all aggregates: what it showed of the one that waits longest has to be found again.
        logged = min(self._demands.told() or now, *fronts.values(), now) - self.overlap
        deletes = max(deletes_low, logged) if self._log.is_readable else deletes_low
        if (covered, deletes) != (lows, deletes_low):
            await self._save(covered, deletes)
        self._reach.polled(fronts, standing)
        await self._lateness.keep(now, self._reach.collections, forgetting=not waiting)
        self.tell()
        return min(covered.values(), default=low)

    async def _look_for_changes(self, lows: Mapping[str, datetime], *, standing_too: bool) -> None:
        """`lows`: up to where each aggregate is covered. What is found late (after an outage) counts as little newer
        than that: until it is met, a restart must find it again."""
        now, shown = self._server_time(), list[Followed]()
        for name, (begun, ended) in self._reader.copying.take().items():
            self._glimpses.copied(name, begun, ended)
        fronts = {name: low + self._reach.width(name) for name, low in lows.items()}

        def begin(one: Followed) -> datetime:
            return self._reach.begin(one, lows[one.aggregate.name], now)

        held = len(self._demands)
        # A page at a time: after an outage all that changed would not fit into memory.
        async for followed, rows in self._changes.since(begin, standing_too=standing_too):
            name = followed.aggregate.name
            before, since = self._reach.last(followed), min(now, fronts[name])
            for row in rows:
                changed = datetime.fromisoformat(row["updated_at"])
                is_later = changed > fronts[name] if before is None else changed >= before
                unsure = self._glimpses.is_unsure(followed, row)
                unsure_from = self._glimpses.unsure_from(name) if unsure else None
                new = self._noticing.row(followed, row, since, unsure_from=unsure_from, late=not is_later)
                if not new:
                    self._glimpses.doubt(followed, row, since)
                if new and not unsure and before is not None:
                    self._lateness.saw(followed.thin.collection, changed, before, now)
            shown.append(followed)
            if len(self._demands) >= held + _MANY:
                # As long as one is open the watermark waits below it, and each look finds all of them again.
                held = await self._meet_all(now)
        self._reach.looked(now, shown, self._changes.standing)

    async def _meet_all(self, now: datetime) -> int:
        """Meet demands as far as they fill pages, for more may come; how many stay open."""
        left, before = len(self._demands), len(self._demands) + 1
        while 0 < left < before:
            await self._again.meet(self._fit(self._aggregates), now, whole=True)
            before, left = left, len(self._demands)
        return left

    def tell(self) -> None:
        """Set the metrics of freshness and of what stands still."""
        for gauge, at in ((metrics.WATERMARK_SECONDS, self.low), (metrics.DELETES_WATERMARK_SECONDS, self.deletes_low)):
            if at is not None:
                gauge.set(at.timestamp())
        for one in self._aggregates:
            if (at := self.covered(one)) is not None:
                metrics.COVERED_SECONDS.labels(one.name).set(at.timestamp())
        for name, swept in self.sweep.of_aggregates.items():
            metrics.SWEPT_SECONDS.labels(name).set(0 if swept is None else swept.timestamp())
        halted = {*self._changes.standing.values(), *self._again.standing.values()}
        for code in (SonarForbidden.code, *(one.code for one in UNSERVED)):
            metrics.STAGE_PAUSED.labels("capture", code).set(code in halted)

    async def _read_settings(self) -> None:
        for aggregate in self._fit(self._singletons):
            try:
                page = await self._reader.singleton(aggregate)
            except SonarQueryInvalid:
                raise
            except UNSERVED as exc:
                self._again.stand(aggregate, exc)
                continue
            self._again.forget([aggregate.name])
            self._lease.check()
            for row in page.rows:
                self._publisher.row(aggregate, row, {}, page, snapshot=False)

    def _fit(self, aggregates: Sequence[Aggregate]) -> list[Aggregate]:
        return [one for one in aggregates if one.name not in self._unfit]

    async def _save(self, covered: Mapping[str, datetime], deletes: datetime) -> None:
        self._lease.check()
        await self._positions.save(covered, deletes, self._sequence)
