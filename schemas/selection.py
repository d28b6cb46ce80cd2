"""The GraphQL selection of an aggregate's root, nested ones included, from its declaration."""

from collections.abc import Callable

from pydantic import BaseModel

from schemas.aggregate import Aggregate
from schemas.records import ShownArchived
from schemas.shapes import Kind, members

AvailableFields = Callable[[str], frozenset[str]]
"""Names of the fields that a Sonar type has; empty for a type it lacks."""

RelatedType = Callable[[str, str], str | None]
"""The type that a field of a type leads to."""


def selection(
    aggregate: Aggregate,
    available: AvailableFields | None,
    first: int,
    related: RelatedType | None = None,
) -> str:
    """Selection text of the root's record, without braces.

    Connections ask for `first` rows and come back under `entities`. With `available` and `related`, fields that this
    Sonar lacks are left out, and become null in the event.
    """
    return _selected(aggregate.root.record, aggregate.root.type_name, available, related, first)


def required_fields(aggregate: Aggregate) -> list[tuple[str, str]]:
    """`(path, field)` of every Sonar field without which the record cannot be built; the path is empty at the root."""
    found: list[tuple[str, str]] = []

    def visit(record: type[BaseModel], path: str) -> None:
        for member in members(record):
            if member.required and not member.nullable:
                found.append((path, member.name))
            if member.record is not None:
                visit(member.record, f"{path}.{member.name}".lstrip("."))

    visit(aggregate.root.record, "")
    return found


def _selected(
    record: type[BaseModel],
    type_name: str,
    available: AvailableFields | None,
    related: RelatedType | None,
    first: int,
) -> str:
    has = available(type_name) if available is not None and type_name else None
    parts: list[str] = []
    for member in members(record):
        if has is not None and member.name not in has:
            continue
        if member.kind is not Kind.RECORD or member.record is None:
            parts.append(member.name)
            continue
        inner_type = related(type_name, member.name) if related is not None and type_name else None
        inner = _selected(member.record, inner_type or "", available, related, first)
        if member.many:
            parts.append(
                f"{member.name}(paginator: {{page: 1, records_per_page: {first}}}) {{ entities {{ {inner} }} }}"
            )
        else:
            shown = any(isinstance(mark, ShownArchived) for mark in member.metadata)
            parts.append(f"{member.name}{'(include_archived: true)' if shown else ''} {{ {inner} }}")
    return " ".join(parts)
