"""The fold test: what lies on the topics equals the invented ISP's own rows, every field of every aggregate."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

import pytest
from pydantic import BaseModel

from producers.owners import owner_paths
from producers.parts import owned
from sandbox.sonar.declarations import ObjectType
from sandbox.sonar.rows import Row
from sandbox.sonar.schema import build_schema
from sandbox.sonar.store import Store
from sandbox.sonar.types import SERVED
from sandbox.world.populate import populate
from schemas.catalogue import AGGREGATES, aggregate
from schemas.records import Secret
from schemas.selection import morph_of, sonar_field
from schemas.shapes import members
from tests.sources import ROWS_NOT_CAPTURED, read_fields, reading
from tests.unit.producers.folding import differences, expected, seen
from tests.unit.producers.scene import Scene
from tests.unit.sandbox_sonar.shop import Desk

ACCOUNTS = 40
STEPS = 150
NAMES = [one.name for one in AGGREGATES]
LISTS = [one.name for one in AGGREGATES if not one.root.singleton]


_VALUES = (7, 1.5, True, "filled", "12", "12:00:00", "2026-02-03", "2026-02-03T04:05:06+00:00")


def _references(kind: ObjectType) -> set[str]:
    """Columns of a type that name other rows."""
    vias = [relation.via for relation in kind.relations.values()]
    return {*vias, *(f"{via}_{part}" for via in vias for part in ("id", "type"))}


def _fill(store: Store) -> None:
    """Let some rows of each type have a value in each column that is no reference: the invented ISP uses few."""
    for name, kind in SERVED.types.items():
        plain = kind.columns.keys() - _references(kind) - {"archived_at"}
        ids = sorted(store.table(name))
        for id in ids[:: 1 + len(ids) // 5]:
            row = store.table(name)[id]
            for column in (kind.columns[one] for one in sorted(plain) if row[one] is None):
                for value in (*SERVED.enums.get(column.scalar, ()), *_VALUES):
                    with suppress(ValueError):
                        store.update(name, id, **_written(column.name, [value] if column.listed else value))
                        break


def _written(column: str, value: Any) -> dict[str, Any]:
    return {column: value}


@cache
def _captured() -> Scene:
    """A world captured while it lived: the snapshot runs, events happen between its pages, following ends it."""
    desk = Desk()
    world = populate(desk.store, seed=11, accounts=ACCOUNTS, full=True)
    _fill(desk.store)
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


@pytest.mark.parametrize("name", NAMES)
def test_the_topics_equal_sonar_in_every_field(name: str) -> None:
    scene, one = _captured(), aggregate(name)
    wanted, found = expected(scene.desk.store, one), scene.folded(name)
    assert wanted, f"the invented ISP has no {one.root.name}: nothing is shown"
    assert found.keys() == wanted.keys()
    assert [f"{id}{path}" for id in wanted for path in differences(wanted[id], found[id])] == []


def test_a_value_is_shown_of_every_column() -> None:
    """But for secrets, which nobody carries here, what only the newer generation has, and references that are rare."""
    shown: dict[str, bool] = {}
    for one in AGGREGATES:
        _look(SERVED.types[one.root.type_name], one.root.record, [*_captured().folded(one.name).values()], shown)
    assert [name for name, is_shown in shown.items() if not is_shown] == []
    assert len(shown) > 1000


def _look(kind: ObjectType, record: type[BaseModel], rows: Sequence[Mapping[str, Any]], shown: dict[str, bool]) -> None:
    """Note of each column of a type that is read, but for secrets and references, whether a row shows a value."""
    for member in members(record):
        field, values = sonar_field(member), [row[member.name] for row in rows if row[member.name] not in (None, [])]
        if member.record is not None:
            morph = morph_of(member)
            if values:
                target = kind.relations[field].target if morph is None else morph.type_name
                below = [one for value in values for one in (value if member.many else [value])]
                _look(SERVED.types[target], member.record, below, shown)
        elif field in kind.columns.keys() - _references(kind) and not any(
            isinstance(mark, Secret) for mark in member.metadata
        ):
            name = f"{kind.name}.{field}"
            shown[name] = shown.get(name, False) or bool(values)


def test_every_row_of_what_is_read_is_shown_on_some_topic_but_for_those_declared() -> None:
    """A record that reads only a row's id and references does not show it, unless there is nothing else to read."""
    store = _captured().desk.store
    records = reading(build_schema(SERVED), AGGREGATES)
    telling = {name: {one for one in of_it if _tells(name, one)} or set(of_it) for name, of_it in records.items()}
    shown = {(name, id) for (name, id), by in seen(store, AGGREGATES).items() if by & telling[name]}
    missed = [row for name in records for id, row in store.table(name).items() if (name, id) not in shown]
    assert [f"{row.TYPE.name} {row['id']}" for row in missed if not _declared([row])] == []
    needless = _declared([row for name in records for row in store.table(name).values()]) - _declared(missed)
    assert needless == set(), "declared, and shown all the same"


def _tells(type_name: str, record: type[BaseModel]) -> bool:
    kind = SERVED.types[type_name]
    return bool(read_fields([record]) & kind.columns.keys() - _references(kind) - {"id"})


def _declared(rows: Sequence[Row]) -> set[tuple[str, str, str | None]]:
    """By type, column and value, for which of the reasons some of these rows need not be shown."""
    return {
        (name, column, row[column])
        for (name, column), why in ROWS_NOT_CAPTURED.items()
        for row in rows
        if row.TYPE.name == name and why.get(row[column])
    }


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
