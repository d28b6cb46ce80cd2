"""The fold test: what lies on the topics equals the invented ISP's own rows, every field of every aggregate."""

import asyncio
from functools import cache
from typing import Any

import pytest
from pydantic import BaseModel

from producers.owners import owner_paths
from producers.parts import owned
from sandbox.world.populate import populate
from schemas.catalogue import AGGREGATES, aggregate
from schemas.shapes import members
from tests.unit.producers.folding import differences, expected
from tests.unit.producers.scene import Scene
from tests.unit.sandbox_sonar.shop import Desk

ACCOUNTS = 40
STEPS = 150
LISTS = [one.name for one in AGGREGATES if not one.root.singleton]


@cache
def _captured() -> Scene:
    """A world captured while it lived: the snapshot runs, events happen between its pages, following ends it."""
    desk = Desk()
    world = populate(desk.store, seed=11, accounts=ACCOUNTS, full=True)
    desk.clock.tick(600)
    scene = Scene(page_size=25, desk=desk, aggregates=AGGREGATES)

    def live(document: str, variables: Any) -> None:
        # Not in each answer: a page may be read again until two reads agree.
        if "query Page" in document and len(scene.client.asked) % 3 == 0 and world.lived.total() < STEPS:
            desk.clock.tick(1)
            world.step()

    async def run() -> None:
        await scene.begin()
        scene.client.before = live
        await scene.snapshot.run(AGGREGATES, asyncio.Event(), started=desk.clock.now, force=None)
        scene.client.before = None
        for _ in range(30):
            desk.clock.tick(30)
            await scene.following.poll()

    asyncio.run(run())
    assert scene.following.low is not None
    assert (desk.clock.now - scene.following.low).total_seconds() < 30 + 10
    return scene


@pytest.mark.parametrize("name", LISTS)
def test_the_topics_equal_sonar_in_every_field(name: str) -> None:
    scene, one = _captured(), aggregate(name)
    wanted, found = expected(scene.desk.store, one), scene.folded(name)
    assert wanted, f"the invented ISP has no {one.root.name}: nothing is shown"
    assert found.keys() == wanted.keys()
    assert [f"{id}{path}" for id in wanted for path in differences(wanted[id], found[id])] == []


@pytest.mark.parametrize("name", [one.name for one in AGGREGATES if one.owned_by])
def test_what_an_account_owns_is_found_by_sonars_filters(name: str) -> None:
    scene, one = _captured(), aggregate(name)
    owners: dict[int, list[int]] = {}
    for id in scene.index.live(one.root.name):
        known = scene.index.root(one.root.name, id)
        if known is not None and known.owner is not None:
            owners.setdefault(known.owner, []).append(id)
    for account in sorted(owners)[:5]:
        assert asyncio.run(owned(scene.changes, one, account)) == owners[account]
    assert asyncio.run(owned(scene.changes, one, 10**9)) == []


@pytest.mark.parametrize("name", LISTS)
def test_an_owner_is_found_by_what_is_read_of_a_row(name: str) -> None:
    one = aggregate(name)
    for path in (path for owner in one.owned_by for path in owner_paths(owner)):
        record: type[BaseModel] | None = one.root.record
        for part in path.split("."):
            assert record is not None, path
            names = {member.name: member for member in members(record)}
            assert part in names, path
            record = names[part].record
