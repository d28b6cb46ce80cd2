"""What capture remembers, damaged, lost or of yesterday; and two processes of which one was away."""

import asyncio
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from confluent_kafka import Message

from plumbing.errors import ExitCode
from plumbing.settings import KafkaSettings
from producers.cursors import Cursors, CursorUnusable
from producers.lease import Lease, LeaseLost
from producers.sequence import SequenceBehind
from tests.faults.capture_town import Town
from tests.faults.seeds import seeds

KAFKA = KafkaSettings(bootstrap="127.0.0.1:1")
DAMAGES: tuple[Callable[[bytes], bytes], ...] = (
    lambda value: value[: len(value) // 2],
    lambda value: b"",
    lambda value: b"[]",
    lambda value: b"\xff" + value[1:],
    lambda value: value.replace(b'"cursor":{', b'"cursor":[{').replace(b'},"instance"', b'}],"instance"'),
    lambda value: value.replace(b'"instance":"t"', b'"instance":"another"'),
)
"""Ways in which a cursor is none: cut off, empty, no document, no text, no cursor, another instance's."""


def cursors_of(town: Town, patches: pytest.MonkeyPatch) -> Cursors:
    """The cursors as a process that starts reads them from the broker."""

    def read(*_: Any) -> Iterator[Message]:
        for topic, _partition, key, value in town.broker.messages:
            if topic == town.topics.cursors:
                yield Message(topic=topic, key=key, value=value)

    patches.setattr("producers.cursors.read_whole", read)
    return Cursors.load(KAFKA, town.topics, None, lambda: None)  # type: ignore[arg-type]


@pytest.mark.fault(3)
@seeds(30, guards={"a cursor that is none halts": 1})
async def test_a_damaged_or_foreign_cursor_halts_by_name_and_a_restored_one_goes_on(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = Town(seed)
    await town.read()
    town.live(5)
    await town.follow(1)
    town.live(5)
    saved = [at for at, message in enumerate(town.broker.messages) if message[0] == town.topics.cursors]
    place = town.random.choice(saved)
    topic, partition, key, value = town.broker.messages[place]
    damaged = DAMAGES[seed % len(DAMAGES)](value or b"")
    assert damaged != value
    town.broker.messages[place] = (topic, partition, key, damaged)
    with pytest.raises(CursorUnusable, match=key.decode()) as unusable:
        cursors_of(town, monkeypatch)
    assert unusable.value.exit_code is ExitCode.USAGE
    assert "restore" in unusable.value.next_step
    town.broker.messages[place] = (topic, partition, key, value)
    assert cursors_of(town, monkeypatch).get("follow") == town.cursors.get("follow")
    town.restart()
    await town.follow()
    await town.assert_topics_tell_sonar()


@pytest.mark.fault(43)
@seeds(30, guards={"numbers begin above what the topics hold": 1})
async def test_cursors_of_yesterday_and_lost_ones_never_lead_below_what_was_published(seed: int) -> None:
    """Of yesterday with Sonar's clock behind (seeds of the form 3n+1), with its clock right (3n+2), or lost (3n)."""
    town = Town(seed)
    await town.read()
    yesterday = cursor_count(town)
    town.live(8)
    await town.follow(2)
    published = list(town.broker.messages)
    kept = 0 if seed % 3 == 0 else yesterday
    town.broker.messages = without_cursors_after(town, kept)
    now = town.shop.clock.now
    newest = max(int(event["source"]["sequence"]) for name in ("account", "payment") for event in town.events(name))
    if seed % 3 == 1:
        town.shop.clock.tick(-7200)
    town.restart()
    before = len(town.broker.messages)
    if seed % 3 != 2:
        with pytest.raises(SequenceBehind if seed % 3 else CursorUnusable):
            await town.numbers.reserve(town.shop.clock.now, newest)
        assert len(town.broker.messages) == before
        town.shop.clock.now = now  # set right, or the cursors are restored
        if not seed % 3:
            town.broker.messages = published
        town.restart()
    town.live(3)
    await town.numbers.reserve(town.shop.clock.now, newest)
    await town.read()
    await town.follow()
    await town.assert_topics_tell_sonar()


def cursor_count(town: Town) -> int:
    """Messages on the cursors topic."""
    return len(town.broker.of(town.topics.cursors))


def without_cursors_after(town: Town, kept: int) -> list[tuple[str, int, bytes, bytes | None]]:
    """What the broker has, with only so many of the cursors' messages."""
    left, found = kept, []
    for message in town.broker.messages:
        if message[0] == town.topics.cursors:
            left -= 1
            if left < 0:
                continue
        found.append(message)
    return found


is_first: ContextVar[bool] = ContextVar("is_first", default=False)
"""Whether it is the process that will be stopped."""


class Group:
    """The capture group as its members see it, and a time that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def poll(self, timeout: float) -> None:
        """A heartbeat."""

    def assignment(self) -> list[Any]:
        """Its one partition: a member that was away believes that it still has it."""
        return [type("Assigned", (), {"topic": "crossfade.t.lease"})()]


@pytest.mark.fault(30)
@pytest.mark.fault(43)
@seeds(30, guards={"who has lost the lease publishes nothing": 1})
async def test_a_capture_that_was_stopped_writes_nothing_when_it_wakes(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGSTOP for four session times while a page is on its way: another process has taken over meanwhile."""
    group = Group()
    monkeypatch.setattr("producers.lease.make_consumer", lambda *_, **__: group)
    monkeypatch.setattr("producers.lease.monotonic", lambda: group.now)
    town = Town(seed)

    def taken() -> Lease:
        lease = Lease(KAFKA, town.topics)
        assert lease._beat()
        return lease

    monkeypatch.setattr(town, "a_lease", taken)
    town.restart()
    await town.begin()
    if seed % 2:
        await town.read()
        town.live(6)
    asleep, woken, turn = asyncio.Event(), asyncio.Event(), 1 if seed % 2 else 1 + seed % 4

    async def stopped(document: str) -> None:
        """The first process stops with the page of this turn, and all that it does besides."""
        nonlocal turn
        await asyncio.sleep(0)
        if is_first.get():
            turn -= "query Page" in document
            if turn <= 0:
                asleep.set()
                await woken.wait()

    async def first() -> None:
        is_first.set(True)
        await (town.following.poll() if seed % 2 else town.read())

    town.line.held_up = stopped
    ending = asyncio.create_task(first())
    await asleep.wait()
    group.now += 60
    town.live(4)
    town.restart()
    await town.read()
    await town.follow(2)
    woken.set()
    with pytest.raises((LeaseLost, ExceptionGroup)) as lost:
        await ending
    told = lost.value.exceptions[0] if isinstance(lost.value, ExceptionGroup) else lost.value
    assert isinstance(told, LeaseLost)
    await town.assert_topics_tell_sonar()
    town.live(2)
    await town.follow(2)
    await town.assert_topics_tell_sonar()
