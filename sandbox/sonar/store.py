"""The rows of the sandbox, in memory, and the only way to change them: every change is stamped and logged."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import orjson

from sandbox.sonar import audit
from sandbox.sonar.declarations import Declarations, Kind, Relation
from sandbox.sonar.log_rows import Entry, LogTable
from sandbox.sonar.ordering import IdSet
from sandbox.sonar.rows import Row, Table, shapes
from sandbox.sonar.settings_rows import BILLING_SETTING, INSTALLED, SYSTEM_SETTING
from sandbox.sonar.stamps import unique_id, version
from sandbox.sonar.types import SERVED, SINGLETONS

__all__ = ["Row", "Store"]

_NOTHING = IdSet()
_STAMPS = frozenset({"sonar_unique_id", "created_at", "updated_at", "_version"})


class Store:
    """Tables by type name. Instants are whole seconds in UTC, as Sonar shows them.

    Ids count from 1 per type and are never given out twice, unless a caller names one.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        currency: str = "USD",
        timezone: str = "AMERICACHICAGO",
        declarations: Declarations = SERVED,
    ) -> None:
        self._clock = clock
        self._changes = 0
        self.declarations = declarations
        self._enums = {name: dict(values) for name, values in declarations.enums.items()}
        self.tables = {name: Table(shape, self._enums) for name, shape in shapes(declarations).items()}
        self.tables["Log"] = self._logs = LogTable(shapes(declarations)["Log"], self._enums)
        # {(type, relation): {id: ids on the other side}}; both sides of a pivot are kept.
        self._pivots: dict[tuple[str, str], dict[int, IdSet]] = {
            (name, relation.name): {}
            for name, kind in declarations.types.items()
            for relation in kind.relations.values()
            if relation.kind is Kind.PIVOT
        }
        self._insert("SystemSetting", {**SYSTEM_SETTING, "currency": currency, "timezone": timezone}, INSTALLED, None)
        self._insert("BillingSetting", BILLING_SETTING, INSTALLED, None)

    def insert(self, type_name: str, /, *, at: datetime | None = None, by: int | None = None, **columns: object) -> int:
        """Add a row and its CREATED log; return its id. Nullable columns that are not given are null.

        `id` may be given to bring a deleted row back; `at` back-dates the row; the log says `by` which user.

        Raises:
            ValueError: a column is unknown, missing or cannot hold its value, or the id is taken.
        """
        return self._insert(type_name, columns, at, by)

    def _insert(self, type_name: str, columns: Mapping[str, object], at: datetime | None, by: int | None) -> int:
        table = self._table(type_name)
        _refuse_stamps(columns)
        values = table.read(columns)
        id = values.get("id") or table.next_id
        assert isinstance(id, int)
        if id in table.rows or id in table.held:
            raise ValueError(f"{type_name} {id} exists already")
        moment = self._moment(at)
        values.update(id=id, created_at=moment, updated_at=moment, **self._stamps())
        values["sonar_unique_id"] = unique_id(self._changes)
        row = table.build(values)
        table.next_id = max(table.next_id, id + 1)
        table.show(row)
        self._log("CREATED", row, moment, by, current=row)
        return id

    def update(
        self,
        type_name: str,
        id: int,
        /,
        *,
        at: datetime | None = None,
        by: int | None = None,
        **columns: object,
    ) -> None:
        """Change columns of a row, with a new `updated_at` and `_version`, and its UPDATED log.

        Raises:
            KeyError: there is no such row.
            ValueError: a column is unknown or cannot hold its value.
        """
        table = self._table(type_name)
        _refuse_stamps(columns)
        if "id" in columns:
            raise ValueError("an id never changes")
        before = table.find(id)
        moment = self._moment(at)
        row = table.build({**before, **table.read(columns), "updated_at": moment, **self._stamps()})
        if id in table.held:
            table.held[id] = row
        else:
            table.hide(id)
            table.show(row)
        self._log("UPDATED", row, moment, by, current=row, previous=before)

    def delete(self, type_name: str, id: int, /, *, at: datetime | None = None, by: int | None = None) -> None:
        """Remove a row and what belongs to it alone, each with its DELETED log; optional references become null.

        Raises:
            KeyError: there is no such row.
            ValueError: another row cannot do without it; nothing was removed.
        """
        row = self._table(type_name).find(id)
        doomed = self._doomed(row, [])
        self._refuse_dangling(doomed)
        moment = self._moment(at)
        gone = {(one.TYPE.name, one["id"]) for one in doomed}
        for one in doomed:
            self._log("DELETED", one, moment, by, previous=one)
        for one in doomed:
            for other, relation in self._references(one):
                if (other.TYPE.name, other["id"]) not in gone:
                    self.update(other.TYPE.name, other["id"], at=at, by=by, **{relation.via: None})
        for one in doomed:
            self._erase(one)

    def attach(
        self,
        type_name: str,
        id: int,
        relation: str,
        other_id: int,
        /,
        *,
        at: datetime | None = None,
        by: int | None = None,
    ) -> None:
        """Link two rows through a pivot. Neither row changes; only an ATTACHED log tells. Linking twice does nothing.

        Raises:
            KeyError: one of the rows does not exist, or the relation is not many to many.
        """
        self._link(type_name, id, relation, other_id, at, by, attach=True)

    def detach(
        self,
        type_name: str,
        id: int,
        relation: str,
        other_id: int,
        /,
        *,
        at: datetime | None = None,
        by: int | None = None,
    ) -> None:
        """Undo `attach`, with a DETACHED log. Raises KeyError as `attach` does."""
        self._link(type_name, id, relation, other_id, at, by, attach=False)

    def hold(self, type_name: str, id: int, /) -> None:
        """Hide a row from readers as if its commit were under way; writers see it. Raises KeyError: not visible."""
        table = self._table(type_name)
        table.held[id] = table.hide(id)

    def release(self, type_name: str, id: int, /) -> None:
        """Show a held row, with the `updated_at` it had: a late commit. Raises KeyError: it is not held."""
        table = self._table(type_name)
        table.show(table.held.pop(id))

    def lag(self, type_name: str, id: int, /) -> None:
        """Let searches by change not find a visible row, though reads by id do. Raises KeyError: it is not visible."""
        self._table(type_name).lag(id)

    def catch_up(self, type_name: str, id: int, /) -> None:
        """Let searches by change find a row again. Raises KeyError: they were not behind for it."""
        self._table(type_name).catch_up(id)

    def tie(self, type_name: str, count: int, /, *, at: datetime | None = None, by: int | None = None) -> list[int]:
        """Let the first `count` visible rows change in one second, each with its log; their ids."""
        moment = self._moment(at)
        ids = sorted(self._table(type_name).rows)[:count]
        for id in ids:
            self.update(type_name, id, at=moment, by=by)
        return ids

    def table(self, type_name: str) -> Mapping[int, Row]:
        """The visible rows of a type by id; a live, read-only view."""
        return self._table(type_name).view

    def now(self) -> datetime:
        """What the store's clock shows: an aware UTC instant in whole seconds."""
        return self._moment(None)

    def setting(self, name: str) -> dict[str, object]:
        """The columns of `system_setting` or `billing_setting`; change them by `update("SystemSetting", 1, ...)`."""
        return dict(self._table(SINGLETONS[name]).rows[1])

    def allow(self, enum: str, value: str) -> None:
        """Let columns of an enum hold one more value: Sonar's enums grow."""
        self._enums[enum][value] = None

    def linked(self, type_name: str, relation: str, id: int) -> list[int]:
        """The ids on the other side of a pivot, ascending."""
        return self._pivots[type_name, relation].get(id, _NOTHING).ids

    def pointing(self, type_name: str, via: str, key: object) -> list[int]:
        """The ids of the visible rows whose column `via` (or polymorphic pair) holds `key`, ascending."""
        try:
            index = self.tables[type_name].pointing[via]
        except KeyError:
            if type_name != "Log":
                raise
            index = self._logs.point(via)
        return index.get(key, _NOTHING).ids

    def _table(self, type_name: str) -> Table:
        try:
            return self.tables[type_name]
        except KeyError:
            raise KeyError(f"no type is named {type_name}") from None

    def _moment(self, at: datetime | None) -> datetime:
        return (at or self._clock()).astimezone(UTC).replace(microsecond=0)

    def _stamps(self) -> dict[str, object]:
        self._changes += 1
        return {"_version": version(self._changes)}

    def _doomed(self, row: Row, found: list[Row]) -> list[Row]:
        """The row and all that belongs to it alone, owners before what they own."""
        found.append(row)
        for kind in self.declarations.types.values():
            for relation in kind.owners:
                if relation.target == row.TYPE.name or relation.target in row.TYPE.interfaces:
                    key = (row.TYPE.name, row["id"]) if relation.polymorphic else row["id"]
                    for id in list(self.pointing(kind.name, relation.via, key)):
                        self._doomed(self.tables[kind.name].rows[id], found)
        return found

    def _references(self, row: Row) -> list[tuple[Row, Relation]]:
        """Rows that refer to `row` without belonging to it; logs do not count, they outlive everything."""
        found = []
        for kind in self.declarations.types.values():
            for relation in kind.relations.values():
                if (
                    relation.kind is Kind.BELONGS_TO
                    and relation.target == row.TYPE.name
                    and not relation.owner
                    and kind.name != "Log"
                ):
                    rows = self.tables[kind.name].rows
                    found += [(rows[id], relation) for id in self.pointing(kind.name, relation.via, row["id"])]
        return found

    def _refuse_dangling(self, doomed: list[Row]) -> None:
        gone = {(row.TYPE.name, row["id"]) for row in doomed}
        for row in doomed:
            for other, relation in self._references(row):
                key = (other.TYPE.name, other["id"])
                if other.TYPE.columns[relation.via].required and key not in gone:
                    raise ValueError(f"{row.TYPE.name} {row['id']} is still used by {key[0]} {key[1]}")

    def _erase(self, row: Row) -> None:
        table, id = self.tables[row.TYPE.name], row["id"]
        if id in table.held:
            del table.held[id]
        else:
            table.hide(id)
        table.lagging.discard(id)
        for relation in row.TYPE.relations.values():
            if relation.kind is Kind.PIVOT:
                for other in self._pivots[row.TYPE.name, relation.name].pop(id, _NOTHING).ids:
                    if relation.via:
                        self._pivots[relation.target, relation.via][other].remove(id)

    def _link(
        self,
        type_name: str,
        id: int,
        relation: str,
        other_id: int,
        at: datetime | None,
        by: int | None,
        *,
        attach: bool,
    ) -> None:
        table = self._table(type_name)
        declared = table.kind.relations[relation]
        if declared.kind is not Kind.PIVOT:
            raise KeyError(f"{type_name}.{relation} is not many to many")
        row, other = table.find(id), self.tables[declared.target].find(other_id)
        there = self._pivots[type_name, relation].setdefault(id, IdSet())
        if (other_id in there) == attach:
            return
        sides = [there]
        if declared.via:
            sides.append(self._pivots[declared.target, declared.via].setdefault(other_id, IdSet()))
        for side, member in zip(sides, (other_id, id), strict=False):
            (side.add if attach else side.remove)(member)
        moment = self._moment(at)
        told = orjson.dumps({"relation": relation, "type": other.TYPE.name, "id": other_id}).decode()
        logged = (row.TYPE.name, id)
        for loggable in (logged, (other.TYPE.name, other_id)):
            self._write_log(moment, Entry("ATTACHED" if attach else "DETACHED", logged, loggable, by, row, None, told))

    def _log(
        self,
        type: str,
        row: Row,
        moment: datetime,
        by: int | None,
        *,
        current: Row | None = None,
        previous: Row | None = None,
    ) -> None:
        logged, after = (row.TYPE.name, row["id"]), "{}" if current is None else current
        for loggable in audit.loggables(row, self.tables):
            self._write_log(moment, Entry(type, logged, loggable, by, after, previous))

    def _write_log(self, moment: datetime, entry: Entry) -> None:
        self._changes += 1
        self._logs.write(self._changes, moment, entry)


def _refuse_stamps(columns: Mapping[str, object]) -> None:
    if not _STAMPS.isdisjoint(columns):
        raise ValueError("the stamps of a row are the store's own: give `at`")
