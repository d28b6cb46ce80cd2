"""Sonar's `search`, `general_search`, `reverse_relation_filters` and equality arguments, as tests of a row.

Rules: sonar reference, sections 4.1, 4.3 and 4.4. All inside one Search object must hold (AND), one object of the list
is enough (OR).
"""

import ipaddress
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from sandbox.sonar.alternatives import Test, any_of, any_search
from sandbox.sonar.declarations import Column, ObjectType, Relation
from sandbox.sonar.refusals import QueryRefused
from sandbox.sonar.relations import all_of
from sandbox.sonar.rows import Row
from sandbox.sonar.store import Store

Arguments = Mapping[str, Any]

_RANGES: Mapping[str, Callable[[Any, Any], bool]] = {
    "GTE": operator.ge,
    "GT": operator.gt,
    "LTE": operator.le,
    "LT": operator.lt,
    "EQ": operator.eq,
}

_NUMBERS = frozenset({"Int", "Int64Bit", "Numeric"})
_DECIMALS = frozenset({"Float", "Int", "Int64Bit", "Latitude", "Longitude"})
_TEXTS = frozenset({"String", "Text", "EmailAddress", "URL", "Numeric"})


@dataclass(frozen=True)
class Filters:
    """Makes tests for rows of one store.

    `include_archived` shows archived accounts behind relation filters. `same_attribute_or` reads several EQ on one
    attribute inside one Search object as "one of", as one production client expects; by the schema's text it is AND.
    """

    store: Store
    include_archived: bool = False
    same_attribute_or: bool = False

    def everything(self, kind: ObjectType, arguments: Arguments) -> Test | None:
        """One test for all filter arguments of a field; None when none was given.

        Raises:
            QueryRefused: an argument names an unknown attribute or relation, or does not fit its column.
        """
        tests: list[Test] = [
            partial(_equal, name, _frozen(arguments[name])) for name in kind.columns if arguments.get(name) is not None
        ]
        tests += self._optional(self.searches, kind, arguments.get("search"))
        if text := arguments.get("general_search"):
            deep = arguments.get("general_search_mode") == "ROOT_PLUS_RELATIONS"
            tests.append(self.general(kind, text, deep=deep))
        tests += self._optional(self.relations, kind, arguments.get("reverse_relation_filters"))
        return _all(tests)

    def searches(self, kind: ObjectType, searches: Iterable[Arguments]) -> Test | None:
        """A row passes when one of the Search objects holds; an empty list filters nothing."""
        given = [one for one in searches if one is not None]
        tests = [test for one in given if (test := self._search(kind, one)) is not None]
        if not tests or len(tests) < len(given):
            return None
        return any_of(tests) if self.same_attribute_or else any_search(kind, given, tests)

    def general(self, kind: ObjectType, text: str, *, deep: bool = False) -> Test:
        """A partial match over all text columns; `deep` looks into directly related rows too."""
        needle = text.casefold()

        def found(row: Row) -> bool:
            return any(needle in value.casefold() for value in _texts(row))

        if not deep:
            return found
        walks = [all_of(self.store, kind, one) for one in kind.relations.values() if one.name != "logs"]
        return lambda row: found(row) or any(found(other) for walk in walks for other in walk(row))

    def relations(self, kind: ObjectType, filters: Iterable[Arguments]) -> Test | None:
        """Same group: all must hold. Different groups: one is enough."""
        groups: dict[str, list[Test]] = {}
        for one in filters:
            if one is not None:
                groups.setdefault(one.get("group") or "1", []).append(self._relation(kind, one))
        return any_of([test for tests in groups.values() if (test := _all(tests)) is not None]) if groups else None

    def _optional(
        self, make: Callable[[ObjectType, Any], Test | None], kind: ObjectType, value: Iterable[Arguments] | None
    ) -> list[Test]:
        test = make(kind, value) if value is not None else None
        return [] if test is None else [test]

    def _search(self, kind: ObjectType, search: Arguments) -> Test | None:
        tests: list[Test] = []
        alternatives: dict[str, list[Test]] = {}
        for member, make in _MEMBERS.items():
            for one in search.get(member) or ():
                if one is None:
                    continue
                test = make(_column(kind, one["attribute"]), one)
                if self.same_attribute_or and one.get("operator") == "EQ":
                    alternatives.setdefault(one["attribute"], []).append(test)
                else:
                    tests.append(test)
        tests += [any_of(same) for same in alternatives.values()]
        if vertices := search.get("geopoint_fields"):
            tests.append(_inside(kind, [one for one in vertices if one is not None]))
        for name in search.get("unset_fields") or ():
            tests.append(partial(_is_unset, _column(kind, name).name))
        for name in search.get("exists") or ():
            tests.append(partial(_is_set, _column(kind, name).name))
        tests += self._optional(self.relations, kind, search.get("reverse_relation_filters"))
        return _all(tests)

    def _relation(self, kind: ObjectType, filter: Arguments) -> Test:
        inner = {"search": filter.get("search"), "general_search": filter.get("general_search")}
        exists = self._exists(kind, filter["relation"].split("."), inner)
        return (lambda row: not exists(row)) if filter.get("is_empty") else exists

    def _exists(self, kind: ObjectType, path: Sequence[str], inner: Arguments) -> Test:
        relation = kind.relations.get(path[0])
        if relation is None:
            raise QueryRefused(f"Relation [{path[0]}] does not exist on {kind.name}.")
        tests = {
            target.name: self._exists(target, path[1:], inner) if path[1:] else self.everything(target, inner)
            for target in self._targets(relation, path[1:])
        }
        walk, hide = all_of(self.store, kind, relation), not self.include_archived

        def holds(row: Row) -> bool:
            for other in walk(row):
                if hide and getattr(other, "archived_at", None) is not None:
                    continue
                name = other.TYPE.name
                if name in tests and ((test := tests[name]) is None or test(other)):
                    return True
            return False

        return holds

    def _targets(self, relation: Relation, rest: Sequence[str]) -> list[ObjectType]:
        declarations = self.store.declarations
        if relation.target in declarations.types:
            return [declarations.types[relation.target]]
        members = declarations.members(relation.target)
        return [kind for kind in members if not rest or rest[0] in kind.relations] or members


def _column(kind: ObjectType, name: str) -> Column:
    column = kind.columns.get(name)
    if column is None:
        raise QueryRefused(f"Attribute [{name}] does not exist on {kind.name}.")
    return column


def _expect(column: Column, scalars: frozenset[str], member: str) -> None:
    if column.scalar not in scalars or column.listed:
        raise QueryRefused(f"Attribute [{column.name}] cannot be searched by {member}.")


def _string_field(column: Column, field: Arguments) -> Test:
    name, needle, wanted = column.name, field["search_value"].casefold(), field["match"]
    whole = field.get("partial_matching") is False

    def test(row: Row) -> bool:
        value = getattr(row, name)
        if value is None:
            return not wanted
        text = _text(value).casefold()
        return ((text == needle) if whole else (needle in text)) is wanted

    return test


def _range(name: str, operator: str, wanted: Any, read: Callable[[Any], Any] | None = None) -> Test:
    if operator == "NEQ":
        equal = _range(name, "EQ", wanted, read)
        return lambda row: not equal(row)
    compare = _RANGES[operator]
    if read is None:
        return lambda row: (value := getattr(row, name)) is not None and compare(value, wanted)
    return lambda row: (value := getattr(row, name)) is not None and compare(read(value), wanted)


def _integer_field(column: Column, field: Arguments) -> Test:
    _expect(column, _NUMBERS, "integer_fields")
    read = int if column.scalar == "Numeric" else None
    return _range(column.name, field["operator"], field["search_value"], read)


def _float_field(column: Column, field: Arguments) -> Test:
    _expect(column, _DECIMALS, "float_fields")
    return _range(column.name, field["operator"], field["search_value"], float)


def _datetime_field(column: Column, field: Arguments) -> Test:
    _expect(column, frozenset({"Datetime"}), "datetime_fields")
    return _range(column.name, field["operator"], field["search_value"])


def _date_field(column: Column, field: Arguments) -> Test:
    _expect(column, frozenset({"Date"}), "date_fields")
    return _range(column.name, field["operator"], field["search_value"])


def _boolean_field(column: Column, field: Arguments) -> Test:
    _expect(column, frozenset({"Boolean"}), "boolean_fields")
    return _range(column.name, field.get("operator") or "EQ", field["search_value"])


def _ip_field(column: Column, field: Arguments) -> Test:
    try:
        subnet = ipaddress.ip_network(field["search_value"], strict=False)
    except ValueError:
        raise QueryRefused("The search value is not a subnet.") from None
    wanted = field["match"]

    def test(row: Row) -> bool:
        try:
            inner = ipaddress.ip_network(getattr(row, column.name), strict=False)
        except ValueError:
            return not wanted
        return (inner.version == subnet.version and inner.subnet_of(subnet)) is wanted  # type: ignore[arg-type]

    return test


_MEMBERS: Mapping[str, Callable[[Column, Arguments], Test]] = {
    "string_fields": _string_field,
    "integer_fields": _integer_field,
    "float_fields": _float_field,
    "datetime_fields": _datetime_field,
    "date_fields": _date_field,
    "boolean_fields": _boolean_field,
    "ip_address_fields": _ip_field,
}


def _inside(kind: ObjectType, vertices: Sequence[Arguments]) -> Test:
    """Whether the row's geopoint lies inside the polygon, by counting crossings to its east."""
    columns = [column.name for column in kind.columns.values() if column.scalar == "Geopoint"]
    if not columns:
        raise QueryRefused(f"{kind.name} has no geopoint.")
    if len(vertices) < 3:
        raise QueryRefused("A polygon needs three vertices or more.")
    corners = [(float(one["latitude"]), float(one["longitude"])) for one in vertices]
    edges = list(zip(corners, corners[1:] + corners[:1], strict=True))

    def test(row: Row) -> bool:
        point = getattr(row, columns[0])
        if point is None:
            return False
        latitude, longitude = (float(part) for part in point.split(","))
        crossings = sum(
            (a[0] > latitude) != (b[0] > latitude)
            and longitude < a[1] + (latitude - a[0]) * (b[1] - a[1]) / (b[0] - a[0])
            for a, b in edges
        )
        return crossings % 2 == 1

    return test


def _texts(row: Row) -> Iterable[str]:
    for column in row.TYPE.columns.values():
        if column.scalar in _TEXTS and not column.listed and column.name != "_version":
            value = getattr(row, column.name)
            if value is not None:
                yield value


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime | date) else str(value)


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _equal(name: str, wanted: object, row: Row) -> bool:
    return bool(getattr(row, name) == wanted)


def _is_unset(name: str, row: Row) -> bool:
    return getattr(row, name) is None


def _is_set(name: str, row: Row) -> bool:
    return getattr(row, name) not in (None, ())


def _all(tests: list[Test]) -> Test | None:
    if len(tests) < 2:
        return tests[0] if tests else None
    return lambda row: all(test(row) for test in tests)
