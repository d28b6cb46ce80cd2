"""Additional fields of an entity: checked on the way in, stored beside it, shown on the way out."""

# ruff: noqa: S608 - the names in the SQL are our own declarations, values are always passed beside it

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.splynx.call import Call
from sandbox.splynx.memory import Field

STRING_MAX = 255
_NUMBER = re.compile(r"^-?\d+(\.\d+)?$")
_FORMS = {
    "date": re.compile(r"^\d{4}-\d{2}-\d{2}$"),
    "datetime": re.compile(r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$"),
    "integer": re.compile(r"^-?\d+$"),
    "decimal": _NUMBER,
    "numeric": _NUMBER,
    "boolean": re.compile(r"^[01]$"),
}
_VERSIONS = {"ip": 4, "ipv6": 6}


async def checked(
    call: Call, module: str, given: Any, *, row_id: int | None
) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The values to store, and what is wrong with them.

    `row_id` is the row that is updated, None for a new one: only that must have every required field. A name that the
    module does not define is ignored.
    """
    values: dict[str, str] = {}
    errors: list[tuple[str, str]] = []
    wanted = given if isinstance(given, Mapping) else {}
    for field in await call.memory.fields(call.session, module):
        if field.name not in wanted:
            if field.is_required and row_id is None:
                errors.append((field.name, f"{field.row['title']} cannot be blank."))
            continue
        value = _text(wanted[field.name])
        problem = _wrong(field, value)
        if not problem and field.is_unique and value and await _taken(call, module, field.name, value, row_id):
            problem = f'{field.row["title"]} "{value}" has already been taken.'
        if problem:
            errors.append((field.name, problem))
        values[field.name] = value
    return values, errors


def store(call: Call, module: str, row_id: int, values: Mapping[str, str]) -> None:
    """Write values; an empty one stays as an empty text."""
    if not values:
        return
    call.session.later(
        f"INSERT INTO `{module}_values` (id, name, value) VALUES {', '.join(['(%s, %s, %s)'] * len(values))}"
        " ON DUPLICATE KEY UPDATE value = VALUES(value)",
        [part for name, value in values.items() for part in (row_id, name, value)],
    )


async def stored(call: Call, module: str, ids: Sequence[int]) -> dict[int, dict[str, str]]:
    """The values of many rows, `{id: {name: value}}`; a field without a value is an empty text."""
    fields = await call.memory.fields(call.session, module)
    found = {row_id: dict.fromkeys((field.name for field in fields), "") for row_id in ids}
    if not fields or not ids:
        return found
    for row in await call.session.rows(
        f"SELECT id, name, value FROM `{module}_values` WHERE {_among(ids)}",
    ):
        values = found.get(row["id"])
        if values is not None and row["name"] in values:
            values[row["name"]] = row["value"]
    return found


def _among(ids: Sequence[int]) -> str:
    """A short list by its members, a long one by its range: the rows between are left out by the reader."""
    if len(ids) <= 500:
        return f"id IN ({', '.join(str(int(row_id)) for row_id in ids)})"
    return f"id BETWEEN {int(min(ids))} AND {int(max(ids))}"


async def _taken(call: Call, module: str, name: str, value: str, row_id: int | None) -> bool:
    row = await call.session.row(
        f"SELECT v.id FROM `{module}_values` v JOIN `{module}` e ON e.id = v.id AND e.deleted = '0'"
        " WHERE v.name = %s AND v.value = %s AND v.id <> %s LIMIT 1",
        (name, value, row_id or 0),
    )
    return row is not None


def _wrong(field: Field, value: str) -> str:
    title = field.row["title"]
    if not value:
        return f"{title} cannot be blank." if field.is_required else ""
    if field.type in ("string", "textarea"):
        return _wrong_length(field, value)
    if field.type in _FORMS and not _FORMS[field.type].match(value):
        return f"The format of {title} is invalid."
    if field.type in ("select", "select_multiple"):
        chosen = {value} if field.type == "select" else set(value.split(","))
        return "" if chosen <= field.options else f"{title} is invalid."
    if field.type in _VERSIONS and not _is_address(value, _VERSIONS[field.type]):
        return f"{title} is invalid."
    return ""


def _wrong_length(field: Field, value: str) -> str:
    most = field.row["max_length"] or (STRING_MAX if field.type == "string" else None)
    if most and len(value) > most:
        return f"{field.row['title']} should contain at most {most} characters."
    least = field.row["min_length"]
    return f"{field.row['title']} should contain at least {least} characters." if least and len(value) < least else ""


def _is_address(value: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(value).version == version
    except ValueError:
        return False


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, list):
        return ",".join(_text(member) for member in value)
    return str(value)
