"""Sonar's schema as its introspection tells it: which fields exist, of which type, and one fingerprint of it all."""

import gc
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from gql import Client, GraphQLRequest, gql
from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSyntaxError,
    build_client_schema,
    get_introspection_query,
    get_named_type,
)

from clients.sonar_errors import SonarQueryInvalid
from plumbing.errors import DependencyRefused

_REMEMBERED = 1024
"""Documents that were found good. Ours are a few for each collection: what differs from request to request, such as
ids, comes as variables."""

Outline = dict[str, dict[str, str]]
"""`{type: {field: type that it leads to, in brackets for many}}`; of an enum `{value: VALUE}`."""
VALUE = "value"

INTROSPECTION = get_introspection_query(descriptions=False)


class SonarSchemaUnreadable(DependencyRefused):
    """What Sonar says about its schema is not whole."""

    code = "sonar.schema_unreadable"
    remedy = "See that sonar.url is a Sonar, and that nothing in front of it cuts or forbids introspection."


@dataclass(frozen=True)
class FieldType:
    """The named type of a field, whether it is a list, and the names of its arguments."""

    name: str
    many: bool
    arguments: frozenset[str]


class SonarSchema:
    """What one Sonar has. Built from the `data` of `INTROSPECTION`.

    Raises:
        SonarSchemaUnreadable: (when built) the introspection is not whole.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        try:
            schema = build_client_schema(_slim(data))  # type: ignore[arg-type]  # a TypedDict of what the query asks for
            # Types are made when they are first looked at: now, so that what is wrong with them is said at start.
            self._types: dict[str, dict[str, GraphQLField]] = {
                name: kind.fields
                for name, kind in schema.type_map.items()
                if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) and not name.startswith("__")
            }
            self._enums = {
                name: sorted(kind.values) for name, kind in schema.type_map.items() if isinstance(kind, GraphQLEnumType)
            }
        except (GraphQLError, TypeError, KeyError) as exc:
            raise SonarSchemaUnreadable("Sonar's introspection cannot be read") from exc
        self._client = Client(schema=schema)
        self._fit: set[str] = set()

    def __contains__(self, type_name: str) -> bool:
        return type_name in self._types

    def check(self, document: str) -> None:
        """See that Sonar can answer a document: fields, arguments, variables. What was seen to fit is remembered.

        Raises:
            SonarQueryInvalid: it cannot.
            ValueError: it is not a GraphQL document.
        """
        if document in self._fit:
            return
        try:
            self._validate(document)
        finally:
            # What validates refers to itself, by half a megabyte for a document: capture's collector looks seldom. Of
            # both young generations, for to look at one puts off the look at the other, for ever.
            gc.collect(1)
        if len(self._fit) < _REMEMBERED:
            self._fit.add(document)

    def _validate(self, document: str) -> None:
        # On its own, so that nothing of it lives while garbage is collected: it would be old from then on.
        request = _read(document)
        try:
            self._client.validate(request)
        except GraphQLError as exc:
            raise SonarQueryInvalid(f"Sonar's schema does not fit the query: {exc.message[:200]}") from exc

    def fields(self, type_name: str) -> frozenset[str]:
        """Names of the type's fields; empty when the type does not exist."""
        return frozenset(self._types.get(type_name, ()))

    def field_type(self, type_name: str, field: str) -> FieldType | None:
        """The type of a field; for a connection that of its entities, with `many` set."""
        found = self._types.get(type_name, {}).get(field)
        if found is None:
            return None
        named = get_named_type(found.type)
        entities = self._types.get(named.name, {}).get("entities")
        if entities is not None:
            return FieldType(get_named_type(entities.type).name, True, frozenset(found.args))
        return FieldType(named.name, _is_list(found), frozenset(found.args))

    def collection_of(self, type_name: str) -> str | None:
        """The top-level query that lists rows of a type and can be asked by id; None when there is none."""
        for name in sorted(self._types.get("Query", ())):
            found = self.field_type("Query", name)
            if found is not None and found.many and found.name == type_name and {"id", "search"} <= found.arguments:
                return name
        return None

    def outline(self, type_names: Iterable[str]) -> Outline:
        """Fields and values of these types, as far as they exist; scalars have none."""
        found: Outline = {}
        for name in set(type_names):
            if name in self._types:
                leads = {field: self.field_type(name, field) for field in sorted(self._types[name])}
                found[name] = {
                    field: f"[{kind.name}]" if kind.many else kind.name for field, kind in leads.items() if kind
                }
            elif name in self._enums:
                found[name] = dict.fromkeys(self._enums[name], VALUE)
        return found


_LAST: dict[bytes, SonarSchema] = {}


def schema_of(data: Mapping[str, Any]) -> SonarSchema:
    """The schema that an introspection tells: the last one again while Sonar tells the same.

    To build one and to hold our documents against it is most of what capture does before its first row.

    Raises:
        SonarSchemaUnreadable: the introspection is not whole.
    """
    told = hashlib.blake2b(orjson.dumps(data)).digest()
    if told not in _LAST:
        made = SonarSchema(data)
        _LAST.clear()
        _LAST[told] = made
    return _LAST[told]


@lru_cache(_REMEMBERED)
def check_syntax(document: str) -> None:
    """See that a text is a GraphQL document, for a Sonar whose schema is not known.

    Raises:
        ValueError: it is not.
    """
    _read(document)


def _read(document: str) -> GraphQLRequest:
    try:
        return gql(document)
    except GraphQLSyntaxError as exc:
        raise ValueError(f"not a GraphQL document: {exc.message}") from exc


def fingerprint(outline: Outline) -> str:
    """16 hex digits over an outline: they change when something that we read changes."""
    return hashlib.blake2b(orjson.dumps(outline, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()


def _is_list(field: GraphQLField) -> bool:
    return str(field.type).startswith("[")


def _slim(data: Mapping[str, Any]) -> dict[str, Any]:
    """What queries lead to, of which what is said again and again is one object.

    A schema keeps what it was built from. Of Sonar's a third serves mutations, and its fields repeat the same arguments
    38,000 times: 7 MB of text, which would take 36 in memory for good.
    """
    told = data["__schema"]
    types = {one["name"]: one for one in told["types"]}
    used = {named for directive in told["directives"] for named in _leads_to(directive)} & types.keys()
    waiting = [told["queryType"]["name"], *used]
    while waiting:
        name = waiting.pop()
        used.add(name)
        waiting += {named for named in _leads_to(types[name]) if named not in used}
    slim = {**told, "types": [types[name] for name in types if name in used], "mutationType": None}
    shared: dict[str, Any] = _shared({"__schema": slim | {"subscriptionType": None}}, {})
    return shared


def _leads_to(kind: Mapping[str, Any]) -> Iterable[str]:
    """Names of the types that a type, field, argument or directive refers to."""
    for part in ("fields", "inputFields", "args", "interfaces", "possibleTypes"):
        for one in kind.get(part) or ():
            reference = one.get("type") or one
            while reference.get("ofType"):
                reference = reference["ofType"]
            yield reference["name"]
            yield from _leads_to(one)


def _shared(value: Any, known: dict[Any, Any]) -> Any:
    if isinstance(value, dict):
        made: Any = {key: _shared(one, known) for key, one in value.items()}
        return known.setdefault((*made, *map(id, made.values())), made)
    if isinstance(value, list):
        return [_shared(one, known) for one in value]
    return known.setdefault(value, value) if isinstance(value, str) else value
