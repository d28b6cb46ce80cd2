"""Walking from a row to the rows it is related to."""

from collections.abc import Callable, Sequence
from operator import attrgetter

from sandbox.sonar.declarations import Kind, ObjectType, Relation
from sandbox.sonar.rows import Row
from sandbox.sonar.store import Store


def ids_of(store: Store, kind: ObjectType, relation: Relation) -> Callable[[Row], Sequence[int]]:
    """A function from a row to the ids of its related rows, ascending; for relations to many and has-one."""
    if relation.kind is Kind.PIVOT:
        return lambda row: store.linked(kind.name, relation.name, row.id)  # type: ignore[attr-defined]
    name, via = kind.name, relation.via
    if relation.polymorphic:
        return lambda row: store.pointing(relation.target, via, (name, row.id))  # type: ignore[attr-defined]
    return lambda row: store.pointing(relation.target, via, row.id)  # type: ignore[attr-defined]


def one_of(store: Store, kind: ObjectType, relation: Relation) -> Callable[[Row], Row | None]:
    """A function from a row to the one row it belongs to or has; None when there is none (or it is held)."""
    if relation.kind is Kind.HAS_ONE:
        ids, rows = ids_of(store, kind, relation), store.tables[relation.target].rows

        def first(row: Row) -> Row | None:
            found = ids(row)
            return rows[found[0]] if found else None

        return first
    if relation.polymorphic:
        type_of, id_of = attrgetter(f"{relation.via}_type"), attrgetter(f"{relation.via}_id")
        tables = store.tables

        def owner(row: Row) -> Row | None:
            table = tables.get(type_of(row))
            return None if table is None else table.rows.get(id_of(row))

        return owner
    rows, key = store.tables[relation.target].rows, attrgetter(relation.via)
    return lambda row: rows.get(key(row))


def all_of(store: Store, kind: ObjectType, relation: Relation) -> Callable[[Row], list[Row]]:
    """A function from a row to all its related rows, whatever the relation's kind."""
    if relation.is_connection:
        ids, rows = ids_of(store, kind, relation), store.tables[relation.target].rows
        return lambda row: [rows[id] for id in ids(row)]
    one = one_of(store, kind, relation)

    def listed(row: Row) -> list[Row]:
        found = one(row)
        return [] if found is None else [found]

    return listed
