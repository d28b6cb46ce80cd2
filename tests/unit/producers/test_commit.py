"""A commit covers what was handed over before it began, and those who ask meanwhile share the next."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from plumbing.kafka import AckedProducer, NotAcknowledged
from producers import documents
from producers.cursors import Cursors
from producers.index import Index
from producers.publisher import Published, Publisher
from schemas.topics import Topics
from tests.unit.producers.scene import ACCOUNT, Scene
from tests.unit.producers.settled import a_scene


class Held:
    """A producer whose flushes wait until they are let go; each takes all that was handed over before it began."""

    def __init__(self) -> None:
        self.go = threading.Semaphore(0)
        self.begun = threading.Semaphore(0)
        self.handed = 0
        self.taken: list[int] = []
        """How many messages each flush took."""

    def produce(self, *_: Any, **__: Any) -> None:
        """Hand over."""
        self.handed += 1

    def produce_all(self, topic: str, messages: Iterable[object], *, partition: int) -> None:
        """Hand over."""
        self.handed += len(list(messages))

    def flush(self) -> None:
        """Take what is there, once it is let go."""
        taken = self.handed
        self.begun.release()
        self.go.acquire()
        self.taken.append(taken)


@asynccontextmanager
async def a_commit_under_way() -> AsyncIterator[tuple[Held, Publisher, asyncio.Task[None]]]:
    """One that waits in its first flush."""
    held = Held()
    producer = cast("AckedProducer", held)
    index = Index("index", 3, producer)
    cursors = Cursors("main", "cursors", producer, {}, lambda: None)
    publisher = Publisher(Topics("main"), 3, producer, {}, index, cursors, run_id="run", fingerprint="", offsets={})
    first = asyncio.create_task(publisher.commit())
    try:
        await asyncio.to_thread(held.begun.acquire)
        yield held, publisher, first
    finally:
        held.go.release(100)  # no thread waits on behind a test that failed


async def test_a_commit_whose_caller_is_cancelled_comes_to_its_end_before_the_next_begins() -> None:
    """A range of a snapshot fails, and with it all are cancelled: following must not send beside what they sent."""
    async with a_commit_under_way() as (held, publisher, first):
        first.cancel()
        second = asyncio.create_task(publisher.commit())
        for _ in range(20):
            await asyncio.sleep(0)
        assert not held.begun.acquire(blocking=False)
        assert not first.done()
        held.go.release(2)
        await asyncio.gather(first, return_exceptions=True)
        assert first.cancelled()
        held.go.release(2)
        await second
    assert len(held.taken) == 4


async def test_those_who_ask_while_a_commit_is_under_way_share_the_next() -> None:
    async with a_commit_under_way() as (held, publisher, first):
        held.produce()
        others = [asyncio.create_task(publisher.commit()) for _ in range(3)]
        held.go.release(2)
        await first
        await asyncio.to_thread(held.begun.acquire)  # that of the first one's index
        await asyncio.to_thread(held.begun.acquire)
        assert not any(one.done() for one in others)  # what they handed over came after the first commit had begun
        held.go.release(2)
        await asyncio.wait(others, timeout=30)
        assert all(one.done() for one in others)
    assert held.taken == [0, 1, 1, 1]  # two commits, each of the events and of the index


async def test_a_watermark_names_the_end_of_each_partition_that_was_written() -> None:
    scene = Scene(page_size=10)
    for number in range(30):
        scene.shop.a_payment(scene.shop.an_account(f"A{number}"), 250)
    await scene.begin()
    await scene.snapshot.run(scene.aggregates, asyncio.Event(), started=scene.desk.clock.now, force=None)
    topics = [scene.topics.sonar(one.name) for one in scene.aggregates]
    written = Counter((topic, partition) for topic, partition, _, _ in scene.broker.messages if topic in topics)
    assert max(written.values()) > 2
    told = {(topic, at): end for topic, ends in scene.publisher.offsets.items() for at, end in ends.items()}
    assert told == written


async def test_what_a_cancelled_commit_was_about_to_send_is_sent_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A range of a snapshot fails, and with it all are cancelled: what following had handed over goes with theirs."""
    scene = await a_scene()
    real, held, go = scene.cursors.save, asyncio.Event(), asyncio.Event()

    async def save(name: str, document: dict[str, Any]) -> None:
        if name == "unsure" and not held.is_set():
            held.set()
            await go.wait()
        await real(name, document)

    monkeypatch.setattr(scene.cursors, "save", save)
    scene.shop.store.update("Account", 1, name="Eda")
    page = await scene.reader.page(ACCOUNT, documents.any_of([1]), 1)
    assert scene.publisher.row(ACCOUNT, page.rows[0], {}, page, snapshot=False) is Published.EVENT
    first = asyncio.create_task(scene.publisher.commit())
    await held.wait()
    first.cancel()
    second = asyncio.create_task(scene.publisher.commit())
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(first, return_exceptions=True)
    await second
    assert scene.folded()[1]["name"] == "Eda"


async def test_after_a_commit_that_failed_nothing_is_committed_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it had taken out to send is lost to this process: a cursor that moved would pass it by."""
    scene = await a_scene()
    page = await scene.reader.page(ACCOUNT, documents.any_of([1]), 1)
    with monkeypatch.context() as patch:
        patch.setattr(scene.broker, "flush", lambda _: 1)
        scene.publisher.row(ACCOUNT, page.rows[0], {}, page, snapshot=True)
        with pytest.raises(NotAcknowledged):
            await scene.publisher.commit()
    with pytest.raises(NotAcknowledged):
        await scene.publisher.commit()
