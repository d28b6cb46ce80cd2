"""Signals to the capture process, and its notifications, by Debezium's convention: `{"id", "type", "data"}`."""

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
import structlog
from confluent_kafka import KafkaException, TopicPartition

from plumbing.errors import DependencyUnreachable
from plumbing.kafka import AckedProducer, end_offsets, make_consumer, make_producer
from plumbing.settings import KafkaSettings
from producers.orders import Order
from schemas.topics import Topics

log = structlog.get_logger()

SNAPSHOT = "execute-snapshot"
ACCEPT_DELETES = "accept-deletes"


class Accepted(NamedTuple):
    """Collections whose deletes, held by the brake, are meant."""

    collections: list[str]


Signal = Order | Accepted


class Heard(NamedTuple):
    """A message on the topic of signals, and where the next begins. None: it is no signal of ours."""

    signal: Signal | None
    next: int


def send(kafka: KafkaSettings, instance: str, signal: Signal) -> str:
    """Ask the running capture process for something; returns the signal's id.

    Raises:
        DeliveryFailed: the broker did not take the signal.
    """
    id = signal.id if isinstance(signal, Order) else secrets.token_hex(8)
    producer = AckedProducer(make_producer(kafka))
    value = orjson.dumps(_document(signal, id))
    producer.produce(Topics(instance).signals, partition=0, key=instance.encode(), value=value)
    producer.flush()
    return id


def _document(signal: Signal, id: str) -> dict[str, Any]:
    if isinstance(signal, Accepted):
        data: dict[str, Any] = {"type": "incremental", "data-collections": signal.collections}
        return {"id": id, "type": ACCEPT_DELETES, "data": data}
    data = {"type": "incremental", "data-collections": list(signal.names)}
    if signal.filter:
        conditions = [{"data-collection": name, "filter": signal.filter} for name in signal.names]
        data["additional-conditions"] = conditions
    return {"id": id, "type": SNAPSHOT, "data": data}


class Signals:
    """Reads signals, from where reading them ended before."""

    def __init__(self, kafka: KafkaSettings, topics: Topics, start: int | None) -> None:
        """`start`: offset of the next signal; None: those count that arrive from now on."""
        self._consumer = make_consumer(kafka, topics.capture_group)
        (_, end) = end_offsets(self._consumer, topics.signals, 1)[0]
        # A topic that was made anew ends before what is remembered of the old one.
        self.start = end if start is None else min(start, end)
        self._consumer.assign([TopicPartition(topics.signals, 0, self.start)])

    async def next(self) -> Heard | None:
        """The next message; None when none came within a moment."""
        try:
            message = await asyncio.to_thread(self._consumer.poll, 0.5)
        except KafkaException as exc:
            raise DependencyUnreachable(f"Kafka does not answer: {exc.args[0].name()}") from exc
        if message is None or message.error() is not None:
            return None
        offset = message.offset()
        assert offset is not None
        return Heard(signal_of(message.value()), offset + 1)

    def close(self) -> None:
        """Leave."""
        self._consumer.close()


def signal_of(value: bytes | None) -> Signal | None:
    """The signal in a message; None for one of another kind. A broken one is named in the log, never an error."""
    try:
        document: Any = orjson.loads(value or b"null")
        data = document["data"]
        names = [str(name) for name in data["data-collections"]]
        if document["type"] == ACCEPT_DELETES:
            return Accepted(names)
        if document["type"] != SNAPSHOT:
            return None
        filters = {str(one["filter"]) for one in data.get("additional-conditions") or ()}
        (filter,) = filters or {""}
        return Order.of(names, filter, str(document["id"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        log.warning("capture.signal_not_understood")
        return None


def notify(producer: AckedProducer, topics: Topics, run_id: str, record: Mapping[str, Any]) -> None:
    """Hand a record of what happened to the notifications; the next flush waits for it."""
    value = orjson.dumps({**record, "run_id": run_id})
    producer.produce(topics.notifications, partition=0, key=b"capture", value=value)
