"""What each aggregate needs of Sonar's schema: the fields that it declares, which are required, what is lacking."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from pydantic import BaseModel

from clients.sonar_schema import Outline, SonarSchema
from plumbing.errors import Action, ExitCode, SyncError
from schemas.aggregate import Aggregate
from schemas.selection import morph_of, sonar_field
from schemas.shapes import members

QUERY = "Query"
"""The type whose fields are the collections."""


class SchemaUnfit(SyncError):
    """Sonar's schema lacks a field without which an aggregate cannot be read. It stands still; the others go on."""

    code = "capture.schema_unfit"
    action = Action.HALT
    exit_code = ExitCode.USAGE
    remedy = (
        "Let the token read what is named. If Sonar removed it, the declaration in schemas/entities has to follow;"
        " until then sonar.leave_out goes on without it."
    )


def unfit(lacks: Iterable[Sequence[str]]) -> SchemaUnfit:
    """The error that names all that Sonar lacks."""
    return SchemaUnfit(f"Sonar's schema lacks {', '.join(sorted({name for names in lacks for name in names}))}")


class Need(NamedTuple):
    """A field of a type of Sonar's that an aggregate declares."""

    type_name: str
    field: str
    required: bool
    is_relation: bool = False

    @property
    def name(self) -> str:
        """As Sonar's documentation names it: `Account.name`; of a collection its own name."""
        return self.field if self.type_name == QUERY else f"{self.type_name}.{self.field}"


def collections_of(aggregate: Aggregate) -> list[str]:
    """The collections that an aggregate is read from and followed in, its root first."""
    touched, looked_up = ([one.collection for one in kind] for kind in (aggregate.touched_by, aggregate.looks_up))
    return list(dict.fromkeys([aggregate.root.name, *touched, *looked_up]))


def outline_of(schema: SonarSchema, aggregates: Sequence[Aggregate]) -> Outline:
    """Sonar's schema as far as these aggregates lead: whole types, with the fields that nobody declares."""
    collections = {name for one in aggregates for name in collections_of(one)}
    query = schema.outline([QUERY]).get(QUERY, {})
    outline, asked = {QUERY: {name: query[name] for name in sorted(collections & query.keys())}}, {QUERY}
    while wanted := {name for one in aggregates for name in types_of(one, outline)} - asked:
        asked |= wanted
        outline |= schema.outline(wanted)
    return dict(sorted(outline.items()))


def needs(aggregate: Aggregate, outline: Outline) -> Iterator[Need]:
    """Every field that an aggregate declares, as far as the relations to it exist in `outline`."""
    yield Need(QUERY, aggregate.root.name, required=True)
    for name in collections_of(aggregate)[1:]:
        yield Need(QUERY, name, required=False)
    for need, _ in _walk(aggregate, aggregate.root.record, aggregate.root.type_name, outline):
        yield need


def types_of(aggregate: Aggregate, outline: Outline) -> list[str]:
    """The types that an aggregate declares, as far as `outline` leads to them: of its rows, and of their values."""
    found = [aggregate.root.type_name]
    for _, leads_to in _walk(aggregate, aggregate.root.record, aggregate.root.type_name, outline):
        if leads_to is not None:
            found.append(leads_to)
    return list(dict.fromkeys(found))


def lacking(aggregate: Aggregate, outline: Outline) -> tuple[list[str], list[str]]:
    """What Sonar lacks of an aggregate: required (it cannot be read without), and optional (null in every event)."""
    gone = [one for one in needs(aggregate, outline) if not _is_there(one, outline)]
    required, optional = ({one.name for one in gone if one.required is wanted} for wanted in (True, False))
    return sorted(required), sorted(optional)


def _is_there(need: Need, outline: Outline) -> bool:
    leads_to = outline.get(need.type_name, {}).get(need.field)
    # A relation that leads to no type with fields any more is a plain value, which nobody declares.
    return leads_to is not None and (not need.is_relation or leads_to.strip("[]") in outline)


def concerned(aggregates: Sequence[Aggregate], outline: Outline) -> dict[tuple[str, str | None], set[str]]:
    """`{(type, field): names of the aggregates that declare it}`; field None: that declare anything of the type."""
    found: dict[tuple[str, str | None], set[str]] = {}
    for aggregate in aggregates:
        for need in needs(aggregate, outline):
            for key in ((need.type_name, need.field), (need.type_name, None)):
                found.setdefault(key, set()).add(aggregate.name)
        for type_name in types_of(aggregate, outline):
            found.setdefault((type_name, None), set()).add(aggregate.name)
    return found


def _walk(
    aggregate: Aggregate, record: type[BaseModel], type_name: str, outline: Outline
) -> Iterator[tuple[Need, str | None]]:
    """Each declared field, and the type that it leads to where that is known."""
    for member in members(record):
        field = sonar_field(member)
        if aggregate.root.singleton and record is aggregate.root.record and field == "id":
            continue  # ours: a settings object has none
        morph = morph_of(member)
        leads_to = morph.type_name if morph is not None else outline.get(type_name, {}).get(field, "").strip("[]")
        is_relation = member.record is not None and morph is None
        yield Need(type_name, field, member.required and not member.nullable, is_relation), leads_to or None
        if member.record is not None and leads_to in outline:  # else the whole of it becomes null
            yield from _walk(aggregate, member.record, leads_to, outline)
