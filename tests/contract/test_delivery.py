"""Producers in memory stand for Kafka's only as far as they deliver like it."""

from typing import cast

import pytest
from confluent_kafka import Producer

from plumbing.kafka import AckedProducer
from tests.contract.delivery import PARTITIONS, DeliveryContract
from tests.unit.producers.scene import Broker


class InMemory:
    """The producer that tests of capture use."""

    name = "a-topic"

    def __init__(self) -> None:
        self._broker = Broker(PARTITIONS)
        self.producer = AckedProducer(cast(Producer, self._broker))

    def messages(self, partition: int) -> list[tuple[bytes, bytes | None]]:
        return [
            (key, value) for topic, at, key, value in self._broker.messages if (topic, at) == (self.name, partition)
        ]


class TestInMemory(DeliveryContract):
    @pytest.fixture
    def topic(self) -> InMemory:
        return InMemory()
