"""The real client, paused and polled while each batch is written: it goes on exactly where it was."""

import asyncio
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from sinks.membership import Membership

TOPIC = "splynx.t.account"
MESSAGES = 200


class Watched:
    """A consumer whose polls are counted."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer, self._loop = consumer, asyncio.get_running_loop()
        self.polled = asyncio.Event()

    def poll(self, seconds: float) -> Any:
        message = self._consumer.poll(seconds)
        self._loop.call_soon_threadsafe(self.polled.set)
        return message

    def __getattr__(self, name: str) -> Any:
        return getattr(self._consumer, name)


async def test_nothing_is_skipped_and_nothing_read_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sinks.membership._POLL_SECONDS", 0)
    # The cluster lives in the producer.
    producer = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": ""})
    for number in range(MESSAGES):
        producer.produce(TOPIC, partition=0, value=str(number))
    producer.flush()
    (broker,) = producer.list_topics(TOPIC).brokers.values()
    at = {"bootstrap.servers": f"{broker.host}:{broker.port}", "group.id": "sink", "enable.auto.commit": False}
    at |= {"fetch.wait.max.ms": 10}
    consumer: Any = Watched(Consumer(at))

    async def batch() -> None:
        for _ in range(3):
            await consumer.polled.wait()
            consumer.polled.clear()

    member = Membership(
        consumer,
        asyncio.Event(),
        asyncio.Event(),
        gone=lambda: None,
        read_on=lambda client, places: client.resume(places),
    )
    member.incoming = places = [TopicPartition(TOPIC, 0, 0)]
    member.begin(places)
    read: list[int] = []
    try:
        while len(read) < MESSAGES:
            messages = [*member.early(), *await asyncio.to_thread(consumer.consume, 70, 5.0)]
            read += [int(message.value()) for message in messages]
            await member.during(batch())
    finally:
        await asyncio.to_thread(consumer.close)
    assert read == list(range(MESSAGES))
