"""GraphQL text that capture sends: pages by keyset, thin pages of versions, the log. Pure functions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from graphql import FieldNode, InlineFragmentNode, NameNode, SelectionSetNode, parse, print_ast
from graphql.language import OperationDefinitionNode
from msgspec import UNSET

from clients.sonar_schema import SonarSchema
from schemas.aggregate import Hop

PAGE_INFO = "page_info { page total_pages total_count records_per_page }"
_CHANGE_ORDER = '[{attribute: "updated_at", direction: ASC}, {attribute: "id", direction: ASC}]'
_LOG_ORDER = '[{attribute: "created_at", direction: ASC}, {attribute: "id", direction: ASC}]'
_ID_ORDER = '[{attribute: "id", direction: ASC}]'
_NESTED = ("id", "_version")
LOGGED = ("DELETED", "ATTACHED", "DETACHED")


@lru_cache(maxsize=256)
def selection_set(text: str) -> SelectionSetNode:
    """The parsed form of a selection's text (without its braces). Nobody changes it: it is remembered."""
    definition = parse(f"{{ {text} }}", no_location=True).definitions[0]
    assert isinstance(definition, OperationDefinitionNode)
    return definition.selection_set


def with_versions(
    selection: SelectionSetNode,
    type_name: str,
    schema: SonarSchema,
    columns: tuple[str, ...] = ("id", "_version", "updated_at"),
) -> SelectionSetNode:
    """The selection with `id`, `_version` and (at the root) `updated_at` added wherever the type has them.

    Following needs the version of every nested row that an answer shows.
    """
    fields = [node for node in selection.selections if isinstance(node, FieldNode)]
    names = {node.name.value for node in fields}
    has = schema.fields(type_name)
    added = [_plain(name) for name in columns if name in has and name not in names]
    return SelectionSetNode(selections=(*added, *(_versioned(node, type_name, schema) for node in fields)))


def _versioned(node: FieldNode, type_name: str, schema: SonarSchema) -> FieldNode:
    found = schema.field_type(type_name, node.name.value)
    if node.selection_set is None or found is None:
        return node
    fragment = fragment_of(node)
    if fragment is not None:
        versioned = with_versions(fragment.selection_set, type_of(fragment), schema, _NESTED)
        one = InlineFragmentNode(type_condition=fragment.type_condition, directives=(), selection_set=versioned)
        return _with_selection(node, SelectionSetNode(selections=(one,)))
    inner = connection_selection(node)
    if inner is None:
        return _with_selection(node, with_versions(node.selection_set, found.name, schema, _NESTED))
    parts = tuple(
        _with_selection(part, with_versions(inner, found.name, schema, _NESTED))
        if isinstance(part, FieldNode) and part.name.value == "entities"
        else part
        for part in node.selection_set.selections
    )
    return _with_selection(node, SelectionSetNode(selections=parts))


def connection_selection(node: FieldNode) -> SelectionSetNode | None:
    """What a connection field selects of its entities; None when the field is no connection."""
    for part in node.selection_set.selections if node.selection_set is not None else ():
        if isinstance(part, FieldNode) and part.name.value == "entities":
            return part.selection_set
    return None


def fragment_of(node: FieldNode) -> InlineFragmentNode | None:
    """The one type that a polymorphic relation is read as; None when the field is no such relation."""
    for part in node.selection_set.selections if node.selection_set is not None else ():
        if isinstance(part, InlineFragmentNode):
            return part
    return None


def rows_selection(node: FieldNode) -> SelectionSetNode | None:
    """What a field selects of the rows that it leads to: of a connection's entities, of a fragment's type."""
    fragment = fragment_of(node)
    return fragment.selection_set if fragment is not None else connection_selection(node) or node.selection_set


def type_of(fragment: InlineFragmentNode) -> str:
    """The type that a fragment is on."""
    return fragment.type_condition.name.value


def answer_name(node: FieldNode) -> str:
    """The name under which an answer shows a field."""
    return node.alias.value if node.alias is not None else node.name.value


def _plain(name: str) -> FieldNode:
    return FieldNode(name=NameNode(value=name), arguments=(), directives=())


def _with_selection(node: FieldNode, selection: SelectionSetNode) -> FieldNode:
    return FieldNode(
        name=node.name,
        alias=node.alias,
        arguments=node.arguments,
        directives=node.directives,
        selection_set=selection,
    )


def field_text(node: FieldNode) -> str:
    """One field as text, with its arguments and selection."""
    return " ".join(print_ast(node).split())


def inner_text(selection: SelectionSetNode) -> str:
    """A selection as text, with its braces."""
    return " ".join(print_ast(selection).split())


def page_document(collection: str, entities: str, *, archived: bool, counted: bool) -> str:
    """One page of full rows: variables `search` and `n`, by id. `entities` with its braces."""
    return (
        f"query Page($search: [Search], $n: Int!) {{ {collection}(search: $search, sorter: {_ID_ORDER}, "
        f"paginator: {{page: 1, records_per_page: $n}}{_archived(archived)}) "
        f"{{ entities {entities} {PAGE_INFO if counted else ''} }} }}"
    )


def settings_document(name: str, entities: str) -> str:
    """A settings object, whole. `entities` with its braces."""
    return f"query Settings {{ {name} {entities} }}"


def probe_document(pages: Iterable[tuple[str, str, bool]]) -> str:
    """A row of each of several collections: aliases `c0`…; each with its `entities` and whether archived rows count."""
    fields = [
        f"c{place}: {name}(sorter: {_ID_ORDER}, paginator: {{page: 1, records_per_page: 1}}{_archived(archived)}) "
        f"{{ entities {entities} }}"
        for place, (name, entities, archived) in enumerate(pages)
    ]
    return f"query Probe {{ {' '.join(fields)} }}"


def extent_document(collection: str, *, archived: bool, counted: bool, searched: bool = False) -> str:
    """The newest row's id, and how many rows there are; with the variable `search` of those that it finds."""
    variables, search = ("($search: [Search])", "search: $search, ") if searched else ("", "")
    return f"query Extent{variables} {{ {_extent(collection, search, archived=archived, counted=counted)} }}"


def extents_document(collections: Iterable[tuple[str, bool]]) -> str:
    """The extents of several collections at once, each with whether archived rows count: aliases `c0`…"""
    fields = [
        f"c{place}: {_extent(name, '', archived=archived, counted=True)}"
        for place, (name, archived) in enumerate(collections)
    ]
    return f"query Extents {{ {' '.join(fields)} }}"


def _extent(collection: str, search: str, *, archived: bool, counted: bool) -> str:
    return (
        f'{collection}({search}sorter: [{{attribute: "id", direction: DESC}}], '
        f"paginator: {{page: 1, records_per_page: 1}}{_archived(archived)}) "
        f"{{ entities {{ id }} {PAGE_INFO if counted else ''} }}"
    )


def nested_document(collection: str, field: str, entities: str, *, archived: bool) -> str:
    """One page of one row's nested connection: variables `id`, `search`, `n`, by id of the nested rows."""
    return (
        f"query Nested($id: Int64Bit, $search: [Search], $n: Int!) {{ {collection}(id: $id, "
        f"paginator: {{page: 1, records_per_page: 1}}{_archived(archived)}) {{ entities {{ {field}(search: $search, "
        f"sorter: {_ID_ORDER}, paginator: {{page: 1, records_per_page: $n}}) {{ entities {entities} }} }} }} }}"
    )


def lists_document(collection: str, field: str, entities: str, *, archived: bool) -> str:
    """The beginning of the same nested connection of several rows: variables `owners` (a search), `m` of them, `n`."""
    return (
        f"query Lists($owners: [Search], $m: Int!, $n: Int!) {{ {collection}(search: $owners, sorter: {_ID_ORDER}, "
        f"paginator: {{page: 1, records_per_page: $m}}{_archived(archived)}) {{ entities {{ id {field}("
        f"sorter: {_ID_ORDER}, paginator: {{page: 1, records_per_page: $n}}) {{ entities {entities} {PAGE_INFO} }} "
        f"}} }} }}"
    )


@dataclass(frozen=True)
class Thin:
    """A thin page that is asked for: id, version and a few columns of what changed in a collection."""

    collection: str
    extra: tuple[str, ...] = ()
    """Dotted paths beside `id`, `_version`, `updated_at`, such as `contact.contactable_id`."""
    archived: bool = False
    counted: bool = True
    by_id: bool = False
    """In the order of ids (a whole listing) instead of changes."""


def thin_document(pages: Sequence[Thin]) -> str:
    """Thin pages of several collections in one request: aliases `c0`…, variables `s0`… and `n`."""
    variables = ", ".join(f"$s{place}: [Search]" for place in range(len(pages)))
    fields = " ".join(
        f"c{place}: {page.collection}(search: $s{place}, sorter: {_ID_ORDER if page.by_id else _CHANGE_ORDER}, "
        f"paginator: {{page: 1, records_per_page: $n}}{_archived(page.archived)}) "
        f"{{ entities {{ id _version updated_at {paths_text(page.extra)} }} {PAGE_INFO if page.counted else ''} }}"
        for place, page in enumerate(pages)
    )
    return f"query Changed($n: Int!, {variables}) {{ {fields} }}"


def log_document() -> str:
    """One page of the audit log: variables `search` and `n`, in the order of time."""
    return (
        f"query Logged($search: [Search], $n: Int!) {{ logs(legacy: false, search: $search, sorter: {_LOG_ORDER}, "
        f"paginator: {{page: 1, records_per_page: $n}}) {{ entities {{ id created_at type logged_entity_type "
        f"logged_entity_id loggable_type loggable_id }} {PAGE_INFO} }} }}"
    )


def paths_text(paths: Iterable[str]) -> str:
    """Selection text of dotted paths.

    >>> paths_text(["a", "b.c", "b.d"])
    'a b { c d }'
    """
    inner: dict[str, list[str]] = {}
    for path in paths:
        head, _, rest = path.partition(".")
        inner.setdefault(head, []).extend([rest] if rest else [])
    return " ".join(f"{head} {{ {paths_text(rest)} }}" if rest else head for head, rest in inner.items())


@lru_cache(maxsize=1024)
def _parts(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


def value_at(row: Any, path: str) -> Any:
    """The value at a dotted path of to-one relations of a thin row or a root; None where the way ends."""
    value = row
    for part in _parts(path):
        value = value.get(part) if isinstance(value, dict) else getattr(value, part, None)
    return None if value is UNSET else value


def after_id(last: int, high: int | None = None) -> list[dict[str, Any]]:
    """Search: ids above `last`, and up to `high` where given."""
    fields = [_integer("id", "GT", last)]
    if high is not None:
        fields.append(_integer("id", "LTE", high))
    return [{"integer_fields": fields}]


def any_of(ids: Iterable[int]) -> list[dict[str, Any]]:
    """Search: one of these ids. One object per value: several EQ inside one object would be ANDed."""
    return [{"integer_fields": [_integer("id", "EQ", id)]} for id in ids]


def within(ranges: Iterable[tuple[int, int]]) -> list[dict[str, Any]]:
    """Search: an id in one of these ranges, first and last included."""
    return [
        {"integer_fields": [_integer("id", "EQ", low)]} if low == high else after_id(low - 1, high)[0]
        for low, high in ranges
    ]


def changed_since(low: datetime, after: tuple[str, int] | None, column: str = "updated_at") -> list[dict[str, Any]]:
    """Search: at or after `low` (a closed start); with `after`, beyond that (instant text, id) in keyset order."""
    if after is None:
        return [{"datetime_fields": [_instant(column, "GTE", low.isoformat())]}]
    instant, id = after
    return [
        {"datetime_fields": [_instant(column, "GT", instant)]},
        {"datetime_fields": [_instant(column, "EQ", instant)], "integer_fields": [_integer("id", "GT", id)]},
    ]


def logged_since(low: datetime, after: tuple[str, int] | None) -> list[dict[str, Any]]:
    """Search in the log: the kinds of `LOGGED`, from `low` or beyond `after`."""
    return [
        {**part, "string_fields": [_text("type", kind)]}
        for kind in LOGGED
        for part in changed_since(low, after, "created_at")
    ]


def carrying(column: str | None, relations: Iterable[str], ids: Sequence[int], last: int) -> list[dict[str, Any]]:
    """Search: roots above `last` that carry one of some look-ups, by column or by one of the relations."""
    if column is not None:
        return [{"integer_fields": [_integer(column, "EQ", id), _integer("id", "GT", last)]} for id in ids]
    return [
        {
            "integer_fields": [_integer("id", "GT", last)],
            "reverse_relation_filters": [{"relation": relation, "search": any_of(ids)}],
        }
        for relation in relations
    ]


def referring(hop: Hop, ids: Iterable[int], last: int) -> list[dict[str, Any]]:
    """Search: rows above `last` that a step down leads to from one of `ids`."""
    of_type = {} if hop.type is None else {"string_fields": [_text(*hop.type)]}
    return [{"integer_fields": [_integer(hop.column, "EQ", id), _integer("id", "GT", last)], **of_type} for id in ids]


def _archived(archived: bool) -> str:
    return ", include_archived: true" if archived else ""


def _integer(attribute: str, operator: str, value: int) -> dict[str, Any]:
    return {"attribute": attribute, "operator": operator, "search_value": value}


def _instant(attribute: str, operator: str, value: str) -> dict[str, Any]:
    return {"attribute": attribute, "operator": operator, "search_value": value}


def _text(attribute: str, value: str) -> dict[str, Any]:
    return {"attribute": attribute, "search_value": value, "match": True, "partial_matching": False}
