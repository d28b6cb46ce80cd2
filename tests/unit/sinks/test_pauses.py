"""What a violated guard concerns stands still and is read again; everything else goes on."""

from dataclasses import dataclass
from typing import Any, cast

import pytest
from confluent_kafka import Consumer, Message, TopicPartition
from structlog.testing import capture_logs

from schemas.catalogue import aggregate
from sinks.errors import GuardsViolated
from sinks.guards import Violation
from sinks.pauses import Pauses

TOPICS = {"accounts": aggregate("account"), "groups": aggregate("account_group")}
PLACES = [TopicPartition("accounts", 0), TopicPartition("accounts", 1), TopicPartition("groups", 0)]
ON = Violation("reminders", "is not as expected in Splynx", "Set Config > Reminders: off", frozenset({"account"}))


class Reading:
    """Which partitions of a consumer stand still, and where it was told to go."""

    def __init__(self) -> None:
        self.stopped: set[tuple[str, int]] = set()
        self.sought: list[tuple[str, int, int]] = []

    def pause(self, places: list[TopicPartition]) -> None:
        self.stopped |= {(one.topic, one.partition) for one in places}

    def resume(self, places: list[TopicPartition]) -> None:
        self.stopped -= {(one.topic, one.partition) for one in places}

    def seek(self, place: TopicPartition) -> None:
        self.sought.append((place.topic, place.partition, place.offset))


@dataclass
class Read:
    """A message."""

    at: tuple[str, int, int]

    def topic(self) -> str:
        return self.at[0]

    def partition(self) -> int:
        return self.at[1]

    def offset(self) -> int:
        return self.at[2]


def read(*places: tuple[str, int, int]) -> list[Message]:
    return [cast("Message", Read(one)) for one in places]


def test_only_what_a_violated_guard_concerns_stands_still_until_it_holds_again() -> None:
    pauses, reading = Pauses(TOPICS), Reading()
    consumer: Any = reading
    pauses.put_on(consumer, PLACES)
    assert reading.stopped == set()
    pauses.heed([ON])
    pauses.put_on(consumer, PLACES)
    assert reading.stopped == {("accounts", 0), ("accounts", 1)}
    assert (set(pauses.aggregates), pauses.why) == ({"account"}, "reminders")
    pauses.heed([])
    pauses.put_on(consumer, PLACES)
    assert (reading.stopped, pauses.why) == (set(), "")


def test_splynx_shows_nothing_only_of_what_is_shut() -> None:
    pauses = Pauses(TOPICS)
    pauses.heed([ON])
    assert pauses.shut == set()
    pauses.heed([ON, Violation("module Config", "is off", "Switch it on", frozenset({"account_group"}), is_shut=True)])
    assert (set(pauses.aggregates), set(pauses.shut)) == ({"account", "account_group"}, {"account_group"})


def test_a_change_is_told_once_with_the_place_of_the_switch() -> None:
    pauses = Pauses(TOPICS)
    with capture_logs() as told:
        for violations in ([ON], [ON], [], []):
            pauses.heed(violations)
    assert [one["event"] for one in told] == ["sink.guard_violated", "sink.guard_holds_again"]
    assert (told[0]["next_step"], told[0]["waiting"]) == ("Set Config > Reminders: off", ["account"])


def test_messages_that_were_read_and_must_wait_are_read_again_from_the_first() -> None:
    pauses, reading = Pauses(TOPICS), Reading()
    messages = read(("accounts", 1, 8), ("accounts", 1, 7), ("groups", 0, 3), ("accounts", 0, 9))
    pauses.rewind(cast("Consumer", reading), messages)
    assert sorted(reading.sought) == [("accounts", 0, 9), ("accounts", 1, 7), ("groups", 0, 3)]


def test_messages_are_refused_only_when_one_of_them_must_wait() -> None:
    pauses = Pauses(TOPICS)
    pauses.heed([ON])
    pauses.check(read(("groups", 0, 3)))
    with pytest.raises(GuardsViolated, match="account wait for the guards reminders"):
        pauses.check(read(("groups", 0, 3), ("accounts", 0, 1)))
