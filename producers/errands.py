"""What capture does beside following: the snapshot, what was ordered to be read again, the signals that order it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import structlog

from clients.sonar import SonarClient
from clients.sonar_ending import SonarEnded
from clients.sonar_errors import SonarForbidden
from plumbing import metrics
from plumbing.clock import utc_now
from plumbing.errors import SyncError
from plumbing.settings import KafkaSettings
from producers.lease import Lease
from producers.needs import SchemaUnfit
from producers.orders import Order, Orders, Work
from producers.pace import rest, sleep
from producers.parts import Parts
from producers.signals import Signals
from producers.snapshot import Snapshot
from schemas.aggregate import Aggregate
from schemas.topics import Topics

log = structlog.get_logger()

_AGAIN_SECONDS = 5.0
_PATIENCE = 12
"""Such pauses at most between two tries of what fails again and again."""


class Errands:
    """One reading after the other, in the order in which they were asked for. Following goes on meanwhile, and wins."""

    def __init__(
        self,
        snapshot: Snapshot,
        parts: Parts,
        orders: Orders,
        aggregates: Sequence[Aggregate],
        client: SonarClient,
        lease: Lease,
        *,
        may_pass: Callable[[SyncError], bool],
        accept: Callable[[Sequence[str]], Awaitable[None]],
    ) -> None:
        """`may_pass`: whether this process can go on after an error. `accept`: believes held deletes."""
        self._snapshot, self._parts, self._orders = snapshot, parts, orders
        self._aggregates, self._client, self._lease = aggregates, client, lease
        self._may_pass, self._accept = may_pass, accept
        self._wishes: asyncio.Queue[Work | None] = asyncio.Queue()
        self._busy = asyncio.Event()
        self._failed: tuple[str, str] | None = None
        """Code and text of the last failure, until something is done: the same is told once."""

    def complete(self) -> None:
        """Ask for what was never read in full."""
        self._wishes.put_nowait(None)

    async def order(self, order: Order, *, anew: bool = False) -> Work:
        """Ask for a part to be read again; the same, where it is asked for already, goes on, but for `anew`."""
        work = await self._orders.take(order, anew=anew)
        if work.order is order:
            self._wishes.put_nowait(work)
        return work

    def resume(self) -> None:
        """Ask again for what was ordered before a restart, and is not done."""
        for work in self._orders.open:
            self._wishes.put_nowait(work)

    @property
    def ended(self) -> bool:
        """Whether nothing is to be read any more."""
        return self._wishes.empty() and not self._busy.is_set()

    @property
    def busy(self) -> bool:
        """Whether something is being read."""
        return self._busy.is_set()

    @contextlib.asynccontextmanager
    async def at_work(
        self, kafka: KafkaSettings, topics: Topics, stop: asyncio.Event, *, endless: bool
    ) -> AsyncIterator[None]:
        """Read, and listen to signals, for as long as the block runs; what goes wrong ends it."""
        idle, ended = asyncio.Event(), asyncio.Event()
        idle.set()
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._read(idle, stop, endless=endless), name="snapshot"),
                    group.create_task(self._listen(kafka, topics, ended), name="signals"),
                ]
                yield
                ended.set()
                # After a stop the page at work is still finished, and its cursor saved.
                await idle.wait()
                tasks[0].cancel()
        except ExceptionGroup as failures:
            raise first_of(failures) from failures

    async def _read(self, idle: asyncio.Event, stop: asyncio.Event, *, endless: bool) -> None:
        tries = 0
        while True:
            wish = await self._wishes.get()
            self._busy.set()
            idle.clear()
            try:
                if await self._try(wish, stop, endless=endless):
                    tries, self._failed = 0, None
                    continue
                tries = min(tries + 1, _PATIENCE)
                await self._pause(tries, stop)
                if not stop.is_set():
                    self._wishes.put_nowait(wish)  # what was asked for meanwhile comes first, or would wait for ever
            finally:
                self._busy.clear()
                idle.set()

    async def _pause(self, tries: int, stop: asyncio.Event) -> None:
        """After each failure in a row a little longer; shorter where something else waits."""
        for _ in range(tries):
            await sleep(stop, _AGAIN_SECONDS)
            await rest(self._client, stop, self._lease.check)
            if stop.is_set() or not self._wishes.empty():
                return

    async def _try(self, wish: Work | None, stop: asyncio.Event, *, endless: bool) -> bool:
        """True when it is done or was stopped; False when Sonar failed, and following goes on meanwhile."""
        finished = True
        try:
            if wish is None:
                await self._snapshot.run(self._aggregates, stop, started=utc_now(), force=None)
            else:
                await self._parts.run(wish, stop)
        except* SonarEnded:
            pass  # it was stopped
        except* SyncError as failures:
            error = first_of(failures)
            assert isinstance(error, SyncError)
            metrics.ERRORS.labels("capture", error.code).inc()
            # What the schema lacks is asked for again once it is found there.
            is_unfit = isinstance(error, SchemaUnfit)
            is_refused = wish is not None and (
                is_unfit or (bool(wish.order.filter) and isinstance(error, SonarForbidden))
            )
            if wish is not None and is_refused:
                await self._parts.give_up(wish, str(error))  # it would be in the way of what is ordered next
            if not endless or not self._may_pass(error):
                raise
            failed = error.code, str(error)
            if failed != self._failed:
                log.warning(
                    "capture.snapshot_interrupted", error=failed[0], reason=failed[1], next_step=error.next_step
                )
            self._failed = failed
            finished = stop.is_set() or is_refused or is_unfit
        return finished

    async def _listen(self, kafka: KafkaSettings, topics: Topics, ended: asyncio.Event) -> None:
        signals = await asyncio.to_thread(Signals, kafka, topics, self._orders.next_signal)
        try:
            if self._orders.next_signal is None:
                await self._orders.heard(signals.start)
            while not ended.is_set():
                heard = await signals.next()
                if heard is None:
                    continue
                if isinstance(heard.signal, Order):
                    await self.order(heard.signal)
                elif heard.signal is not None:
                    await self._accept(heard.signal.collections)
                # Only now: whoever is killed before hears it again.
                await self._orders.heard(heard.next)
        finally:
            signals.close()


def first_of(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error itself instead of the group around it."""
    inner = failures.exceptions[0]
    return first_of(inner) if isinstance(inner, BaseExceptionGroup) else inner
