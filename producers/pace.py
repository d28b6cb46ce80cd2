"""How following and a snapshot share one budget of requests: following comes first, and never takes all."""

import asyncio
import contextlib
from collections.abc import Callable

from clients.sonar import SonarClient
from plumbing.clock import utc_now

_QUIET_LOOK_SECONDS = 30.0
SNAPSHOT_SHARE = 1 / 3
"""Of the time, and so of the requests, that a snapshot has at least while following is at work."""


def pause_after(poll_took_seconds: float, poll_seconds: float, *, snapshotting: bool) -> float:
    """Seconds from one poll to the next.

    Between polls the snapshot has the budget for itself. A poll with much to read takes long, for the budget is a rate:
    were the next one to follow at once, a snapshot would wait for ever.
    """
    if not snapshotting:
        return poll_seconds
    return max(poll_seconds, poll_took_seconds * SNAPSHOT_SHARE / (1 - SNAPSHOT_SHARE))


async def rest(client: SonarClient, stop: asyncio.Event, check: Callable[[], None]) -> None:
    """Wait for the end of the quiet hours, where these are such; or until `stop`.

    Raises:
        LeaseLost: from `check`. Another process may be at work long before the hours are over.
    """
    while not stop.is_set() and (until := client.quiet_until) is not None:
        check()
        # In steps: clocks are set, and settings name hours of the clock on the wall.
        await sleep(stop, min(_QUIET_LOOK_SECONDS, max(0.1, (until - utc_now()).total_seconds())))


async def sleep(stop: asyncio.Event, seconds: float) -> None:
    """Wait, and no longer than until `stop`."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
