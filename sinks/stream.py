"""The topics of bundles as the sink reads them: polls whose errors say what to do, ends, partitions, decoding."""

import asyncio
from collections.abc import Collection, Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka.schema_registry import SchemaRegistryClient

from plumbing.avro import Codec
from plumbing.errors import ConfigurationError, DependencyUnreachable
from plumbing.kafka import make_admin, make_consumer, topic_ids
from plumbing.settings import Settings
from schemas.avro import bundle_schema
from schemas.catalogue import AGGREGATES
from schemas.topics import Topics
from sinks.intake import Intake
from sinks.ledger_errors import HistoryLost

WRITTEN = tuple(aggregate for aggregate in AGGREGATES if aggregate.targets)
"""Aggregates with a topic of bundles, in load order."""
_POLL_INTERVAL_MS = 600_000
"""Without a poll. It is polled beside long batches; partitions asked back are kept until calls under way have ended."""


class Stream:
    """Every topic of bundles of one instance."""

    def __init__(self, settings: Settings, registry: SchemaRegistryClient) -> None:
        topics = Topics(settings.instance)
        self._settings = settings
        self._group = topics.sink_group
        self.aggregates = {topics.splynx(aggregate.name): aggregate for aggregate in WRITTEN}
        """`{topic: aggregate}`, in load order."""
        self.intake = Intake(
            self.aggregates,
            {name: Codec(registry, f"{name}-value", bundle_schema(one)) for name, one in self.aggregates.items()},
        )

    def consumer(self) -> Consumer:
        """The sink's own consumer: what lies below the retained messages is an error, never a silent jump."""
        return make_consumer(
            self._settings.kafka,
            self._group,
            **{"auto.offset.reset": "error", "max.poll.interval.ms": _POLL_INTERVAL_MS},
        )

    def bystander(self, purpose: str) -> Consumer:
        """A consumer of a group of its own that never commits: the sink's offsets stay where they are."""
        return make_consumer(self._settings.kafka, f"{self._group}.{purpose}")

    async def poll(self, consumer: Consumer) -> list[Message]:
        """The next messages, perhaps none.

        Raises:
            HistoryLost: the next offset is not on the topic.
            DependencyUnreachable.
        """
        sink = self._settings.sink
        try:
            messages = await asyncio.to_thread(consumer.consume, sink.batch, sink.batch_wait_seconds)
        except KafkaException as exc:
            raise DependencyUnreachable(f"Kafka does not answer: {exc.args[0].name()}") from exc
        return without_errors(messages)

    async def home(self) -> str:
        """What no other deployment has: the cluster of its topics, and the instance in their names.

        Raises:
            DependencyUnreachable.
        """
        try:
            told = await asyncio.to_thread(make_admin(self._settings.kafka).list_topics, timeout=30)
        except KafkaException as exc:
            raise DependencyUnreachable(f"Kafka does not answer: {exc.args[0].name()}") from exc
        return f"{told.cluster_id}/{self._settings.instance}"

    async def topic_ids(self, topics: Collection[str]) -> dict[str, str]:
        """`{topic: id}`, in one request; a topic that was made anew has another id.

        Raises:
            DependencyUnreachable.
        """
        return await asyncio.to_thread(topic_ids, self._settings.kafka, topics)

    async def partitions(self, consumer: Consumer, topic: str) -> int:
        """How many partitions a topic has.

        Raises:
            ConfigurationError: it does not exist.
            DependencyUnreachable.
        """
        try:
            told = await asyncio.to_thread(consumer.list_topics, topic, 30)
        except KafkaException as exc:
            raise DependencyUnreachable(f"Kafka does not answer for {topic}: {exc.args[0].name()}") from exc
        count = len(told.topics[topic].partitions) if topic in told.topics else 0
        if not count:
            raise ConfigurationError(f"topic {topic} does not exist", remedy="Run `crossfade topics --apply`.")
        return count


def without_errors(messages: Sequence[Message]) -> list[Message]:
    """Messages that were read, without the errors that pass by themselves.

    Raises:
        HistoryLost: the topic no longer has what comes next.
        DependencyUnreachable: the broker refuses to be read.
    """
    good = []
    for message in messages:
        error = message.error()
        if error is None:
            good.append(message)
        elif error.code() in {KafkaError.OFFSET_OUT_OF_RANGE, KafkaError._AUTO_OFFSET_RESET}:
            raise HistoryLost(f"the next offset of {message.topic()} is not on the topic")
        elif error.fatal() or error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise DependencyUnreachable(f"Kafka refuses to be read: {error.name()}")
    return good
