"""The parts of capture put together: snapshot and following at work, the signals they obey, the watermark they give."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import orjson
import structlog

from clients.sonar import SonarClient
from clients.sonar_errors import SonarForbidden, SonarQuiet
from plumbing import metrics
from plumbing.clock import utc_now
from plumbing.errors import Action, SyncError
from plumbing.kafka import AckedProducer, DeliveryFailed, make_producer
from plumbing.settings import Settings
from producers.changes import Changes, followed
from producers.cursors import Cursors
from producers.following import Following
from producers.index import Index
from producers.lease import Lease
from producers.pace import pause_after
from producers.publisher import Publisher
from producers.reader import NESTED_PAGE, Reader
from producers.sequence import Sequence as Numbers
from producers.signals import ACCEPT_DELETES, SNAPSHOT, Signals
from producers.snapshot import Snapshot
from producers.source import read_source
from producers.standing import read_standing
from schemas.aggregate import Aggregate
from schemas.catalogue import captured
from schemas.topics import Topics
from schemas.watermark import Watermark

log = structlog.get_logger()

SnapshotWish = Literal["auto", "force"]
_AGAIN_SECONDS = 5.0
_QUIET_LOOK_SECONDS = 30.0


@dataclass
class CaptureSummary:
    """What one run of capture did."""

    run_id: str = ""
    events: dict[str, dict[str, int]] = field(default_factory=dict)
    """`{aggregate: {op: events acknowledged}}`."""
    snapshot: dict[str, tuple[int, int | None]] = field(default_factory=dict)
    """`{aggregate: (rows read, rows in all)}`."""
    snapshot_complete: bool = False
    requests: int = 0
    seconds: float = 0.0
    watermark: Watermark | None = None
    """The last one published."""
    signal_id: str | None = None
    """Set when another process holds the lease and was asked to do the snapshot; nothing was read here."""


class Capture:
    """The parts of one run, put together."""

    def __init__(
        self,
        settings: Settings,
        client: SonarClient,
        lease: Lease,
        publisher: Publisher,
        snapshot: Snapshot,
        following: Following,
        numbers: Numbers,
        producer: AckedProducer,
        run_id: str,
    ) -> None:
        self._aggregates = captured(settings.sonar.leave_out)
        self._settings, self._client, self._lease, self._producer = settings, client, lease, producer
        self._publisher, self._snapshot, self._following, self._numbers = publisher, snapshot, following, numbers
        self._topics = Topics(settings.instance)
        self._run_id = run_id
        self._watermark: Watermark | None = None
        self._wishes: asyncio.Queue[list[str]] = asyncio.Queue()

    @classmethod
    async def open(cls, settings: Settings, client: SonarClient, lease: Lease) -> "Capture":
        """Read Sonar's schema, the cursors and the index, and reserve a sequence. Needs the lease.

        Raises:
            ConfigurationError, SyncError: see `run_capture`.
        """
        topics, kafka, run_id = Topics(settings.instance), settings.kafka, secrets.token_hex(8)
        aggregates = captured(settings.sonar.leave_out)
        source = await read_source(client, aggregates, NESTED_PAGE)
        producer = AckedProducer(make_producer(kafka))
        cursors = await asyncio.to_thread(Cursors.load, kafka, topics, producer)
        numbers = Numbers(cursors)
        standing = await asyncio.to_thread(read_standing, settings)
        await numbers.reserve(client.server_time, standing.newest)
        index = await asyncio.to_thread(Index.load, kafka, topics, standing.children_partitions, producer)
        reader = Reader(
            client,
            source.schema,
            numbers,
            source.selections,
            aggregates,
            page_size=settings.sonar.page_size,
            node_limit=settings.sonar.node_limit,
        )
        publisher = Publisher(
            topics,
            standing.partitions,
            producer,
            standing.codecs,
            index,
            run_id=run_id,
            fingerprint=source.fingerprint,
            offsets=standing.ends,
        )
        # Twice as many ranges as requests at a time: while some publish, the others ask.
        snapshot = Snapshot(reader, publisher, cursors, lease, ways=2 * settings.sonar.concurrency, run_id=run_id)
        following = Following(
            Changes(client, followed(aggregates, source.schema)),
            reader,
            publisher,
            index,
            cursors,
            lease,
            aggregates=aggregates,
            safety_lag=timedelta(seconds=settings.sonar.safety_lag_seconds),
            sweep_every=timedelta(hours=settings.sonar.sweep_hours),
            delete_share=settings.sonar.delete_share,
            server_time=lambda: client.server_time,
        )
        log.info("capture.started", run_id=run_id, epoch=numbers.epoch, fingerprint=source.fingerprint)
        if following.low is None:
            await following.begin(client.server_time)
        following.tell()
        return cls(settings, client, lease, publisher, snapshot, following, numbers, producer, run_id)

    async def run(
        self, *, snapshot: SnapshotWish | None, endless: bool, stop: asyncio.Event, only: list[str] | None
    ) -> CaptureSummary:
        """Snapshot and follow at the same time until `stop`, or (not `endless`) until both have come to their end."""
        chosen = [one for one in self._aggregates if only is None or one.name in only]
        if snapshot is not None:
            self._wishes.put_nowait([snapshot, *(one.name for one in chosen)])
        async with self._workers(stop, endless=endless) as snapshotting:
            while not stop.is_set():
                self._lease.check()
                if endless:
                    await rest(self._client, stop)
                finished = self._wishes.empty() and not snapshotting.is_set()
                began = time.monotonic()
                polled = await self._poll(endless=endless)
                took = time.monotonic() - began
                if polled and finished and not endless:
                    break
                pause = pause_after(took, self._settings.sonar.poll_seconds, snapshotting=snapshotting.is_set())
                await _sleep(stop, pause)
        return self._summary(chosen)

    @contextlib.asynccontextmanager
    async def _workers(self, stop: asyncio.Event, *, endless: bool) -> AsyncIterator[asyncio.Event]:
        """The snapshot worker and the reader of signals, for as long as the block runs; their errors end it."""
        busy, idle, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        idle.set()
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._snapshots(busy, idle, stop, endless=endless), name="snapshot"),
                    group.create_task(self._signals(ended), name="signals"),
                ]
                yield busy
                ended.set()
                # After a stop the page at work is still finished, and its cursor saved.
                await idle.wait()
                tasks[0].cancel()
        except ExceptionGroup as failures:
            raise _first(failures) from failures

    async def _snapshots(self, busy: asyncio.Event, idle: asyncio.Event, stop: asyncio.Event, *, endless: bool) -> None:
        while True:
            wish = await self._wishes.get()
            busy.set()
            idle.clear()
            aggregates = [one for one in self._aggregates if one.name in wish[1:]]
            order = secrets.token_hex(8) if wish[0] == "force" else None
            try:
                while not await self._try_snapshot(aggregates, order, stop, endless=endless):
                    await _sleep(stop, _AGAIN_SECONDS)
                    await rest(self._client, stop)
            finally:
                busy.clear()
                idle.set()

    async def _try_snapshot(
        self, aggregates: Sequence[Aggregate], order: str | None, stop: asyncio.Event, *, endless: bool
    ) -> bool:
        """True when it is complete or was stopped; False when Sonar failed, and following goes on meanwhile."""
        finished = True
        try:
            await self._snapshot.run(aggregates, stop, started=utc_now(), force=order)
        except* SyncError as failures:
            error = _first(failures)
            assert isinstance(error, SyncError)
            metrics.ERRORS.labels("capture", error.code).inc()
            if not endless or not self._may_pass(error):
                raise
            log.warning("capture.snapshot_interrupted", error=error.code, reason=str(error), next_step=error.next_step)
            finished = stop.is_set()
        return finished

    def _may_pass(self, error: SyncError) -> bool:
        """Whether this process can go on after an error: Sonar's troubles pass, a lost message or lease does not.

        What the token may not read stands still by itself; the rest goes on.
        """
        passing = error.action is Action.RETRY or isinstance(error, SonarForbidden)
        return passing and not isinstance(error, DeliveryFailed) and self._lease.held

    async def _signals(self, ended: asyncio.Event) -> None:
        signals = await asyncio.to_thread(Signals, self._settings.kafka, self._topics)
        try:
            while not ended.is_set():
                signal = await signals.next()
                if signal is not None and signal.kind == SNAPSHOT:
                    log.info("capture.snapshot_ordered", aggregates=signal.names)
                    self._wishes.put_nowait(["force", *signal.names])
                elif signal is not None:
                    await self.accept_deletes(signal.names)
        finally:
            signals.close()

    async def accept_deletes(self, collections: Sequence[str]) -> None:
        """Believe the deletes that the brake holds of these collections, and leave a record of it."""
        for name, held in (await self._following.accept_deletes(collections)).items():
            log.warning("capture.deletes_accepted", collection=name, missing=held.missing, known=held.known)
            record = {"type": ACCEPT_DELETES, "at": utc_now().isoformat(), "run_id": self._run_id, "collection": name}
            self._producer.produce(
                self._topics.notifications, partition=0, key=b"capture", value=orjson.dumps(record | held._asdict())
            )

    async def _poll(self, *, endless: bool) -> bool:
        """One poll and its watermark; False when Sonar failed in a way that may pass.

        A run that would end waits for no quiet hours to be over: it is begun again after them.
        """
        read_started = utc_now()
        complete = self._snapshot.is_complete(self._aggregates)
        self._snapshot.gate.clear()
        try:
            covered = await self._following.poll(sweeping=complete)
        except SyncError as exc:
            metrics.ERRORS.labels("capture", exc.code).inc()
            if not self._may_pass(exc) or (isinstance(exc, SonarQuiet) and not endless):
                raise
            log.warning("capture.poll_failed", error=exc.code)
            return False
        finally:
            self._snapshot.gate.set()
        await self._publish_watermark(covered, read_started, complete)
        metrics.LAST_SUCCESS.labels("capture").set_to_current_time()
        return True

    async def _publish_watermark(self, covered: datetime, read_started: datetime, complete: bool) -> None:
        watermark = Watermark(
            source_time=covered,
            deletes_time=self._following.deletes_low,
            read_started=read_started,
            sequence=self._numbers.next,
            snapshot_complete=complete,
            offsets={topic: dict(ends) for topic, ends in self._publisher.offsets.items()},
        )
        self._lease.check()
        self._producer.produce(
            self._topics.watermarks, partition=0, key=b"watermark", value=watermark.model_dump_json().encode()
        )
        await asyncio.to_thread(self._producer.flush)
        self._watermark = watermark

    def _summary(self, chosen: Sequence[Aggregate]) -> CaptureSummary:
        events: dict[str, dict[str, int]] = {}
        for (name, op), count in self._publisher.counts.items():
            events.setdefault(name, {})[op] = count
        progress = {one.name: self._snapshot.progress(one) for one in chosen}
        return CaptureSummary(
            run_id=self._run_id,
            events=events,
            snapshot={name: (one.read, one.total) for name, one in progress.items() if one is not None},
            snapshot_complete=self._snapshot.is_complete(chosen),
            requests=self._client.requests,
            watermark=self._watermark,
        )


async def rest(client: SonarClient, stop: asyncio.Event) -> None:
    """Wait for the end of the quiet hours, where these are such; or until `stop`."""
    while not stop.is_set() and (until := client.quiet_until) is not None:
        # In steps: clocks are set, and settings name hours of the clock on the wall.
        await _sleep(stop, min(_QUIET_LOOK_SECONDS, max(0.1, (until - utc_now()).total_seconds())))


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error itself instead of the group around it."""
    inner = failures.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
