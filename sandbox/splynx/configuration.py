"""`admin/config/config?module=&path=`: settings, read and changed per module and path."""

from typing import Any

from sandbox.splynx.call import Call
from sandbox.splynx.memory import typed
from sandbox.splynx.php import Tree
from sandbox.splynx.problems import bad_request, not_found
from sandbox.splynx.wire import Given

CONTROLLER = "api\\admin\\config\\Config"


async def view(call: Call) -> dict[str, Any]:
    """The settings of a path, `{key: value}`; with `key=`, that one alone."""
    rows = await _rows(call)
    key = call.query.get("key")
    if key is not None:
        rows = [row for row in rows if row["key"] == key]
        if not rows:
            raise not_found()
    return {row["key"]: typed(row["type"], row["value"]) for row in rows}


async def update(call: Call, given: Given) -> None:
    """Change the settings sent; a key that the path does not have is ignored."""
    module, path = _where(call.query)
    for row in await _rows(call):
        if row["key"] in given:
            value = given[row["key"]]
            text = ("1" if value else "0") if isinstance(value, bool) else str(value)
            call.session.later(
                "UPDATE config SET `value` = %s WHERE `module` = %s AND `path` = %s AND `key` = %s",
                (text, module, path, row["key"]),
            )
    call.log_api("update", "Config", 0, given)


async def _rows(call: Call) -> list[dict[str, Any]]:
    rows = await call.session.rows(
        "SELECT `key`, type, value FROM config WHERE `module` = %s AND `path` = %s ORDER BY `key`", _where(call.query)
    )
    if not rows:
        raise not_found()
    return rows


def _where(query: Tree) -> tuple[str, str]:
    module, path = query.get("module"), query.get("path")
    if not isinstance(module, str) or not isinstance(path, str):
        raise bad_request("Module and path are required!")
    return module, path
