"""What a page of a snapshot showed for a while between two looks: read again is what may have shown it, and no more."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from producers.copying import Copying
from schemas.aggregate import Aggregate
from tests.unit.producers.scene import ACCOUNT, PAYMENT, Scene
from tests.unit.producers.settled import a_scene, look, pages_of, put_in_status, statuses
from tests.unit.sandbox_sonar.shop import Clock


async def copied(scene: Scene, aggregate: Aggregate) -> None:
    """A snapshot of one aggregate, again."""
    await scene.snapshot.run([aggregate], asyncio.Event(), started=scene.shop.clock.now, force="again")


@pytest.mark.parametrize("late", [False, True], ids=["by the next look", "late"])
async def test_a_look_up_that_a_page_saw_otherwise_for_a_while_does_not_stay(late: bool) -> None:
    scene = await a_scene()
    lead, status = scene.shop.a_status("Lead"), scene.shop.status
    await look(scene)

    def there(document: str, variables: Mapping[str, Any]) -> None:
        if "query Page" in document:
            scene.shop.clock.tick(1)
            put_in_status(scene, lead)
            scene.client.before = None

    scene.client.before = there
    await copied(scene, PAYMENT)
    scene.shop.clock.tick(1)
    put_in_status(scene, status)
    if late:
        scene.shop.store.lag("Account", 1)
        for _ in range(2):
            await look(scene)
        scene.shop.store.catch_up("Account", 1)
    assert statuses(scene) == {lead}
    await look(scene)
    assert statuses(scene) == {status}
    asked = len(scene.client.asked)
    await look(scene)
    assert pages_of(scene, "payments", asked) == 0


async def test_what_was_copied_of_one_aggregate_reads_nothing_again_of_another() -> None:
    scene = await a_scene()
    await look(scene)
    await copied(scene, ACCOUNT)
    asked = len(scene.client.asked)
    scene.shop.store.update("Account", 1, name="Eda")
    for _ in range(2):
        await look(scene)
    assert scene.folded()[1]["name"] == "Eda"
    assert pages_of(scene, "payments", asked) == 0


async def test_what_changes_once_a_look_has_shown_the_time_of_a_page_reads_nothing_again() -> None:
    scene = await a_scene()
    await copied(scene, PAYMENT)
    for _ in range(4):
        await look(scene)
    asked = len(scene.client.asked)
    scene.shop.clock.tick(1)
    scene.shop.store.update("Account", 1, name="Eda")
    await look(scene)
    assert scene.folded()[1]["name"] == "Eda"
    assert pages_of(scene, "payments", asked) == 0


def test_a_page_counts_for_each_look_that_it_may_have_been_read_before() -> None:
    copying, clock = Copying(), Clock()
    begun = clock.now
    with copying.page("payment", clock):
        first = copying.take()  # the page may be read after it
        clock.tick(20)
    assert [first, copying.take(), copying.take()] == [
        {"payment": (begun, begun)}, {"payment": (begun, clock.now)}, {}
    ]  # fmt: skip
