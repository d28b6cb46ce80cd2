"""How the answers to a selection are laid out, worked out once: what is done to each of thousands of rows is little."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from graphql import FieldNode, SelectionSetNode

from clients.sonar_errors import IncompletePage
from clients.sonar_schema import SonarSchema
from producers import documents


class Shown(NamedTuple):
    """A nested row that an answer showed."""

    type_name: str
    id: int
    version: str


@dataclass(frozen=True)
class Branch:
    """A nested field: a to-one relation, or (`many`) a connection, and what nests in its rows."""

    owner_type: str
    name: str
    type_name: str
    many: bool
    selection: SelectionSetNode
    branches: tuple["Branch", ...]


class Full(NamedTuple):
    """A nested list that fills its page: there may be more, which `row` holds a part of."""

    row: dict[str, Any]
    branch: Branch


def branches_of(selection: SelectionSetNode, type_name: str, schema: SonarSchema) -> tuple[Branch, ...]:
    """The nested fields of a selection on a type."""
    found = []
    for node in selection.selections:
        if not isinstance(node, FieldNode) or node.selection_set is None:
            continue
        name = node.name.value
        kind = schema.field_type(type_name, name)
        assert kind is not None  # selections are made from this schema
        entities = documents.connection_selection(node)
        inner = entities or node.selection_set
        found.append(
            Branch(type_name, name, kind.name, entities is not None, inner, branches_of(inner, kind.name, schema))
        )
    return tuple(found)


def leading_to(branches: Sequence[Branch], types: Collection[str]) -> tuple[Branch, ...]:
    """Those of the branches that are of one of the types, or have such a one below."""
    pruned = [replace(one, branches=leading_to(one.branches, types)) for one in branches]
    return tuple(one for one in pruned if one.branches or one.type_name in types)


def flatten(row: dict[str, Any], branches: Sequence[Branch], full: int) -> Iterator[Full]:
    """Make connections lists, in place; gives the lists of `full` rows, which are to be replaced by whole ones.

    Raises:
        IncompletePage: a list has empty places.
    """
    for branch in branches:
        value = row.get(branch.name)
        if value is None:
            continue
        if not branch.many:
            if branch.branches:
                yield from flatten(value, branch.branches, full)
            continue
        rows = value.get("entities")
        if not isinstance(rows, list) or None in rows:
            raise IncompletePage(f"nested {branch.name} came with empty places")
        row[branch.name] = rows
        if len(rows) >= full:
            yield Full(row, branch)
        elif branch.branches:
            for one in rows:
                yield from flatten(one, branch.branches, full)


def shown(row: dict[str, Any], branches: Sequence[Branch]) -> Iterator[Shown]:
    """All nested rows of a flattened row that carry an id and a version."""
    for branch in branches:
        value = row.get(branch.name)
        if not value:
            continue
        for one in value if branch.many else (value,):
            version = one.get("_version")
            if version is not None:
                yield Shown(branch.type_name, int(one["id"]), version)
            if branch.branches:
                yield from shown(one, branch.branches)
