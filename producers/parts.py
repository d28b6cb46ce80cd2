"""Reading a part of Sonar again while everything runs: whole aggregates, roots by id, one customer's whole world."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from clients.sonar_errors import SonarForbidden
from clients.sonar_purpose import asking
from plumbing import metrics
from plumbing.clock import utc_now
from producers.changes import Changes
from producers.ids import Ids
from producers.orders import Order, Orders, Part, Work
from producers.owners import ways_down
from producers.signals import SNAPSHOT
from producers.snapshot import Snapshot
from schemas.aggregate import Aggregate

log = structlog.get_logger()

_MISSING = 200
"""Ranges of ids that Sonar does not have, of which is told at most: a range that was asked for may have many gaps."""

Notify = Callable[[dict[str, Any]], None]
"""Hands a record over to the topic of notifications."""


class Parts:
    """Does what was ordered. How far it is moves after the acknowledgement of what was read."""

    def __init__(
        self, snapshot: Snapshot, changes: Changes, orders: Orders, aggregates: Sequence[Aggregate], notify: Notify
    ) -> None:
        self._snapshot, self._changes, self._orders = snapshot, changes, orders
        self._aggregates, self._notify = aggregates, notify

    async def run(self, work: Work, stop: asyncio.Event) -> bool:
        """Do an order, from where it is, and tell of it; False when `stop` came first.

        Raises:
            SonarForbidden: the token may not read one of the aggregates; all others have been read.
            SyncError: from Sonar or Kafka; the order stays open.
        """
        order = work.order
        chosen = [one for one in self._aggregates if one.name in order.names]
        log.info("capture.part_ordered", order=order.id, aggregates=[one.name for one in chosen], which=order.filter)
        metrics.SNAPSHOT_ROWS.clear()  # of what is running, which is this
        self._tell(work, "started")
        if order.ids is None and order.customer is None:
            await self._whole(work, chosen, stop)
        else:
            await self._some(work, chosen, stop)
        if stop.is_set():
            return False
        await self._orders.done(work)
        log.info("capture.part_read", order=order.id, rows=sum(one.read for one in work.parts.values()))
        self._tell(work, "done")
        return True

    async def give_up(self, work: Work, reason: str) -> None:
        """An order that cannot be done, and stands in the way of others."""
        await self._orders.done(work)
        self._tell(work, "refused", reason)

    async def _whole(self, work: Work, chosen: Sequence[Aggregate], stop: asyncio.Event) -> None:
        try:
            await self._snapshot.run(chosen, stop, started=utc_now(), force=work.order.id)
        finally:
            for one in chosen:
                progress = self._snapshot.progress(one)
                if progress is not None and progress.run == work.order.id:
                    work.parts[one.name] = Part(read=progress.read, total=progress.total, done=progress.done)

    async def _some(self, work: Work, chosen: Sequence[Aggregate], stop: asyncio.Event) -> None:
        refusals: list[SonarForbidden] = []
        for one in (each for each in chosen if not each.root.singleton):
            part = work.parts.setdefault(one.name, Part())
            try:
                if not part.done and not stop.is_set():
                    with asking("snapshot", one.root.name):
                        await self._part(work, one, part, stop)
            except SonarForbidden as exc:
                refusals.append(exc)
        if refusals:
            raise refusals[0]

    async def _part(self, work: Work, one: Aggregate, part: Part, stop: asyncio.Event) -> None:
        ids = await self._ids(one, work.order)
        part.total = part.read + len(ids.above(part.last))
        self._measure(one, part)
        async for last, found in self._snapshot.some(one, ids, part.last, stop):
            asked = ids.within(part.last, last)
            part.missing = Ids((part.missing | asked.without(found)).ranges[:_MISSING])
            part.read, part.last = part.read + len(found), last
            await self._orders.save()
            self._measure(one, part)
        if part.last >= (ids.ranges[-1][1] if ids.ranges else 0):
            part.done, part.total = True, part.read
            if part.missing.ranges:
                log.warning("capture.ids_missing", aggregate=one.name, ids=part.missing.shown())
            await self._orders.save()
            self._measure(one, part)

    async def _ids(self, one: Aggregate, order: Order) -> Ids:
        if order.ids is not None:
            return order.ids
        assert order.customer is not None
        return Ids.of(await owned(self._changes, one, order.customer))

    def _measure(self, one: Aggregate, part: Part) -> None:
        metrics.SNAPSHOT_ROWS.labels(one.root.name, "read").set(part.read)
        metrics.SNAPSHOT_ROWS.labels(one.root.name, "total").set(part.total or 0)

    def _tell(self, work: Work, state: str, reason: str | None = None) -> None:
        parts = work.parts.items()
        self._notify(
            {
                "type": SNAPSHOT,
                "id": work.order.id,
                "state": state,
                "at": utc_now().isoformat(),
                "aggregates": list(work.order.names),
                "filter": work.order.filter,
                "rows": {name: [one.read, one.total] for name, one in parts},
                "missing": {name: one.missing.shown() for name, one in parts if one.missing.ranges},
                "reason": reason,
            }
        )


async def owned(changes: Changes, one: Aggregate, account: int) -> list[int]:
    """Ids of the roots that an account owns, by Sonar's own filters: thin rows from the account down.

    Raises:
        SyncError: from the client.
    """
    descent = changes.descent()
    with asking("snapshot", one.root.name):
        for way in ways_down(one, changes.schema):
            if not way:
                return await changes.present(one.root, Ids.of([account]))
            descent.along(way, [account])
        return await changes.bottom(descent)
