"""The GraphQL selection of an aggregate's root, nested ones included, from its declaration."""

from collections.abc import Callable, Collection

from pydantic import BaseModel

from schemas.aggregate import Aggregate
from schemas.records import Few, Morph, Newest, Secret, ShownArchived
from schemas.shapes import Kind, Member, members

AvailableFields = Callable[[str], frozenset[str]]
"""Names of the fields that a Sonar type has; empty for a type it lacks."""

RelatedType = Callable[[str, str], str | None]
"""The type that a field of a type leads to."""


def selection(
    aggregate: Aggregate,
    available: AvailableFields | None,
    first: int,
    related: RelatedType | None = None,
    carried: Collection[str] = (),
) -> str:
    """Selection text of the root's record, without braces; of secrets only the kinds that are `carried`.

    Connections ask for `first` rows (or `Few`) and come back under `entities`. With `available` and `related`, fields
    that this Sonar lacks are left out, and become null in the event.
    """
    secrets = {member.name for member, kind in secrets_of(aggregate) if kind not in carried}
    return _selected(aggregate.root.record, aggregate.root.type_name, available, related, first, secrets)


def secrets_of(aggregate: Aggregate) -> list[tuple[Member, str]]:
    """The members of a root that are secrets, each with its kind."""
    return [
        (member, mark.kind)
        for member in members(aggregate.root.record)
        for mark in member.metadata
        if isinstance(mark, Secret)
    ]


def morph_of(member: Member) -> Morph | None:
    """How a member reads a polymorphic relation; None: it reads none."""
    return next((mark for mark in member.metadata if isinstance(mark, Morph)), None)


def newest_of(member: Member) -> Newest | None:
    """Which row of a nested list is read alone; None: all are."""
    return next((mark for mark in member.metadata if isinstance(mark, Newest)), None)


def few_of(member: Member) -> int | None:
    """How many rows of a nested list are asked for with the root; None: as many as of any other."""
    if newest_of(member) is not None:
        return 1
    return next((mark.rows for mark in member.metadata if isinstance(mark, Few)), None)


def sonar_field(member: Member) -> str:
    """Sonar's field that a member reads."""
    named = morph_of(member) or newest_of(member)
    return member.name if named is None else named.relation


def _selected(
    record: type[BaseModel],
    type_name: str,
    available: AvailableFields | None,
    related: RelatedType | None,
    first: int,
    without: Collection[str] = (),
) -> str:
    has = available(type_name) if available is not None and type_name else None
    parts: list[str] = []
    for member in members(record):
        morph = morph_of(member)
        if member.name in without or (has is not None and sonar_field(member) not in has):
            continue
        if member.kind is not Kind.RECORD or member.record is None:
            parts.append(member.name)
            continue
        if morph is not None:
            if available is not None and not available(morph.type_name):
                continue
            inner = _selected(member.record, morph.type_name, available, related, first)
            relation = f"{morph.relation}{_archived(member)}"
            parts.append(f"{member.name}: {relation} {{ ... on {morph.type_name} {{ {inner} }} }}")
            continue
        inner_type = related(type_name, sonar_field(member)) if related is not None and type_name else None
        inner = _selected(member.record, inner_type or "", available, related, first)
        if not inner:
            continue  # it leads to nothing of what is declared: a plain value by now
        newest = newest_of(member)
        if newest is not None:
            column, value = newest.where
            parts.append(
                f"{member.name}: {newest.relation}({column}: {value}, sorter: [{_down(newest.by)}, {_down('id')}],"
                f" paginator: {{page: 1, records_per_page: 1}}) {{ entities {{ {inner} }} }}"
            )
        elif member.many:
            asked = few_of(member) or first
            parts.append(
                f"{member.name}(paginator: {{page: 1, records_per_page: {asked}}}) {{ entities {{ {inner} }} }}"
            )
        else:
            parts.append(f"{member.name}{_archived(member)} {{ {inner} }}")
    return " ".join(parts)


def _down(column: str) -> str:
    return f'{{attribute: "{column}", direction: DESC}}'


def _archived(member: Member) -> str:
    return "(include_archived: true)" if any(isinstance(mark, ShownArchived) for mark in member.metadata) else ""
