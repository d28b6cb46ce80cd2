"""The sequence: one rising number per request to Sonar, reserved on the cursors topic before it is used."""

from datetime import datetime

from plumbing.clock import epoch_ms
from plumbing.errors import Action, ExitCode, SyncError
from producers.cursors import Cursors, CursorUnusable

_NAME = "sequence"
_BLOCK = 1_000_000


class SequenceBehind(SyncError):
    """The next sequence lies below events on the topics: sinks would take what is new for stale."""

    code = "capture.sequence_behind"
    action = Action.HALT
    exit_code = ExitCode.USAGE
    remedy = (
        "The cursors topic was restored from an older copy, and Sonar's clock is behind the newest events. Set Sonar's"
        " clock right, or wait until it has passed them, then start capture again."
    )


class Sequence:
    """Hands out numbers above every number that any earlier holder of the lease could have used.

    A reservation is acknowledged before the first number of it is used, so a crash loses numbers and repeats none.
    It also lies above Sonar's clock (in microseconds), so that a lost cursors topic does not start low.
    """

    def __init__(self, cursors: Cursors) -> None:
        self._cursors = cursors
        self._next = 0
        self._end = 0
        self.epoch = 0

    async def reserve(self, server_time: datetime, newest: int | None = None) -> None:
        """Begin a new epoch: a block above earlier reservations and above the server's clock.

        `newest`: the highest sequence at the ends of the topics, None when they are empty.

        Raises:
            CursorUnusable: there are events, and nothing is remembered of them.
            SequenceBehind: the block would not lie above `newest`.
        """
        known = self._cursors.get(_NAME)
        if known is None and newest is not None:
            raise CursorUnusable("the cursors topic holds no cursor, and yet there are events on the topics")
        known = known or {"end": 0, "epoch": 0}
        first = max(int(known["end"]), epoch_ms(server_time) * 1000)
        if newest is not None and newest >= first:
            raise SequenceBehind(f"the next sequence would be {first}, and the topics hold {newest}")
        self.epoch = int(known["epoch"]) + 1
        self._next = first
        await self._extend()

    async def take(self) -> int:
        """The number of a request that is about to start."""
        if self._next >= self._end:
            await self._extend()
        taken = self._next
        self._next += 1
        return taken

    @property
    def next(self) -> int:
        """Every number taken so far is below this."""
        return self._next

    async def _extend(self) -> None:
        end = self._next + _BLOCK
        await self._cursors.save(_NAME, {"end": end, "epoch": self.epoch})
        self._end = end
