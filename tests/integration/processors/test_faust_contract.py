"""What Faust does with an event, on a real broker: why each rule of `processors.worker` is there.

The first half loses events, as long as Faust is what it is: should one of these fail after an upgrade, a rule may go.
The second half is what we rely on.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.cimpl import NewTopic

from plumbing.settings import KafkaSettings
from tests.integration.instance import make_topics
from tests.prepared import Forked, Prepared

SCENES = "tests.integration.processors.faust_scenes"
EVENTS = 12
BAD = 5
STARTS = 3


class Play:
    """One scene as a process, and what it left: what it did, and up to where it committed."""

    def __init__(self, bootstrap: str, instance: str, folder: Path, prepared: Prepared) -> None:
        self._bootstrap, self._topic, self._group = bootstrap, f"sonar.{instance}.scene", f"{instance}.scene"
        self._folder, self._prepared = folder, prepared
        self.process: Forked | None = None
        make_topics(KafkaSettings(bootstrap=bootstrap), NewTopic(self._topic, 1, 1))

    def fill(self, bad: bytes = b"5") -> None:
        producer = Producer({"bootstrap.servers": self._bootstrap})
        for number in range(EVENTS):
            producer.produce(self._topic, bad if number == BAD else str(number).encode(), partition=0)
        assert producer.flush(30) == 0

    def start(self, scene: str) -> None:
        words = [scene, self._bootstrap, self._topic, self._group, str(self._folder)]
        log = self._folder / "log"
        self.process = self._prepared.start(SCENES, words, os.environ, out=log, err=log)

    def send(self, sign: signal.Signals) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            os.kill(self.process.pid, sign)
        return self.process.wait(60)

    def reached(self) -> bool:
        return (self._folder / "reached").exists()

    def done(self) -> set[int]:
        file = self._folder / "done"
        return {int(line) for line in file.read_bytes().split()} if file.exists() else set()

    def committed(self) -> int:
        consumer = Consumer({"bootstrap.servers": self._bootstrap, "group.id": self._group})
        try:
            (at,) = consumer.committed([TopicPartition(self._topic, 0)], timeout=30)
        finally:
            consumer.close()
        return max(0, at.offset)

    def lost(self) -> set[int]:
        """Committed, and never done."""
        return set(range(self.committed())) - self.done()

    def wait(self, condition: Callable[[], bool], seconds: float = 40) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, (self._folder / "log").read_text()[-3000:]
            time.sleep(0.1)


@pytest.fixture
def play(kafka_bootstrap: str, instance: str, tmp_path: Path, prepared: Prepared) -> Iterator[Play]:
    made = Play(kafka_bootstrap, instance, tmp_path, prepared)
    yield made
    if made.process is not None:
        made.send(signal.SIGKILL)


# What loses events


@pytest.mark.parametrize(
    "scene",
    [
        pytest.param("agent_raises", id="an agent raises"),
        pytest.param("agent_raises_under_a_crashing_supervisor", id="an agent raises under a crashing supervisor"),
        pytest.param("batch_raises", id="a take() batch raises"),
        pytest.param("two_at_a_time", id="two events are in flight"),
        pytest.param("one_is_not_acknowledged", id="exactly one event is not acknowledged"),
    ],
)
def test_faust_commits_past_an_event_that_was_not_done_when(play: Play, scene: str) -> None:
    play.fill()
    # Whether an app that crashes commits before it ends, or hangs at its end, is a race: each start is another one.
    for _ in range(STARTS):
        play.start(scene)
        with suppress(AssertionError):
            play.wait(lambda: play.committed() > BAD, 20)
        play.send(signal.SIGKILL)
        if play.committed() > BAD:
            break
    assert BAD in play.lost()


def test_faust_commits_past_an_event_that_its_serializer_refuses(play: Play) -> None:
    play.fill(bad=b"{")
    play.start("serializer_refuses")
    play.wait(lambda: play.committed() > BAD)
    assert play.lost() == {BAD}


def test_faust_commits_past_an_event_in_flight_when_a_stop_does_not_wait_for_it(play: Play) -> None:
    play.fill()
    play.start("stop_does_not_wait")
    play.wait(play.reached)
    play.send(signal.SIGTERM)
    assert play.lost() == {BAD}


# What we rely on


def test_a_serial_agent_that_is_killed_commits_nothing_that_is_not_done(play: Play) -> None:
    play.fill()
    play.start("serial_agent_hangs")
    play.wait(lambda: play.reached() and play.committed() == BAD)
    time.sleep(0.6)  # several more commits have had their chance
    play.send(signal.SIGKILL)
    assert (play.committed(), play.lost()) == (BAD, set())


def test_a_serial_agent_that_ends_its_process_commits_nothing_that_is_not_done_and_gets_it_again(play: Play) -> None:
    play.fill()
    play.start("serial_agent_exits")
    assert play.process is not None
    assert play.process.wait(40) == 70
    assert play.committed() <= BAD
    assert play.lost() == set()
    play.start("stop_waits")
    play.wait(lambda: play.committed() == EVENTS)
    assert play.done() == set(range(EVENTS))


def test_a_graceful_stop_that_waits_loses_nothing(play: Play) -> None:
    play.fill()
    play.start("stop_waits")
    play.wait(play.reached)
    assert play.send(signal.SIGTERM) == 0
    assert BAD in play.done()
    assert play.lost() == set()
