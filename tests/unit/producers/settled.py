"""A small ISP that has been read whole a while ago: following goes on from there."""

import asyncio

from tests.unit.producers.scene import AGGREGATES, Scene


async def a_scene(*, page_size: int = 3) -> Scene:
    """An account with a contact and a payment, snapshotted a while ago."""
    scene = Scene(page_size=page_size)
    account = scene.shop.an_account("Ada")
    scene.shop.a_contact(account, "Ada")
    scene.shop.a_payment(account)
    await scene.begin()
    await scene.snapshot.run(AGGREGATES, asyncio.Event(), started=scene.shop.clock.now, force=None)
    scene.shop.clock.tick(60)
    await scene.following.poll()
    scene.shop.clock.tick(60)
    return scene


def looks(scene: Scene) -> list[str]:
    return [one for one in scene.client.asked if "query Changed" in one]


def ops(scene: Scene, aggregate: str = "account") -> list[str]:
    return [event["op"] for event in scene.events(aggregate)]
