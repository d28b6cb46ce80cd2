"""Stillness on a clock that is moved by hand; waiting is not standing still; history that retention took."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest
from confluent_kafka import Consumer, TopicPartition

from plumbing import metrics
from plumbing.errors import DependencyUnreachable
from plumbing.lag import lag_of, waiting_at
from plumbing.settings import Settings
from plumbing.standstill import Standstill
from processors import watchdog
from processors.history import Continuity, HistoryLost, check_retained
from processors.transform import Coordinates
from processors.watchdog import Waits, Watchdog

ENDS = {0: (0, 5), 1: (0, 5), 2: (0, 5)}


class Clock:
    """Seconds that pass only when told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Group:
    """A consumer that asks: `ends` and `committed` of every topic alike."""

    def __init__(self, ends: Mapping[int, tuple[int, int]], committed: Mapping[int, int]) -> None:
        self.ends, self.done = ends, committed

    def get_watermark_offsets(self, place: TopicPartition, timeout: float) -> tuple[int, int]:
        return self.ends[place.partition]

    def committed(self, places: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        return [TopicPartition(one.topic, one.partition, self.done.get(one.partition, -1001)) for one in places]

    def assign(self, places: list[TopicPartition]) -> None:
        """Nothing is fetched here."""

    def poll(self, timeout: float) -> None:
        return None

    def unassign(self) -> None:
        """Nothing was."""


class Ended(BaseException):
    """The process is at its end."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("os._exit", _end)
    monkeypatch.setattr("faulthandler.dump_traceback", lambda **_: None)
    return clock


def _end(code: int) -> None:
    raise Ended(code)


def a_watchdog(clock: Callable[[], float], waits: Waits) -> Watchdog:
    settings = Settings.model_validate(
        {
            "instance": "main",
            "sonar": {"url": "http://sonar.example.com", "token": "t"},
            "splynx": {
                "url": "http://splynx.example.com",
                "key": "k",
                "secret": "s",
                "db": {"host": "h", "user": "u", "password": "p", "name": "n"},
            },
            "kafka": {"bootstrap": "127.0.0.1:1", "partitions": 3},
            "registry": {"url": "http://127.0.0.1:1"},
            "rules": "rules.yaml",
            "guards": "guards.yaml",
            "process": {"stuck_seconds": 10},
        }
    )
    dog = Watchdog(settings, ["payment"], waits, cast(Any, None))
    dog._standstill = Standstill(10, clock)
    return dog


def test_a_partition_with_a_backlog_that_does_not_move_is_stuck(clock: Clock) -> None:
    progress = Standstill(10, clock)
    assert progress.stuck("t", ENDS, {0: 1, 1: 1, 2: 5}) == []
    clock.now = 11
    assert progress.stuck("t", ENDS, {0: 1, 1: 2, 2: 5}) == [0]


def test_patience_begins_when_the_backlog_does(clock: Clock) -> None:
    progress = Standstill(10, clock)
    progress.stuck("t", {0: (0, 5)}, {0: 5})
    clock.now = 100
    assert progress.stuck("t", {0: (0, 6)}, {0: 5}) == []
    clock.now = 111
    assert progress.stuck("t", {0: (0, 6)}, {0: 5}) == [0]


def test_a_worker_that_stands_still_is_ended(clock: Clock) -> None:
    dog, group = a_watchdog(clock, Waits()), cast(Consumer, Group(ENDS, {0: 1}))
    dog.look(group)
    clock.now = 11
    with pytest.raises(Ended) as ended:
        dog.look(group)
    assert ended.value.args == (70,)


def test_a_worker_that_waits_for_a_dependency_is_not_and_has_all_its_time_afterwards(clock: Clock) -> None:
    waits = Waits()
    dog, group = a_watchdog(clock, waits), cast(Consumer, Group(ENDS, {0: 1}))
    dog.look(group)
    waits.begin("sonar.main.payment", "dependency.unreachable")
    for clock.now in (11.0, 60.0, 600.0):
        dog.look(group)
    waits.end("sonar.main.payment")
    for clock.now in (601.0, 610.0):
        dog.look(group)
    clock.now = 612
    with pytest.raises(Ended):
        dog.look(group)


def test_time_in_which_kafka_did_not_answer_does_not_count(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    dog = a_watchdog(clock, Waits())
    group = Group(ENDS, {0: 1})
    looks = iter([None, DependencyUnreachable("Kafka does not answer"), None])
    asked: list[float] = []

    class Stop:
        """Three looks, 20 seconds apart."""

        def wait(self, seconds: float) -> bool:
            asked.append(seconds)
            clock.now += 20
            return len(asked) > 3

    look = dog.look

    def looking(consumer: Consumer) -> None:
        if (error := next(looks)) is not None:
            raise error
        look(cast(Consumer, group))

    class Closing:
        def close(self) -> None:
            """Nothing is open."""

    monkeypatch.setattr(watchdog, "make_lag_consumer", lambda *_: Closing())
    monkeypatch.setattr(dog, "look", looking)
    monkeypatch.setattr(dog, "_stopped", Stop())
    dog.run()
    assert len(asked) == 4


def test_a_pause_is_told_until_nothing_waits_for_that_reason() -> None:
    def paused() -> float | None:
        return metrics.REGISTRY.get_sample_value("crossfade_stage_paused", {"stage": "process", "code": "x"})

    waits = Waits()
    waits.begin("a", "x")
    waits.begin("b", "x")
    waits.end("a")
    assert (paused(), waits.now()) == (1, {"b": "x"})
    waits.end("b")
    assert (paused(), waits.now()) == (0, {})


def test_lag_counts_what_lies_between_commit_and_end() -> None:
    assert lag_of({0: (2, 10), 1: (0, 4)}, {0: 7}) == 3 + 4
    assert waiting_at({0: (2, 10), 1: (0, 4), 2: (5, 5)}, {0: 1}) == {0: 2, 1: 0}


def check(ends: dict[int, tuple[int, int]], committed: dict[int, int]) -> None:
    check_retained(cast(Consumer, Group(ends, committed)), ["sonar.main.payment"], len(ends))


@pytest.mark.fault(9)
@pytest.mark.parametrize(
    ("low", "high", "committed"),
    [pytest.param(8, 20, 7, id="retention overtook it"), pytest.param(0, 3, 7, id="the topic was made anew")],
)
def test_a_group_that_cannot_go_on_where_it_was_stops_and_names_the_remedy(low: int, high: int, committed: int) -> None:
    with pytest.raises(HistoryLost) as lost:
        check({0: (low, high)}, {0: committed})
    assert "snapshot" in lost.value.next_step


def test_a_group_at_the_oldest_message_or_one_that_never_committed_goes_on() -> None:
    check({0: (8, 20), 1: (3, 9)}, {0: 8})


def message(offset: int) -> Coordinates:
    return Coordinates("payment", "sonar.main.payment", 0, offset)


@pytest.mark.fault(9)
def test_a_silent_jump_over_messages_that_are_gone_is_noticed() -> None:
    continuity = Continuity(lambda *_: 50)
    continuity.follow(message(7))
    with pytest.raises(HistoryLost):
        continuity.follow(message(50))


def test_a_redelivery_a_gap_in_what_is_kept_and_a_new_assignment_are_no_loss() -> None:
    continuity = Continuity(lambda *_: 5)
    for offset in (7, 8, 6, 7, 9):
        continuity.follow(message(offset))
    continuity.forget()
    continuity.follow(message(900))
