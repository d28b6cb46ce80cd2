"""What capture does beside following: one thing after the other, and what fails is in nobody's way."""

import asyncio
from collections.abc import Sequence
from typing import cast

import pytest

from clients.sonar import SonarClient
from producers import errands
from producers.errands import Errands
from producers.ids import Ids
from producers.lease import Lease
from producers.orders import Order
from tests.unit.producers.scene import HeldLease, Scene
from tests.unit.producers.test_parts import a_scene, read_again

_MOST_TURNS = 10_000


async def _accept(_: Sequence[str]) -> None:
    """No signals here."""


async def until(scene: Scene, turns: list[int]) -> None:
    """No order is open any more."""
    for _ in range(_MOST_TURNS):
        if not scene.orders.open:
            return
        await asyncio.sleep(0.001)
    raise AssertionError(f"still open after {len(turns)} tries")


async def test_a_collection_that_may_not_be_read_is_in_the_way_of_no_order(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, pauses = await a_scene(), list[int]()

    async def pause(stop: asyncio.Event, seconds: float) -> None:
        pauses.append(len(scene.client.asked))
        await asyncio.sleep(0)

    async def rest(*_: object) -> None:
        """No quiet hours."""

    monkeypatch.setattr(errands, "sleep", pause)
    monkeypatch.setattr(errands, "rest", rest)
    at_work = Errands(
        scene.snapshot, scene.parts, scene.orders, scene.aggregates, cast(SonarClient, scene.client),
        cast(Lease, HeldLease()), may_pass=lambda error: True, accept=_accept,
    )  # fmt: skip
    scene.damage(denied=frozenset({"payments"}))
    idle, stop = asyncio.Event(), asyncio.Event()
    reading = asyncio.create_task(at_work._read(idle, stop, endless=True))
    try:
        await at_work.order(Order(("payment",)))
        await at_work.order(Order(("account",), Ids.parse("3-4")))
        for _ in range(_MOST_TURNS):
            if len(scene.orders.open) == 1:
                break
            await asyncio.sleep(0.001)
        assert [one.order.names for one in scene.orders.open] == [("payment",)]
        assert read_again(scene) == [3, 4]
        scene.damage()
        await until(scene, pauses)
        assert len(read_again(scene, "payment")) == 7
    finally:
        stop.set()
        reading.cancel()


async def test_what_fails_again_and_again_is_tried_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, pauses = await a_scene(), list[int]()
    tried = asyncio.Event()

    async def pause(stop: asyncio.Event, seconds: float) -> None:
        pauses.append(len(scene.client.asked))
        if len(pauses) == 60:
            tried.set()
            await asyncio.Event().wait()

    async def rest(*_: object) -> None:
        """No quiet hours."""

    monkeypatch.setattr(errands, "sleep", pause)
    monkeypatch.setattr(errands, "rest", rest)
    at_work = Errands(
        scene.snapshot, scene.parts, scene.orders, scene.aggregates, cast(SonarClient, scene.client),
        cast(Lease, HeldLease()), may_pass=lambda error: True, accept=_accept,
    )  # fmt: skip
    scene.damage(denied=frozenset({"payments"}))
    reading = asyncio.create_task(at_work._read(asyncio.Event(), asyncio.Event(), endless=True))
    await at_work.order(Order(("payment",)))
    await tried.wait()
    reading.cancel()
    assert len(set(pauses)) <= 11  # of sixty pauses: after 1, 2, 3 ... of them it is tried again
