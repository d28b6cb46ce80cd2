"""What waits behind an event of the live engine is mapped together with it.

Between Faust's steps from one event to the next the CPU forgets the mappers, and meanwhile Faust's: taken in turn, an
event cost a third more than both cost alone. What an event becomes depends on nothing but the event, so it may be made
before its turn; what is published, set aside and acknowledged, and when, stays as it is.
"""

import asyncio
from collections.abc import Callable, Collection
from itertools import islice
from typing import Any

from processors.transform import Coordinates, DeadLetter, Produced

AT_ONCE = 64
"""So many events together; Faust stands still meanwhile, for a few hundredths of a second."""
BYTES_AT_ONCE = 1024 * 1024
_MOMENT_SECONDS = 0.001

Event = tuple[Coordinates, bytes | None]


class Ahead:
    """What events of one topic become, some of them before their turn."""

    def __init__(
        self,
        make: Callable[[Coordinates, bytes | None], Produced | DeadLetter],
        waiting: Collection[Any],
        event_of: Callable[[Any], Event],
    ) -> None:
        """`waiting`: what comes next, in its order; only looked at, through `event_of`."""
        self._make, self._waiting, self._event_of = make, waiting, event_of
        self._made: dict[Event, Produced | DeadLetter] = {}

    async def result(self, at: Coordinates, value: bytes | None) -> Produced | DeadLetter:
        """What the event becomes whose turn it is.

        Raises:
            SyncError: as `make`.
        """
        made = self._made.pop((at, value), None)
        if made is None:
            await self._gather()
            self._made.clear()  # what Faust gave up is not held on to
            made = self._make(at, value)
            self._make_more()
        return made

    async def _gather(self) -> None:
        """Let Faust bring what it has, for as long as more comes at once."""
        before = -1
        while before < (now := len(self._waiting)) < AT_ONCE:
            before = now
            await asyncio.sleep(_MOMENT_SECONDS)

    def _make_more(self) -> None:
        size = 0
        for at, value in map(self._event_of, islice(self._waiting, AT_ONCE)):
            size += len(value or b"")
            if size > BYTES_AT_ONCE:
                return
            try:
                self._made[at, value] = self._make(at, value)
            except Exception:  # noqa: BLE001 - it comes again when it is this event's turn, and is dealt with there
                return
