"""The wrapper around every event of the live engine.

Faust acknowledges an event whose agent raised, so there are four outcomes only: produced, dead-lettered (acknowledged
by the broker), waiting while a dependency is away, or the end of the process.
"""

import asyncio
import os
import time
from collections.abc import Callable

from plumbing import metrics
from plumbing.errors import Action, ExitCode, SyncError
from plumbing.kafka import NotAcknowledged, is_lost
from plumbing.logs import get_logger
from processors.ahead import Ahead
from processors.context import Context
from processors.history import Continuity
from processors.letters import STAGE
from processors.output import Output
from processors.transform import Coordinates, DeadLetter, Produced, transform
from processors.watchdog import Waits

log = get_logger("process")

EXIT_HALTED = 70
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_FLUSH_SECONDS = 5.0
_LAST_SUCCESS = metrics.LAST_SUCCESS.labels(STAGE)


class Guard:
    """Sees events through, and what they became acknowledged. No exception comes out of it."""

    def __init__(self, context: Context, output: Output, continuity: Continuity, waits: Waits) -> None:
        self.context, self.output, self.continuity, self._waits = context, output, continuity, waits
        self.stopping: Callable[[], bool] = lambda: False
        """Whether the process was asked to end; set by the application, which knows."""

    def make(self, at: Coordinates, value: bytes | None) -> Produced | DeadLetter:
        """What an event becomes.

        Raises:
            SyncError: as `transform`.
        """
        return transform(at, value, self.context.codecs, self.context.rules)

    async def process(self, at: Coordinates, key: bytes | None, value: bytes | None, ahead: Ahead) -> None:
        """See one event through. Returns when it was produced or its dead letter is acknowledged; else never.

        `ahead`: by `make`, of this topic.
        """
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                self.continuity.follow(at)
                self.output.publish(at, key, await ahead.result(at, value))
            except SyncError as exc:
                metrics.ERRORS.labels(STAGE, exc.code).inc()
                if not _may_pass(exc):
                    _halt(exc, at)
                log.warning("process.waiting", topic=at.topic, code=exc.code, seconds=pause)
                self._waits.begin(at.topic, exc.code)
                await self._pause(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            except asyncio.CancelledError:
                os._exit(ExitCode.TRY_LATER)  # a cancelled agent would acknowledge, too
            except BaseException as exc:  # noqa: BLE001 - one that left the agent would acknowledge the event
                _halt(exc, at)
            else:
                self._waits.end(at.topic)
                _LAST_SUCCESS.set(time.time())
                return

    async def flush(self) -> None:
        """Wait until all that was handed over is acknowledged, for as long as the broker may be away.

        Ends the process where a message was lost, and where it is to stop while the broker is away.
        """
        while True:
            try:
                await asyncio.to_thread(self.output.flush, _FLUSH_SECONDS)
            except NotAcknowledged as exc:
                log.warning("process.waiting", code=exc.code)
                self._waits.begin("commit", exc.code)
                if self.stopping():
                    os._exit(ExitCode.TRY_LATER)
            except SyncError as exc:
                _halt(exc)
            else:
                self._waits.end("commit")
                return

    async def _pause(self, seconds: float) -> None:
        """Sleep; ends the process when it is to stop, for Faust's stop would wait for this event."""
        deadline = time.monotonic() + seconds
        try:
            while time.monotonic() < deadline:
                await asyncio.sleep(min(seconds, _FIRST_PAUSE_SECONDS))
                if self.stopping():
                    os._exit(ExitCode.TRY_LATER)
        except asyncio.CancelledError:
            os._exit(ExitCode.TRY_LATER)  # as above


def _may_pass(error: SyncError) -> bool:
    """Whether waiting helps."""
    return error.action is Action.RETRY and not is_lost(error)


def _halt(exc: BaseException, at: Coordinates | None = None) -> None:
    place = {} if at is None else {"topic": at.topic, "partition": at.partition, "offset": at.offset}
    if isinstance(exc, SyncError):
        log.error("process.halted", code=exc.code, reason=str(exc), next_step=exc.next_step, **place)
    else:
        log.error("process.halted", code=type(exc).__name__, **place)  # its text may hold a value
    os._exit(EXIT_HALTED)
