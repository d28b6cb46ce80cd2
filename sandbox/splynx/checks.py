"""What a body is refused for because of other rows: a twin of a unique attribute, a row that is not there."""

# ruff: noqa: S608 - the names in the SQL are our own declarations, values are always passed beside it

from sandbox.splynx import columns
from sandbox.splynx.call import Call, exists
from sandbox.splynx.columns import Errors
from sandbox.splynx.database import Row
from sandbox.splynx.resources import Resource
from sandbox.splynx.wire import Given


async def twins(call: Call, resource: Resource, values: Given, before: Row | None) -> Errors:
    """Unique attributes that another live row has. The look and the write are two steps, as in the product."""
    errors = []
    live = " AND deleted = '0'" if resource.soft_delete else ""
    for name in resource.unique:
        value = values.get(name)
        if value in (None, ""):
            continue
        row = await call.session.row(
            f"SELECT `{resource.key}` FROM `{resource.table.name}` WHERE `{name}` = %s{live}"
            f" AND `{resource.key}` <> %s LIMIT 1",
            (value, before[resource.key] if before else 0),
        )
        if row is not None:
            errors.append((name, f'{columns.title(resource, name)} "{value}" has already been taken.'))
    return errors


async def strangers(call: Call, resource: Resource, given: Given) -> Errors:
    """Attributes that name a row which is not there."""
    return [
        (name, f"{columns.title(resource, name)} is invalid.")
        for name, table in resource.refers.items()
        if given.get(name) not in (None, "", 0, "0") and not await exists(call, table, given[name])
    ]
