"""Groups in memory stand for Kafka's only as far as they tell the same offsets."""

from typing import cast

import pytest
from confluent_kafka import Consumer

from tests.contract.offsets import OffsetsContract
from tests.unit.processors.test_watchdog import Group


class InMemory:
    """The group that tests of the watchdog use."""

    name = "a-topic"

    def __init__(self) -> None:
        self.consumer = cast(Consumer, Group({0: (0, 5), 1: (0, 2), 2: (0, 0)}, {0: 3, 1: 2}))


class TestInMemory(OffsetsContract):
    @pytest.fixture
    def read(self) -> InMemory:
        return InMemory()
