"""The parts of capture put together: snapshot and following at work, the signals they obey, the watermark they give."""

import asyncio
import secrets
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog

from clients.sonar import SonarClient
from clients.sonar_ending import SonarEnded
from clients.sonar_errors import SonarForbidden, SonarQueryInvalid, SonarQuiet
from plumbing import metrics
from plumbing.clock import utc_now
from plumbing.errors import Action, SyncError
from plumbing.kafka import AckedProducer, DeliveryFailed, make_producer
from plumbing.settings import Settings, WebhookSettings
from producers.changes import Changes
from producers.cursors import Cursors
from producers.drift import Drift
from producers.errands import Errands
from producers.fitting import Fitting
from producers.followed import followed
from producers.following import Following
from producers.identity import Identity
from producers.index import Index
from producers.lease import Lease
from producers.needs import SchemaUnfit
from producers.nested import NESTED_PAGE
from producers.orders import Order, Orders, Work
from producers.pace import pause_after, rest, sleep
from producers.parts import Parts
from producers.publisher import Publisher
from producers.reader import Reader
from producers.sequence import Sequence as Numbers
from producers.signals import ACCEPT_DELETES, notify
from producers.snapshot import Snapshot, progress_of
from producers.source import read_source
from producers.standing import read_standing
from producers.summary import CaptureSummary
from producers.telling import Telling
from producers.unsure import require
from schemas.catalogue import captured
from schemas.topics import Topics
from schemas.watermark import Watermark

log = structlog.get_logger()


class Capture:
    """The parts of one run, put together."""

    def __init__(
        self,
        settings: Settings,
        client: SonarClient,
        lease: Lease,
        publisher: Publisher,
        snapshot: Snapshot,
        changes: Changes,
        following: Following,
        cursors: Cursors,
        numbers: Numbers,
        producer: AckedProducer,
        fitting: Fitting,
        telling: Telling,
        run_id: str,
    ) -> None:
        self._aggregates = captured(settings.sonar.leave_out)
        self._settings, self._client, self._lease, self._producer = settings, client, lease, producer
        self._publisher, self._snapshot, self._following, self._numbers = publisher, snapshot, following, numbers
        self._topics = Topics(settings.instance)
        self._run_id = run_id
        self._notify = partial(notify, producer, self._topics, run_id)
        self._watermark: Watermark | None = None
        self._orders = Orders(cursors)
        self._errands = Errands(
            snapshot,
            Parts(snapshot, changes, self._orders, self._aggregates, self._notify),
            self._orders,
            self._aggregates,
            client,
            lease,
            may_pass=self._may_pass,
            accept=self.accept_deletes,
        )
        self._fitting, self._telling = fitting, telling

    @classmethod
    async def open(cls, settings: Settings, client: SonarClient, lease: Lease) -> "Capture":
        """Read Sonar's schema, the cursors and the index, and reserve a sequence. Needs the lease.

        Raises:
            ConfigurationError, SyncError: see `run_capture`.
        """
        topics, kafka, run_id = Topics(settings.instance), settings.kafka, secrets.token_hex(8)
        aggregates = captured(settings.sonar.leave_out)
        carried = settings.secrets.carry
        source = await read_source(client, aggregates, NESTED_PAGE, carried=carried)
        producer = AckedProducer(make_producer(kafka))
        cursors = await asyncio.to_thread(Cursors.load, kafka, topics, producer, lease.check)
        identity, numbers = await Identity.checked(client, source.schema, cursors), Numbers(cursors)
        standing = await asyncio.to_thread(read_standing, settings)
        await numbers.reserve(client.server_time, standing.newest)
        await identity.keep()
        index = await asyncio.to_thread(Index.load, kafka, topics, standing.children_partitions, producer)
        require(index, (progress.read for one in aggregates if (progress := progress_of(cursors, one)) is not None))
        reader = Reader(
            client,
            source.schema,
            numbers,
            source.selections,
            aggregates,
            page_size=settings.sonar.page_size,
            node_limit=settings.sonar.node_limit,
            sealer=settings.secrets.sealer,
        )
        publisher = Publisher(
            topics,
            standing.partitions,
            producer,
            standing.codecs,
            index,
            cursors,
            run_id=run_id,
            fingerprint=source.fingerprint,
            offsets=standing.ends,
        )
        drift = Drift(
            client,
            aggregates,
            cursors,
            source,
            partial(notify, producer, topics, run_id),
            first=NESTED_PAGE,
            every=timedelta(minutes=settings.sonar.schema_minutes),
            carried=carried,
        )
        snapshot = Snapshot(reader, publisher, cursors, lease, ways=settings.sonar.concurrency, run_id=run_id)
        fit = [one for one in aggregates if one.name in source.selections]
        changes = Changes(client, followed(fit, source.schema), source.schema)
        following = Following(
            changes,
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
        fitting = Fitting(drift, reader, publisher, following, aggregates)
        capture = cls(
            settings,
            client,
            lease,
            publisher,
            snapshot,
            changes,
            following,
            cursors,
            numbers,
            producer,
            fitting,
            Telling(cursors, aggregates, index, following, drift, client, run_id=run_id),
            run_id,
        )
        if again := (await fitting.begin()).again:
            await capture._orders.take(Order(again), anew=True)
        await drift.keep()  # at least once: what has to be read again is ordered by now
        if following.low is None:
            await following.begin(client.server_time)
        following.tell()
        return capture

    async def run(self, *, completing: bool, order: Order | None, endless: bool, stop: asyncio.Event) -> CaptureSummary:
        """Snapshot and follow at the same time until `stop`, or (not `endless`) until both have come to their end.

        `completing`: with what was never read in full. What was ordered earlier and is not done comes before `order`.
        """
        if completing:
            self._errands.complete()
        self._errands.resume()
        work = None if order is None else await self._errands.order(order)
        from producers.webhook import WebhookServer  # with aiohttp, which takes a fifth of a command's start

        webhook = self._settings.webhook if endless else WebhookSettings()
        async with (
            WebhookServer(webhook, self._following.hints.take),
            self._errands.at_work(self._settings.kafka, self._topics, stop, endless=endless),
        ):
            while not stop.is_set():
                self._lease.check()
                if endless:
                    await rest(self._client, stop, self._lease.check)
                finished = self._errands.ended
                began = time.monotonic()
                polled = await self._poll(endless=endless)
                took = time.monotonic() - began
                if polled and finished and not endless:
                    break
                pause = pause_after(took, self._settings.sonar.poll_seconds, snapshotting=self._errands.busy)
                await sleep(stop, pause)
        if self._lease.held:
            await self._telling.keep(now=True)
        return self._summary(work)

    async def _look_at_schema(self) -> None:
        change = await self._fitting.look()
        if change is not None:
            self._errands.complete()
        if change is not None and change.again:
            await self._errands.order(Order(change.again), anew=True)
        await self._fitting.drift.keep()

    def _may_pass(self, error: SyncError) -> bool:
        """Whether this process can go on after an error: Sonar's troubles pass, a lost message or lease does not.

        What the token may not read stands still by itself; the rest goes on.
        """
        passing = error.action is Action.RETRY or isinstance(error, SonarForbidden | SchemaUnfit)
        # A document of ours that Sonar does not understand any more: its schema tells what has become of it.
        passing = passing or (isinstance(error, SonarQueryInvalid) and self._fitting.drift.doubt())
        return passing and not isinstance(error, DeliveryFailed) and self._lease.held

    async def accept_deletes(self, collections: Sequence[str]) -> None:
        """Believe the deletes that the brake holds of these collections, and leave a record of it."""
        for name, held in (await self._following.accept_deletes(collections)).items():
            log.warning("capture.deletes_accepted", collection=name, missing=held.missing, known=held.known)
            record = {"type": ACCEPT_DELETES, "at": utc_now().isoformat(), "collection": name}
            self._notify(record | held._asdict())

    async def _poll(self, *, endless: bool) -> bool:
        """One poll and its watermark; False when Sonar failed in a way that may pass.

        A run that would end waits for no quiet hours to be over: it is begun again after them.
        """
        read_started = utc_now()
        complete = self._snapshot.is_complete(self._aggregates)
        self._snapshot.gate.clear()
        try:
            await self._look_at_schema()
            read = {one.name for one in self._fitting.fit if self._snapshot.is_complete([one])}
            covered = await self._following.poll(sweeping=read)
            self._fitting.drift.believe()
        except SonarEnded:
            return False
        except SyncError as exc:
            metrics.ERRORS.labels("capture", exc.code).inc()
            if not self._may_pass(exc) or (isinstance(exc, SonarQuiet) and not endless):
                raise
            log.warning("capture.poll_failed", error=exc.code)
            return False
        finally:
            self._snapshot.gate.set()
        await self._publish_watermark(covered, read_started, complete)
        await self._telling.keep()
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

    def _summary(self, work: Work | None) -> CaptureSummary:
        events: dict[str, dict[str, int]] = {}
        for (name, op), count in self._publisher.counts.items():
            events.setdefault(name, {})[op] = count
        if work is not None:
            read = {name: (one.read, one.total) for name, one in work.parts.items()}
        else:
            progress = {one.name: self._snapshot.progress(one) for one in self._aggregates}
            read = {name: (one.read, one.total) for name, one in progress.items() if one is not None}
        complete = self._snapshot.is_complete(self._aggregates) if work is None else work not in self._orders.open
        missing = {} if work is None else {name: one.missing.shown() for name, one in work.parts.items()}
        return CaptureSummary(
            run_id=self._run_id,
            events=events,
            snapshot=read,
            snapshot_complete=complete,
            missing={name: ids for name, ids in missing.items() if ids},
            standing=self._following.standing,
            requests=self._client.requests,
            watermark=self._watermark,
        )
