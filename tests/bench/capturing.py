"""Capture as a part of this process, over an instance of the benchmarks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from clients.sonar import SonarClient
from plumbing.clock import utc_now
from plumbing.garbage import collect_seldom
from plumbing.settings import Settings
from plumbing.shares import whole
from producers.capturing import Capture
from producers.lease import Lease
from schemas.catalogue import AGGREGATES
from schemas.topics import Topics


@asynccontextmanager
async def capturing(settings: Settings) -> AsyncIterator[tuple[Capture, SonarClient]]:
    """The parts put together, nothing read yet, and the client that they ask with."""
    collect_seldom()
    with Lease(settings.kafka, Topics(settings.instance)) as lease:
        assert await lease.acquire(asyncio.Event(), 30)
        async with SonarClient(settings.sonar, whole) as client:
            yield await Capture.open(settings, client, lease), client


def snapshot(capture: Capture) -> Awaitable[object]:
    """A first snapshot as capture does it, from its first page to its last cursor."""
    return capture._snapshot.run(AGGREGATES, asyncio.Event(), started=utc_now(), force=None)


async def snapshotted(settings: Settings, measured: Callable[[Awaitable[object]], Awaitable[float]]) -> float:
    """What one takes."""
    async with capturing(settings) as (capture, _):
        return await measured(snapshot(capture))
