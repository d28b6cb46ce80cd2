"""The scheduled job of a server that was started with one."""

import asyncio
from typing import Any, cast

import pytest
from aiohttp import web

from sandbox.splynx.api import Api
from sandbox.splynx.faults import Faults
from sandbox.splynx.server import Control


class Counting(Control):
    """Counts the runs of the job; the first one fails."""

    def __init__(self, seconds: float) -> None:
        super().__init__(cast(Api, None), Faults(), seconds)
        self.runs = 0
        self.ran_twice = asyncio.Event()

    async def run_automation(self, given: dict[str, Any]) -> Any:
        self.runs += 1
        if self.runs == 1:
            raise RuntimeError("a deadlock, say")
        self.ran_twice.set()


async def test_the_job_runs_on_schedule_and_goes_on_after_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    control = Counting(0.001)
    schedule = control.run_on_schedule(web.Application())
    await anext(schedule)
    await control.ran_twice.wait()
    assert await anext(schedule, "ended") == "ended"
    assert "the scheduled job failed" in caplog.text


async def test_without_a_schedule_nothing_runs_by_itself() -> None:
    control = Counting(0)
    schedule = control.run_on_schedule(web.Application())
    await anext(schedule)
    assert len(asyncio.all_tasks()) == 1  # this test
    assert await anext(schedule, "ended") == "ended"
