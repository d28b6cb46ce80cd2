"""What stands on the topics when capture starts: partitions, ends, schemas, and the newest event."""

from collections.abc import Mapping
from dataclasses import dataclass

from confluent_kafka import Consumer, TopicPartition

from plumbing.avro import Codec, Undecodable, make_registry
from plumbing.errors import ConfigurationError, DependencyUnreachable
from plumbing.kafka import end_offsets, make_consumer
from plumbing.reading import partitions_of
from plumbing.settings import Settings
from schemas.avro import envelope_schema, key_schema
from schemas.catalogue import captured
from schemas.envelope import event_of
from schemas.topics import Topics

_PATIENCE_SECONDS = 30.0

Bounds = Mapping[str, Mapping[int, tuple[int, int]]]
"""`{topic: {partition: (oldest offset kept, offset after the newest)}}`."""


@dataclass(frozen=True)
class Standing:
    """The sonar topics, as capture finds them."""

    partitions: int
    """Of each of them."""
    children_partitions: int
    ends: dict[str, dict[int, int]]
    """`{topic: {partition: offset after the newest}}`."""
    codecs: dict[str, tuple[Codec, Codec]]
    """`{aggregate: (of keys, of values)}`. Later capture only encodes: the registry is not asked again."""
    newest: int | None
    """The highest sequence among the last messages of all partitions; None when they hold no event."""


def read_standing(settings: Settings) -> Standing:
    """Look at every topic that capture writes.

    Raises:
        TopicMissing: one does not exist.
        ConfigurationError: they differ in their partitions, or a subject is not registered.
        DependencyUnreachable: Kafka or the registry does not answer.
    """
    topics, aggregates = Topics(settings.instance), captured(settings.sonar.leave_out)
    consumer = make_consumer(settings.kafka, f"{topics.capture_group}.standing")
    try:
        counts = {topics.sonar(one.name): partitions_of(consumer, topics.sonar(one.name)) for one in aggregates}
        if len(set(counts.values())) != 1:
            raise ConfigurationError(
                "the sonar topics differ in their number of partitions",
                remedy="Only with one count do they hold one customer's records together: begin a new instance.",
            )
        bounds = {topic: end_offsets(consumer, topic, count) for topic, count in counts.items()}
        with make_registry(settings.registry) as registry:
            codecs = {
                one.name: (
                    Codec(registry, f"{topics.sonar(one.name)}-key", key_schema(one)),
                    Codec(registry, f"{topics.sonar(one.name)}-value", envelope_schema(one)),
                )
                for one in aggregates
            }
            newest = _newest(consumer, bounds, {topics.sonar(name): value for name, (_, value) in codecs.items()})
        return Standing(
            partitions=next(iter(counts.values())),
            children_partitions=partitions_of(consumer, topics.children),
            ends={topic: {at: high for at, (_, high) in of.items()} for topic, of in bounds.items()},
            codecs=codecs,
            newest=newest,
        )
    finally:
        consumer.close()


def _newest(consumer: Consumer, bounds: Bounds, codecs: Mapping[str, Codec]) -> int | None:
    waiting = {
        (topic, partition): high
        for topic, partitions in bounds.items()
        for partition, (low, high) in partitions.items()
        if high > low
    }
    newest: int | None = None
    consumer.assign([TopicPartition(topic, partition, high - 1) for (topic, partition), high in waiting.items()])
    while waiting:
        message = consumer.poll(_PATIENCE_SECONDS)
        if message is None or message.error() is not None:
            raise DependencyUnreachable("Kafka gives no messages of the sonar topics")
        topic, partition = message.topic(), message.partition()
        assert topic is not None
        assert partition is not None
        if waiting.pop((topic, partition), None) is not None:
            try:
                newest = max(newest or 0, event_of(codecs[topic].decode(message.value())).sequence)
            except (Undecodable, KeyError, TypeError, ValueError):
                continue  # poison is no event of ours
    return newest
