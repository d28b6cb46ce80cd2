"""The sink's look at partitions that give nothing: a backlog that stands still, while Kafka answers."""

from collections.abc import Mapping
from typing import Any, cast

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from sinks.errors import Stuck
from sinks.watch import Watch

TOPIC = "splynx.main.account"


class Client:
    """Both clients: one that is somewhere (`at`, -1001: nothing came yet), and one that asks for ends."""

    def __init__(self, at: Mapping[int, int], end: int = 9) -> None:
        self.at, self.end, self.away = dict(at), end, False

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition(TOPIC, one) for one in self.at]

    def position(self, places: list[TopicPartition]) -> list[TopicPartition]:
        return [TopicPartition(one.topic, one.partition, self.at[one.partition]) for one in places]

    def get_watermark_offsets(self, place: TopicPartition, timeout: float, cached: bool = False) -> tuple[int, int]:
        if self.away:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        return (0, self.end)


class Scene:
    """A watch with a patience of 60 s, which looks after each 15 s of waiting in vain."""

    def __init__(self, at: Mapping[int, int], begun: int = OFFSET_BEGINNING) -> None:
        self.client = Client(at)
        self.consumer = cast(Consumer, cast(Any, self.client))
        self.watch = Watch(self.consumer, 60)
        self.watch.begin([TopicPartition(TOPIC, one, begun) for one in at])

    def look(self, times: int) -> None:
        for _ in range(times):
            self.watch.look(self.consumer, waited=16)


def test_a_partition_that_has_messages_and_gives_none_is_named() -> None:
    scene = Scene({0: 9, 1: 3})
    with pytest.raises(Stuck, match=rf"{TOPIC}\[1\]"):
        scene.look(6)


def test_one_that_has_given_nothing_since_it_came_is_too() -> None:
    with pytest.raises(Stuck):
        Scene({0: -1001}).look(6)


def test_one_that_began_at_its_end_has_nothing_to_give() -> None:
    Scene({0: -1001}, begun=9).look(10)


def test_one_that_moves_is_left_alone() -> None:
    scene = Scene({0: 0})
    for scene.client.at[0] in range(9):
        scene.look(3)


def test_one_that_waits_for_its_turn_while_others_are_worked_at_is_left_alone() -> None:
    scene = Scene({0: 3})
    for _ in range(30):  # between two polls that give nothing lie minutes of work at another partition's messages
        scene.watch.look(scene.consumer, waited=0.5)
    scene.look(3)


def test_time_in_which_kafka_does_not_answer_or_a_guard_holds_things_up_does_not_count() -> None:
    scene = Scene({0: 3})
    scene.look(3)
    scene.client.away = True
    scene.look(10)
    scene.client.away = False
    scene.look(3)
    scene.watch.forget()
    scene.look(3)
