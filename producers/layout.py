"""How the answers to a selection are laid out, worked out once: what is done to each of thousands of rows is little.

A row is a struct with one attribute for each field that was asked for: `msgspec.UNSET` where an answer lacks it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from graphql import FieldNode, SelectionSetNode
from msgspec import UNSET, Struct, UnsetType
from pydantic import BaseModel

from clients.sonar_answers import Connection
from clients.sonar_schema import SonarSchema
from producers import documents
from producers.versions import number_of
from schemas.records import Foreign
from schemas.selection import few_of, newest_of
from schemas.shapes import members


@dataclass(frozen=True)
class Branch:
    """A nested field: a to-one relation, or (`many`) a connection, and what nests in its rows."""

    owner_type: str
    field: str
    """Sonar's name of it."""
    name: str
    """Where an answer shows it: a polymorphic relation is read under a name for each type."""
    type_name: str
    many: bool
    selection: SelectionSetNode
    branches: tuple["Branch", ...]
    folded: tuple["Branch", ...]
    """Those of `branches` that have to be made flat."""
    row: type[Struct]
    """The layout of its rows."""
    polymorphic: bool = False
    """A to-one relation that may lead to another type, of which nothing is asked for."""
    few: int | None = None
    """Rows of a connection that are asked for with the root, where that is not the usual number."""
    foreign: bool = False
    """Its rows, and what nests in them, are not the root's own (`schemas.records.Foreign`)."""
    alone: bool = False
    """Only its newest row is asked for, so that its page is always full (`schemas.records.Newest`)."""


class Leading(NamedTuple):
    """A branch whose rows are the root's own, on the way to its children."""

    name: str
    many: bool
    collection: str | None
    """That of its rows, where they are children of the root, whose changes are followed."""
    below: tuple["Leading", ...]


class Full(NamedTuple):
    """A nested list that fills its page: there may be more, which `row` holds a part of."""

    row: Any
    branch: Branch


def branches_of(
    selection: SelectionSetNode, type_name: str, schema: SonarSchema, record: type[BaseModel]
) -> tuple[Branch, ...]:
    """The nested fields of a selection on a type, that of `record`."""
    declared = {member.name: member for member in members(record)}
    found = []
    for node in selection.selections:
        if not isinstance(node, FieldNode) or node.selection_set is None:
            continue
        member, fragment = declared[documents.answer_name(node)], documents.fragment_of(node)
        kind, inner = schema.field_type(type_name, node.name.value), documents.rows_selection(node)
        # Selections are made from this schema, and only records have something below them.
        assert kind is not None
        assert inner is not None
        assert member.record is not None
        inner_type = kind.name if fragment is None else documents.type_of(fragment)
        below = branches_of(inner, inner_type, schema, member.record)
        found.append(
            Branch(
                owner_type=type_name,
                field=node.name.value,
                name=member.name,
                type_name=inner_type,
                many=member.many,
                selection=inner,
                branches=below,
                folded=folded(below),
                row=row_of(inner, below),
                polymorphic=fragment is not None,
                few=few_of(member),
                foreign=any(isinstance(mark, Foreign) for mark in member.metadata),
                alone=newest_of(member) is not None,
            )
        )
    return tuple(found)


def row_of(selection: SelectionSetNode, branches: Sequence[Branch], also: Sequence[str] = ()) -> type[Struct]:
    """The layout of the rows of a selection, and what it has `also`, though it may not have been asked for.

    A nested list comes as a `Connection`, and is a list once it is flat.
    """
    below = {one.name: (Connection[one.row] if one.many else one.row) for one in branches}  # type: ignore[name-defined]
    asked = [documents.answer_name(node) for node in selection.selections if isinstance(node, FieldNode)]
    names = dict.fromkeys([*asked, *also])
    fields = [
        (name, below[name] | None | UnsetType if name in below else _KNOWN.get(name, Any), UNSET) for name in names
    ]
    # Without cycles: the collector need not look at what comes and goes by the million.
    return msgspec.defstruct("Row", fields, gc=False)


_KNOWN = {"id": int | UnsetType}
"""What every row has alike: an id comes as text, and is a number to all who use it."""


def leading_to(branches: Sequence[Branch], collections: Mapping[str, str]) -> tuple[Leading, ...]:
    """Those of the branches whose rows are the root's own and of one of the types, or that have such a one below.

    `collections`: `{type: its collection}`.
    """
    found = [
        Leading(one.name, one.many, collections.get(one.type_name), leading_to(one.branches, collections))
        for one in branches
        if not one.foreign
    ]
    return tuple(one for one in found if one.below or one.collection)


def folded(branches: Sequence[Branch]) -> tuple[Branch, ...]:
    """Those of the branches that come in another form than they are wanted in, or that have such a one below."""
    return tuple(one for one in branches if one.many or one.polymorphic or one.folded)


def flatten(rows: Sequence[Any], branches: Sequence[Branch], full: int) -> list[Full]:
    """Make connections lists, in place; gives the lists that fill their page, to be replaced by whole ones.

    `branches`: those that are `folded`.

    A page holds `full` rows, or the branch's few.
    """
    found: list[Full] = []
    _flatten(rows, branches, full, found)
    return found


def _flatten(rows: Sequence[Any], branches: Sequence[Branch], full: int, found: list[Full]) -> None:
    # One branch of all rows after the other: they are many, and what is to be done to a branch is the same in each.
    for branch in branches:
        name, below = branch.name, list[Any]()
        if branch.many:
            most = None if branch.alone else min(full, branch.few or full)
            for row in rows:
                value = getattr(row, name)
                if value is None or value is UNSET:
                    continue
                entities = value.entities
                setattr(row, name, entities)
                if most is not None and len(entities) >= most:
                    found.append(Full(row, branch))
                else:
                    below += entities
        else:
            for row in rows:
                value = getattr(row, name)
                if value is None or value is UNSET:
                    continue
                if branch.polymorphic and value.id is UNSET:
                    setattr(row, name, None)  # it leads to another type
                else:
                    below.append(value)
        if below and branch.folded:
            _flatten(below, branch.folded, full, found)


def children_of(row: Any, branches: Sequence[Leading]) -> dict[str, dict[int, int]]:
    """`{collection: {id: version}}` of a flattened row's own nested rows; `branches` as `leading_to` gives them."""
    found: dict[str, dict[int, int]] = {}
    _gather(row, branches, found)
    return found


def _gather(row: Any, branches: Sequence[Leading], found: dict[str, dict[int, int]]) -> None:
    for name, many, collection, below in branches:
        value = getattr(row, name)
        if not value:
            continue
        rows = value if many else (value,)
        if collection is not None:
            versions = found.setdefault(collection, {})
            for one in rows:
                versions[one.id] = number_of(one._version)
        if below:
            for one in rows:
                _gather(one, below, found)
