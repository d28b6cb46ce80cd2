"""What the topics have to show, made from the sandbox's rows and relations and the declared members alone.

No query, no record and no encoder of capture's takes part in it.
"""

from collections.abc import Iterator
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
        return _plain(member, row[field]) if field in kind.columns else None
    if field not in kind.relations:
        return None  # only the newer generation has it
    relation, inner, morph = kind.relations[field], member.record, declared.morph
    if relation.is_connection:
        rows, newest = store.table(relation.target), declared.newest
        shown = [rows[id] for id in ids_of(store, kind, relation)(row)]
        if newest is not None:
            column, value = newest.where
            those = [one for one in shown if one[column] == value]
            shown = sorted(those, key=lambda one: (one[newest.by], one["id"]))[-1:]
        return [_record(store, inner, one) for one in shown]
    found = one_of(store, kind, relation)(row)
    if found is None or (morph is not None and found.TYPE.name != morph.type_name):
        return None
    archived = "archived_at" in found and found["archived_at"] is not None
    if archived and not declared.shows_archived:
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
