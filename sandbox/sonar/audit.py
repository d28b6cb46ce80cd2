"""The entries of the audit log: what changed, and on whose page it is shown.

Known of the real one: `current`, `previous` and `relation_data` hold JSON as text; a change of a child is shown on what
it belongs to, and one change may produce several entries. The layout inside the JSON is ours.
"""

from collections.abc import Mapping

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


def _owner(row: Row) -> tuple[str, int] | None:
    for relation in row.TYPE.owners:
        if relation.polymorphic:
            id = getattr(row, f"{relation.via}_id")
            return None if id is None else (getattr(row, f"{relation.via}_type"), id)
        id = getattr(row, relation.via)
        return None if id is None else (relation.target, id)
    return None
