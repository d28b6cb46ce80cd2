"""The lease as this process sees it: held, lost, and never taken back silently."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from plumbing.settings import KafkaSettings
from producers import lease
from producers.lease import Lease, LeaseHeld, LeaseLost
from schemas.topics import Topics


class Group:
    """A consumer whose assignment the test decides."""

    def __init__(self) -> None:
        self.owned = False
        self.now = 0.0
        self.beats = 0

    def subscribe(self, topics: list[str]) -> None:
        """Join."""

    def poll(self, timeout: float) -> None:
        """One heartbeat."""
        self.beats += 1

    def assignment(self) -> list[Any]:
        return [type("Assigned", (), {"topic": "crossfade.t.lease"})()] if self.owned else []

    def close(self) -> None:
        """Leave."""


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch) -> Group:
    group = Group()
    monkeypatch.setattr(lease, "make_consumer", lambda *_, **__: group)
    monkeypatch.setattr("producers.lease.monotonic", lambda: group.now)
    return group


def a_lease() -> Lease:
    return Lease(KafkaSettings(bootstrap="127.0.0.1:1"), Topics("t"))


async def test_who_owns_the_partition_holds_the_lease(group: Group) -> None:
    group.owned = True
    with a_lease() as held:
        assert await held.acquire(asyncio.Event(), 0)
        held.check()


async def test_a_second_process_is_refused_when_its_patience_ends(group: Group) -> None:
    with a_lease() as waiting:
        group.now = 1.0
        task = asyncio.create_task(waiting.acquire(asyncio.Event(), 5))
        await asyncio.sleep(0.01)
        group.now = 7.0
        with pytest.raises(LeaseHeld):
            await task


async def test_a_process_that_was_stopped_for_a_session_holds_it_no_more(group: Group) -> None:
    group.owned = True
    with a_lease() as held:
        await held.acquire(asyncio.Event(), 0)
        await asyncio.sleep(0.01)
        group.now += 60  # SIGSTOP and SIGCONT: this client still believes that it owns the partition
        with pytest.raises(LeaseLost):
            held.check()
        await asyncio.sleep(0.05)
        with pytest.raises(LeaseLost):
            held.check()


async def test_a_lease_that_was_lost_is_not_taken_back(group: Group) -> None:
    group.owned = True
    with a_lease() as held:
        await held.acquire(asyncio.Event(), 0)
        group.owned = False
        await asyncio.sleep(0.05)
        group.owned = True
        await asyncio.sleep(0.05)
        with pytest.raises(LeaseLost):
            held.check()


async def test_it_is_kept_while_all_that_waits_for_the_broker_waits(group: Group) -> None:
    group.owned = True
    go, loop = threading.Event(), asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    with a_lease() as held:
        await held.acquire(asyncio.Event(), 0)
        waiting = loop.run_in_executor(None, go.wait)
        beats = group.beats
        for _ in range(2000):
            if group.beats > beats + 3:
                break
            await asyncio.sleep(0.001)
        go.set()
        await waiting
    assert group.beats > beats + 3


async def test_nothing_is_polled_once_it_was_left(group: Group) -> None:
    group.owned = True
    with a_lease() as held:
        await held.acquire(asyncio.Event(), 0)
    beats = group.beats
    await asyncio.sleep(0.01)
    assert group.beats == beats
    assert not held.held
