"""What `plumbing.kafka.AckedProducer` may believe of the producer below it."""

from typing import Any, Protocol

import pytest

from plumbing.kafka import AckedProducer, DeliveryFailed

PARTITIONS = 2


class Topic(Protocol):
    """A fresh topic of `PARTITIONS` partitions behind a producer."""

    name: str
    producer: AckedProducer

    def messages(self, partition: int) -> list[tuple[bytes, bytes | None]]:
        """Keys and values that lie in a partition, in the order of their offsets."""
        ...


class DeliveryContract:
    """Every producer that stands below `AckedProducer`; a fixture `topic` gives one."""

    def test_after_a_flush_everything_was_acknowledged_once_in_the_order_of_its_partition(self, topic: Topic) -> None:
        acked: list[tuple[int | None, int | None]] = []
        for number in range(20):
            topic.producer.produce(
                topic.name,
                partition=number % PARTITIONS,
                key=b"k",
                value=b"%d" % number,
                on_ack=lambda message: acked.append((message.partition(), message.offset())),
            )
        topic.producer.flush(30)
        for partition in range(PARTITIONS):
            assert [offset for at, offset in acked if at == partition] == list(range(10))
            values = [b"%d" % number for number in range(partition, 20, PARTITIONS)]
            assert topic.messages(partition) == [(b"k", value) for value in values]

    def test_what_is_flushed_again_is_not_sent_again(self, topic: Topic) -> None:
        topic.producer.produce(topic.name, partition=1, key=b"k", value=b"once")
        topic.producer.flush(30)
        topic.producer.flush(30)
        assert topic.messages(1) == [(b"k", b"once")]

    def test_bytes_arrive_as_they_are_and_a_null_is_no_empty_value(self, topic: Topic) -> None:
        sent: list[tuple[bytes, bytes | None]] = [(b"\x00\xff", b"\x00" * 9), ("é".encode(), b""), (b"gone", None)]
        for key, value in sent:
            topic.producer.produce(topic.name, partition=0, key=key, value=value)
        topic.producer.flush(30)
        assert topic.messages(0) == sent

    def test_many_at_once_arrive_like_one_by_one(self, topic: Topic) -> None:
        sent = [(b"%d" % number, None if number % 7 == 0 else b"v%d" % number) for number in range(1_200)]
        topic.producer.produce_all(topic.name, sent, partition=1)
        topic.producer.flush(30)
        assert topic.messages(1) == sent

    def test_one_of_many_that_is_refused_fails_the_flush(self, topic: Topic) -> None:
        def send() -> None:
            topic.producer.produce_all(topic.name, [(b"k", b"v")], partition=PARTITIONS + 7)
            topic.producer.flush(30)

        with pytest.raises(DeliveryFailed, match="refused"):
            send()

    def test_a_message_that_was_refused_fails_the_flush_and_every_later_call(self, topic: Topic) -> None:
        acked: list[Any] = []
        topic.producer.produce(topic.name, partition=PARTITIONS + 7, key=b"k", value=b"v", on_ack=acked.append)
        with pytest.raises(DeliveryFailed, match="refused"):
            topic.producer.flush(30)
        with pytest.raises(DeliveryFailed, match="refused"):
            topic.producer.produce(topic.name, partition=0, key=b"k", value=b"v")
        assert acked == []
