"""The entries of the audit log: what changed, and on whose page it is shown.

Known of the real one: `current`, `previous` and `relation_data` hold JSON as text; a change of a child is shown on what
it belongs to, and one change may produce several entries. The layout inside the JSON is ours.
"""

from collections.abc import Mapping

import orjson

from sandbox.sonar.rows import Row, Table


def loggables(row: Row, tables: Mapping[str, Table]) -> list[tuple[str, int]]:
    """(type, id) of the rows on whose page a change of `row` is shown: all it belongs to, or itself when to none."""
    found: list[tuple[str, int]] = []
    while True:
        owner = _owner(row)
        if owner is None:
            break
        found.append(owner)
        table = tables.get(owner[0])
        above = None if table is None else table.rows.get(owner[1]) or table.held.get(owner[1])
        if above is None:
            break
        row = above
    return found or [(row.TYPE.name, row["id"])]


def entry(
    type: str,
    *,
    logged: Row,
    loggable: tuple[str, int],
    user_id: int | None,
    current: Row | None = None,
    previous: Row | None = None,
    relation_data: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """The columns of one log row, beside its stamps. The `current` of a deleted row is an empty object.

    The states before and after are kept as rows, and become text when somebody reads them.
    """
    return {
        "type": type,
        "level": "INFO",
        "legacy": False,
        "logged_entity_type": logged.TYPE.name,
        "logged_entity_id": logged["id"],
        "loggable_type": loggable[0],
        "loggable_id": loggable[1],
        "user_id": user_id,
        "current": current if current is not None else "{}",
        "previous": previous,
        "relation_data": None if relation_data is None else orjson.dumps(relation_data).decode(),
    }


def _owner(row: Row) -> tuple[str, int] | None:
    for relation in row.TYPE.owners:
        if relation.polymorphic:
            id = row[f"{relation.via}_id"]
            return None if id is None else (row[f"{relation.via}_type"], id)
        id = row[relation.via]
        return None if id is None else (relation.target, id)
    return None
