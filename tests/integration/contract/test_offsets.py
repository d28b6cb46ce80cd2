"""Kafka keeps what the suite of `tests/contract/offsets.py` promises."""

from collections.abc import Iterator

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.cimpl import NewTopic

from plumbing.kafka import AckedProducer, make_consumer, make_producer
from plumbing.settings import KafkaSettings
from tests.contract.offsets import OffsetsContract
from tests.integration.instance import make_topics


class OnKafka:
    """A topic and a group of this test's own."""

    def __init__(self, kafka: KafkaSettings, instance: str) -> None:
        self.name = f"contract.{instance}.offsets"
        make_topics(kafka, NewTopic(self.name, 3, 1))
        producer = AckedProducer(make_producer(kafka))
        for partition, count in enumerate((5, 2)):
            for _ in range(count):
                producer.produce(self.name, partition=partition, key=b"k", value=b"v")
        producer.flush(30)
        self.consumer = make_consumer(kafka, f"contract.{instance}.group")
        done = [TopicPartition(self.name, 0, 3), TopicPartition(self.name, 1, 2)]
        self.consumer.commit(offsets=done, asynchronous=False)


class TestKafka(OffsetsContract):
    @pytest.fixture
    def read(self, kafka_bootstrap: str, instance: str) -> Iterator[OnKafka]:
        read = OnKafka(KafkaSettings(bootstrap=kafka_bootstrap, replication_factor=1), instance)
        yield read
        read.consumer.close()
