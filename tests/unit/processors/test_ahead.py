"""Events that are made before their turn: each has its own result at its turn, and no error before it."""

import asyncio
from collections import deque

import pytest

from plumbing.errors import DependencyUnreachable
from processors import ahead as aheads
from processors.ahead import Ahead, Event
from processors.transform import Coordinates, DeadLetter, Produced


def event(offset: int, value: bytes | None = b"v") -> Event:
    return Coordinates("payment", "sonar.main.payment", 0, offset), value


class Mapper:
    """Notes what it is asked; what `away` names cannot be made so many times."""

    def __init__(self, away: dict[int, int] | None = None) -> None:
        self.made: list[int] = []
        self.away = away or {}

    def make(self, at: Coordinates, value: bytes | None) -> Produced | DeadLetter:
        self.made.append(at.offset)
        if self.away.get(at.offset, 0) > 0:
            self.away[at.offset] -= 1
            raise DependencyUnreachable("the registry does not answer")
        return Produced(b"%d %s" % (at.offset, value)) if value else DeadLetter(at, "code", "reason")


def ahead_of(mapper: Mapper, waiting: deque[Event]) -> Ahead:
    return Ahead(mapper.make, waiting, lambda one: one)


async def through(ahead: Ahead, waiting: deque[Event]) -> list[Produced | DeadLetter]:
    """The results of all that waits, each at its turn."""
    return [await ahead.result(*waiting.popleft()) for _ in range(len(waiting))]


async def test_what_waits_is_made_with_the_first_and_each_has_its_own_at_its_turn() -> None:
    mapper, waiting = Mapper(), deque([event(1), event(2, None), event(3)])
    ahead = ahead_of(mapper, waiting)
    assert await ahead.result(*waiting.popleft()) == Produced(b"1 v")
    assert (mapper.made, len(waiting)) == ([1, 2, 3], 2)
    assert await through(ahead, waiting) == [DeadLetter(event(2)[0], "code", "reason"), Produced(b"3 v")]
    assert mapper.made == [1, 2, 3]


async def test_an_event_with_nothing_behind_it_does_not_wait_for_more() -> None:
    mapper = Mapper()
    assert await ahead_of(mapper, deque()).result(*event(1)) == Produced(b"1 v")


async def test_what_comes_meanwhile_is_made_too() -> None:
    mapper, waiting = Mapper(), deque[Event]()
    first = asyncio.create_task(ahead_of(mapper, waiting).result(*event(1)))
    await asyncio.sleep(0)
    waiting.append(event(2))
    await first
    assert mapper.made == [1, 2]


async def test_so_many_are_made_at_once_and_no_more() -> None:
    mapper, waiting = Mapper(), deque(event(offset) for offset in range(1, 100))
    await ahead_of(mapper, waiting).result(*event(0))
    assert len(mapper.made) == 1 + aheads.AT_ONCE


async def test_large_events_are_made_few_at_a_time() -> None:
    large = b"v" * (aheads.BYTES_AT_ONCE // 2)
    mapper, waiting = Mapper(), deque(event(offset, large) for offset in range(1, 9))
    await ahead_of(mapper, waiting).result(*event(0, large))
    assert mapper.made == [0, 1, 2]


async def test_a_failure_counts_at_the_turn_of_its_own_event_and_holds_up_what_is_behind_it() -> None:
    mapper, waiting = Mapper(away={2: 2}), deque([event(1), event(2), event(3)])
    ahead = ahead_of(mapper, waiting)
    assert await ahead.result(*waiting.popleft()) == Produced(b"1 v")
    assert mapper.made == [1, 2]
    second = waiting.popleft()
    with pytest.raises(DependencyUnreachable):
        await ahead.result(*second)
    assert mapper.made == [1, 2, 2]
    assert await ahead.result(*second) == Produced(b"2 v")
    assert await through(ahead, waiting) == [Produced(b"3 v")]


async def test_another_message_at_the_same_place_has_a_result_of_its_own() -> None:
    mapper, waiting = Mapper(), deque([event(1), event(2, b"old")])
    ahead = ahead_of(mapper, waiting)
    await ahead.result(*waiting.popleft())
    assert await ahead.result(*event(2, b"new")) == Produced(b"2 new")


async def test_what_faust_gave_up_is_not_kept() -> None:
    mapper, waiting = Mapper(), deque(event(offset) for offset in range(1, 9))
    ahead = ahead_of(mapper, waiting)
    await ahead.result(*waiting.popleft())
    waiting.clear()  # the partition went to another member
    await ahead.result(*event(50))
    assert ahead._made == {}
