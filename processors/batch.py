"""The batch engine: many messages at a time over the same pure functions, for replay, what-if and catching up."""

import threading
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from plumbing import metrics
from plumbing.clock import utc_now
from plumbing.errors import Action, DependencyUnreachable, ExitCode, SyncError
from plumbing.garbage import collect_seldom
from plumbing.kafka import AckedProducer, committed_offsets, end_offsets, make_consumer, make_producer
from plumbing.lag import waiting_at
from plumbing.logs import get_logger
from plumbing.settings import Settings
from processors.context import MAPPED, Context, load_context
from processors.history import HistoryLost, check_retained
from processors.letters import STAGE
from processors.output import Output, Summary
from processors.transform import Coordinates, transform
from schemas.topics import Topics

log = get_logger("process")

_BATCH = 500
Place = tuple[str, int]


class GroupTaken(SyncError):
    """The live engine is in the group, or was until a moment ago; the two share no way to divide partitions."""

    code = "processors.group_taken"
    action = Action.HALT
    exit_code = ExitCode.TRY_LATER
    remedy = (
        "Let the live engine do it, or stop it first. Kafka counts a member that has ended for process.session_seconds;"
        " `process --engine batch` and `replay --engine live` wait for that, three times as long, and then say so."
    )


def patience_with_members(settings: Settings) -> float:
    """Seconds for which the processors' group may still have members: far longer than Kafka counts one that ended."""
    return 3 * settings.process.session_seconds


def process_batch(
    settings: Settings,
    *,
    until_end: bool,
    stop: threading.Event | None = None,
    context: Context | None = None,
    patience_seconds: float | None = None,
) -> Summary:
    """Process what the group has not committed yet.

    Args:
        until_end: end when the offsets that were the ends at start are committed; else go on until `stop`.
        patience_seconds: how long a live engine may stay a member of the group; None: `patience_with_members`.

    Raises:
        GroupTaken: it is one still.
        SyncError: the set-up is wrong, or a dependency is away; nothing unacknowledged was committed.
    """
    collect_seldom()
    producer = AckedProducer(make_producer(settings.kafka))
    known = context or load_context(settings, producer, wait_seconds=60)
    try:
        output = Output.open(settings, producer, known.rules.version)
        patience = patience_with_members(settings) if patience_seconds is None else patience_seconds
        return _Run(settings, known, output, patience).run(until_end=until_end, stop=stop or threading.Event())
    finally:
        if context is None:
            known.close()


class _Run:
    """One member of the group, and the batches that it reads."""

    def __init__(self, settings: Settings, context: Context, output: Output, patience_seconds: float) -> None:
        topics = Topics(settings.instance)
        self._context, self._output, self._partitions = context, output, settings.kafka.partitions
        self._names = {topics.sonar(one.name): one.name for one in MAPPED}
        # What lies below the retained messages is an error, never a silent jump.
        self._consumer = make_consumer(settings.kafka, topics.process_group, **{"auto.offset.reset": "error"})
        # A client of its own: asked from within its own rebalance, a consumer waits for itself.
        self._lookup = make_consumer(settings.kafka, topics.process_group)
        self._failure: SyncError | None = None
        self._patience_seconds = patience_seconds
        self._shut_out: float | None = None
        """Since when, by the monotonic clock, the group does not take us in."""
        self._next: dict[Place, int] = {}
        """Where each partition that is ours goes on."""
        self._revoked: set[Place] = set()
        """Partitions that were taken away since messages were last fetched."""

    def run(self, *, until_end: bool, stop: threading.Event) -> Summary:
        try:
            check_retained(self._lookup, self._names, self._partitions)
            ends = {topic: end_offsets(self._lookup, topic, self._partitions) for topic in self._names}
            self._consumer.subscribe(
                list(self._names), on_assign=self._assigned, on_revoke=self._taken, on_lost=self._taken
            )
            while not stop.is_set():
                messages = self._fetch()
                for message in messages:
                    self._process(message)
                if messages:
                    self._output.flush()
                    self._commit()  # at least once: after the flush
                    metrics.LAST_SUCCESS.labels(STAGE).set(utc_now().timestamp())
                elif until_end and self._is_past(ends):
                    break
        except KafkaException as exc:
            raise DependencyUnreachable(f"Kafka does not answer: {exc.args[0].name()}") from exc
        finally:
            self._taken_in()
            self._consumer.close()
            self._lookup.close()
        return self._output.summary

    def _assigned(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        """Called within `consume`: an error raised here would be lost on the way."""
        self._taken_in()
        try:
            for place in places:
                low, _ = end_offsets(self._lookup, place.topic, self._partitions)[place.partition]
                done = committed_offsets(self._lookup, place.topic, self._partitions)
                place.offset = self._next[place.topic, place.partition] = done.get(place.partition, low)
            check_retained(self._lookup, {place.topic for place in places}, self._partitions)
        except SyncError as exc:
            self._failure = exc
        else:
            consumer.assign(places)

    def _taken(self, _: Consumer, places: list[TopicPartition]) -> None:
        for place in places:
            self._next.pop((place.topic, place.partition), None)
            self._revoked.add((place.topic, place.partition))

    def _fetch(self) -> list[Message]:
        """The next messages of partitions that are still ours."""
        self._revoked.clear()
        messages = self._consumer.consume(_BATCH, timeout=0.5)
        if self._failure is not None:
            raise self._failure
        messages = [message for message in messages if not self._is_shut_out(message)]
        for message in messages:
            _raise_error_of(message)
        if not self._revoked:
            return messages
        # Fetched before the partition went, perhaps: another member is at them, or they come again from our commit.
        for topic, partition in self._revoked & self._next.keys():
            self._consumer.seek(TopicPartition(topic, partition, self._next[topic, partition]))
        return [one for one in messages if (one.topic(), one.partition()) not in self._revoked]

    def _is_shut_out(self, message: Message) -> bool:
        """Whether, in place of a message, the group says that a live engine is in it. The client asks it again.

        Raises:
            GroupTaken: it has said so for too long.
        """
        error = message.error()
        if error is None or error.code() != KafkaError.INCONSISTENT_GROUP_PROTOCOL:
            return False
        now = time.monotonic()
        if self._shut_out is None:
            self._shut_out = now
            log.warning("process.waits_for_group", code=GroupTaken.code, seconds=self._patience_seconds)
            metrics.STAGE_PAUSED.labels(STAGE, GroupTaken.code).set(1)
        if now - self._shut_out >= self._patience_seconds:
            raise GroupTaken("the live engine is a member of the processors' group")
        return True

    def _taken_in(self) -> None:
        if self._shut_out is not None:
            self._shut_out = None
            metrics.STAGE_PAUSED.labels(STAGE, GroupTaken.code).set(0)

    def _process(self, message: Message) -> None:
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        assert topic is not None
        assert partition is not None
        assert offset is not None
        at = Coordinates(self._names[topic], topic, partition, offset)
        result = transform(at, _bytes(message.value()), self._context.codecs, self._context.rules)
        self._output.publish(at, _bytes(message.key()), result)
        self._next[topic, partition] = offset + 1

    def _commit(self) -> None:
        places = [TopicPartition(topic, partition, offset) for (topic, partition), offset in self._next.items()]
        try:
            self._consumer.commit(offsets=places, asynchronous=False)
        except KafkaException as exc:
            # The group moved on without us: what was published is published, whoever goes on does it again.
            log.warning("process.commit_refused", error=exc.args[0].name())

    def _is_past(self, ends: dict[str, dict[int, tuple[int, int]]]) -> bool:
        return not any(
            waiting_at(bounds, committed_offsets(self._lookup, topic, self._partitions))
            for topic, bounds in ends.items()
        )


def _raise_error_of(message: Message) -> None:
    error = message.error()
    if error is None:
        return
    if error.code() in {KafkaError.OFFSET_OUT_OF_RANGE, KafkaError._AUTO_OFFSET_RESET}:
        raise HistoryLost(f"the next offset of {message.topic()}[{message.partition()}] is not on the topic")
    raise DependencyUnreachable(f"Kafka refuses to be read: {error.name()}")


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
