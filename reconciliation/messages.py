"""Reading partitions from one offset to another, for folds and audits. Nothing is committed."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from confluent_kafka import Consumer, Message, TopicPartition

from plumbing.errors import DependencyUnreachable

_PATIENCE_SECONDS = 30.0
_LOOK_SECONDS = 0.5

Spans = Mapping[tuple[str, int], tuple[int, int]]
"""`{(topic, partition): (first offset, the one to stop before)}`."""


@dataclass(frozen=True, order=True)
class Place:
    """Where a message lies."""

    topic: str
    partition: int
    offset: int


def messages(consumer: Consumer, spans: Spans) -> Iterator[tuple[Place, Message]]:
    """Every message kept within the spans, of each partition in the order of offsets.

    All partitions are assigned at once: with one after the other each would wait for the fetch before it.

    Raises:
        DependencyUnreachable: the broker does not give them.
    """
    waiting = {place: until for place, (low, until) in spans.items() if low < until}
    consumer.assign([TopicPartition(*place, spans[place][0]) for place in waiting])
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while waiting:
        message = consumer.poll(_LOOK_SECONDS)
        if message is None:
            # Compaction leaves holes: an end may be reached without a message that says so.
            for place in _beyond(consumer, waiting):
                del waiting[place]
            if time.monotonic() >= deadline:
                raise DependencyUnreachable("a topic cannot be read to its end")
            continue
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        if message.error() is not None or topic is None or partition is None or offset is None:
            raise DependencyUnreachable("a topic cannot be read to its end")
        deadline = time.monotonic() + _PATIENCE_SECONDS
        until = waiting.get((topic, partition), 0)
        if offset + 1 >= until:
            waiting.pop((topic, partition), None)
        if offset < until:
            yield Place(topic, partition, offset), message
    consumer.unassign()


def value_of(message: Message) -> bytes | None:
    """The bytes of a message."""
    value = message.value()
    return value.encode() if isinstance(value, str) else value


def _beyond(consumer: Consumer, waiting: Mapping[tuple[str, int], int]) -> list[tuple[str, int]]:
    places = [TopicPartition(*place) for place in waiting]
    return [
        (one.topic, one.partition)
        for one in consumer.position(places)
        if one.offset >= waiting[(one.topic, one.partition)]
    ]
