"""A small ISP that has been read whole a while ago: following goes on from there."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from schemas.aggregate import Aggregate
from tests.unit.producers.scene import Scene


async def read(scene: Scene, force: str | None = None, only: Sequence[Aggregate] | None = None) -> None:
    """Begin, and read all, or some; `force` as in `Snapshot.run`."""
    scene.desk.clock.tick(1)  # what changed in the second in which a snapshot began may have changed beside it
    await scene.begin()
    await scene.snapshot.run(only or scene.aggregates, asyncio.Event(), started=scene.desk.clock.now, force=force)


async def a_scene(*, page_size: int = 3) -> Scene:
    """An account with a contact and a payment, snapshotted a while ago."""
    scene = Scene(page_size=page_size)
    account = scene.shop.an_account("Ada")
    scene.shop.a_contact(account, "Ada")
    scene.shop.a_payment(account)
    await read(scene)
    scene.shop.clock.tick(60)
    await scene.following.poll()
    scene.shop.clock.tick(60)
    return scene


def looks(scene: Scene) -> list[str]:
    return [one for one in scene.client.asked if "query Changed" in one]


def ops(scene: Scene, aggregate: str = "account") -> list[str]:
    return [event["op"] for event in scene.events(aggregate)]


async def look(scene: Scene) -> None:
    """Five seconds later."""
    scene.shop.clock.tick(5)
    await scene.following.poll()


def pages_of(scene: Scene, collection: str, since: int) -> int:
    """How many pages of whole rows were asked for since so many requests."""
    return sum("query Page" in one and f" {collection}(" in one for one in scene.client.asked[since:])


def put_in_status(scene: Scene, status: int) -> None:
    """The first account, which the payments look up."""
    scene.shop.store.update("Account", 1, account_status_id=status)


def statuses(scene: Scene) -> set[int]:
    """What was published last of the payments' accounts."""
    return {row["account"]["account_status_id"] for row in scene.folded("payment").values()}


def nothing_is_read(monkeypatch: pytest.MonkeyPatch, scene: Scene) -> None:
    """Sonar shows nothing of what is demanded."""

    async def meet(*_: Any) -> None:
        return None

    monkeypatch.setattr(scene.following._again, "meet", meet)
