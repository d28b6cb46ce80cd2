"""How the answers to a selection are laid out, worked out once: what is done to each of thousands of rows is little."""

from collections.abc import Collection, Iterator, Mapping, Sequence
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
    owned: bool = False
    """Its rows are the root's own, not those of others that something of the root refers to."""


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
    """Those of the branches whose rows are the root's own and of one of the types, or that have such a one below.

    The way that goes down least is the one of the owner: an account shows its addresses at once, and further down those
    that it once lived at, which may be another's by now.
    """
    nearest: dict[str, int] = {}
    level, depth = list(branches), 0
    while level:
        for one in level:
            nearest.setdefault(one.type_name, depth)
        level, depth = [inner for one in level for inner in one.branches], depth + 1
    return _pruned(branches, {name: nearest[name] for name in types if name in nearest}, 0)


def _pruned(branches: Sequence[Branch], nearest: Mapping[str, int], depth: int) -> tuple[Branch, ...]:
    marked = [
        replace(one, branches=_pruned(one.branches, nearest, depth + 1), owned=nearest.get(one.type_name) == depth)
        for one in branches
    ]
    return tuple(one for one in marked if one.branches or one.owned)


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
    """All nested rows of a flattened row that are its own; `branches` as `leading_to` gives them."""
    for branch in branches:
        value = row.get(branch.name)
        if not value:
            continue
        for one in value if branch.many else (value,):
            if branch.owned:
                yield Shown(branch.type_name, int(one["id"]), one["_version"])
            if branch.branches:
                yield from shown(one, branch.branches)
