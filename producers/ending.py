"""The end of capture: what waits for Sonar has a moment to come to its end, and is then given up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from clients.sonar_ending import Ending

log = structlog.get_logger()

GRACE_SECONDS = 5.0
"""A page nearly always comes within it, so that it need not be read again. A container is killed after ten or more."""


@asynccontextmanager
async def given_up_after(stop: asyncio.Event, sonar: Ending) -> AsyncIterator[None]:
    """Within the block nothing is asked of Sonar any more from a moment after `stop` on.

    A failed reading moves nothing: what it was part of is read again after the next start.
    """

    async def wait() -> None:
        await stop.wait()
        await asyncio.sleep(GRACE_SECONDS)
        log.info("capture.given_up", seconds=GRACE_SECONDS)
        sonar.give_up()

    waiting = asyncio.create_task(wait(), name="ending")
    try:
        yield
    finally:
        waiting.cancel()
