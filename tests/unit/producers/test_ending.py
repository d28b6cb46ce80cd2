"""Capture that is asked to end: what is under way has a moment, and what was read is kept."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from clients.sonar_ending import Ending, SonarEnded
from producers import ending
from producers.ending import given_up_after
from tests.unit.producers.scene import ACCOUNT, PAYMENT, Scene


async def test_sonar_is_given_up_a_moment_after_the_stop_and_not_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "GRACE_SECONDS", 0.0)
    stop, sonar = asyncio.Event(), Ending()
    async with given_up_after(stop, sonar):
        for _ in range(10):
            await asyncio.sleep(0)
        assert not sonar.ended
        stop.set()
        with pytest.raises(SonarEnded):
            async with sonar.heeded():
                await asyncio.Event().wait()


async def test_what_has_come_to_an_end_by_itself_is_not_given_up() -> None:
    stop, sonar = asyncio.Event(), Ending()
    async with given_up_after(stop, sonar):
        stop.set()
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not sonar.ended
    assert [task.get_name() for task in asyncio.all_tasks()].count("ending") == 0


async def test_a_range_that_is_given_up_cuts_no_other_short_and_is_read_on_next_time() -> None:
    scene = Scene(page_size=3)
    for number in range(20):
        scene.shop.a_payment(scene.shop.an_account(f"A{number}"), number)
    await scene.begin()
    stop = asyncio.Event()

    def asked_to_end(document: str, variables: Mapping[str, Any]) -> None:
        if "query Page" in document and " payments(" in document:
            stop.set()
            raise SonarEnded("given up")

    scene.client.before = asked_to_end
    done = await scene.snapshot.run([ACCOUNT, PAYMENT], stop, started=scene.shop.clock.now, force=None)
    assert not done
    kept = scene.snapshot.progress(ACCOUNT)
    assert kept is not None
    assert kept.read == len(scene.folded()) > 0
    scene.client.before = None
    scene.broker.lose()
    scene.restart()
    await scene.begin()
    await scene.snapshot.run([ACCOUNT, PAYMENT], asyncio.Event(), started=scene.shop.clock.now, force=None)
    assert len(scene.folded()) == len(scene.folded("payment")) == 20
