"""Every document that capture sends, of every aggregate, with variables as capture fills them, held against a Sonar."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple, cast

from graphql import (
    DocumentNode,
    GraphQLSchema,
    OperationDefinitionNode,
    Source,
    introspection_from_schema,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values

from clients.sonar_schema import SonarSchema
from producers import documents
from producers.changes import Changes
from producers.descent import Descent
from producers.documents import Thin
from producers.followed import followed
from producers.layout import Branch
from producers.nested import NESTED_PAGE
from producers.owners import ways_down
from producers.reader import Reading
from producers.source import selection_text
from schemas.aggregate import Aggregate
from schemas.selection import secrets_of

_SINCE = datetime(2026, 1, 1, tzinfo=UTC)
_IDS = [7, 9]
_LAST = (_SINCE.isoformat(), _IDS[0])
_BY_ID = [documents.after_id(7), documents.after_id(7, 9), documents.any_of(_IDS), documents.within([(7, 7), (9, 12)])]
_BY_TIME = [documents.changed_since(_SINCE, None), documents.changed_since(_SINCE, _LAST)]


class Sent(NamedTuple):
    """A document, what it is for, and its variables."""

    name: str
    text: str
    variables: dict[str, Any]


def wrong(sonar: GraphQLSchema, asked: Iterable[Sent]) -> list[str]:
    """Where Sonar does not understand a document, or variables of one."""
    found: list[str] = []
    seen: dict[str, DocumentNode] = {}
    for one in asked:
        if one.text not in seen:
            seen[one.text] = parse(Source(one.text))
            found += [f"{one.name}: {error.message}" for error in validate(sonar, seen[one.text])]
        (operation,) = seen[one.text].definitions
        assert isinstance(operation, OperationDefinitionNode)
        values = get_variable_values(sonar, operation.variable_definitions, one.variables)
        found += [f"{one.name}: {error.message}" for error in values] if isinstance(values, list) else []
    return found


def schema_of(sonar: GraphQLSchema) -> SonarSchema:
    """A Sonar as capture sees it."""
    return SonarSchema(introspection_from_schema(sonar))


def sent(schema: SonarSchema, aggregates: Sequence[Aggregate]) -> Iterator[Sent]:
    """What capture asks a Sonar that has this schema, secrets included."""
    lists = [one for one in aggregates if not one.root.singleton]
    changes = Changes(cast(Any, None), followed(lists, schema), schema)  # nobody is asked
    for one in aggregates:
        text = selection_text(schema, one, NESTED_PAGE, carried={kind for _, kind in secrets_of(one)})
        reading = Reading(one, text, schema)
        if one.root.singleton:
            yield Sent(f"settings of {one.name}", documents.settings_document(one.root.name, reading.text), {})
            continue
        yield from _roots(one, reading.text)
        yield from _lists(one, reading.branches, schema)
        yield from _owned(one, changes)
    for each in changes.collections:
        if each.look_up is not None:
            yield from _down(f"carriers of {each.aggregate.name}", changes.carriers(each, _IDS))
    yield from _changed([each.thin for each in changes.collections])
    yield from _together(lists, schema)


def _roots(one: Aggregate, entities: str) -> Iterator[Sent]:
    name, archived = one.root.name, one.root.include_archived
    for counted in (True, False):
        text = documents.page_document(name, entities, archived=archived, counted=counted)
        yield from (Sent(f"page of {one.name}", text, {"search": search, "n": 9}) for search in _BY_ID)
        extent = partial(documents.extent_document, name, archived=archived, counted=counted)
        yield Sent(f"extent of {one.name}", extent(), {})
        yield Sent(f"extent of {one.name}", extent(searched=True), {"search": _BY_ID[0]})
    for target in one.targets:
        for rows in target.comes_of:
            text = documents.extent_document(rows.collection, archived=False, counted=True, searched=True)
            yield Sent(f"extent of {target.entity}", text, {"search": list(rows.search)})


def _lists(one: Aggregate, branches: Sequence[Branch], schema: SonarSchema) -> Iterator[Sent]:
    """The nested lists whose owners can be asked by id: all others have to fit into the page of their root."""
    for branch in branches:
        yield from _lists(one, branch.branches, schema)
        owners = schema.collection_of(branch.owner_type)
        if not branch.many or owners is None:
            continue
        argument = schema.field_type("Query", owners)
        archived = argument is not None and "include_archived" in argument.arguments
        entities, name = documents.inner_text(branch.selection), f"{branch.name} of {one.name}"
        text = documents.lists_document(owners, branch.field, entities, archived=archived)
        yield Sent(name, text, {"owners": documents.any_of(_IDS), "m": 2, "n": 9})
        text = documents.nested_document(owners, branch.field, entities, archived=archived)
        yield Sent(name, text, {"id": 7, "search": documents.after_id(7), "n": 9})


def _owned(one: Aggregate, changes: Changes) -> Iterator[Sent]:
    """One customer's roots."""
    for way in ways_down(one, changes.schema):
        if way:
            yield from _down(f"{one.name} of a customer", changes.descent().along(way, _IDS))


def _down(name: str, descent: Descent) -> Iterator[Sent]:
    while descent.question is not None:
        thin, search = descent.question
        yield Sent(name, documents.thin_document([thin]), {"s0": search, "n": 9})
        descent.take(thin, _IDS, ended=True)


def _changed(thins: Sequence[Thin]) -> Iterator[Sent]:
    for thin in dict.fromkeys(thins):
        for counted in (True, False):
            for by_id, searches in ((False, _BY_TIME), (True, _BY_ID)):
                page = Thin(thin.collection, thin.extra, thin.archived, counted, by_id)
                for search in searches:
                    name = f"changes of {thin.collection}"
                    yield Sent(name, documents.thin_document([page]), {"s0": search, "n": 9})


def _together(lists: Sequence[Aggregate], schema: SonarSchema) -> Iterator[Sent]:
    """What is asked of all collections at once, and the log of all."""
    thins = list(dict.fromkeys(one.thin for one in followed(lists, schema)))
    searches = {f"s{place}": _BY_TIME[1] for place, _ in enumerate(thins)}
    yield Sent("changes of all", documents.thin_document(thins), {"n": 9, **searches})
    roots = [(one.root.name, one.root.include_archived) for one in lists]
    yield Sent("extents of all", documents.extents_document(roots), {})
    texts = [f"{{ {selection_text(schema, one, NESTED_PAGE)} }}" for one in lists]
    pages = [(name, text, archived) for (name, archived), text in zip(roots, texts, strict=True)]
    yield Sent("probe of all", documents.probe_document(pages), {})
    for after in (None, _LAST):
        yield Sent("log", documents.log_document(), {"search": documents.logged_since(_SINCE, after), "n": 9})
