"""The newest events on the topics: what capture remembers has to fit them."""

from collections.abc import Mapping

from confluent_kafka import Consumer, TopicPartition

from plumbing.avro import Codec, Undecodable
from plumbing.errors import DependencyUnreachable
from plumbing.kafka import make_consumer
from plumbing.settings import KafkaSettings
from schemas.envelope import event_of

_PATIENCE_SECONDS = 30.0


def newest_sequence(
    kafka: KafkaSettings, group: str, bounds: Mapping[str, Mapping[int, tuple[int, int]]], codecs: Mapping[str, Codec]
) -> int | None:
    """The highest sequence among the last messages of all partitions; None when they hold no event.

    `bounds`: `{topic: {partition: (oldest offset kept, offset after the newest)}}`. `codecs`: `{topic: of its values}`.

    Raises:
        DependencyUnreachable: the broker or the registry does not answer.
    """
    waiting = {
        (topic, partition): high
        for topic, partitions in bounds.items()
        for partition, (low, high) in partitions.items()
        if high > low
    }
    consumer = make_consumer(kafka, group)
    newest: int | None = None
    try:
        consumer.assign([TopicPartition(topic, partition, high - 1) for (topic, partition), high in waiting.items()])
        while waiting:
            topic, partition, value = _next(consumer)
            if waiting.pop((topic, partition), None) is not None:
                try:
                    newest = max(newest or 0, event_of(codecs[topic].decode(value)).sequence)
                except (Undecodable, KeyError, TypeError, ValueError):
                    continue  # poison is no event of ours
    finally:
        consumer.close()
    return newest


def _next(consumer: Consumer) -> tuple[str, int, bytes | None]:
    message = consumer.poll(_PATIENCE_SECONDS)
    if message is None or message.error() is not None:
        raise DependencyUnreachable("Kafka gives no messages of the sonar topics")
    topic, partition = message.topic(), message.partition()
    assert topic is not None
    assert partition is not None
    return topic, partition, message.value()
