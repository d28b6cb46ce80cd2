"""Signals to the capture process, by Debezium's convention: `{"id", "type", "data"}` on a topic."""

import asyncio
import secrets
from typing import Any, NamedTuple

import orjson
import structlog
from confluent_kafka import KafkaException, TopicPartition

from plumbing.errors import DependencyUnreachable
from plumbing.kafka import AckedProducer, end_offsets, make_consumer, make_producer
from plumbing.settings import KafkaSettings
from schemas.topics import Topics

log = structlog.get_logger()

SNAPSHOT = "execute-snapshot"
ACCEPT_DELETES = "accept-deletes"
KINDS = (SNAPSHOT, ACCEPT_DELETES)


class Signal(NamedTuple):
    """What is asked, of which aggregates (a snapshot) or collections (deletes)."""

    kind: str
    names: list[str]


def send(kafka: KafkaSettings, instance: str, signal: Signal) -> str:
    """Ask the running capture process for something; returns the signal's id.

    Raises:
        DeliveryFailed: the broker did not take the signal.
    """
    id = secrets.token_hex(8)
    document = {"id": id, "type": signal.kind, "data": {"type": "incremental", "data-collections": signal.names}}
    producer = AckedProducer(make_producer(kafka))
    producer.produce(Topics(instance).signals, partition=0, key=instance.encode(), value=orjson.dumps(document))
    producer.flush()
    return id


class Signals:
    """Reads signals that arrive after it was built."""

    def __init__(self, kafka: KafkaSettings, topics: Topics) -> None:
        self._consumer = make_consumer(kafka, topics.capture_group)
        (_, end) = end_offsets(self._consumer, topics.signals, 1)[0]
        self._consumer.assign([TopicPartition(topics.signals, 0, end)])

    async def next(self) -> Signal | None:
        """The next signal; None when none came within a moment."""
        try:
            message = await asyncio.to_thread(self._consumer.poll, 0.5)
        except KafkaException as exc:
            raise DependencyUnreachable(f"Kafka does not answer: {exc.args[0].name()}") from exc
        if message is None or message.error() is not None:
            return None
        return signal_of(message.value())

    def close(self) -> None:
        """Leave."""
        self._consumer.close()


def signal_of(value: bytes | None) -> Signal | None:
    """The signal in a message; None for one of another kind. A broken one is named in the log, never an error."""
    try:
        document: Any = orjson.loads(value or b"null")
        if document["type"] not in KINDS:
            return None
        return Signal(document["type"], [str(name) for name in document["data"]["data-collections"]])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        log.warning("capture.signal_not_understood")
        return None
