"""Capture rests in the hours in which nothing may be asked, and no longer than it is asked to run."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from clients.sonar import SonarClient
from plumbing.clock import utc_now
from producers import pace
from producers.lease import LeaseLost


@pytest.mark.parametrize("minutes", [0, 1, 90])
async def test_it_rests_until_the_quiet_hours_are_over(minutes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    client = SimpleNamespace(quiet_until=utc_now() + timedelta(minutes=minutes) if minutes else None)
    naps: list[float] = []

    async def nap(stop: asyncio.Event, seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            client.quiet_until = None

    monkeypatch.setattr(pace, "sleep", nap)
    await pace.rest(cast(SonarClient, client), asyncio.Event(), lambda: None)
    assert len(naps) == (3 if minutes else 0)
    assert all(0 < seconds <= 30 for seconds in naps)  # in steps, for clocks are set


async def test_it_ends_in_quiet_hours_when_it_is_told_to() -> None:
    stop = asyncio.Event()
    client = SimpleNamespace(quiet_until=utc_now() + timedelta(hours=1))
    resting = asyncio.create_task(pace.rest(cast(SonarClient, client), stop, lambda: None))
    await asyncio.sleep(0)
    stop.set()
    await resting


async def test_it_does_not_rest_on_when_the_lease_is_lost() -> None:
    def lost() -> None:
        raise LeaseLost("the lease of capture is lost")

    client = SimpleNamespace(quiet_until=utc_now() + timedelta(hours=1))
    with pytest.raises(LeaseLost):
        await pace.rest(cast(SonarClient, client), asyncio.Event(), lost)
