"""A letter is written once however often its batch is tried, and a flood of them stops the sink."""

from typing import Any

import pytest

from plumbing.dead_letters import TooManyDeadLetters
from plumbing.kafka import NotAcknowledged
from schemas.topics import Topics
from sinks.errors import KeyTaken
from sinks.letters import DeadLetters


class Bus:
    """Keeps the headers of what it is handed."""

    def __init__(self) -> None:
        self.sent: list[dict[str, bytes]] = []
        self.waited = 0.0

    def flush(self, timeout_seconds: float = 120) -> None:
        self.waited += timeout_seconds
        raise NotAcknowledged("the broker is away")

    def produce(self, topic: str, *, partition: int, key: bytes, value: bytes, headers: dict[str, bytes]) -> None:
        assert (topic, partition, key) == ("crossfade.t.dead.sink", 0, b"")
        self.sent.append(headers)


def _add(letters: DeadLetters, offset: int, record: str = "1") -> None:
    error = KeyTaken("a live payment has this receipt number already")
    letters.add(topic="splynx.t.payment", partition=3, offset=offset, entity="payment", error=error, record=record)


@pytest.fixture
def bus() -> Any:
    return Bus()


def test_a_batch_that_is_tried_again_writes_no_letter_again(bus: Any) -> None:
    letters = DeadLetters(bus, Topics("t"), 100)
    for _ in range(3):
        _add(letters, 7)
        _add(letters, 7, record="2")
    assert [one["crossfade.record"] for one in bus.sent] == [b"1", b"2"]
    letters.forget()
    _add(letters, 7)
    assert len(bus.sent) == 3


async def test_rows_are_not_locked_for_as_long_as_the_broker_is_away(bus: Any) -> None:
    """The letters are waited for within the transaction of their batch, which is tried again."""
    letters = DeadLetters(bus, Topics("t"), 100)
    _add(letters, 7)
    for _ in range(2):
        with pytest.raises(NotAcknowledged):
            await letters.flush()
        _add(letters, 7)
    assert len(bus.sent) == 1
    assert bus.waited <= 10


def test_a_letter_says_where_its_message_lies_and_why_it_was_set_aside(bus: Any) -> None:
    _add(DeadLetters(bus, Topics("t"), 100), 7)
    assert bus.sent[0]["__connect.errors.topic"] == b"splynx.t.payment"
    assert bus.sent[0]["__connect.errors.partition"] == b"3"
    assert bus.sent[0]["__connect.errors.offset"] == b"7"
    assert bus.sent[0]["__connect.errors.stage"] == b"TASK_PUT"
    assert bus.sent[0]["__connect.errors.exception.class.name"] == b"sink.natural_key_taken"


def test_a_flood_stops_the_sink_and_many_records_of_one_message_are_none(bus: Any) -> None:
    letters = DeadLetters(bus, Topics("t"), 2)
    for record in ("1", "2", "3"):
        _add(letters, 7, record)
    _add(letters, 8)
    with pytest.raises(TooManyDeadLetters):
        _add(letters, 9)
