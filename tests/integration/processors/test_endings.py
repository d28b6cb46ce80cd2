"""How the processors end, and what they wait for: exit codes, budgets, outages, lost history, stillness."""

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from confluent_kafka import TopicPartition

from plumbing.dead_letters import TooManyDeadLetters
from plumbing.errors import ConfigurationError
from plumbing.kafka import make_admin
from processors.batch import GroupTaken, process_batch
from processors.history import HistoryLost
from tests.integration.capture.conftest import Site
from tests.integration.processors.conftest import (
    Worker,
    by_origin,
    caught_up,
    committed,
    dead,
    events,
    poison,
)

UNKNOWN_SCHEMA = b"\x00\x7f\xff\xff\xff\x02"


class Gate:
    """A way to a server that can be shut: connections are then refused and cut."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listening: socket.socket | None = None
        self._open: list[socket.socket] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]

    def open(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=[self._listening], daemon=True).start()

    def shut(self) -> None:
        if self._listening is not None:
            self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            self._listening = None
        for one in self._open:
            one.close()
        self._open = []

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                near, _ = listening.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            self._open += [near, far]
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return


@pytest.fixture
def registry_gate(registry_url: str) -> Iterator[Gate]:
    parts = urlsplit(registry_url)
    gate = Gate(parts.hostname or "", parts.port or 80)
    gate.open()
    yield gate
    gate.shut()


def test_a_spent_budget_ends_the_worker_and_no_restart_gives_it_back(site: Site, worker: Worker) -> None:
    process_batch(site.settings, until_end=True)
    placed = poison(site, [b"x"] * 5)
    for _ in range(2):
        worker.start(dead_letter_budget=2)
        assert worker.ended() == 70
        assert dead(site) == set(placed[:2])
        assert committed(site, "payment")[0] <= placed[2][2]
    assert "dead_letters.too_many" in worker.log.read_text()
    worker.start(dead_letter_budget=5)
    worker.wait(lambda: caught_up(site))
    assert dead(site) == set(placed)


def test_the_batch_engine_has_the_same_budget(site: Site) -> None:
    placed = poison(site, [b"x"] * 5)
    site.settings = site.settings.model_copy(
        update={"process": site.settings.process.model_copy(update={"dead_letter_budget": 2})}
    )
    for _ in range(2):
        with pytest.raises(TooManyDeadLetters):
            process_batch(site.settings, until_end=True)
        assert dead(site) == set(placed[:2])


def test_an_outage_of_the_registry_is_waited_for_longer_than_patience_with_stillness(
    site: Site, worker_at: Callable[[str], Worker], registry_gate: Gate
) -> None:
    path = urlsplit(site.settings.registry.url).path
    worker = worker_at(f"http://127.0.0.1:{registry_gate.port}{path}")
    worker.start(stuck_seconds=4)
    worker.wait(lambda: caught_up(site))
    registry_gate.shut()
    placed = poison(site, [UNKNOWN_SCHEMA])
    # The watchdog looks every five seconds: it has had its chance twice.
    quiet_until = time.monotonic() + 16
    worker.wait(lambda: time.monotonic() > quiet_until)
    assert dead(site) == set()
    assert committed(site, "payment")[0] == placed[0][2]
    registry_gate.open()
    worker.wait(lambda: caught_up(site))
    assert dead(site) == set(placed)


def test_a_stop_while_it_waits_ends_with_75_and_the_event_comes_again(
    site: Site, worker_at: Callable[[str], Worker], registry_gate: Gate
) -> None:
    path = urlsplit(site.settings.registry.url).path
    worker = worker_at(f"http://127.0.0.1:{registry_gate.port}{path}")
    worker.start()
    worker.wait(lambda: caught_up(site))
    registry_gate.shut()
    placed = poison(site, [UNKNOWN_SCHEMA])
    worker.wait(lambda: "process.waiting" in worker.log.read_text())
    assert worker.end(signal.SIGTERM) == 75
    assert committed(site, "payment")[0] == placed[0][2]
    registry_gate.open()
    with pytest.raises(GroupTaken):  # to Kafka it is still a member, until its session ends
        process_batch(site.settings, until_end=True, patience_seconds=0)
    worker.start()
    worker.wait(lambda: caught_up(site))
    assert dead(site) == set(placed)


@pytest.mark.fault(9)
def test_a_group_whose_next_messages_are_gone_stops_and_names_the_remedy(site: Site, worker: Worker) -> None:
    topic = site.topics.sonar("payment")
    process_batch(site.settings, until_end=True)
    end = committed(site, "payment")[0]
    poison(site, [b"x", b"x"])
    admin = make_admin(site.settings.kafka)
    for future in admin.delete_records([TopicPartition(topic, 0, end + 1)]).values():
        future.result(30)
    with pytest.raises(HistoryLost, match=rf"{topic}\[0\]"):
        process_batch(site.settings, until_end=True)
    worker.start()
    assert worker.ended() == 2
    assert "snapshot" in worker.log.read_text()
    assert committed(site, "payment")[0] == end


def test_a_worker_that_stands_still_is_ended_and_shows_where_it_stood(site: Site, worker: Worker) -> None:
    worker.start(patch="hang", stuck_seconds=3)
    assert worker.ended() == 70
    text = worker.log.read_text()
    assert "process.stuck" in text
    assert "Thread" in text
    assert committed(site, "payment") == {}


@pytest.mark.fault(4)
@pytest.mark.parametrize(
    ("patch", "whole"), [pytest.param("late", True, id="flushed"), pytest.param("late_unflushed", False, id="not")]
)
def test_what_is_committed_was_acknowledged_because_it_is_flushed_before(
    site: Site, worker: Worker, patch: str, whole: bool
) -> None:
    worker.start(patch=patch)
    worker.wait(lambda: caught_up(site))
    worker.end(signal.SIGKILL)
    assert (set(by_origin(site, "account")) == events(site, "account")) is whole


@pytest.mark.parametrize("key", [pytest.param("", id="none"), pytest.param("secret", id="a short one")])
def test_a_key_that_can_be_guessed_is_refused_before_anything_is_read(site: Site, worker: Worker, key: str) -> None:
    worker.start(hmac_key=key)
    assert worker.ended() == 2
    assert "CROSSFADE_PROCESS__HMAC_KEY" in worker.log.read_text()
    with pytest.raises(ConfigurationError, match="hmac_key"):
        process_batch(
            site.settings.model_copy(update={"process": type(site.settings.process).model_validate({"hmac_key": key})}),
            until_end=True,
        )
