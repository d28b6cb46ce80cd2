"""A consumer that is polled while a batch is written, and gives its partitions up when they are asked back."""

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any
from unittest.mock import Mock

import pytest
from confluent_kafka import KafkaError, TopicPartition

from plumbing.errors import DependencyUnreachable
from sinks.errors import AskedBack
from sinks.ledger_errors import HistoryLost
from sinks.membership import Membership
from sinks.stream import without_errors

PLACES = [TopicPartition("splynx.t.account", 0)]


class FakeConsumer:
    """Notes what it is told. `happenings`: what each poll does, called in the thread of the poll."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.happenings: list[Callable[[], object]] = []
        self.polls = 0
        self.polled = asyncio.Event()
        self.on: dict[str, Callable[..., object]] = {}
        self._loop = asyncio.get_running_loop()

    def subscribe(self, topics: list[str], **callbacks: Callable[..., object]) -> None:
        self.on = callbacks

    def assignment(self) -> list[TopicPartition]:
        return PLACES

    def assign(self, places: list[TopicPartition]) -> None:
        self.told.append(f"assign {len(places)}")

    def pause(self, places: list[TopicPartition]) -> None:
        self.told.append(f"pause {len(places)}")

    def resume(self, places: list[TopicPartition]) -> None:
        self.told.append(f"resume {len(places)}")

    def poll(self, seconds: float) -> object:
        assert seconds == 0, "a batch that has ended would wait for the poll"
        self.polls += 1
        told = self.happenings.pop(0)() if self.happenings else None
        self._loop.call_soon_threadsafe(self.polled.set)
        return told


class Scene:
    def __init__(self) -> None:
        self.consumer = FakeConsumer()
        self.stop, self.leaving, self.away = asyncio.Event(), asyncio.Event(), 0
        consumer: Any = self.consumer
        self.member = Membership(
            consumer, self.stop, self.leaving, gone=self._gone, read_on=lambda _, places: self.consumer.resume(places)
        )
        self.member.join(["splynx.t.account"])

    def _gone(self) -> None:
        self.away += 1

    def revoke(self) -> None:
        self.consumer.on["on_revoke"](self.consumer, PLACES)


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes a turn of the loop is long."""
    monkeypatch.setattr("sinks.membership._POLL_SECONDS", 0)


async def test_a_long_batch_is_polled_beside_while_nothing_more_is_fetched() -> None:
    scene = Scene()

    async def long() -> int:
        await scene.consumer.polled.wait()
        scene.consumer.polled.clear()
        await scene.consumer.polled.wait()
        return 7

    assert await scene.member.during(long()) == 7
    assert scene.consumer.polls >= 2
    assert scene.consumer.told == ["pause 1", "resume 1"]


async def test_an_error_that_comes_beside_a_batch_is_handed_on_for_the_client_tells_it_once() -> None:
    scene, cut_off = Scene(), Mock()
    scene.consumer.happenings.append(lambda: cut_off)
    await scene.member.during(scene.consumer.polled.wait())
    assert scene.member.early() == [cut_off]
    assert scene.member.early() == []


@pytest.mark.parametrize(
    ("code", "error"),
    [
        pytest.param(KafkaError._AUTO_OFFSET_RESET, HistoryLost, id="the topic was cut off"),
        pytest.param(KafkaError.UNKNOWN_TOPIC_OR_PART, DependencyUnreachable, id="the topic is away"),
        pytest.param(KafkaError._TRANSPORT, None, id="it passes by itself"),
    ],
)
def test_errors_of_the_client_are_judged_wherever_they_came(code: int, error: type[Exception] | None) -> None:
    wrong = Mock(error=lambda: KafkaError(code))
    good = Mock(error=lambda: None)
    with nullcontext() if error is None else pytest.raises(error):
        assert without_errors([wrong, good]) == [good]


async def test_what_is_asked_back_goes_only_when_the_work_has_ended() -> None:
    scene = Scene()
    scene.consumer.happenings.append(scene.revoke)

    async def long() -> None:
        await scene.leaving.wait()
        assert scene.away == 0, "the partitions went away under a batch at work"
        raise AskedBack("no further call is begun")

    with pytest.raises(AskedBack):
        await scene.member.during(long())
    assert scene.away == 1
    assert not scene.leaving.is_set(), "the next batch would be given up, too"
    assert scene.consumer.told == ["pause 1"]


async def test_nothing_is_read_of_new_partitions_before_they_are_taken_over() -> None:
    scene = Scene()
    scene.consumer.on["on_assign"](scene.consumer, PLACES)
    assert (scene.consumer.told, scene.member.incoming) == (["assign 0"], PLACES)
    assert scene.member.incoming is not None
    scene.member.begin(scene.member.incoming)
    assert scene.consumer.told == ["assign 0", "assign 1", "resume 1"]


async def test_partitions_that_went_away_before_they_were_taken_over_are_not_begun() -> None:
    scene = Scene()
    scene.consumer.on["on_assign"](scene.consumer, PLACES)
    places = scene.member.incoming
    assert places is not None
    scene.revoke()
    scene.member.begin(places)
    assert scene.consumer.told == ["assign 0"]


async def test_a_failure_of_the_work_is_told_and_the_consumer_reads_on() -> None:
    scene = Scene()

    async def fails() -> None:
        await scene.consumer.polled.wait()
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await scene.member.during(fails())
    assert scene.consumer.told == ["pause 1", "resume 1"]


async def test_a_sink_that_is_to_end_begins_nothing_more_of_a_long_batch() -> None:
    scene = Scene()
    scene.consumer.happenings.append(scene.stop.set)

    async def long() -> None:
        await scene.leaving.wait()
        raise AskedBack("no further call is begun")

    with pytest.raises(AskedBack):
        await scene.member.during(long())
    assert scene.leaving.is_set(), "another batch would be begun"
