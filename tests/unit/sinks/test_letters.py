"""A letter is written once however often its batch is tried, and a flood of them stops the sink."""

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, cast

import pytest

from plumbing.dead_letters import TooManyDeadLetters
from plumbing.kafka import NotAcknowledged
from plumbing.reading import Place
from schemas.topics import Topics
from sinks.errors import KeyTaken
from sinks.letters import DeadLetters, Told, known_letters
from sinks.tables.base import Key


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


def _add(letters: DeadLetters, offset: int, record: str = "1", entity: str = "payment") -> None:
    error = KeyTaken("a live payment has this receipt number already")
    letters.add(topic="splynx.t.payment", partition=3, offset=offset, entity=entity, error=error, record=record)


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


def test_what_is_committed_in_between_leaves_the_letters_of_a_batch_told_that_comes_again(bus: Any) -> None:
    """It was asked back while its letter was on its way; its partition comes again behind what was woken."""
    letters = DeadLetters(bus, Topics("t"), 100)
    letters.begin()
    _add(letters, 7)
    letters.begin()
    _add(letters, 8)
    letters.forget()
    letters.begin()
    _add(letters, 7)
    assert [one["__connect.errors.offset"] for one in bus.sent] == [b"7", b"8"]


def test_records_of_one_message_that_have_one_key_have_a_letter_each(bus: Any) -> None:
    """A customer, its info and its billing, all of which waited too long."""
    letters = DeadLetters(bus, Topics("t"), 100, known=[_known(8)])
    for offset in (7, 8):
        for entity in ("payment", "customer", "customer_info"):
            _add(letters, offset, entity=entity)
    told = [(one["__connect.errors.offset"], one["crossfade.entity"]) for one in bus.sent]
    assert told == [
        (b"7", b"payment"), (b"7", b"customer"), (b"7", b"customer_info"),
        (b"8", b"customer"), (b"8", b"customer_info"),
    ]  # fmt: skip


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


def _known(offset: int) -> Told:
    return Told(Place("splynx.t.payment", 3, offset), "payment", "1", KeyTaken.code)


def test_what_an_earlier_process_wrote_counts_and_is_not_written_again(bus: Any) -> None:
    letters = DeadLetters(bus, Topics("t"), 2, known=[_known(7), _known(8)])
    _add(letters, 8)
    assert not bus.sent
    _add(letters, 8, record="2")  # of the same message
    assert len(bus.sent) == 1
    with pytest.raises(TooManyDeadLetters):
        _add(letters, 9)


def test_what_passes_after_all_counts_no_more(bus: Any) -> None:
    letters = DeadLetters(bus, Topics("t"), 2, known=[_known(7), _known(8)])
    letters.passed("splynx.t.payment", 3, 7)
    _add(letters, 9)
    with pytest.raises(TooManyDeadLetters):
        _add(letters, 10)


def test_one_that_passed_and_fails_again_counts_again_and_has_its_letter(bus: Any) -> None:
    letters = DeadLetters(bus, Topics("t"), 1, known=[_known(7)])
    letters.passed("splynx.t.payment", 3, 7)
    _add(letters, 7)
    assert not bus.sent
    with pytest.raises(TooManyDeadLetters):
        _add(letters, 8)


def test_only_letters_of_the_ledger_are_known(bus: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for mark, offset in (("before", 7), ("now", 8)):
        _add(DeadLetters(bus, Topics("t"), 100, mark=mark), offset)
    lying = [SimpleNamespace(headers=lambda sent=sent: list(sent.items())) for sent in bus.sent]
    monkeypatch.setattr("sinks.letters.read_whole", lambda *_: lying)
    settings: Any = SimpleNamespace(instance="t", kafka=None)
    assert list(known_letters(settings, "now")) == [_known(8)]


async def test_of_what_was_committed_only_the_window_and_what_waits_are_remembered(
    bus: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [_known(offset) for offset in (7, 998, 999, 1000, 2001)]
    monkeypatch.setattr("sinks.letters.known_letters", lambda *_: iter(known))

    class Kept:
        """A ledger, and its database."""

        session = staticmethod(nullcontext)

        async def first_meta(self, *_: Any) -> str:
            return "now"

        async def checkpoints(self, *_: Any) -> dict[int, int]:
            return {3: 2000}

        async def waiting_places(self, *_: Any) -> set[tuple[Place, Key]]:
            of = {7: ("payment", "1"), 998: ("customer", "1"), 999: ("payment", "another")}
            return {(_known(offset).at, key) for offset, key in of.items()}

    kept = cast("Any", Kept())
    budget = SimpleNamespace(dead_letter_budget=9, dead_letter_window=1000)
    letters = await DeadLetters.open(cast("Any", SimpleNamespace(instance="t", sink=budget)), bus, kept, kept)
    for offset in (7, 998, 999, 1000):
        _add(letters, offset)
    assert [one["__connect.errors.offset"] for one in bus.sent] == [b"998", b"999"]
