"""How far a consumer group is behind on a topic: in messages, and as the time of the oldest message that waits."""

from collections.abc import Mapping

from confluent_kafka import Consumer, KafkaException, TopicPartition

from plumbing.errors import DependencyUnreachable
from plumbing.kafka import make_reader
from plumbing.settings import KafkaSettings

_PATIENCE_SECONDS = 2.0


def make_lag_consumer(kafka: KafkaSettings, group: str) -> Consumer:
    """A client that asks for a group's offsets and looks at single messages; it never joins the group."""
    return make_reader(
        kafka,
        group,
        **{"queued.min.messages": 1, "queued.max.messages.kbytes": 1024, "fetch.message.max.bytes": 65_536},
    )


def waiting_at(ends: Mapping[int, tuple[int, int]], committed: Mapping[int, int]) -> dict[int, int]:
    """`{partition: offset of the oldest message not yet committed}` of the partitions that have one."""
    first = {partition: max(committed.get(partition, low), low) for partition, (low, _) in ends.items()}
    return {partition: at for partition, at in first.items() if at < ends[partition][1]}


def lag_of(ends: Mapping[int, tuple[int, int]], committed: Mapping[int, int]) -> int:
    """Messages between the committed offsets and the ends."""
    return sum(ends[partition][1] - at for partition, at in waiting_at(ends, committed).items())


def oldest_waiting_ms(
    consumer: Consumer, topic: str, ends: Mapping[int, tuple[int, int]], committed: Mapping[int, int]
) -> int | None:
    """The broker's time of the oldest message not yet committed; None when none waits, or none could be seen.

    Raises:
        DependencyUnreachable: the broker does not answer.
    """
    waiting = waiting_at(ends, committed)
    if not waiting:
        return None
    times: list[int] = []
    try:
        consumer.assign([TopicPartition(topic, partition, at) for partition, at in waiting.items()])
        while waiting and (message := consumer.poll(_PATIENCE_SECONDS)) is not None:
            partition = message.partition()
            if message.error() is None and partition in waiting:
                times.append(message.timestamp()[1])
                del waiting[partition]
                consumer.pause([TopicPartition(topic, partition)])
        consumer.unassign()
    except KafkaException as exc:
        raise DependencyUnreachable(f"Kafka does not answer for {topic}: {exc.args[0].name()}") from exc
    return min(times, default=None)
