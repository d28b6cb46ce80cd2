"""Kafka keeps what the suite of `tests/contract/delivery.py` promises."""

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.cimpl import NewTopic

from plumbing.kafka import AckedProducer, end_offsets, make_consumer, make_producer
from plumbing.settings import KafkaSettings
from tests.contract.delivery import PARTITIONS, DeliveryContract
from tests.integration.instance import make_topics


class OnKafka:
    """A topic of this test's own."""

    def __init__(self, kafka: KafkaSettings, name: str) -> None:
        self.name, self._kafka = name, kafka
        make_topics(kafka, NewTopic(name, PARTITIONS, 1))
        self.producer = AckedProducer(make_producer(kafka, **{"message.timeout.ms": 10_000}))

    def messages(self, partition: int) -> list[tuple[bytes, bytes | None]]:
        consumer = make_consumer(self._kafka, f"{self.name}.read")
        try:
            low, high = end_offsets(consumer, self.name, PARTITIONS)[partition]
            consumer.assign([TopicPartition(self.name, partition, low)])
            found: list[tuple[bytes, bytes | None]] = []
            while len(found) < high - low:
                message = consumer.poll(10)
                assert message is not None
                assert message.error() is None
                found.append((bytes(message.key() or b""), message.value()))
            return found
        finally:
            consumer.close()


class TestKafka(DeliveryContract):
    @pytest.fixture
    def topic(self, kafka_bootstrap: str, instance: str) -> OnKafka:
        return OnKafka(KafkaSettings(bootstrap=kafka_bootstrap, replication_factor=1), f"contract.{instance}.delivery")
