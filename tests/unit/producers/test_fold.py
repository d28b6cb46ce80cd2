"""The fold test: what lies on the topics equals the invented ISP's own rows, every field of every aggregate.

The expectation is built from the store's rows and relations and the declared members; no query, no record and no
encoder of capture's takes part in it.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import pytest
from pydantic import BaseModel

from producers.owners import owner_paths
from sandbox.sonar.relations import ids_of, one_of
from sandbox.sonar.rows import Row
from sandbox.sonar.store import Store
from sandbox.world.populate import populate
from schemas.aggregate import Aggregate
from schemas.catalogue import AGGREGATES, aggregate
from schemas.records import ShownArchived
from schemas.selection import morph_of, sonar_field
from schemas.shapes import Kind, Member, members
from tests.unit.producers.scene import Scene
from tests.unit.sandbox_sonar.shop import Desk

ACCOUNTS = 40
STEPS = 150
LISTS = [one.name for one in AGGREGATES if not one.root.singleton]


def expected(store: Store, one: Aggregate) -> dict[int, dict[str, Any]]:
    """`{id: after}` as the store has it."""
    return {id: _record(store, one.root.record, row) for id, row in store.table(one.root.type_name).items()}


def _record(store: Store, record: type[BaseModel], row: Row) -> dict[str, Any]:
    return {member.name: _member(store, member, row) for member in members(record)}


def _member(store: Store, member: Member, row: Row) -> Any:
    kind, field = row.TYPE, sonar_field(member)
    if member.kind is not Kind.RECORD or member.record is None:
        return _plain(member, row[field]) if field in kind.columns else None
    relation, inner, morph = kind.relations[field], member.record, morph_of(member)
    if relation.is_connection:
        rows = store.table(relation.target)
        return [_record(store, inner, rows[id]) for id in ids_of(store, kind, relation)(row)]
    found = one_of(store, kind, relation)(row)
    if found is None or (morph is not None and found.TYPE.name != morph.type_name):
        return None
    archived = "archived_at" in found and found["archived_at"] is not None
    if archived and not any(isinstance(mark, ShownArchived) for mark in member.metadata):
        return None
    return _record(store, inner, found)


def _plain(member: Member, value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if member.many:
        return list(value)
    if isinstance(value, datetime):
        return round(value.astimezone(UTC).timestamp() * 1000)
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if member.kind is Kind.NUMBER else str(value) if member.kind is Kind.TEXT else int(value)


def _differences(wanted: Any, found: Any, path: str = "") -> Iterator[str]:
    """Paths at which the two differ, without what is there."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for name in wanted.keys() | found.keys():
            yield from _differences(wanted.get(name), found.get(name), f"{path}.{name}")
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for place, (one, other) in enumerate(zip(wanted, found, strict=True)):
            yield from _differences(one, other, f"{path}[{place}]")
    elif wanted != found:
        yield path


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
    assert [f"{id}{path}" for id in wanted for path in _differences(wanted[id], found[id])] == []


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
