"""Reading a partition from one offset to another, for folds and audits. Nothing is committed."""

from collections.abc import Iterator

from confluent_kafka import Consumer, Message, TopicPartition

from plumbing.errors import DependencyUnreachable

_PATIENCE_SECONDS = 10.0
_AT_ONCE = 500


def messages(consumer: Consumer, topic: str, partition: int, low: int, until: int) -> Iterator[tuple[int, Message]]:
    """`(offset, message)` of each message kept in `low`..`until`.

    Raises:
        DependencyUnreachable: the broker does not give them.
    """
    if low >= until:
        return
    consumer.assign([TopicPartition(topic, partition, low)])
    # Compaction leaves holes, so the end is a position and not a count.
    while low < until:
        found = consumer.consume(_AT_ONCE, timeout=_PATIENCE_SECONDS)
        if not found and _position(consumer, topic, partition) < until:
            raise DependencyUnreachable(f"{topic} cannot be read to its end")
        if not found:
            return
        for message in found:
            offset = message.offset()
            if message.error() is not None or offset is None:
                raise DependencyUnreachable(f"{topic} cannot be read to its end")
            if offset >= until:
                return
            low = offset + 1
            yield offset, message


def value_of(message: Message) -> bytes | None:
    """The bytes of a message."""
    value = message.value()
    return value.encode() if isinstance(value, str) else value


def _position(consumer: Consumer, topic: str, partition: int) -> int:
    """Where the consumer stands: beyond a hole at the end that holds no message any more."""
    return consumer.position([TopicPartition(topic, partition)])[0].offset
