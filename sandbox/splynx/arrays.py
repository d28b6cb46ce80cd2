"""Arrays of a resource that are rows of tables beside: links to other rows, and parts of its own."""

# ruff: noqa: S608 - the names in the SQL are our own declarations, values are always passed beside it

from collections.abc import Sequence
from typing import Any

from sandbox.splynx import columns
from sandbox.splynx.call import Call, exists
from sandbox.splynx.columns import Errors
from sandbox.splynx.database import Row
from sandbox.splynx.resources import Link, Parts, Resource
from sandbox.splynx.tables import TABLES
from sandbox.splynx.wire import Given


def listed(value: Any) -> list[Any]:
    """An array, as JSON or as PHP's form gives it; a single value is an array of one."""
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list) else [value]


async def misfits(call: Call, resource: Resource, given: Given) -> Errors:
    """What is wrong with the arrays that a body carries."""
    errors: Errors = []
    for name, link in resource.links.items():
        if name not in given or given[name] in (None, ""):
            continue
        values = listed(given[name])
        if not values and name in (*resource.required, *resource.also_required):
            errors.append((name, f"{columns.title(resource, name)} cannot be blank."))
        for value in values:
            known = await exists(call, link.rows, value) if link.rows else value in link.members
            if not known:
                errors.append((name, f"{columns.title(resource, name)} is invalid."))
    for name in resource.parts:
        if any(not isinstance(part, dict) for part in listed(given.get(name) or [])):
            errors.append((name, f"{columns.title(resource, name)} is invalid."))
    return errors


async def store(call: Call, resource: Resource, row_id: int, given: Given) -> None:
    """Replace the links that the body carries; add its parts, or change those that it names by `id`."""
    for name, link in resource.links.items():
        if name not in given:
            continue
        call.session.later(f"DELETE FROM `{link.table}` WHERE `{link.owner}` = %s", (row_id,))
        for value in dict.fromkeys(map(str, listed(given[name]) if given[name] not in (None, "") else [])):
            call.session.later(
                f"INSERT INTO `{link.table}` (`{link.owner}`, `{link.column}`) VALUES (%s, %s)", (row_id, value)
            )
    for name, parts in resource.parts.items():
        for part in listed(given.get(name) or []):
            await _put(call, parts, row_id, part)


async def _put(call: Call, parts: Parts, row_id: int, part: Given) -> None:
    table = TABLES[parts.table]
    values = {name: columns.value_of(table.by_name[name], part[name]) for name in parts.columns if name in part}
    if part.get("id") not in (None, "", 0, "0"):
        if values:
            setting = ", ".join(f"`{name}` = %s" for name in values)
            call.session.later(
                f"UPDATE `{parts.table}` SET {setting} WHERE id = %s AND `{parts.owner}` = %s",
                [*values.values(), part["id"], row_id],
            )
        return
    row = {column.name: column.empty for column in table.columns if not column.auto} | values | {parts.owner: row_id}
    names = ", ".join(f"`{name}`" for name in row)
    await call.session.insert(
        f"INSERT INTO `{parts.table}` ({names}) VALUES ({', '.join(['%s'] * len(row))})", list(row.values())
    )


async def show(call: Call, resource: Resource, rows: Sequence[Row], answers: Sequence[dict[str, Any]]) -> None:
    """Add the arrays to the answers."""
    if not rows:
        return
    ids = ", ".join(str(row[resource.key]) for row in rows)
    for name, link in resource.links.items():
        found = await _linked(call, link, ids)
        for row, answer in zip(rows, answers, strict=True):
            answer[name] = found.get(row[resource.key], [])
    for name, parts in resource.parts.items():
        found = await _parts(call, parts, ids)
        for row, answer in zip(rows, answers, strict=True):
            answer[name] = found.get(row[resource.key], [])


async def _linked(call: Call, link: Link, ids: str) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in await call.session.rows(
        f"SELECT `{link.owner}` owner, `{link.column}` value FROM `{link.table}` WHERE `{link.owner}` IN ({ids})"
        " ORDER BY value"
    ):
        found.setdefault(row["owner"], []).append(row["value"])
    return found


async def _parts(call: Call, parts: Parts, ids: str) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in await call.session.rows(
        f"SELECT * FROM `{parts.table}` WHERE `{parts.owner}` IN ({ids}) AND deleted = '0' ORDER BY id"
    ):
        shown = {name: row[name] for name in ("id", *parts.columns)}
        found.setdefault(row[parts.owner], []).append(shown)
    return found
