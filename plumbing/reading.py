"""Reading a topic of ours from its beginning to its present end: how a stage remembers across restarts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from plumbing.errors import Action, DependencyUnreachable, ExitCode, SyncError
from plumbing.kafka import end_offsets, make_reader, reach_broker
from plumbing.settings import KafkaSettings

_LOOK_SECONDS = 0.5
_LOOKS = 60
_IN_SMALL_BITES = {
    "fetch.message.max.bytes": 256 * 1024,
    "queued.max.messages.kbytes": 1024,
    "queued.min.messages": 2_000,
}
"""What is read ahead. Fetches are packed, and small messages take three times their bytes in the queue: with the usual
settings 600,000 of them take 250 MB on their way, so 10 MB, in the same time. A larger message comes all the same."""

Spans = Mapping[tuple[str, int], tuple[int, int]]
"""`{(topic, partition): (first offset, the one to stop before)}`."""


@dataclass(frozen=True, order=True, slots=True)
class Place:
    """Where a message lies."""

    topic: str
    partition: int
    offset: int


class TopicMissing(SyncError):
    """A topic of ours does not exist."""

    code = "kafka.topic_missing"
    action = Action.HALT
    exit_code = ExitCode.USAGE
    remedy = "Run `crossfade topics` to see what would be created, then `crossfade topics --apply`."


def require_topic(kafka: KafkaSettings, topic: str) -> None:
    """See that a topic exists.

    Raises:
        TopicMissing: it does not.
        DependencyUnreachable: no broker answers.
    """
    if topic not in reach_broker(kafka):
        raise TopicMissing(f"topic {topic} does not exist")


def partitions_of(consumer: Consumer, topic: str) -> int:
    """How many partitions a topic has.

    Raises:
        TopicMissing: it does not exist.
        DependencyUnreachable: the broker does not answer.
    """
    try:
        found = consumer.list_topics(topic, timeout=30).topics[topic].partitions
    except KafkaException as exc:
        raise DependencyUnreachable(f"Kafka does not answer for {topic}: {exc.args[0].name()}") from exc
    if not found:
        raise TopicMissing(f"topic {topic} does not exist")
    return len(found)


def read_whole(kafka: KafkaSettings, topic: str, group: str) -> Iterator[Message]:
    """Every message up to the end as it is now, oldest first within each partition.

    `group` only names the client; nothing is committed.

    Raises:
        TopicMissing: the topic does not exist.
        DependencyUnreachable: the broker does not answer.
    """
    consumer = make_reader(kafka, group, **_IN_SMALL_BITES)
    try:
        ends = end_offsets(consumer, topic, partitions_of(consumer, topic))
        spans = {(topic, partition): bounds for partition, bounds in ends.items()}
        for _, message in read_spans(consumer, spans):
            yield message
    finally:
        consumer.close()


def read_spans(consumer: Consumer, spans: Spans) -> Iterator[tuple[Place, Message]]:
    """Every message kept within the spans, of each partition in the order of offsets. Nothing is committed.

    All partitions are assigned at once: with one after the other each would wait for the fetch before it.

    Raises:
        DependencyUnreachable: the broker does not give them.
    """
    left = {where: until for where, (low, until) in spans.items() if low < until}
    consumer.assign([TopicPartition(*where, spans[where][0]) for where in left])
    silent = 0
    while left:
        message = consumer.poll(_LOOK_SECONDS)
        if message is None or message.error() is not None:
            silent += 1
            # Compaction may have removed the newest offsets: then the position says that the end is reached.
            for at in consumer.position([TopicPartition(*where) for where in left]):
                if at.offset >= left[(at.topic, at.partition)]:
                    del left[(at.topic, at.partition)]
            if silent > _LOOKS:
                raise DependencyUnreachable(f"Kafka gives no messages of {next(iter(left))[0]}")
            continue
        silent = 0
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        assert topic is not None
        assert partition is not None
        assert offset is not None
        until = spans[(topic, partition)][1]
        if offset < until:  # else it came after this reading began
            yield Place(topic, partition, offset), message
        if offset + 1 >= until:
            left.pop((topic, partition), None)
    consumer.unassign()


def value_of(message: Message) -> bytes | None:
    """The bytes of a message."""
    value = message.value()
    return value.encode() if isinstance(value, str) else value
