"""Comparing our tables and paths with a reference of the product: a JSON of its tables and one of its API.

Exact tables must be equal: columns and their order, types with the order of enum members, nullability, defaults, keys.
Of the others every column of the reference must be there with the type it is thought to have; of the API every
attribute and every method we serve must be known.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sandbox.splynx import elsewhere
from sandbox.splynx.problems import Problem
from sandbox.splynx.resources import RESOURCES, ROUTES
from sandbox.splynx.routing import resolve
from sandbox.splynx.tables import TABLES, Column, Table

Json = dict[str, Any]


def differences(api_json: Path, tables_json: Path) -> list[str]:
    """All that differs, one line each; empty when the stand-in agrees with the reference."""
    tables = json.loads(tables_json.read_text())
    api = json.loads(api_json.read_text())
    return [*_tables(tables), *_attributes(api), *_routes(api)]


def _tables(reference: Json) -> Iterator[str]:
    for made in TABLES.values():
        known = reference["tables"].get(made.name)
        if known is None:
            yield f"{made.name}: the product has no such table"
            continue
        if made.exact != (known["columns_known"] == "full"):
            yield f"{made.name}: marked exact={made.exact}, the reference says {known['columns_known']}"
        if known["columns_known"] == "none" and not known.get("like"):
            continue  # a name is all there is to agree with
        # A table that is like a template has the template's columns and key.
        like = reference["templates"][known["like"]] if known.get("like") else {}
        columns = known.get("columns") or like.get("columns", [])
        primary = tuple(known.get("primary_key") or like.get("primary_key") or ())
        yield from _columns(made, columns)
        if made.primary != primary:
            yield f"{made.name}: primary key {made.primary}, expected {primary}"
        yield from _foreign(made, known, reference["tables"])


def _columns(made: Table, columns: list[Json]) -> Iterator[str]:
    names = [column["name"] for column in columns]
    ours = [column.name for column in made.columns]
    if made.exact and ours != names:
        yield f"{made.name}: columns {ours}, expected {names}"
    if not made.exact and (extra := set(ours) - set(names)):
        yield f"{made.name}: invented columns {sorted(extra)}"
    for known in columns:
        column = made.by_name.get(known["name"])
        if column is None:
            yield f"{made.name}.{known['name']}: missing"
        elif wrong := _column(column, known, exact=made.exact):
            yield f"{made.name}.{known['name']}: {wrong}"


def _column(column: Column, known: Json, *, exact: bool) -> str:
    if column.type != known["type"]:
        return f"type {column.type}, expected {known['type']}"
    if column.nullable != known["nullable"]:
        return f"nullable {column.nullable}, expected {known['nullable']}"
    default = "now" if known.get("default") == "CURRENT_TIMESTAMP" else known.get("default")
    if column.default != default:
        return f"default {column.default!r}, expected {default!r}"
    if exact and column.auto != (known.get("extra") == "auto_increment"):
        return "auto_increment differs"
    if exact and column.indexed != (known.get("key") == "MUL"):
        return f"indexed {column.indexed}, expected {known.get('key')}"
    return ""


def _foreign(made: Table, known: Json, tables: Json) -> Iterator[str]:
    expected = {
        key["column"]: key["references"]
        for key in known.get("foreign_keys") or []
        # Assumed ones are nobody's observation; a target that is known by name only cannot be created.
        if not key.get("assumed") and tables[key["references"].split(".")[0]]["columns_known"] != "none"
    }
    if dict(made.foreign) != expected:
        yield f"{made.name}: foreign keys {dict(made.foreign)}, expected {expected}"


def _attributes(api: Json) -> Iterator[str]:
    for resource in RESOURCES.values():
        live = api["live"].get(resource.path, {})
        listed = {attribute["name"]: attribute for attribute in live.get("attributes", [])}
        documented = set(listed) | set(live.get("get_fields", [])) | set(_documented(api, resource.path))
        for name in resource.visible:
            if name not in documented:
                yield f"{resource.path}: attribute {name} is not in the reference"
        if (recorded := set(live.get("get_fields", ()))) and (differing := set(resource.visible) ^ recorded):
            yield f"{resource.path}: answers and what was recorded differ in {sorted(differing)}"
        if not listed:
            continue
        if missing := set(listed) - set(resource.attributes):
            yield f"{resource.path}: attributes missing {sorted(missing)}"
        required = {name for name, attribute in listed.items() if attribute["required"]}
        if required != set(resource.required):
            yield f"{resource.path}: required {sorted(resource.required)}, expected {sorted(required)}"
        for name, attribute in resource.attributes.items():
            if name in listed and (attribute.title, attribute.type) != (listed[name]["title"], listed[name]["type"]):
                yield f"{resource.path}: {name} is {attribute}, expected {listed[name]}"


def _documented(api: Json, path: str) -> Iterator[str]:
    """Names in the description's requests and answers of a path and of its items."""
    for entry in api["resources"]:
        if _grammar(entry["path"]) not in {_grammar(path), _grammar(path) + "/{}", _grammar(path) + "--{}"}:
            continue
        if entry.get("table") and isinstance(entry["table"], str) and entry["table"] in TABLES:
            yield from TABLES[entry["table"]].by_name
        for method in entry["methods"].values():
            yield from (one["name"] for one in method.get("request", {}).get("fields", []) if isinstance(one, dict))
            for answer in method.get("responses", []):
                names = answer.get("struct", [])
                for name in [names] if isinstance(names, str) else names:
                    yield from (one["name"] for one in api["structures"].get(name, {}).get("fields", []))


def _routes(api: Json) -> Iterator[str]:
    known: dict[str, set[str]] = {}
    for entry in api["resources"]:
        known.setdefault(_grammar(entry["path"]), set()).update(entry["methods"])
    for path, methods in [*ROUTES.items(), *((one.path, one.methods) for one in elsewhere.unused())]:
        documented = known.get(_grammar(path))
        if documented is None:
            yield f"{path}: no such path in the reference"
        elif extra := set(methods) - documented:
            yield f"{path}: methods {sorted(extra)} are not in the reference"
    served = {_grammar(path) for path in ROUTES}
    for path in known:
        if path.startswith("admin/") and path not in served and _is_unknown(path):
            yield f"{path}: documented, and answered as if it did not exist"
    for path in elsewhere.SWITCHED_OFF.split():
        if path not in known:
            yield f"{path}: no such path in the reference"


def _is_unknown(path: str) -> bool:
    try:
        resolve(path.replace("{}", "1"))
    except Problem as problem:
        return problem.status == 404
    return False


def _grammar(path: str) -> str:
    """A path without its query, with the names of its placeholders taken out."""
    return re.sub(r"\{[^}]*\}", "{}", path.split("{?")[0].split("?")[0]).strip("/")


if __name__ == "__main__":
    found = differences(Path(sys.argv[1]), Path(sys.argv[2]))
    print("\n".join(found) or "no differences")
    sys.exit(3 if found else 0)
