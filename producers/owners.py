"""Which row owns another: the ways that the declarations give, walked on a row as Sonar shows it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pydantic import BaseModel

from clients.sonar_schema import SonarSchema
from producers import documents
from schemas.aggregate import Aggregate, Hop, Owner
from schemas.records import Morph
from schemas.selection import sonar_field
from schemas.shapes import members

RootOf = Callable[[str, int], int | None]
"""The root that shows a child: `(collection, id)`; None: unknown, or it belongs to none."""


def owner_of(owners: Sequence[Owner], row: Any, root_of: RootOf) -> int | None:
    """The id of the row that owns `row`: that of the first way that leads to one; None: no way does."""
    for owner in owners:
        if owner.type is not None and documents.value_at(row, owner.type[0]) != owner.type[1]:
            continue
        value = documents.value_at(row, owner.id)
        if value is None:
            continue
        found = int(value) if owner.through is None else root_of(owner.through, int(value))
        if found is not None:
            return found
    return None


def owner_paths(owner: Owner) -> Iterator[str]:
    """The paths that a row must be asked for."""
    yield owner.id
    if owner.type is not None:
        yield owner.type[0]


def ways_down(aggregate: Aggregate, schema: SonarSchema) -> list[tuple[Hop, ...]]:
    """From an account down to the roots that it owns: each of `owned_by` the other way round.

    A way over a child that another root shows is left out: no declaration of an aggregate's owners has one.
    """
    return [_way_down(aggregate, owner, schema) for owner in aggregate.owned_by if owner.through is None]


def _way_down(aggregate: Aggregate, owner: Owner, schema: SonarSchema) -> tuple[Hop, ...]:
    record: type[BaseModel] | None = aggregate.root.record
    type_name, collection, hops = aggregate.root.type_name, aggregate.root.name, list[Hop]()
    *relations, column = owner.id.split(".")
    for name in relations:
        assert record is not None  # declared: the owner's path leads over relations
        member = next(one for one in members(record) if one.name == name)
        morph = next((mark for mark in member.metadata if isinstance(mark, Morph)), None)
        if morph is None:
            hops.append(Hop(collection, f"{sonar_field(member)}_id"))
            found = schema.field_type(type_name, sonar_field(member))
            type_name = found.name if found is not None else type_name
        else:
            hops.append(Hop(collection, f"{morph.relation}_id", (f"{morph.relation}_type", morph.type_name)))
            type_name = morph.type_name
        record, collection = member.record, schema.collection_of(type_name) or collection
    if column != "id":
        kind = None if owner.type is None else (owner.type[0].rpartition(".")[2], owner.type[1])
        hops.append(Hop(collection, column, kind))
    return tuple(reversed(hops))
