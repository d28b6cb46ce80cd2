"""`admin/config/additional-fields/{module}`: the definitions of additional fields."""

# ruff: noqa: S608 - the module is one of our own list, values are always passed beside the SQL

import re
from typing import Any

from sandbox.splynx.call import Call
from sandbox.splynx.database import Row
from sandbox.splynx.problems import Invalid, not_found
from sandbox.splynx.tables import TABLES
from sandbox.splynx.tables.custom import MODULES
from sandbox.splynx.wire import Given

CONTROLLER = "api\\admin\\config\\AdditionalFields"
TYPES = frozenset(
    [
        "string",
        "integer",
        "decimal",
        "numeric",
        "date",
        "datetime",
        "boolean",
        "select",
        "select_multiple",
        "password",
        "file",
        "relation",
        "relation_multiple",
        "textarea",
        "ip",
        "ipv6",
    ]
)
_NAME = re.compile(r"^[a-z0-9_]+$")
_FLAGS = ("is_required", "is_unique", "is_add", "show_in_list", "searchable", "readonly", "disabled", "hidden")
_REQUIRED = ("name", "title", "type")
_NUMBERS = ("min_length", "max_length", "decimals", "position")


def table(module: str) -> str:
    """The table of a module's definitions.

    Raises:
        Problem: 404, a module that takes no additional fields.
    """
    if module not in MODULES:
        raise not_found()
    return f"{module}_fields"


def attributes(module: str) -> list[dict[str, Any]]:
    """What OPTIONS says of a definition."""
    columns = [column for column in TABLES[table(module)].columns if column.name not in ("module", "deleted")]
    return [
        {
            "name": column.name,
            "title": column.name.replace("_", " ").capitalize(),
            "type": "boolean" if column.name in _FLAGS else "integer" if column.is_number else "string",
            "required": column.name in _REQUIRED,
        }
        for column in columns
    ]


async def index(call: Call, module: str) -> list[dict[str, Any]]:
    """All definitions of a module."""
    rows = await call.session.rows(f"SELECT * FROM `{table(module)}` WHERE deleted = '0' ORDER BY position, name")
    return [_shown(row) for row in rows]


async def view(call: Call, module: str, name: str) -> dict[str, Any]:
    """One definition."""
    return _shown(await _find(call, module, name))


async def create(call: Call, module: str, given: Given) -> str:
    """Define a field; its name."""
    where = table(module)
    errors = [(key, f"{key.title()} cannot be blank.") for key in _REQUIRED if not given.get(key)]
    name = str(given.get("name") or "")
    if name and not _NAME.match(name):
        errors.append(("name", "Name is invalid."))
    errors += _wrong(given)
    twin = await call.session.row(f"SELECT name FROM `{where}` WHERE name = %s AND deleted = '0'", (name,))
    if twin is not None:
        errors.append(("name", f'Name "{name}" has already been taken.'))
    if errors:
        raise Invalid(errors)
    row = {column.name: column.empty for column in TABLES[where].columns} | _stored(module, given)
    row["module"], row["deleted"] = module, "0"
    if "category" in row:
        row["category"] = given.get("category") or "customer"  # not a lead's
    call.session.later(f"DELETE FROM `{where}` WHERE name = %s AND deleted = '1'", (name,))
    names = ", ".join(f"`{column}`" for column in row)
    await call.session.execute(
        f"INSERT INTO `{where}` ({names}) VALUES ({', '.join(['%s'] * len(row))})", list(row.values())
    )
    call.log_api("create", "AdditionalFields", 0, given)
    return name


async def update(call: Call, module: str, name: str, given: Given) -> None:
    """Change what was sent; a name stays."""
    await _find(call, module, name)
    if errors := _wrong(given):
        raise Invalid(errors)
    changes = {key: value for key, value in _stored(module, given).items() if key != "name"}
    if changes:
        setting = ", ".join(f"`{key}` = %s" for key in changes)
        call.session.later(f"UPDATE `{table(module)}` SET {setting} WHERE name = %s", [*changes.values(), name])
    call.log_api("update", "AdditionalFields", 0, given)


async def delete(call: Call, module: str, name: str) -> None:
    """Take a definition away, with the values that rows had."""
    await _find(call, module, name)
    call.session.later(f"UPDATE `{table(module)}` SET deleted = '1' WHERE name = %s", (name,))
    call.session.later(f"DELETE FROM `{module}_values` WHERE name = %s", (name,))
    call.log_api("delete", "AdditionalFields", 0, {})


async def _find(call: Call, module: str, name: str) -> Row:
    row = await call.session.row(f"SELECT * FROM `{table(module)}` WHERE name = %s AND deleted = '0'", (name,))
    if row is None:
        raise not_found()
    return row


def _wrong(given: Given) -> list[tuple[str, str]]:
    if given.get("type") and given["type"] not in TYPES:
        return [("type", "Type is invalid.")]
    return []


def _stored(module: str, given: Given) -> Given:
    values: Given = {}
    for name in TABLES[f"{module}_fields"].by_name:
        if name not in given or name in ("module", "deleted"):
            continue
        value = given[name]
        if name in (*_FLAGS, "set_default_value"):
            values[name] = "1" if value in (True, 1, "1", "true") else "0"
        elif name in _NUMBERS:
            values[name] = int(value) if str(value).isdigit() else (0 if name == "position" else None)
        elif isinstance(value, list):
            values[name] = ",".join(map(str, value))
        else:
            values[name] = "" if value is None else str(value)
    return values


def _shown(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "deleted"}
