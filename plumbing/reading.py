"""Reading a topic of ours from its beginning to its present end: how a stage remembers across restarts."""

from collections.abc import Iterator

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from plumbing.errors import Action, DependencyUnreachable, ExitCode, SyncError
from plumbing.kafka import end_offsets, make_consumer
from plumbing.settings import KafkaSettings


class TopicMissing(SyncError):
    """A topic of ours does not exist."""

    code = "kafka.topic_missing"
    action = Action.HALT
    exit_code = ExitCode.USAGE
    remedy = "Run `crossfade topics` to see what would be created, then `crossfade topics --apply`."


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
    consumer = make_consumer(kafka, group)
    try:
        ends = end_offsets(consumer, topic, partitions_of(consumer, topic))
        left = {partition: high for partition, (low, high) in ends.items() if high > low}
        consumer.assign([TopicPartition(topic, partition, ends[partition][0]) for partition in left])
        silent = 0
        while left:
            message = consumer.poll(1.0)
            if message is None or message.error() is not None:
                silent += 1
                # Compaction may have removed the newest offsets: then the position says that the end is reached.
                for at in consumer.position([TopicPartition(topic, partition) for partition in left]):
                    if at.offset >= left[at.partition]:
                        del left[at.partition]
                if silent > 30:
                    raise DependencyUnreachable(f"Kafka gives no messages of {topic}")
                continue
            silent = 0
            partition, offset = message.partition(), message.offset()
            assert partition is not None
            assert offset is not None
            if offset < ends[partition][1]:  # else it came after this reading began
                yield message
            if offset + 1 >= ends[partition][1]:
                left.pop(partition, None)
    finally:
        consumer.close()
