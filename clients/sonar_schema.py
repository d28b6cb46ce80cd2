"""Sonar's schema as its introspection tells it: which fields exist, of which type, and one fingerprint of it all."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

INTROSPECTION = """
query Introspection {
  __schema {
    types {
      kind name
      fields(includeDeprecated: true) { name args { name } type { ...Named } }
      enumValues(includeDeprecated: true) { name description }
    }
  }
}
fragment Named on __Type {
  kind name ofType { kind name ofType { kind name ofType { kind name } } }
}
"""


@dataclass(frozen=True)
class FieldType:
    """The named type of a field, whether it is a list, and the names of its arguments."""

    name: str
    many: bool
    arguments: frozenset[str]


class SonarSchema:
    """What one Sonar has. Built from the `data` of `INTROSPECTION`."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._types: dict[str, dict[str, FieldType]] = {}
        self._enums: dict[str, dict[str, str | None]] = {}
        for kind in data["__schema"]["types"]:
            if kind["name"].startswith("__"):
                continue
            if kind["fields"] is not None:
                self._types[kind["name"]] = {one["name"]: _field(one) for one in kind["fields"]}
            if kind["enumValues"] is not None:
                self._enums[kind["name"]] = {one["name"]: one["description"] for one in kind["enumValues"]}

    def __contains__(self, type_name: str) -> bool:
        return type_name in self._types

    @property
    def types(self) -> frozenset[str]:
        """All object types and interfaces."""
        return frozenset(self._types)

    def fields(self, type_name: str) -> frozenset[str]:
        """Names of the type's fields; empty when the type does not exist."""
        return frozenset(self._types.get(type_name, ()))

    def field_type(self, type_name: str, field: str) -> FieldType | None:
        """The type of a field; for a connection that of its entities, with `many` set."""
        found = self._types.get(type_name, {}).get(field)
        if found is None:
            return None
        entities = self._types.get(found.name, {}).get("entities")
        return FieldType(entities.name, True, found.arguments) if entities is not None else found

    def collection_of(self, type_name: str) -> str | None:
        """The top-level query that lists rows of a type and can be asked by id; None when there is none."""
        for name in sorted(self._types.get("Query", ())):
            found = self.field_type("Query", name)
            if found is not None and found.many and found.name == type_name and {"id", "search"} <= found.arguments:
                return name
        return None

    def enum(self, name: str) -> Mapping[str, str | None]:
        """`{value: description}`; empty when the enum does not exist."""
        return self._enums.get(name, {})

    def fingerprint(self, type_names: Iterable[str]) -> str:
        """16 hex digits over the fields and types of these types: changes when something that we read changes."""
        document = {
            name: sorted((field, kind.name, kind.many) for field, kind in self._types.get(name, {}).items())
            for name in sorted(set(type_names))
        }
        return hashlib.blake2b(orjson.dumps(document), digest_size=8).hexdigest()


def _field(field: Mapping[str, Any]) -> FieldType:
    kind, many = field["type"], False
    while kind.get("ofType"):
        many = many or kind["kind"] == "LIST"
        kind = kind["ofType"]
    return FieldType(kind["name"], many, frozenset(one["name"] for one in field["args"]))
