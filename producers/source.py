"""What this Sonar lets us read: its schema, what of our declarations it lacks, what the token may not see."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from graphql import FieldNode

from clients.sonar import SonarClient
from clients.sonar_errors import SonarGraphqlError, SonarQueryInvalid
from clients.sonar_purpose import asking
from clients.sonar_schema import SonarSchema
from plumbing import metrics
from plumbing.errors import Action, ExitCode, SyncError
from producers import documents
from schemas.aggregate import Aggregate
from schemas.selection import required_fields, selection, sonar_field
from schemas.shapes import members

log = structlog.get_logger()


class SchemaUnfit(SyncError):
    """Sonar's schema lacks a field without which an aggregate cannot be read."""

    code = "capture.schema_unfit"
    action = Action.HALT
    exit_code = ExitCode.USAGE
    remedy = "Let the token read what is named; if Sonar removed it, the declaration in schemas/entities has to follow."


@dataclass(frozen=True)
class Source:
    """One Sonar as we can read it."""

    schema: SonarSchema
    fingerprint: str
    selections: dict[str, str]
    """`{aggregate: selection text}`, of fields that exist and may be read."""
    missing: list[str]
    """Declared fields that this Sonar lacks, as `Type.field`: null in every event."""
    unreadable: list[str]
    """Nested fields that this token may not read, as `aggregate.field`: null in every event."""


async def read_source(client: SonarClient, aggregates: Sequence[Aggregate], first: int) -> Source:
    """Introspect Sonar and make the selections for it. Nested connections ask for `first` rows.

    Raises:
        SchemaUnfit: a required field, type or collection is missing; all missing ones are named.
        SyncError: from the client.
    """
    schema = await client.introspect()
    if missing := missing_required(schema, aggregates):
        metrics.SCHEMA_EVENTS.labels("halt").inc()
        raise SchemaUnfit(f"Sonar's schema lacks {', '.join(missing)}")
    lacking, unreadable = missing_optional(schema, aggregates), list[str]()
    for name in lacking:
        metrics.SCHEMA_EVENTS.labels("null").inc()
        log.warning("capture.field_missing", field=name)
    selections = {}
    for aggregate in aggregates:
        denied = await _denied(client, schema, aggregate, selection_text(schema, aggregate, first))
        for name in sorted(denied):
            metrics.SCHEMA_EVENTS.labels("unreadable").inc()
            log.error("capture.field_unreadable", aggregate=aggregate.name, field=name)
            unreadable.append(f"{aggregate.name}.{name}")
        selections[aggregate.name] = selection_text(schema, aggregate, first, denied)
    types = [one for aggregate in aggregates for one in _types(schema, aggregate, selections[aggregate.name])]
    return Source(schema, schema.fingerprint(types), selections, lacking, unreadable)


def missing_required(schema: SonarSchema, aggregates: Sequence[Aggregate]) -> list[str]:
    """What Sonar lacks and an aggregate cannot do without, as `Type.field` or the name of a collection."""
    found = []
    for aggregate in aggregates:
        root = aggregate.root
        if schema.field_type("Query", root.name) is None:
            found.append(root.name)
            continue
        for start, path, field in required_fields(aggregate):
            type_name = _type_at(schema, start, path)
            if type_name is None or type_name not in schema:
                continue  # an optional relation on the way is missing: the whole of it becomes null
            if field not in schema.fields(type_name) and not (root.singleton and field == "id"):
                found.append(f"{type_name}.{field}")
    return sorted(set(found))


def missing_optional(schema: SonarSchema, aggregates: Sequence[Aggregate]) -> list[str]:
    """Declared fields of the roots that Sonar lacks and that become null, as `Type.field`."""
    return sorted(
        {
            f"{one.root.type_name}.{member.name}"
            for one in aggregates
            for member in members(one.root.record)
            if sonar_field(member) not in schema.fields(one.root.type_name) and member.name != "id"
        }
    )


def _type_at(schema: SonarSchema, type_name: str, path: str) -> str | None:
    for part in path.split(".") if path else ():
        found = schema.field_type(type_name, part)
        if found is None:
            return None
        type_name = found.name
    return type_name


def selection_text(schema: SonarSchema, aggregate: Aggregate, first: int, denied: frozenset[str] = frozenset()) -> str:
    """The selection of an aggregate for this Sonar, without what is `denied` of its root. Lists ask for `first`."""

    def available(type_name: str) -> frozenset[str]:
        has = schema.fields(type_name)
        return has - denied if type_name == aggregate.root.type_name else has

    def related(type_name: str, field: str) -> str | None:
        found = schema.field_type(type_name, field)
        return found.name if found is not None else None

    return selection(aggregate, available, first, related)


async def _denied(client: SonarClient, schema: SonarSchema, aggregate: Aggregate, text: str) -> frozenset[str]:
    """Nested fields of the root that this token may not read, found by asking for one row.

    Not read is not empty: such a field is left out, and null in every event.
    """
    if await _readable(client, schema, aggregate, text):
        return frozenset()
    nested = [
        node
        for node in documents.selection_set(text).selections
        if isinstance(node, FieldNode) and node.selection_set is not None
    ]
    optional = {sonar_field(one) for one in members(aggregate.root.record) if one.nullable}
    denied = [
        node.name.value
        for node in nested
        if node.name.value in optional
        and not await _readable(client, schema, aggregate, "id " + documents.field_text(node))
    ]
    return frozenset(denied)


async def _readable(client: SonarClient, schema: SonarSchema, aggregate: Aggregate, text: str) -> bool:
    root = aggregate.root
    if root.singleton:
        return True  # read whole a moment later, where a refusal is an error of its own
    document = documents.page_document(root.name, f"{{ {text} }}", archived=root.include_archived, counted=False)
    try:
        with asking("probe", root.name):
            await client.query(document, {"search": [], "n": 1}, attempts=3)
    except SonarQueryInvalid:
        raise
    except SonarGraphqlError:
        return False
    return True


def _types(schema: SonarSchema, aggregate: Aggregate, text: str) -> list[str]:
    """The types that a selection reads."""
    found: list[str] = []

    def visit(type_name: str, parent: FieldNode | None) -> None:
        found.append(type_name)
        inner = documents.selection_set(text) if parent is None else documents.rows_selection(parent)
        for node in inner.selections if inner is not None else ():
            if not isinstance(node, FieldNode) or node.selection_set is None:
                continue
            fragment, kind = documents.fragment_of(node), schema.field_type(type_name, node.name.value)
            if fragment is not None:
                visit(documents.type_of(fragment), node)
            elif kind is not None:
                visit(kind.name, node)

    visit(aggregate.root.type_name, None)
    return found
