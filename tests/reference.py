"""What we use of Sonar and Splynx against descriptions of both: `python -m tests.reference <directory>`.

The directory holds `sonar_schema.graphql`, `splynx_api.json`, `splynx_tables.json`, and in `mapping.md` what has to be
captured, and `sonar.md` tells how Sonar's schema drifts. One line per check is printed; the exit status is 1 and every
difference is listed when something that we use does not exist there, or something that the mapping names is not
captured.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLObjectType,
    GraphQLSchema,
    Source,
    build_schema,
    extend_schema,
    get_named_type,
    parse,
    validate,
)
from pydantic import BaseModel

from producers.documents import extent_document
from producers.owners import owner_paths
from sandbox.sonar import reference_check as sonar_sandbox
from sandbox.sonar.newer import extension
from sandbox.splynx import reference_check as splynx_sandbox
from schemas.aggregate import Aggregate, Hop, LookUp, Owner, SourceRows, Target, Touch, WritePath
from schemas.catalogue import AGGREGATES, TARGETS
from schemas.records import AdditionalField, NewerSonar, ShownArchived, SplynxRecord
from schemas.selection import morph_of, secrets_of, selection, sonar_field
from schemas.shapes import Kind, members, walk
from sinks.payment_rows import PAYMENT_COLUMNS, TRANSACTION_COLUMNS
from tests.documents import schema_of, sent, wrong
from tests.sources import NOT_CAPTURED, missed, not_grown

Json = dict[str, Any]
PAGE = 100
NEVER_THERE = {"'transaction_successful' on type 'VoidedPayment'"}
"""Fields that one record reads of several types, and that one of these lacks in every generation: null there."""


def selections(sonar: GraphQLSchema, *, newer: bool = False) -> list[str]:
    """Where an aggregate's root selection is no valid query of Sonar's, secrets included.

    Before the `newer` generation what only that has is left out, as capture does.
    """
    kinds = {kind for one in AGGREGATES for _, kind in secrets_of(one)}
    found = []
    for one in AGGREGATES:
        field = _query(sonar).fields.get(one.root.name)
        if field is None:
            found.append(f"{one.name}: Sonar has no query {one.root.name}")
            continue
        inner = selection(one, None, PAGE, carried=kinds)
        listed = str(get_named_type(field.type)).endswith("Connection")
        document = f"{{ {one.root.name} {{ {f'entities {{ {inner} }}' if listed else inner} }} }}"
        unknown = NEVER_THERE if newer else {f"'{name}'" for name in _newer(one)}
        found += [
            f"{one.name}: {error.message}"
            for error in validate(sonar, parse(Source(document)))
            if not any(name in error.message for name in unknown)
        ]
        found += hidden_relations(sonar, one.name, one.root.record, one.root.type_name)
    return found


def _newer(one: Aggregate) -> set[str]:
    """Members that only newer schemas have."""
    return {
        member.name
        for record in walk(one.root.record)
        for member in members(record)
        if any(isinstance(mark, NewerSonar) for mark in member.metadata)
    }


def hidden_relations(sonar: GraphQLSchema, name: str, record: type[BaseModel], type_name: str) -> list[str]:
    """Relations that Sonar answers with null once their row is archived, and that we read without asking for those."""
    found: list[str] = []
    kind = sonar.type_map.get(type_name)
    for member in members(record):
        field, morph = getattr(kind, "fields", {}).get(sonar_field(member)), morph_of(member)
        if field is None or member.record is None:
            continue
        if ("include_archived" in field.args) != any(isinstance(mark, ShownArchived) for mark in member.metadata):
            found.append(f"{name}: {type_name}.{member.name} and include_archived")
        inner = str(get_named_type(field.type)).removesuffix("Connection") if morph is None else morph.type_name
        found += hidden_relations(sonar, name, member.record, inner)
    return found


def relations(sonar: GraphQLSchema, *, newer: bool = False) -> list[str]:
    """Where a touch, look-up, owner or pivot names a collection, column or relation that Sonar lacks.

    Before the `newer` generation what only that has is left out, as capture does.
    """
    found: list[str] = []
    for one in AGGREGATES:
        root = one.root.type_name
        for pivot in one.pivots if newer else set(one.pivots) - _newer(one):
            found += _path(sonar, one, root, pivot)
        for touch in one.touched_by:
            found += _touch(sonar, one, touch)
        for look_up in one.looks_up:
            found += _look_up(sonar, one, look_up)
        for target in one.targets:
            for rows in target.comes_of:
                found += _counted(sonar, one, rows)
    return found


def _counted(sonar: GraphQLSchema, one: Aggregate, rows: SourceRows) -> list[str]:
    document = extent_document(rows.collection, archived=False, counted=True, searched=True)
    found = [f"{one.name}: {error.message}" for error in validate(sonar, parse(Source(document)))]
    if not found:
        type_name = str(get_named_type(_query(sonar).fields[rows.collection].type)).removesuffix("Connection")
        found += [wrong for path in _searched(rows.search) for wrong in _path(sonar, one, type_name, path)]
    return found


def _searched(search: Sequence[Mapping[str, Any]], above: str = "") -> Iterator[str]:
    """The columns that a search names, with the relations that lead to them."""
    for entry in search:
        for kind, parts in entry.items():
            for part in parts:
                if kind == "reverse_relation_filters":
                    yield from _searched(part["search"], f"{above}{part['relation']}.")
                else:
                    yield above + part["attribute"]


def _touch(sonar: GraphQLSchema, one: Aggregate, touch: Touch) -> Iterator[str]:
    yield from _collection(sonar, one, touch.collection, touch.type_name)
    for owner in touch.owners:
        yield from _owner(sonar, one, touch.type_name, owner)


def _owner(sonar: GraphQLSchema, one: Aggregate, type_name: str, owner: Owner) -> Iterator[str]:
    for path in owner_paths(owner):
        yield from _path(sonar, one, type_name, path)


def _look_up(sonar: GraphQLSchema, one: Aggregate, look_up: LookUp) -> Iterator[str]:
    yield from _collection(sonar, one, look_up.collection, look_up.type_name)
    for path in (look_up.column,) if look_up.column else look_up.relations:
        yield from _path(sonar, one, one.root.type_name, path)
    for way in look_up.ways:
        if way[-1].collection != one.root.name:
            yield f"{one.name}: a way from {look_up.collection} ends in {way[-1].collection}"
        for hop in way:
            yield from _hop(sonar, one, hop)
    if look_up.of is not None:
        yield from _owner(sonar, one, look_up.type_name, look_up.of)
    for field in look_up.columns:
        yield from _path(sonar, one, look_up.type_name, field)


def _hop(sonar: GraphQLSchema, one: Aggregate, hop: Hop) -> Iterator[str]:
    field = _query(sonar).fields.get(hop.collection)
    if field is None:
        yield f"{one.name}: Sonar has no query {hop.collection}"
        return
    for path in (hop.column,) if hop.type is None else (hop.column, hop.type[0]):
        yield from _path(sonar, one, str(get_named_type(field.type)).removesuffix("Connection"), path)


def _query(sonar: GraphQLSchema) -> GraphQLObjectType:
    if sonar.query_type is None:
        raise ValueError("the description of Sonar has no queries")
    return sonar.query_type


def _collection(sonar: GraphQLSchema, one: Aggregate, collection: str, type_name: str) -> Iterator[str]:
    field = _query(sonar).fields.get(collection)
    if field is None:
        yield f"{one.name}: Sonar has no query {collection}"
    elif str(get_named_type(field.type)) != f"{type_name}Connection":
        yield f"{one.name}: {collection} yields {field.type}, not {type_name}s"


def _path(sonar: GraphQLSchema, one: Aggregate, type_name: str, path: str) -> Iterator[str]:
    current = sonar.type_map.get(type_name)
    for part in path.split("."):
        current = _entities(sonar, current)
        fields = getattr(current, "fields", {})
        if part not in fields:
            yield f"{one.name}: {type_name} has no {path}"
            return
        current = get_named_type(fields[part].type)


def _entities(sonar: GraphQLSchema, kind: Any) -> Any:
    name = str(kind)
    return sonar.type_map.get(name.removesuffix("Connection")) if name.endswith("Connection") else kind


def tables(reference: Json) -> list[str]:
    """Where a target's table is unknown, or an SQL target writes columns that its table lacks."""
    found = [
        f"{target.entity}: Splynx has no table {target.table}"
        for target in TARGETS.values()
        if target.table not in reference["tables"]
    ]
    for table, columns in (("payments", PAYMENT_COLUMNS), ("billing_transactions", TRANSACTION_COLUMNS)):
        known = {column["name"] for column in reference["tables"][table]["columns"]}
        found += [f"{table}: Splynx has no column {name}" for name in columns if name not in known]
    for target in TARGETS.values():
        if target.path is WritePath.SQL:
            known = {column["name"] for column in reference["tables"][target.table]["columns"]}
            found += [f"{target.entity}: {name} is no column" for name in _columns(target) if name not in known]
    return found


def endpoints(api: Json, reference: Json) -> list[str]:
    """Where a REST target's path is unknown, lacks a method that is used, or an attribute is undocumented."""
    methods: dict[str, set[str]] = {}
    for entry in api["resources"]:
        methods.setdefault(_grammar(entry["path"]), set()).update(entry["methods"])
    found = []
    for target in TARGETS.values():
        if target.endpoint is None:
            continue
        path = _grammar(target.endpoint)
        item = methods.get(f"{path}/{{}}", set()) | methods.get(f"{path}--{{}}", set())
        if not item and path not in methods:
            found.append(f"{target.entity}: Splynx has no path {target.endpoint}")
            continue
        if target.path is not WritePath.REST:
            continue
        if "PUT" not in item:
            found.append(f"{target.entity}: {target.endpoint} takes no PUT")
        if target.part_of is None and "POST" not in methods.get(path, set()):
            found.append(f"{target.entity}: {target.endpoint} takes no POST")
        known = _attributes(api, reference, target)
        found += [
            f"{target.entity}: {name} is no attribute of {target.endpoint}"
            for name in _columns(target)
            if name not in known
        ]
    return found


def _attributes(api: Json, reference: Json, target: Target) -> set[str]:
    """Attributes recorded of a live Splynx, columns of the table, and fields that the description names."""
    live = api["live"].get(target.endpoint, {})
    known = {one["name"] for one in live.get("attributes", [])} | set(live.get("get_fields", []))
    known |= {column["name"] for column in reference["tables"].get(target.table, {}).get("columns", [])}
    path = _grammar(str(target.endpoint))
    wanted = {path, f"{path}/{{}}", f"{path}--{{}}"}
    for entry in api["resources"]:
        if _grammar(entry["path"]) in wanted:
            for method in entry["methods"].values():
                fields = method.get("request", {}).get("fields", [])
                known |= {one["name"] for one in fields if isinstance(one, dict)}
    return known


def _columns(target: Target) -> list[str]:
    record: type[SplynxRecord] = target.record
    return [
        record.columns.get(member.name, member.name)
        for member in members(record)
        if member.name not in record.not_written
        and member.kind is not Kind.TEXTS
        and not any(isinstance(mark, AdditionalField) for mark in member.metadata)
    ]


def _grammar(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path.split("?")[0]).strip("/").removeprefix("api/2.0/")


def checks(directory: Path) -> Iterator[tuple[str, Callable[[], list[str]]]]:
    """`(title, check)`; a check returns its differences."""
    sdl, api_file = directory / "sonar_schema.graphql", directory / "splynx_api.json"
    tables_file = directory / "splynx_tables.json"
    sonar = build_schema(sdl.read_text(encoding="utf-8"), assume_valid=True)
    api, reference = json.loads(api_file.read_text()), json.loads(tables_file.read_text())
    mapping = (directory / "mapping.md").read_text(encoding="utf-8")
    notes = (directory / "sonar.md").read_text(encoding="utf-8")
    newer = extend_schema(sonar, parse(extension()), assume_valid=True)
    yield "selections are valid queries of Sonar", lambda: selections(sonar, newer=False)
    yield "selections are valid queries of its newer generation", lambda: selections(newer, newer=True)
    asked = [(one, list(sent(schema_of(one), AGGREGATES))) for one in (sonar, newer)]
    count = len({each.text for _, sendings in asked for each in sendings})
    yield (
        f"the {count} documents that capture sends are valid queries of Sonar, and of its newer generation",
        lambda: [line for one, sendings in asked for line in wrong(one, sendings)],
    )
    yield "touches, look-ups and pivots exist in Sonar", lambda: relations(sonar)
    yield "touches, look-ups and pivots exist in its newer generation", lambda: relations(newer, newer=True)
    yield (
        "every collection that the mapping names is captured, or left out with a reason",
        lambda: missed(mapping, sonar, AGGREGATES, NOT_CAPTURED),
    )
    yield (
        "what the mapping and the notes on drift name of the newer generation is there",
        lambda: not_grown(mapping, notes, newer),
    )
    yield "tables and columns exist in Splynx", lambda: tables(reference)
    yield "endpoints and attributes exist in Splynx", lambda: endpoints(api, reference)
    yield "the Sonar sandbox serves Sonar's schema", lambda: sonar_sandbox.differences(sdl)
    yield "the Splynx sandbox has Splynx's tables and API", lambda: splynx_sandbox.differences(api_file, tables_file)


def main(arguments: list[str]) -> int:
    """0 when nothing differs, 1 when something does, 2 when called wrongly."""
    if len(arguments) != 1:
        print("usage: python -m tests.reference <directory>", file=sys.stderr)
        return 2
    failed = False
    for title, check in checks(Path(arguments[0])):
        found = check()
        failed = failed or bool(found)
        print(f"{'differs' if found else 'ok'}: {title}" + (f" ({len(found)})" if found else ""))
        for line in found:
            print(f"  {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
