"""The batch engine: many messages at a time over the same pure functions, for replay, what-if and catching up."""

import threading
from collections import Counter
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from plumbing import metrics
from plumbing.clock import utc_now
from plumbing.kafka import AckedProducer, end_offsets, make_consumer, make_producer
from plumbing.settings import Settings
from processors.context import MAPPED, Context, load_context
from processors.output import STAGE, Output
from processors.transform import Coordinates, DeadLetter, DeadLetterBudget, transform
from schemas.topics import Topics

_BATCH = 500


@dataclass
class BatchSummary:
    """What a run did: `{aggregate: messages}`."""

    produced: Counter[str] = field(default_factory=Counter)
    dead_lettered: Counter[str] = field(default_factory=Counter)


def process_batch(
    settings: Settings,
    *,
    until_end: bool,
    stop: threading.Event | None = None,
    context: Context | None = None,
) -> BatchSummary:
    """Process what the group has not committed yet.

    Args:
        until_end: end when the offsets that were the ends at start are committed; else go on until `stop`.

    Raises:
        SyncError: the set-up is wrong, or a dependency is away; nothing unacknowledged was committed.
    """
    topics = Topics(settings.instance)
    producer = AckedProducer(make_producer(settings.kafka))
    known = context or load_context(settings, producer, wait_seconds=60)
    output = Output(producer, topics, DeadLetterBudget(settings.process.dead_letter_budget))
    names = {topics.sonar(one.name): one.name for one in MAPPED}
    consumer = make_consumer(settings.kafka, topics.process_group)
    summary = BatchSummary()
    stopped = stop or threading.Event()
    try:
        consumer.subscribe(list(names))
        ends = {topic: end_offsets(consumer, topic, settings.kafka.partitions) for topic in names}
        while not stopped.is_set():
            messages = consumer.consume(_BATCH, timeout=0.5)
            for message in messages:
                _one(message, names, known, output, summary)
            if messages:
                output.flush()
                consumer.commit(offsets=_next_offsets(messages), asynchronous=False)  # at least once: after the flush
                metrics.LAST_SUCCESS.labels(STAGE).set(utc_now().timestamp())
            elif until_end and _is_past(consumer, ends):
                break
    finally:
        consumer.close()
        if context is None:
            known.close()
    return summary


def _one(message: Message, names: dict[str, str], context: Context, output: Output, summary: BatchSummary) -> None:
    if (error := message.error()) is not None:
        raise KafkaException(error)
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    assert topic is not None
    assert partition is not None
    assert offset is not None
    at = Coordinates(names[topic], topic, partition, offset)
    result = transform(at, _bytes(message.value()), context.codecs, context.rules)
    output.publish(at, _bytes(message.key()), result)
    (summary.dead_lettered if isinstance(result, DeadLetter) else summary.produced)[at.aggregate] += 1


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value


def _next_offsets(messages: list[Message]) -> list[TopicPartition]:
    newest: dict[tuple[str, int], int] = {}
    for message in messages:
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        if topic is not None and partition is not None and offset is not None:
            newest[(topic, partition)] = max(offset + 1, newest.get((topic, partition), 0))
    return [TopicPartition(topic, partition, offset) for (topic, partition), offset in newest.items()]


def _is_past(consumer: Consumer, ends: dict[str, dict[int, tuple[int, int]]]) -> bool:
    wanted = [
        (TopicPartition(topic, partition), high)
        for topic, bounds in ends.items()
        for partition, (low, high) in bounds.items()
        if high > low
    ]
    if not wanted:
        return True
    committed = {
        (one.topic, one.partition): one.offset for one in consumer.committed([tp for tp, _ in wanted], timeout=30)
    }
    return all(committed[(tp.topic, tp.partition)] >= high for tp, high in wanted)
