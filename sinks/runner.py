"""The sink's process: start-up checks, the consumer loop, what it does about each kind of error, its end."""

import asyncio
import os
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient

from clients.mysql import Database
from clients.splynx import SplynxClient
from plumbing import metrics
from plumbing.avro import Codec, make_registry
from plumbing.errors import Action, ConfigurationError, DependencyUnreachable, SyncError
from plumbing.health import HealthServer
from plumbing.kafka import AckedProducer, make_consumer, make_producer
from plumbing.settings import Settings
from schemas.avro import bundle_schema
from schemas.catalogue import AGGREGATES, TARGETS
from schemas.topics import Topics
from sinks.brake import Brake
from sinks.errors import Deferred, Fenced, GuardsViolated, HistoryLost
from sinks.guards import check_guards
from sinks.intake import Intake
from sinks.letters import DeadLetters
from sinks.payments import Payments, payment_category
from sinks.plan import Outcome
from sinks.preview import Preview
from sinks.rest import RestRecords
from sinks.startup import adopt, check_epoch, define_fields, define_flag_labels, find_adoptions
from sinks.store import Ledger
from sinks.writer import Delivery, Writer

log = structlog.get_logger("sink")

_GUARD_SECONDS = 3600.0
_SETTLE_SECONDS = 10.0
_POLL_INTERVAL_MS = 1_800_000  # a batch over REST, with a slow Splynx, takes minutes; the fence guards what this allows
WRITTEN = tuple(aggregate for aggregate in AGGREGATES if aggregate.targets)
"""Aggregates with a topic of bundles, in load order."""

metrics.preset(metrics.RECORDS, TARGETS, [outcome.value for outcome in Outcome])
metrics.preset(metrics.LAG_MESSAGES, ["sink"], [aggregate.name for aggregate in WRITTEN])


@dataclass
class SinkSummary:
    """What a run did, or would do. Counters of this process; the truth is in the ledger."""

    applied: bool
    consumed: int = 0
    bundles: dict[str, int] = field(default_factory=dict)
    """`{outcome: bundles}`"""
    records: dict[str, dict[str, int]] = field(default_factory=dict)
    """`{entity: {outcome: records}}`"""
    steps: dict[str, dict[str, int]] = field(default_factory=dict)
    """`{entity: {verb: records}}` of a dry run."""
    held: dict[str, dict[str, int]] = field(default_factory=dict)
    """`{entity: {state: records}}` in the ledger at the end."""
    fields: list[str] = field(default_factory=list)
    """Additional fields that were (or would be) defined."""
    labels: list[str] = field(default_factory=list)
    """Flag labels that were (or would be) made."""
    adoptions: dict[str, int] = field(default_factory=dict)
    """`{entity: rows of Splynx that carry Sonar ids unknown to the ledger}`"""


async def run_sink(
    settings: Settings,
    *,
    apply: bool,
    stop: asyncio.Event,
    approve: Iterable[str] = (),
) -> SinkSummary:
    """Run the sink until `stop` is set; without `apply`, count what it would do up to the topics' present end.

    `approve` names what the operator agrees to: `adoption`, `target` (another Splynx than the ledger knew), or the
    entity of a brake.

    Raises:
        GuardsViolated, AdoptionNeeded, ForeignTarget, BrakeApplied, HistoryLost, TooManyDeadLetters and whatever else
        says HALT; Fenced when another sink took over. All of them leave ledger and Splynx in step.
    """
    async with _Parts.open(settings, frozenset(approve)) as parts:
        return await (parts.run(stop) if apply else parts.preview(stop))


class _Parts:
    """What a run is made of."""

    def __init__(
        self,
        settings: Settings,
        approve: frozenset[str],
        client: SplynxClient,
        db: Database,
        ledger: Ledger,
        registry: SchemaRegistryClient,
    ) -> None:
        self._settings, self._approve = settings, approve
        self._client, self._db, self._ledger = client, db, ledger
        self._topics = Topics(settings.instance)
        self._names = [self._topics.splynx(aggregate.name) for aggregate in WRITTEN]
        self._entity = {self._topics.splynx(aggregate.name): aggregate.name for aggregate in WRITTEN}
        self._intake = Intake(
            {self._topics.splynx(aggregate.name): aggregate for aggregate in WRITTEN},
            {
                self._topics.splynx(aggregate.name): Codec(
                    registry, f"{self._topics.splynx(aggregate.name)}-value", bundle_schema(aggregate)
                )
                for aggregate in WRITTEN
            },
        )

    @staticmethod
    @asynccontextmanager
    async def open(settings: Settings, approve: frozenset[str]) -> AsyncIterator["_Parts"]:
        """Connect; everything is closed at the end."""
        at = settings.splynx.db if settings.ledger_beside_rows and settings.splynx.db else settings.ledger_db
        run_id = f"{int(time.time())}-{secrets.token_hex(4)}"
        with make_registry(settings.registry) as registry:
            async with SplynxClient(settings.splynx) as client, Database(at) as db:
                yield _Parts(settings, approve, client, db, Ledger(settings.ledger_db.name, run_id), registry)

    # dry

    async def preview(self, stop: asyncio.Event) -> SinkSummary:
        summary = SinkSummary(applied=False)
        async with self._db.session() as tx:
            exists = await self._ledger.exists(tx)
        summary.fields = await define_fields(self._client, list(TARGETS.values()), apply=False)
        summary.labels = await define_flag_labels(self._client, self._db, self._ledger, apply=False)
        for one in await find_adoptions(self._client, self._db, self._ledger, TARGETS, ledger_exists=exists):
            summary.adoptions[one.entity] = summary.adoptions.get(one.entity, 0) + 1
        preview = Preview(self._db, self._ledger, ledger_exists=exists, money=self._settings.splynx.disposable)
        # A group of its own that never commits: the sink's own offsets stay where they are.
        consumer = make_consumer(self._settings.kafka, f"{self._topics.sink_group}.preview")
        try:
            left = await self._places(consumer, exists)
            await asyncio.to_thread(
                consumer.assign, [TopicPartition(t, p, first) for (t, p), (first, _) in left.items()]
            )
            ends = {place: end for place, (first, end) in left.items() if first < end}
            while ends and not stop.is_set():
                messages = await self._poll(consumer)
                await preview.look(self._intake.take(messages))
                summary.consumed += len(messages)
                for tp in await asyncio.to_thread(consumer.position, [TopicPartition(t, p) for t, p in ends]):
                    if tp.offset >= ends.get((tp.topic, tp.partition), 0):
                        ends.pop((tp.topic, tp.partition), None)
            summary.held = await self._held() if exists else {}
        finally:
            await asyncio.to_thread(consumer.close)
        summary.bundles = dict(preview.counts.bundles)
        summary.records = _nested(preview.counts.records)
        summary.steps = _nested(preview.steps)
        return summary

    async def _places(self, consumer: Consumer, exists: bool) -> dict[tuple[str, int], tuple[int, int]]:
        """`{(topic, partition): (first to read, end)}`."""
        places = {}
        for topic in self._names:
            done: dict[int, int] = {}
            if exists:
                async with self._db.session() as tx:
                    done = await self._ledger.checkpoints(tx, topic)
            for partition in range(await self._partitions(consumer, topic)):
                low, high = await asyncio.to_thread(_watermarks, consumer, topic, partition)
                places[(topic, partition)] = (max(low, done.get(partition, low)), high)
        return places

    async def _partitions(self, consumer: Consumer, topic: str) -> int:
        try:
            told = await asyncio.to_thread(consumer.list_topics, topic, 30)
        except KafkaException as exc:
            raise DependencyUnreachable(f"Kafka does not answer for {topic}: {exc.args[0].name()}") from exc
        count = len(told.topics[topic].partitions) if topic in told.topics else 0
        if not count:
            raise ConfigurationError(f"topic {topic} does not exist", remedy="Run `crossfade topics --apply`.")
        return count

    # for real

    async def run(self, stop: asyncio.Event) -> SinkSummary:
        summary = SinkSummary(applied=True)
        await self._guard()
        async with self._db.session() as tx:
            await self._ledger.create(tx)
        adoptions = await find_adoptions(self._client, self._db, self._ledger, TARGETS, ledger_exists=True)
        await adopt(self._db, self._ledger, AGGREGATES, adoptions, approve="adoption" in self._approve)
        approved = bool({"target", "adoption"} & self._approve)
        await check_epoch(self._client, self._db, self._ledger, approve=approved)
        summary.fields = await define_fields(self._client, list(TARGETS.values()), apply=True)
        summary.labels = await define_flag_labels(self._client, self._db, self._ledger, apply=True)
        payments = None
        if self._settings.ledger_beside_rows:
            async with self._db.session() as tx:
                payments = Payments(await payment_category(tx))
                if self._settings.splynx.disposable:
                    await self._ledger.release_deferred(tx, Deferred.code)
        letters = DeadLetters(
            AckedProducer(make_producer(self._settings.kafka)), self._topics, self._settings.sink.dead_letter_budget
        )
        rest = RestRecords(self._client, self._db, self._ledger, TARGETS)
        writer = Writer(
            db=self._db,
            ledger=self._ledger,
            rest=rest,
            payments=payments,
            letters=letters,
            aggregates=AGGREGATES,
            targets=TARGETS,
            brake=Brake(self._settings.sink.gone_share, self._settings.sink.gone_at_least, self._approve),
            disposable=self._settings.splynx.disposable,
            concurrency=self._settings.splynx.concurrency,
            parked_hours=self._settings.sink.parked_hours,
        )
        wrong: dict[str, str] = {"start": "not yet assigned"}
        http = self._settings.http
        with HealthServer(http.host, http.sink_port, ready=lambda: dict(wrong)):
            await _Loop(self, writer, rest, wrong).run(stop, summary)
        summary.bundles = dict(writer.counts.bundles)
        summary.records = _nested(writer.counts.records)
        summary.held = await self._held()
        return summary

    async def _guard(self) -> None:
        violations = await check_guards(self._client, self._settings.guards)
        if violations:
            told = "; ".join(f"{one.name} {one.problem}" for one in violations)
            raise GuardsViolated(f"{len(violations)} guards of Splynx do not hold: {told}")

    async def _held(self) -> dict[str, dict[str, int]]:
        async with self._db.session() as tx:
            counts = await self._ledger.held_counts(tx)
        for (entity, state), count in counts.items():
            metrics.HELD_RECORDS.labels(entity, state).set(count)
        return _nested(counts)

    async def _poll(self, consumer: Consumer) -> list[Message]:
        sink = self._settings.sink
        try:
            messages = await asyncio.to_thread(consumer.consume, sink.batch, sink.batch_wait_seconds)
        except KafkaException as exc:
            raise DependencyUnreachable(f"Kafka does not answer: {exc.args[0].name()}") from exc
        good = []
        for message in messages:
            error = message.error()
            if error is None:
                good.append(message)
            elif error.code() in {KafkaError.OFFSET_OUT_OF_RANGE, KafkaError._AUTO_OFFSET_RESET}:
                raise HistoryLost(f"the next offset of {message.topic()} is not on the topic")
            elif error.fatal() or error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise DependencyUnreachable(f"Kafka refuses to be read: {error.name()}")
        return good


class _Loop:
    """Assignment with its fence, batches, retries."""

    def __init__(self, parts: _Parts, writer: Writer, rest: RestRecords, wrong: dict[str, str]) -> None:
        self._parts, self._writer, self._rest, self._wrong = parts, writer, rest, wrong
        self._failure: SyncError | None = None
        # A client of its own: asked from within its own rebalance, a consumer waits for itself.
        self._lookup = make_consumer(parts._settings.kafka, f"{parts._topics.sink_group}.lookup")

    async def run(self, stop: asyncio.Event, summary: SinkSummary) -> None:
        parts = self._parts
        # What lies below the retained messages is an error, never a silent jump.
        consumer = make_consumer(
            parts._settings.kafka,
            parts._topics.sink_group,
            **{"auto.offset.reset": "error", "max.poll.interval.ms": _POLL_INTERVAL_MS},
        )
        loop = asyncio.get_running_loop()

        def assigned(consumer: Consumer, places: list[TopicPartition]) -> None:
            # Called inside consume(), which runs in a thread; the loop is free meanwhile.
            try:
                asyncio.run_coroutine_threadsafe(self._take(places), loop).result()
            except SyncError as exc:
                self._failure = exc
            else:
                consumer.assign(places)

        def revoked(_: Consumer, __: list[TopicPartition]) -> None:
            self._writer.tokens.clear()
            self._wrong["assignment"] = "no partition is assigned"

        guarded = settled = time.monotonic()
        try:
            consumer.subscribe(parts._names, on_assign=assigned, on_revoke=revoked, on_lost=revoked)
            while not stop.is_set():
                messages = await parts._poll(consumer)
                if self._failure is not None:
                    raise self._failure
                if time.monotonic() - guarded > _GUARD_SECONDS:
                    await parts._guard()
                    guarded = time.monotonic()
                if messages:
                    await self._insist(stop, partial(self._batch, consumer, messages))
                    summary.consumed += len(messages)
                if self._writer.tokens and (messages or time.monotonic() - settled > _SETTLE_SECONDS):
                    while not stop.is_set() and await self._insist(stop, self._writer.settle):
                        pass
                    await parts._held()
                    settled = time.monotonic()
                self._lag(consumer)
        finally:
            await asyncio.to_thread(consumer.close)
            await asyncio.to_thread(self._lookup.close)

    async def _take(self, places: list[TopicPartition]) -> None:
        """Become the writer of these partitions: fence, old intents, and where to go on from."""
        parts, ledger = self._parts, self._parts._ledger
        async with parts._db.transaction() as tx:
            for partition in sorted({place.partition for place in places}):
                owner = f"{os.uname().nodename}:{os.getpid()}"[:64]
                self._writer.tokens[partition] = await ledger.take(tx, partition, owner)
        await self._heal()
        for place in places:
            async with parts._db.session() as tx:
                done = (await ledger.checkpoints(tx, place.topic)).get(place.partition)
            low, high = await asyncio.to_thread(_watermarks, self._lookup, place.topic, place.partition)
            if done is not None and not low <= done <= high:
                raise HistoryLost(f"{place.topic}[{place.partition}] goes on from {done}, but holds {low} to {high}")
            place.offset = OFFSET_BEGINNING if done is None else done
        self._wrong.clear()

    async def _heal(self) -> None:
        """Find out what became of calls whose answer was lost, by whoever made them."""
        async with self._parts._db.session() as tx:
            intents = await self._parts._ledger.open_intents(tx, self._writer.tokens)
        for intent in intents:
            await self._rest.heal(intent)

    async def _batch(self, consumer: Consumer, messages: list[Message]) -> int:
        deliveries: list[Delivery] = self._parts._intake.take(messages)
        await self._writer.write(deliveries)
        # At least once: the ledger has the batch, so an offset that is not committed costs a look at it, no more.
        newest: dict[tuple[str, int], int] = {}
        for one in deliveries:
            newest[(one.topic, one.partition)] = max(newest.get((one.topic, one.partition), 0), one.offset + 1)
        places = [TopicPartition(topic, partition, offset) for (topic, partition), offset in newest.items()]
        try:
            await asyncio.to_thread(lambda: consumer.commit(offsets=places, asynchronous=False))
        except KafkaException as exc:
            log.warning("sink.commit_refused", error=exc.args[0].name())
        metrics.LAST_SUCCESS.labels("sink").set_to_current_time()
        for one in deliveries:
            metrics.MESSAGES.labels("sink", one.aggregate.name, "consumed").inc()
        return len(deliveries)

    async def _insist(self, stop: asyncio.Event, work: Any) -> int:
        """Do it again while the error says so; the consumer stands still meanwhile.

        Raises:
            Fenced: at once. Whatever says HALT: at once.
        """
        pause = 0.5
        while True:
            try:
                result = int(await work())
            except SyncError as exc:
                metrics.ERRORS.labels("sink", exc.code).inc()
                if exc.action is not Action.RETRY or isinstance(exc, Fenced):
                    raise
                log.warning("sink.waits", error=exc.code, seconds=pause)
                metrics.STAGE_PAUSED.labels("sink", exc.code).set(1)
                self._wrong["paused"] = exc.code
                if stop.is_set():
                    return 0
                try:
                    await asyncio.wait_for(stop.wait(), pause)
                except TimeoutError:
                    pass
                else:
                    return 0
                pause = min(pause * 2, 30)
                try:
                    await self._heal()
                except SyncError as again:
                    log.warning("sink.waits", error=again.code, seconds=pause)
                metrics.STAGE_PAUSED.labels("sink", exc.code).set(0)
            else:
                self._wrong.pop("paused", None)
                return result

    def _lag(self, consumer: Consumer) -> None:
        lag: Counter[str] = Counter()
        try:
            for tp in consumer.position(consumer.assignment()):
                _, high = consumer.get_watermark_offsets(tp, cached=True)
                if tp.offset >= 0 and high >= 0:
                    lag[self._parts._entity[tp.topic]] += max(0, high - tp.offset)
        except KafkaException:
            return
        for aggregate in WRITTEN:
            metrics.LAG_MESSAGES.labels("sink", aggregate.name).set(lag[aggregate.name])


def _watermarks(consumer: Consumer, topic: str, partition: int) -> tuple[int, int]:
    """Oldest offset kept and offset after the newest message; asked again while leaders are being elected.

    Raises:
        DependencyUnreachable: no answer after a while.
    """
    for pause in (0.2, 0.5, 1.0, 2.0, 0.0):
        try:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
        except KafkaException as exc:
            if not pause:
                raise DependencyUnreachable(f"Kafka does not answer for {topic}: {exc.args[0].name()}") from exc
            time.sleep(pause)
        else:
            return low, high
    raise AssertionError("unreachable")


def _nested(counts: Any) -> dict[str, dict[str, int]]:
    result: dict[str, dict[str, int]] = {}
    for (first, second), count in sorted(counts.items()):
        result.setdefault(first, {})[second] = count
    return result
