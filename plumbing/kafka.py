"""Kafka clients configured one way: idempotent producers, consumers that commit by hand, the partition of a key."""

import time
from collections.abc import Callable, Collection, Iterable
from functools import lru_cache, partial
from itertools import islice
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient

from plumbing.errors import Action, DependencyUnreachable, ExitCode, SyncError
from plumbing.murmur import murmur2
from plumbing.settings import KafkaSettings

_LOOK_SECONDS = 0.1
_LEADER_PAUSES = (0.2, 0.5, 1.0, 2.0)
_NO_LEADER = frozenset(
    {KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE, KafkaError.UNKNOWN_TOPIC_OR_PART}
)
"""What a broker says of a partition that was just made, or moves."""


class DeliveryFailed(SyncError):
    """The broker did not take a message. The process ends and resumes from what was acknowledged."""

    code = "kafka.delivery_failed"
    action = Action.RETRY
    exit_code = ExitCode.UNREACHABLE
    remedy = (
        "Bring the broker back. A process that ended is started again, by its supervisor or by the same command: it"
        " goes on from what was acknowledged, and nothing is lost."
    )


class NotAcknowledged(DeliveryFailed):
    """The broker has not acknowledged everything in time. Nothing is lost: the messages are still on their way."""

    code = "kafka.not_acknowledged"


def is_lost(error: SyncError) -> bool:
    """Whether the broker refused a message: waiting does not help, for this producer goes on from nothing any more."""
    return isinstance(error, DeliveryFailed) and not isinstance(error, NotAcknowledged)


@lru_cache(maxsize=16_384)
def partition_of(key: int | str, partitions: int) -> int:
    """The partition of an account (or, for what no account owns, of the record): murmur2 of its id as text.

    The same as Java's default partitioner computes for a string key, so that other Kafka tools agree. Remembered, for
    an account's events are many, and the hash is plain Python.
    """
    return (murmur2(str(key).encode()) & 0x7FFFFFFF) % partitions


def client_config(kafka: KafkaSettings) -> dict[str, Any]:
    """librdkafka's settings that every client of ours shares: address, TLS, SASL."""
    config: dict[str, Any] = {
        "bootstrap.servers": kafka.bootstrap,
        "security.protocol": kafka.security_protocol,
        "log_level": 3,
        # Each try writes a line of librdkafka's; by default it tries twenty times a second while a caller waits.
        "reconnect.backoff.ms": 1_000,
        # Else a client that needs a broker connects to one of those it knows, and then to no other for half of that
        # pause. What the first one is asked is lost as soon as it tells its true name, so each new client stood still
        # for half a second. A client of ours needs nearly every broker anyway.
        "enable.sparse.connections": False,
    }
    if kafka.sasl_mechanism and kafka.sasl_password is not None:
        config |= {
            "sasl.mechanism": kafka.sasl_mechanism,
            "sasl.username": kafka.sasl_username,
            "sasl.password": kafka.sasl_password.get_secret_value(),
        }
    if kafka.tls.ca_file is not None:
        config["ssl.ca.location"] = str(kafka.tls.ca_file)
    if kafka.tls.cert_file is not None:
        config["ssl.certificate.location"] = str(kafka.tls.cert_file)
    if kafka.tls.key_file is not None:
        config["ssl.key.location"] = str(kafka.tls.key_file)
    if not kafka.tls.verify:
        config["enable.ssl.certificate.verification"] = False
    return config


def make_producer(kafka: KafkaSettings, **overrides: Any) -> Producer:
    """An idempotent producer that waits for all replicas and packs with zstd."""
    return Producer(
        client_config(kafka)
        | {
            "enable.idempotence": True,
            "acks": "all",
            "compression.type": "zstd",
            "linger.ms": 5,
            "message.max.bytes": 8 * 1024 * 1024,
            "queue.buffering.max.kbytes": 65_536,
        }
        | overrides
    )


_READ_AHEAD = {
    "fetch.message.max.bytes": 256 * 1024,
    "fetch.max.bytes": 2 * 1024 * 1024,
    "queued.max.messages.kbytes": 8_192,
    "queued.min.messages": 10_000,
    # How long a full queue is left alone: with the usual second a fast reader waits for half of its time.
    "fetch.queue.backoff.ms": 50,
}
"""What is fetched of a partition, of all of them, and kept until it is asked for. Fetches are packed and unpack to many
times as much, and small messages take three times their bytes in the queue: with the 8 MB that a message may have and
32 MB of queue a stage took 500 MB before a backlog of a million events. A larger message comes all the same."""


def make_consumer(kafka: KafkaSettings, group: str, **overrides: Any) -> Consumer:
    """A consumer that commits only when told to, starts at the oldest message and never creates topics.

    `auto.offset.reset` is `earliest` for a group that never committed. A committed offset that lies below the
    retained messages is checked by the stage itself, for librdkafka would silently skip to the oldest one left.
    """
    return Consumer(
        client_config(kafka)
        | {
            "group.id": group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",
            "partition.assignment.strategy": "range",
            "allow.auto.create.topics": False,
            **_READ_AHEAD,
            "session.timeout.ms": 15_000,
        }
        | overrides
    )


def make_reader(kafka: KafkaSettings, group: str, **overrides: Any) -> Consumer:
    """A consumer for what lies there: it never waits long for more, which would hold up what is asked of it next."""
    return make_consumer(kafka, group, **{"fetch.wait.max.ms": 20, **overrides})


def make_admin(kafka: KafkaSettings) -> AdminClient:
    """An admin client."""
    return AdminClient(client_config(kafka))


def reach_broker(kafka: KafkaSettings, seconds: float = 5) -> dict[str, int]:
    """`{topic: partitions}` of the cluster. A command asks this first, so that it waits once, and not for each topic.

    Raises:
        DependencyUnreachable: no broker answers within `seconds`.
    """
    told: list[KafkaError] = []
    # What librdkafka writes to stderr at each try is told to us too, and said once.
    admin = AdminClient(client_config(kafka) | {"log_level": 2, "error_cb": told.append})
    try:
        found = admin.list_topics(timeout=seconds).topics
    except KafkaException as exc:
        admin.poll(0)
        reason = told[0].str() if told else exc.args[0].name()
        where = f"{kafka.bootstrap} (kafka.bootstrap in the settings)"
        raise DependencyUnreachable(f"Kafka does not answer at {where}: {reason}") from exc
    return {name: len(topic.partitions) for name, topic in found.items()}


def until_shown(kafka: KafkaSettings, topics: Collection[str], seconds: float = 30) -> None:
    """Wait until brokers show topics that were just created: they learn of one a moment after it was made.

    Raises:
        DependencyUnreachable: one is not shown after `seconds`, or no broker answers.
    """
    end = time.monotonic() + seconds
    while missing := sorted(set(topics) - {name for name, partitions in reach_broker(kafka).items() if partitions}):
        if time.monotonic() > end:
            raise DependencyUnreachable(f"Kafka has created topic {missing[0]} and does not show it")
        time.sleep(_LOOK_SECONDS)


def topic_ids(kafka: KafkaSettings, topics: Collection[str], timeout: float = 30) -> dict[str, str]:
    """`{topic: id}`: one that was deleted and made again has another, and none of the offsets that it had.

    Raises:
        DependencyUnreachable: the broker does not answer, or does not have one.
    """
    try:
        admin = make_admin(kafka)  # its futures end with it
        told = admin.describe_topics(TopicCollection(sorted(topics)), request_timeout=timeout)
        return {topic: str(future.result().topic_id) for topic, future in told.items()}
    except KafkaException as exc:
        raise DependencyUnreachable(f"Kafka does not tell the ids of topics: {exc.args[0].name()}") from exc


_SERVED_AT_ONCE = 100
"""So many messages are handed over before reports of earlier ones are served: far fewer than the buffer holds."""
_HANDED_OVER_AT_ONCE = 1_000


class AckedProducer:
    """A producer whose `flush` returns only when the broker has acknowledged all that was handed in.

    Delivery errors are kept and raised by the next call, so that no caller can move a cursor past a lost message.
    """

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._failure: KafkaError | None = None
        self._unserved = 0

    def produce(
        self,
        topic: str,
        *,
        partition: int,
        key: bytes,
        value: bytes | None,
        headers: dict[str, bytes] | None = None,
        timestamp_ms: int = 0,
        on_ack: Callable[[Message], None] | None = None,
    ) -> None:
        """Hand one message over; blocks while the buffer is full.

        Raises:
            DeliveryFailed: an earlier message was not taken.
        """
        self._raise_failure()
        report = self._report if on_ack is None else partial(self._report, on_ack=on_ack)
        while True:
            try:
                self._producer.produce(
                    topic,
                    value=value,
                    key=key,
                    partition=partition,
                    headers=headers,  # type: ignore[arg-type]  # it reads them only
                    timestamp=timestamp_ms,
                    on_delivery=report,
                )
            except BufferError:
                self._producer.poll(0.1)
                continue
            break
        self._unserved += 1
        if self._unserved == _SERVED_AT_ONCE:
            self._unserved = 0
            self._producer.poll(0)

    def produce_all(self, topic: str, messages: Iterable[tuple[bytes, bytes | None]], *, partition: int) -> None:
        """Hand many messages of one partition over, `(key, value)`, at half the cost of one by one.

        No two may have one key: while the buffer is full, what comes behind may overtake.

        Raises:
            DeliveryFailed: a message was not taken.
        """
        rest = iter(messages)
        batch: list[dict[str, Any]]
        while batch := [{"key": key, "value": value} for key, value in islice(rest, _HANDED_OVER_AT_ONCE)]:
            while batch:
                self._raise_failure()
                self._producer.produce_batch(topic, batch, partition=partition, on_delivery=self._report)
                batch = [one for one in batch if "_error" in one]
                for one in batch:
                    if (error := one.pop("_error")).code() != KafkaError._QUEUE_FULL:
                        self._failure = self._failure or error
                self._producer.poll(0.1 if batch else 0)

    def flush(self, timeout_seconds: float = 120) -> None:
        """Wait until everything handed in is acknowledged.

        Raises:
            DeliveryFailed: a message was not taken.
            NotAcknowledged: not within `timeout_seconds`; a later call waits for the same messages.
        """
        left = self._producer.flush(timeout_seconds)
        self._raise_failure()
        if left:
            raise NotAcknowledged(f"{left} messages were not acknowledged within {timeout_seconds:g} s")

    def _report(
        self, error: KafkaError | None, message: Message, on_ack: Callable[[Message], None] | None = None
    ) -> None:
        if error is not None:
            self._failure = self._failure or error
        elif on_ack is not None:
            on_ack(message)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise DeliveryFailed(f"the broker refused a message: {self._failure.name()}")


def end_offsets(consumer: Consumer, topic: str, partitions: int, timeout: float = 30) -> dict[int, tuple[int, int]]:
    """`{partition: (oldest offset kept, offset after the newest message)}` of a topic.

    Raises:
        DependencyUnreachable: the broker does not answer.
    """
    return {partition: watermarks(consumer, topic, partition, timeout) for partition in range(partitions)}


def watermarks(consumer: Consumer, topic: str, partition: int, timeout: float = 30) -> tuple[int, int]:
    """Oldest offset kept and offset after the newest message; asked again while the partition's leader is found.

    Raises:
        DependencyUnreachable: the broker does not answer, or there is no leader for a while.
    """
    pauses = iter(_LEADER_PAUSES)
    while True:
        try:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=timeout)
        except KafkaException as exc:
            pause = next(pauses, None) if exc.args[0].code() in _NO_LEADER else None
            if pause is None:
                raise DependencyUnreachable(f"Kafka does not answer for {topic}: {exc.args[0].name()}") from exc
            time.sleep(pause)
        else:
            return low, high


def committed_offsets(consumer: Consumer, topic: str, partitions: int, timeout: float = 30) -> dict[int, int]:
    """`{partition: next offset the consumer's group will read}`; partitions never committed are left out.

    Raises:
        DependencyUnreachable: the broker does not answer.
    """
    try:
        answer = consumer.committed([TopicPartition(topic, p) for p in range(partitions)], timeout=timeout)
    except KafkaException as exc:
        raise DependencyUnreachable(f"Kafka does not answer for {topic}: {exc.args[0].name()}") from exc
    return {tp.partition: tp.offset for tp in answer if tp.offset >= 0}


def has_members(kafka: KafkaSettings, group: str, timeout: float = 30) -> bool:
    """Whether somebody consumes as this group just now; also for a while after one ended without saying so.

    Raises:
        DependencyUnreachable: the broker does not answer.
    """
    try:
        admin = make_admin(kafka)  # its futures end with it
        (told,) = admin.describe_consumer_groups([group], request_timeout=timeout).values()
        return bool(told.result(timeout).members)
    except KafkaException as exc:
        raise DependencyUnreachable(f"Kafka does not answer for group {group}: {exc.args[0].name()}") from exc
