"""Whether we capture what the mapping contract names, and read it whole; what we leave out, with the reason."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase

from graphql import GraphQLObjectType, GraphQLSchema, get_named_type, is_leaf_type
from pydantic import BaseModel

from schemas.aggregate import Aggregate
from schemas.records import SonarRecord
from schemas.selection import morph_of, sonar_field
from schemas.shapes import members

SECTIONS = ("3", "4", "7", "8")
"""Those of the mapping that name what has to be captured."""

_EQUIPMENT = (
    "how a maker's access equipment is set up, of which the mapping asks for nothing: its `*ServiceDetail` means those"
    " of a plan"
)
NOT_CAPTURED: Mapping[str, str] = {
    "AccountAdtranMosaicServiceDetail": _EQUIPMENT,
    "AccountCalixServiceDetail": _EQUIPMENT,
    "AccountIpAssignments": "for reconciliation alone; it is calculated from the assignments, which are captured",
    "Log": "read for deletes and pivots; services of the past, which it shows too, are not wanted by default",
    "ScheduledEventAccountCalixServiceDetail": _EQUIPMENT,
    "Transaction": "for reconciliation alone; it is calculated from the money rows, which are captured",
}
"""`{Sonar type that the mapping names: why no aggregate reads it}`."""

_NO_TARGET = "the mapping names no target for addresses of such an owner (section 3)"
ROWS_NOT_CAPTURED: Mapping[tuple[str, str], Mapping[str | None, str]] = {
    ("Address", "addressable_type"): {
        None: "a house that could be served and never was: a customer has the addresses of its account (mapping 4.13)",
        "BankAccount": _NO_TARGET,
        "CreditCard": _NO_TARGET,
        "InventoryLocation": "of a warehouse the mapping asks for its name alone",
        "TowercoverageSubmission": _NO_TARGET,
    },
}
"""`{(type, column): {value: why rows of a type that is read need not be shown}}`."""

ALWAYS = {"_version"}
"""Asked for with every row, and kept in the child index."""

_SECTION = re.compile(r"^## (\d+) (.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_WORD = re.compile(r"(?<![\w.])\*?[A-Za-z][\w*]*")
"""A name with or without the stars of a pattern; of `Type.field` only the type."""

_TABLE = re.compile(r"^### 0\.2 (.*?)(?=^#)", re.MULTILINE | re.DOTALL)
"""The mapping's table of Sonar's generations: what, in the first, in the newer one."""
_CELLS = 5
"""Of a row with three columns, and what stands outside."""
_DRIFT = re.compile(r"^## 10\. (.*?)(?=^## )", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"\b([A-Z]\w+(?:/[A-Z]\w+)*)\.([a-z]\w+)")
"""`Type.field`, or `Type/Another.field`."""

Reading = Mapping[str, Collection[type[BaseModel]]]
"""`{Sonar type: the records that read it}`."""


def missed(
    mapping: str, sonar: GraphQLSchema, aggregates: Iterable[Aggregate], left_out: Mapping[str, str]
) -> list[str]:
    """Types that the text of the mapping names and that are neither captured nor left out; and what is so in vain.

    Captured is the root of an aggregate, and what nests in one and has each of its columns read or left out with a
    reason: the name of an account's status in the account's record does not stand for the statuses.
    """
    sections = dict(_SECTION.findall(mapping))
    found = [f"the mapping has no section {number}" for number in SECTIONS if number not in sections]
    wanted = named("\n".join(sections.get(number, "") for number in SECTIONS), sonar)
    aggregates = tuple(aggregates)
    roots, records = {one.root.type_name for one in aggregates}, reading(sonar, aggregates)
    for name in sorted(wanted | left_out.keys()):
        of_it = records.get(name, set())
        unread = columns(sonar, name) - read_fields(of_it) - left_out_fields(of_it).keys()
        captured = name in roots or not unread
        if name not in wanted:
            found.append(f"{name}: left out, and the mapping does not name it")
        elif captured and name in left_out:
            found.append(f"{name}: left out, and captured all the same")
        elif not captured and name not in left_out:
            found.append(f"{name}: the mapping names it, and no aggregate reads its {', '.join(sorted(unread))}")
    return found


def named(text: str, sonar: GraphQLSchema) -> set[str]:
    """The types of Sonar's collections and settings that a text names between back-ticks, as type or as query."""
    words = {word for ticked in re.findall(r"`([^`\n]+)`", text) for word in _WORD.findall(ticked)}
    return {
        type_name
        for query, type_name in _collections(sonar).items()
        if any(fnmatchcase(name, word) for word in words for name in (query, type_name))
    }


def not_grown(mapping: str, notes: str, newer: GraphQLSchema) -> list[str]:
    """What the mapping's table of generations, or the notes on drift, name and the schema of the newer one lacks."""
    table, drift = _TABLE.search(mapping), _DRIFT.search(notes)
    rows = [row.split("|") for row in (table[0] if table else "").splitlines()]
    in_table = {one for row in rows if len(row) == _CELLS for one in _fields(f"{row[1]} {row[3]}", newer)}
    in_notes = {
        (name, field) for names, field in _FIELD.findall(drift[0] if drift else "") for name in names.split("/")
    }
    told = {"the mapping's table of generations": in_table, "the notes on drift": in_notes}
    return [f"{where} cannot be read" for where, fields in told.items() if not fields] + [
        f"{name}.{field}"
        for name, field in sorted(in_table | in_notes)
        if field not in getattr(newer.type_map.get(name), "fields", {})
    ]


def _fields(row: str, sonar: GraphQLSchema) -> set[tuple[str, str]]:
    """`(type, field)` of each field between back-ticks, with its own type or with all that the row names."""
    words = re.findall(r"`([\w.]+)`", row)
    whole = {(name, field) for name, dot, field in (word.partition(".") for word in words) if dot}
    types = [word for word in words if word[0].isupper() and not is_leaf_type(sonar.type_map.get(word))]
    return whole | {(name, word) for name in types if "." not in name for word in words if word[0].islower()}


def _collections(sonar: GraphQLSchema) -> dict[str, str]:
    """`{query: type of its rows}` of all that lists rows, and of settings, which are asked for without arguments."""
    assert sonar.query_type is not None
    found = {
        query: str(get_named_type(field.type)).removesuffix("Connection")
        for query, field in sonar.query_type.fields.items()
        if "paginator" in field.args or not field.args
    }
    return {query: name for query, name in found.items() if isinstance(sonar.type_map.get(name), GraphQLObjectType)}


def reading(sonar: GraphQLSchema, aggregates: Iterable[Aggregate]) -> Reading:
    """The records of roots and settings, and whatever nests in them."""
    found: dict[str, set[type[BaseModel]]] = defaultdict(set)

    def visit(record: type[BaseModel], type_name: str) -> None:
        found[type_name].add(record)
        fields = getattr(sonar.type_map.get(type_name), "fields", {})
        for member in members(record):
            morph, field = morph_of(member), fields.get(sonar_field(member))
            if member.record is not None and field is not None:
                inner = str(get_named_type(field.type)).removesuffix("Connection")
                visit(member.record, inner if morph is None else morph.type_name)

    for one in aggregates:
        visit(one.root.record, one.root.type_name)
    return dict(found)


def columns(sonar: GraphQLSchema, type_name: str) -> set[str]:
    """The fields of a type that lead to no other."""
    fields = getattr(sonar.type_map.get(type_name), "fields", {})
    return {name for name, field in fields.items() if is_leaf_type(get_named_type(field.type))} - ALWAYS


def read_fields(records: Iterable[type[BaseModel]]) -> set[str]:
    """The fields that some of the records of a type read."""
    return {sonar_field(member) for record in records for member in members(record)}


def left_out_fields(records: Iterable[type[BaseModel]]) -> dict[str, str]:
    """`{field: why no record reads it}`, as the records of a type say."""
    return {name: why for record in records if issubclass(record, SonarRecord) for name, why in record.left_out.items()}
