"""Following: what changed since the watermark is found in thin pages and in the log, and its roots are read again."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from clients.sonar_errors import SonarForbidden, SonarGraphqlError
from clients.sonar_purpose import asking
from clients.sonar_schema import SonarSchema
from plumbing import metrics
from producers import documents
from producers.brake import Brake, Held
from producers.changes import Changes
from producers.cursors import Cursors, CursorUnusable
from producers.demands import CHANNELS, Demand, Demands
from producers.families import Child
from producers.followed import Followed
from producers.hints import Hints
from producers.ids import Ids
from producers.index import Index
from producers.lateness import Lateness
from producers.lease import Lease
from producers.needs import SchemaUnfit
from producers.noticing import Noticing
from producers.publisher import Published, Publisher
from producers.reader import Page, Reader
from producers.sweep import Sweep
from schemas.aggregate import Aggregate

log = structlog.get_logger()

_CURSOR = "follow"
_PAGES_PER_POLL = 20
_PATIENCE = 20
"""Readings after which a child that its root never shows is taken as not being part of what we select."""
_SELDOM = 12
"""Polls between two looks at the settings, and at what was denied."""


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
        self._index, self._cursors, self._lease = index, cursors, lease
        self._aggregates = [one for one in aggregates if not one.root.singleton]
        self._singletons = [one for one in aggregates if one.root.singleton]
        self._lateness, self._server_time = Lateness(cursors, safety_lag), server_time
        self._looked: dict[str, datetime] = {}
        """When a look for changes last showed a collection."""
        self.brake = Brake(cursors, delete_share)
        self._demands = Demands()
        self._noticing = Noticing(changes, index, self._demands, cursors, self._aggregates, reader.next_number)
        self.hints = Hints(changes, self._noticing)
        self.sweep = Sweep(changes, self._noticing, index, cursors, self.brake, every=sweep_every, settle=safety_lag)
        self._logged: dict[int, datetime] = {}
        self._unfit: frozenset[str] = frozenset()
        """Aggregates that stand still because Sonar's schema lacks what they need. They are not looked at."""
        self._refused: set[str] = set()
        """Aggregates whose roots the token may not read as we need them. Their demands stay open."""
        self._believes: dict[str, bool] = {}
        """`{collection: whether its deletes are believed}`, as the brake said when its demands were last met."""
        self._polls = 0
        self.deleted: dict[str, Counter[str]] = defaultdict(Counter)
        """`{aggregate: {channel: deletes published by this process}}`."""
        metrics.preset(metrics.DELETES, [one.name for one in self._aggregates], CHANNELS)
        self.logs_readable = True

    @property
    def low(self) -> datetime | None:
        """Up to here every change is covered; None: following has never begun."""
        return self._instant("at")

    def covered(self, aggregate: Aggregate) -> datetime | None:
        """Up to here every change of one aggregate is covered: one that stands still holds back no other."""
        document = self._cursors.get(_CURSOR) or {}
        behind = document.get("behind", {}).get(aggregate.name)
        return self._instant("front" if "front" in document else "at") if behind is None else _instant_of(behind)

    @property
    def deletes_low(self) -> datetime | None:
        """Up to here every delete is covered: the log may be unreadable while changes go on."""
        return self._instant("deletes")

    @property
    def late(self) -> dict[str, timedelta]:
        """How late rows of a collection came at most, within a week."""
        return self._lateness.learned

    @property
    def overlap(self) -> timedelta:
        """How far back each look reaches, and how far the watermark trails."""
        return self._lateness.width

    async def accept_deletes(self, collections: Sequence[str]) -> dict[str, Held]:
        """Believe what the brake holds of these collections; returns what that was, of those that it holds."""
        accepted = {}
        for name in collections:
            held = await self.brake.accept(name)
            if held is not None:
                self.sweep.hurry(name)
                accepted[name] = held
        return accepted

    @property
    def halted(self) -> list[str]:
        """Collections and aggregates that stand still because the token may not read them."""
        return sorted(self._changes.denied | self._refused)

    @property
    def standing(self) -> dict[str, str]:
        """`{aggregate: code of what it stands still for}`."""
        changes = self._changes
        denied = {one.aggregate.name for one in changes.collections if one.thin.collection in changes.denied}
        found = dict.fromkeys(sorted(denied | self._refused), SonarForbidden.code)
        return found | dict.fromkeys(sorted(self._unfit), SchemaUnfit.code)

    def fit(self, collections: list[Followed], schema: SonarSchema, unfit: Mapping[str, Sequence[str]]) -> None:
        """Follow these from now on; aggregates in `unfit` stand still, and go on from there once they are fit again."""
        self._changes.follow(collections, schema)
        self._noticing.fan_outs.follow(collections)
        self.hints.follow(collections)
        self._unfit = frozenset(unfit)
        self._refused -= self._unfit
        self.sweep.drop()

    def _instant(self, name: str) -> datetime | None:
        document = self._cursors.get(_CURSOR)
        if document is None:
            return None
        return _instant_of(document.get(name))

    async def begin(self, server_time: datetime) -> None:
        """Where following starts that never did: below the snapshot that is about to begin, by the safety lag.

        The look-ups as they are now are noted first, so that only later changes of them fan out.
        """
        with asking("look-up"):
            async for _ in self._noticing.begin():
                await self._publisher.commit()
        start = server_time - self._lateness.width
        await self._save({one.name: start for one in self._aggregates}, start)

    async def poll(self, *, sweeping: bool = True) -> datetime:
        """Look once, publish what changed, move the cursor; returns up to when changes are now covered.

        `sweeping`: with a step of the sweep; before a snapshot is complete it would take every row for a missed one.

        Raises:
            SyncError: nothing was moved; the next poll sees the same again.
        """
        low, deletes_low = self.low, self.deletes_low
        if low is None or deletes_low is None:
            raise RuntimeError("begin before the first poll")
        now, lag = self._server_time(), self._lateness.width
        seldom = self._polls % _SELDOM == 0
        lows = {one.name: self.covered(one) or low for one in self._aggregates}
        with asking("follow"):
            await self._look_for_changes(lows, denied_too=seldom)
        self._noticing.robbed(min(now, low + lag))
        with asking("log"):
            await self._consider_log(deletes_low, min(now, deletes_low + lag))
        with asking("webhook"):
            await self.hints.consider(now)
        if sweeping:
            await self.sweep.step(now, low)
        with asking("look-up"):
            await self._noticing.fan_outs.step()
        await self._meet_demands(now)
        if seldom:
            with asking("settings"):
                await self._read_settings()
        self._polls += 1
        await self._publisher.commit()
        await self._noticing.fan_outs.settle()
        await self._publisher.commit()
        await self.brake.keep()
        await self._lateness.keep(now)
        standing, waiting = self.standing, self._demands.waiting()
        for name, since in self._noticing.fan_outs.waiting().items():
            waiting[name] = min(since, waiting.get(name, since))
        seen = {name: min(now, waiting.get(name, now)) - self._lateness.width for name in lows}
        # What may not be read may be changing unseen: the watermark waits until it may be read again.
        covered = {name: at if name in standing else max(at, seen[name]) for name, at in lows.items()}
        deletes = max(deletes_low, min(seen.values(), default=now - lag)) if self.logs_readable else deletes_low
        if (covered, deletes) != (lows, deletes_low):
            await self._save(covered, deletes)
        self.tell()
        return min(covered.values(), default=low)

    async def _look_for_changes(self, lows: Mapping[str, datetime], *, denied_too: bool) -> None:
        """`lows`: up to where each aggregate is covered. What is found late (after an outage) counts as little newer
        than that: until it is met, a restart must find it again."""
        now, lag, looked = self._server_time(), self._lateness.width, dict[str, datetime]()

        def reach(aggregate: Aggregate) -> datetime:
            return min(lows[aggregate.name], now - lag)

        for followed, rows in await self._changes.since(reach, denied_too=denied_too):
            collection = followed.thin.collection
            before, since = self._looked.get(collection), min(now, lows[followed.aggregate.name] + lag)
            for row in rows:
                new, changed = self._noticing.row(followed, row, since), datetime.fromisoformat(row["updated_at"])
                if new and before is not None and changed < before:
                    self._lateness.saw(collection, changed, before, now)
            if collection not in self._changes.denied:
                looked[collection] = now
        self._looked = looked

    def tell(self) -> None:
        """Set the metrics of freshness and of what stands still."""
        for gauge, at in ((metrics.WATERMARK_SECONDS, self.low), (metrics.DELETES_WATERMARK_SECONDS, self.deletes_low)):
            if at is not None:
                gauge.set(at.timestamp())
        for one in self._aggregates:
            if (at := self.covered(one)) is not None:
                metrics.COVERED_SECONDS.labels(one.name).set(at.timestamp())
        metrics.STAGE_PAUSED.labels("capture", SonarForbidden.code).set(bool(self.halted))

    async def _consider_log(self, low: datetime, since: datetime) -> None:
        try:
            rows = await self._changes.logged_since(low)
        except SonarGraphqlError as exc:
            metrics.ERRORS.labels("capture", exc.code).inc()
            if self.logs_readable:
                log.error("capture.log_unreadable", error=exc.code, next_step=exc.next_step)
            self.logs_readable = False
            return
        self.logs_readable = True
        for row in rows:
            if int(row["id"]) not in self._logged:
                self._noticing.logged(row, since)
                self._logged[int(row["id"])] = datetime.fromisoformat(row["created_at"])
        self._logged = {id: at for id, at in self._logged.items() if at >= low - timedelta(hours=1)}

    async def _meet_demands(self, now: datetime) -> None:
        for aggregate in self._fit(self._aggregates):
            doomed, collection = self._demands.doomed(aggregate), aggregate.root.name
            if doomed:
                known = self._index.size(collection, collection)
                passes = await self.brake.lets_pass(collection, doomed, known, now)
                self._believes[collection] = passes and await self._noticing.is_peopled(aggregate, known - doomed)
            size = self._reader.page_size(aggregate)
            tried: set[int] = set()  # what does not show yet what it should waits for the next poll
            for _ in range(_PAGES_PER_POLL):
                batch = self._demands.batch(aggregate, size, tried)
                if not batch:
                    break
                tried.update(one.id for one in batch)
                try:
                    await self._read_again(aggregate, batch)
                except SonarForbidden as exc:
                    self._refuse(aggregate, exc)
                    break
                self._refused.discard(aggregate.name)

    def _refuse(self, aggregate: Aggregate, exc: SonarForbidden) -> None:
        """Let an aggregate stand still: an answer without what may not be read would look as if it were empty."""
        metrics.ERRORS.labels("capture", exc.code).inc()
        if aggregate.name not in self._refused:
            log.error("capture.aggregate_denied", aggregate=aggregate.name, reason=str(exc), next_step=exc.next_step)
        self._refused.add(aggregate.name)

    async def _read_again(self, aggregate: Aggregate, batch: Sequence[Demand]) -> None:
        """Read the roots of a batch and publish them; what is not met stays open."""
        with asking("re-read", aggregate.root.name):
            ids = Ids.of(one.id for one in batch)
            page = await self._reader.page(aggregate, documents.within(ids.ranges), len(batch))
        self._lease.check()
        rows = {int(row["id"]): row for row in page.rows}
        for demand in (one for one in batch if page.tells_of(one.id)):
            demand.attempts += 1
            row = rows.get(demand.id)
            met = self._missing(demand, page) if row is None else self._present(demand, row, page)
            if met:
                self._demands.done(demand)
        await self._publisher.commit()

    def _present(self, demand: Demand, row: dict[str, Any], page: Page) -> bool:
        aggregate, scope = demand.aggregate, demand.aggregate.root.name
        shown = list(self._reader.shown(aggregate, row))
        outcome = self._publisher.row(aggregate, row, shown, page, snapshot=False)
        if outcome is Published.OVERLAPPED:
            return False
        collections = {touch.type_name: touch.collection for touch in aggregate.touched_by}
        seen = {(collections[one.type_name], one.id): one.version for one in shown if one.type_name in collections}
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
        return not unmet

    def _missing(self, demand: Demand, page: Page) -> bool:
        collection = demand.aggregate.root.name
        if demand.maybe_deleted and not self._believes[collection]:
            return False
        if demand.maybe_deleted:
            # Two witnesses: the log or two listings tell of it, and a read by id does not find it.
            outcome = self._publisher.deleted(demand.aggregate, demand.id, page)
            if outcome is Published.EVENT:
                self.brake.happened(collection, page.server_time)
                self.deleted[demand.aggregate.name][demand.channel] += 1
                metrics.DELETES.labels(demand.aggregate.name, demand.channel).inc()
            return outcome is not Published.OVERLAPPED
        # Not there, and nothing says that it was deleted: perhaps not visible yet, perhaps its log entry is not.
        return demand.attempts >= _PATIENCE

    async def _read_settings(self) -> None:
        for aggregate in self._fit(self._singletons):
            try:
                page = await self._reader.singleton(aggregate)
            except SonarForbidden as exc:
                self._refuse(aggregate, exc)
                continue
            self._refused.discard(aggregate.name)
            self._lease.check()
            for row in page.rows:
                self._publisher.row(aggregate, row, [], page, snapshot=False)

    def _fit(self, aggregates: Sequence[Aggregate]) -> list[Aggregate]:
        return [one for one in aggregates if one.name not in self._unfit]

    async def _save(self, covered: Mapping[str, datetime], deletes: datetime) -> None:
        self._lease.check()
        front = max(covered.values(), default=deletes)
        behind = {name: at.isoformat() for name, at in covered.items() if at < front}
        at = min(covered.values(), default=deletes)
        document = {"at": at.isoformat(), "front": front.isoformat(), "deletes": deletes.isoformat(), "behind": behind}
        await self._cursors.save(_CURSOR, document)


def _instant_of(text: Any) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except (ValueError, TypeError) as exc:
        raise CursorUnusable("the cursor of following holds no instant") from exc
