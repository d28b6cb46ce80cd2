"""Work beside each other: what depends on one another lies in one lane and goes in turn."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import TypeVar

One = TypeVar("One")
Done = TypeVar("Done")


async def in_lanes(
    items: Sequence[One], lane: Callable[[One], Hashable], do: Callable[[One], Awaitable[Done]], at_once: int
) -> list[Done]:
    """What `do` makes of each item, in their order: items of one lane one after the other, so many lanes at once.

    After a failure nothing more is begun. What is under way is waited for: a call that is cancelled half-way leaves
    open what became of it. Then the first failure is raised.
    """
    lanes: dict[Hashable, list[int]] = {}
    for place, one in enumerate(items):
        lanes.setdefault(lane(one), []).append(place)
    slots, failed = asyncio.Semaphore(at_once), asyncio.Event()
    done: dict[int, Done] = {}

    async def in_turn(places: Sequence[int]) -> None:
        async with slots:
            for place in places:
                if failed.is_set():
                    return
                try:
                    done[place] = await do(items[place])
                except BaseException:
                    failed.set()
                    raise

    ended = await asyncio.gather(*map(in_turn, lanes.values()), return_exceptions=True)
    for error in ended:
        if isinstance(error, BaseException):
            raise error
    return [done[place] for place in range(len(items))]
