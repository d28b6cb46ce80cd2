"""Sonar's newer generation: read with all that it adds, in the same events; and a Sonar that becomes one."""

import asyncio
from functools import cache
from typing import Any

import pytest

from clients.sonar_schema import INTROSPECTION, SonarSchema
from sandbox.sonar.newer import NEWER
from sandbox.sonar.types import SERVED
from sandbox.world.populate import populate
from schemas.catalogue import AGGREGATES, aggregate
from schemas.records import NewerSonar
from schemas.selection import sonar_field
from schemas.shapes import members, walk
from tests.unit.producers.folding import differences, expected
from tests.unit.producers.scene import Scene
from tests.unit.sandbox_sonar.shop import Desk

LISTS = [one.name for one in AGGREGATES if not one.root.singleton]


@cache
def captured() -> Scene:
    """A small ISP of the newer generation, captured, with additional services that came afterwards."""
    desk = Desk(NEWER)
    populate(desk.store, seed=3, accounts=6, full=True)
    desk.clock.tick(600)
    scene = Scene(page_size=50, desk=desk, aggregates=AGGREGATES, schema=SonarSchema(desk.ask(INTROSPECTION)))

    async def run() -> None:
        await scene.begin()
        await scene.snapshot.run(AGGREGATES, asyncio.Event(), started=desk.clock.now, force=None)
        for _ in range(2):
            desk.clock.tick(60)
            await scene.following.poll()
        fill(desk)
        for _ in range(4):
            desk.clock.tick(60)
            await scene.following.poll()

    asyncio.run(run())
    return scene


def fill(desk: Desk) -> None:
    """Give a row of each type that has grown values in what is new of it."""
    values = {"Boolean": True, "Int64Bit": 1, "Int": 7, "String": "new"}
    for name, kind in NEWER.types.items():
        added = {key: one for key, one in kind.columns.items() if key not in SERVED.types[name].columns}
        for id in sorted(desk.store.table(name))[:1] if added else ():
            columns: dict[str, Any] = {key: values[one.scalar] for key, one in added.items()}
            desk.store.update(name, id, **columns)
    desk.store.attach("Ticket", 1, "originating_emails", 2)


@pytest.mark.parametrize("name", LISTS)
def test_the_topics_equal_a_sonar_of_the_newer_generation_in_every_field(name: str) -> None:
    scene, one = captured(), aggregate(name)
    wanted, found = expected(scene.desk.store, one), scene.folded(name)
    assert found.keys() == wanted.keys()
    assert [f"{id}{path}" for id in wanted for path in differences(wanted[id], found[id])] == []


def test_what_only_the_newer_generation_has_arrives_filled() -> None:
    scene = captured()
    assert any(row["account_service_id"] == 1 for row in scene.folded("ip_assignment").values())
    assert any(row["account_service_id"] == 1 for row in scene.folded("radius_account").values())
    assert any(row["service_override_name"] == "new" for row in scene.folded("debit").values())
    assert any(row["additional_service_action"] == "new" for row in scene.folded("scheduled_event").values())
    assert any(row["disconnection_reason_id"] == 1 for row in scene.folded("account").values())
    assert scene.folded("ticket")[1]["originating_emails"] == [{"id": 2}]
    lines = [line for row in scene.folded("account").values() for line in row["account_services"]]
    assert [line["is_additional"] for line in lines if line["is_additional"]] == [True]


@pytest.mark.parametrize("name", [one.name for one in AGGREGATES])
def test_what_is_marked_as_newer_is_there_in_the_newer_generation_only(name: str) -> None:
    one = aggregate(name)
    new = {field for kind in NEWER.types.values() for field in (*kind.columns, *kind.relations)}
    marked = {
        sonar_field(member)
        for record in walk(one.root.record)
        for member in members(record)
        if any(isinstance(mark, NewerSonar) for mark in member.metadata)
    }
    assert marked <= new
    of_root = {sonar_field(member) for member in members(one.root.record)} & marked
    first = SERVED.types[one.root.type_name]
    assert of_root.isdisjoint({*first.columns, *first.relations})
