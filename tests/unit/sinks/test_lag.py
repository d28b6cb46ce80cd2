"""Seconds behind rise while a batch waits, and fall to nothing when nothing is left."""

import time
from typing import Any

import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME, TopicPartition

from plumbing.metrics import REGISTRY
from schemas.catalogue import aggregate
from sinks.lag import Lag

TOPIC = "splynx.t.account"


class Message:
    """A message as old as it is told."""

    def __init__(self, age_seconds: float) -> None:
        self._at_ms = int((time.time() - age_seconds) * 1000)

    def topic(self) -> str:
        return TOPIC

    def timestamp(self) -> tuple[int, int]:
        return TIMESTAMP_CREATE_TIME, self._at_ms


class Consumer:
    """At position 5 of a topic that ends at `end`."""

    def __init__(self, end: int) -> None:
        self._end = end

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition(TOPIC, 0)]

    def position(self, places: list[TopicPartition]) -> list[TopicPartition]:
        return [TopicPartition(one.topic, one.partition, 5) for one in places]

    def get_watermark_offsets(self, place: TopicPartition, *, cached: bool) -> tuple[int, int]:
        assert cached
        return 0, self._end


def _shown(name: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"stage": "sink", "entity": "account"})


def test_lag_is_the_age_of_the_oldest_message_that_is_not_committed() -> None:
    lag = Lag({TOPIC: aggregate("account")})
    assert _shown("crossfade_lag_seconds") == 0
    messages: Any = [Message(10), Message(30), Message(20)]
    lag.begin(messages)
    assert _shown("crossfade_lag_seconds") == pytest.approx(30, abs=1)
    more: Any = Consumer(end=8)
    lag.measure(more)
    assert _shown("crossfade_lag_messages") == 3
    assert _shown("crossfade_lag_seconds") == pytest.approx(30, abs=1)
    newer: Any = [Message(4)]
    lag.begin(newer)
    assert _shown("crossfade_lag_seconds") == pytest.approx(4, abs=1)
    nothing_left: Any = Consumer(end=5)
    lag.measure(nothing_left)
    assert _shown("crossfade_lag_messages") == 0
    assert _shown("crossfade_lag_seconds") == 0
