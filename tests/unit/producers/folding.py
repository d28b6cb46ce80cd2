"""What the topics have to show, made from the sandbox's rows and relations and the declared members alone.

No query, no record and no encoder of capture's takes part in it.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

from pydantic import BaseModel

from sandbox.sonar.relations import ids_of, one_of
from sandbox.sonar.rows import Row
from sandbox.sonar.store import Store
from schemas.aggregate import Aggregate
from schemas.records import Secret, ShownArchived
from schemas.selection import morph_of, newest_of, sonar_field
from schemas.shapes import Kind, Member, members


def expected(store: Store, one: Aggregate) -> dict[int, dict[str, Any]]:
    """`{id: after}` as the store has it."""
    return {id: _record(store, one.root.record, row) for id, row in store.table(one.root.type_name).items()}


def _record(store: Store, record: type[BaseModel], row: Row) -> dict[str, Any]:
    return {member.name: _member(store, member, row) for member in members(record)}


def _member(store: Store, member: Member, row: Row) -> Any:
    kind, field = row.TYPE, sonar_field(member)
    if any(isinstance(mark, Secret) for mark in member.metadata):
        return None  # not carried
    if member.kind is not Kind.RECORD or member.record is None:
        return _plain(member, row[field]) if field in kind.columns else None
    relation, inner, morph = kind.relations[field], member.record, morph_of(member)
    if relation.is_connection:
        rows, newest = store.table(relation.target), newest_of(member)
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
