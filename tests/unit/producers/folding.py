"""What the topics have to show, made from the sandbox's rows and relations and the declared members alone.

No query, no record and no encoder of capture's takes part in it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, NamedTuple

from pydantic import BaseModel

from sandbox.sonar.relations import ids_of, one_of
from sandbox.sonar.rows import Row
from sandbox.sonar.store import Store
from schemas.aggregate import Aggregate
from schemas.records import Morph, Newest, Secret, ShownArchived
from schemas.selection import morph_of, newest_of, sonar_field
from schemas.shapes import Kind, Member, members


def expected(store: Store, one: Aggregate) -> dict[int, dict[str, Any]]:
    """`{id: after}` as the store has it."""
    return {id: _record(store, one.root.record, row) for id, row in store.table(one.root.type_name).items()}


def _record(store: Store, record: type[BaseModel], row: Row) -> dict[str, Any]:
    return {one.member.name: _member(store, one, row) for one in _declared(record)}


def columns(record: type[BaseModel]) -> list[tuple[Member, str]]:
    """What a record has of its row itself, and the columns' names; no secret, for none is carried."""
    declared = [one for one in _declared(record) if not one.is_secret]
    return [(one.member, one.field) for one in declared if one.member.record is None]


class _Declared(NamedTuple):
    """A member, and what its marks say: asked for of each row again and again."""

    member: Member
    field: str
    is_secret: bool
    shows_archived: bool
    morph: Morph | None
    newest: Newest | None


@cache
def _declared(record: type[BaseModel]) -> tuple[_Declared, ...]:
    return tuple(
        _Declared(
            one,
            sonar_field(one),
            any(isinstance(mark, Secret) for mark in one.metadata),
            any(isinstance(mark, ShownArchived) for mark in one.metadata),
            morph_of(one),
            newest_of(one),
        )
        for one in members(record)
    )


def _member(store: Store, declared: _Declared, row: Row) -> Any:
    kind, member, field = row.TYPE, declared.member, declared.field
    if declared.is_secret:
        return None  # not carried
    if member.kind is not Kind.RECORD or member.record is None:
        return as_published(member, row[field]) if field in kind.columns else None
    if field not in kind.relations:
        return None  # only the newer generation has it
    found = [_record(store, member.record, one) for one in _nested(store, declared, row)]
    if kind.relations[field].is_connection:
        return found
    return found[0] if found else None


def _nested(store: Store, declared: _Declared, row: Row) -> list[Row]:
    """The rows that a member shows of a relation: of one that leads to one row, that or none."""
    kind, morph, newest = row.TYPE, declared.morph, declared.newest
    relation = kind.relations[declared.field]
    if relation.is_connection:
        rows = store.table(relation.target)
        shown = [rows[id] for id in ids_of(store, kind, relation)(row)]
        if newest is not None:
            column, value = newest.where
            those = [one for one in shown if one[column] == value]
            shown = sorted(those, key=lambda one: (one[newest.by], one["id"]))[-1:]
        return shown
    found = one_of(store, kind, relation)(row)
    if found is None or (morph is not None and found.TYPE.name != morph.type_name):
        return []
    archived = "archived_at" in found and found["archived_at"] is not None
    return [] if archived and not declared.shows_archived else [found]


def seen(store: Store, aggregates: Iterable[Aggregate]) -> dict[tuple[str, int], set[type[BaseModel]]]:
    """`{(type, id): the records that show the row on some topic}`."""
    found = defaultdict[tuple[str, int], set[type[BaseModel]]](set)

    def visit(record: type[BaseModel], row: Row) -> None:
        found[row.TYPE.name, row["id"]].add(record)
        for one in _declared(record):
            if one.member.record is not None and one.field in row.TYPE.relations:
                for inner in _nested(store, one, row):
                    visit(one.member.record, inner)

    for one in aggregates:
        for row in store.table(one.root.type_name).values():
            visit(one.root.record, row)
    return found


def as_published(member: Member, value: Any) -> Any:
    """A column as events have it."""
    if value is None or isinstance(value, bool):
        return value
    if member.many:
        return list(value)
    if isinstance(value, datetime):
        return round(value.astimezone(UTC).timestamp() * 1000)
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if member.kind is Kind.NUMBER else str(value) if member.kind is Kind.TEXT else int(value)


def differences(wanted: Any, found: Any, path: str = "") -> Iterator[str]:
    """Paths at which the two differ, without what is there."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for name in wanted.keys() | found.keys():
            yield from differences(wanted.get(name), found.get(name), f"{path}.{name}")
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for place, (one, other) in enumerate(zip(wanted, found, strict=True)):
            yield from differences(one, other, f"{path}[{place}]")
    elif wanted != found:
        yield path
