"""What lies on the topics: aggregates by key, folded as any reader folds them, and dead letters."""

import io
import json
import urllib.request
from collections import Counter
from collections.abc import Iterator
from typing import Any

import fastavro
from confluent_kafka import Consumer, Message, TopicPartition

from sandbox.local.stack import Addresses

STAGES = ("capture", "process", "sink")


class Topics:
    """A reader of all topics of one instance, from the beginning to the end that they have now."""

    def __init__(self, addresses: Addresses, instance: str) -> None:
        self._addresses, self._instance = addresses, instance
        self._schemas: dict[int, Any] = {}

    def live_keys(self, aggregate: str) -> int:
        """How many aggregates the newest event of does not say deleted."""
        newest: dict[bytes, bool] = {}
        sequences: dict[bytes, int] = {}
        for message in self._messages(f"sonar.{self._instance}.{aggregate}"):
            key, value = message.key(), message.value()
            if key is None or value is None:
                continue
            event = self._decoded(value)
            sequence = int(event["source"]["sequence"])
            if sequence >= sequences.get(key, -1):
                sequences[key], newest[key] = sequence, event["op"] != "d"
        return sum(newest.values())

    def dead_letters(self) -> Counter[str]:
        """Dead letters by stage."""
        return Counter(
            {stage: sum(1 for _ in self._messages(f"crossfade.{self._instance}.dead.{stage}")) for stage in STAGES}
        )

    def _messages(self, topic: str) -> Iterator[Message]:
        consumer = Consumer(
            {
                "bootstrap.servers": self._addresses.kafka_bootstrap,
                "group.id": "demo-reader",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
            }
        )
        try:
            partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
            open_ones = set(partitions)
            consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
            while open_ones:
                message = consumer.poll(30)
                if message is None:
                    raise RuntimeError(f"Kafka did not hand out {topic} within 30 seconds")
                error = message.error()
                if error is None:
                    yield message
                elif error.name() == "_PARTITION_EOF":
                    open_ones.discard(message.partition())
                else:
                    raise RuntimeError(f"cannot read {topic}: {error.str()}")
        finally:
            consumer.close()

    def _decoded(self, value: bytes) -> Any:
        number = int.from_bytes(value[1:5], "big")
        if number not in self._schemas:
            url = f"{self._addresses.registry_url}/schemas/ids/{number}"
            with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - the local registry
                self._schemas[number] = fastavro.parse_schema(json.loads(json.load(answer)["schema"]))
        return fastavro.schemaless_reader(io.BytesIO(value[5:]), self._schemas[number], None)
