"""Create, read, update, delete: what all resources share. A resource with habits of its own overrides the hooks."""

# ruff: noqa: S608 - the names in the SQL are our own declarations, values are always passed beside it

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.splynx import extras, search, wire
from sandbox.splynx.call import Call
from sandbox.splynx.database import Row
from sandbox.splynx.problems import Invalid, bad_request, not_found, other_partner
from sandbox.splynx.resources import Resource
from sandbox.splynx.tables import Column
from sandbox.splynx.wire import Given

Errors = list[tuple[str, str]]

_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}")


class Entity:
    """The behaviour of one resource."""

    unique: tuple[str, ...] = ()
    """Attributes that two live rows may not share. The product's tables have no unique index; its code looks."""
    also_required: tuple[str, ...] = ()
    """Required on creation although OPTIONS does not mark them, as tried requests showed."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.table = resource.table.name

    # what a resource may override

    async def prepare(self, call: Call, given: Given) -> Given:
        """Defaults of a new row, before validation."""
        return given

    async def validate(self, call: Call, given: Given, before: Row | None) -> Errors:
        """Refusals of its own; `before` is None for a new row."""
        return []

    def fixed(self, call: Call, row: Given) -> Given:
        """Columns of a new row that the product sets itself, whatever was sent."""
        return {}

    async def created(self, call: Call, row: Given, given: Given) -> None:
        """After the INSERT; `row` holds what was stored and the id."""

    async def updated(self, call: Call, before: Row, changes: Given, given: Given) -> None:
        """After the UPDATE."""

    async def removing(self, call: Call, before: Row) -> None:
        """Before the row is marked as deleted; may refuse."""

    def base(self, call: Call) -> list[search.Clause]:
        """Rows that the caller may see at all."""
        return []

    async def computed(self, call: Call, rows: Sequence[Row], answers: Sequence[dict[str, Any]]) -> None:
        """Add attributes that are no columns to the answers."""

    def customer_of(self, row: Mapping[str, Any]) -> int:
        """The customer whose log the write belongs to; 0 for none."""
        return int(row.get("customer_id") or 0)

    # the API's methods

    async def index(self, call: Call) -> list[dict[str, Any]]:
        """All rows that match the search."""
        condition = search.where(self.resource, call.query, base=self.base(call))
        rows = await call.session.rows(
            f"SELECT t.* FROM `{self.table}` t WHERE {condition.sql}{search.order_and_page(self.resource, call.query)}",
            condition.values,
        )
        return await self.answers(call, rows)

    async def count(self, call: Call) -> int:
        """How many rows match the search, whatever limit and offset say."""
        condition = search.where(self.resource, call.query, base=self.base(call))
        row = await call.session.row(f"SELECT COUNT(*) n FROM `{self.table}` t WHERE {condition.sql}", condition.values)
        return int(row["n"]) if row else 0

    async def view(self, call: Call, row_id: str) -> dict[str, Any]:
        """One row."""
        return (await self.answers(call, [await self.find(call, row_id)]))[0]

    async def create(self, call: Call, given: Given) -> int:
        """Insert a row; its id. An `id` in the body is ignored."""
        given = await self.prepare(call, dict(given))
        values = self._stored(given)
        errors = [
            (name, f"{self._title(name)} cannot be blank.")
            for name in (*self.resource.required, *self.also_required)
            if given.get(name) in (None, "")
        ]
        errors += self._misfits(given) + await self.validate(call, given, None)
        errors += await self._twins(call, values, None)
        values, more = await self._with_extras(call, given, values, errors, None)
        columns = [column for column in self.resource.table.columns if not (column.auto and column.name not in values)]
        row = {column.name: values.get(column.name, column.empty) for column in columns}
        if "updated_at" in row:
            row["updated_at"] = call.clock.datetime()
        row.update(self.fixed(call, row))
        names = ", ".join(f"`{name}`" for name in row)
        row_id = await call.session.insert(
            f"INSERT INTO `{self.table}` ({names}) VALUES ({', '.join(['%s'] * len(row))})", list(row.values())
        )
        row[self.resource.key] = row.get(self.resource.key) or row_id
        if self.resource.module:
            extras.store(call, self.resource.module, row_id, more)
        await self.created(call, row, given)
        self._log(call, "create", row, given)
        return row_id

    async def update(self, call: Call, row_id: str, given: Given) -> None:
        """Change the attributes sent, and no others."""
        before = await self.find(call, row_id)
        values = self._stored(given)
        errors = self._misfits(given) + await self.validate(call, given, before)
        errors += [
            (name, f"{self._title(name)} cannot be blank.")
            for name in self.resource.required
            if name in given and given[name] in (None, "")
        ]
        errors += await self._twins(call, values, before)
        values, more = await self._with_extras(call, given, values, errors, before)
        changes = {name: value for name, value in values.items() if not _same(before[name], value)}
        await self.write(call, before, changes)
        if self.resource.module:
            extras.store(call, self.resource.module, int(before[self.resource.key]), more)
        await self.updated(call, before, changes, given)
        self._log(call, "update", before, given)

    async def delete(self, call: Call, row_id: str) -> None:
        """Mark a row as deleted."""
        before = await self.find(call, row_id)
        await self.removing(call, before)
        if self.resource.soft_delete:
            await self.write(call, before, {"deleted": "1"})
        self._log(call, "delete", before, {})

    # tools of the overriding classes

    async def find(self, call: Call, row_id: str) -> Row:
        """The live row with this id.

        Raises:
            Problem: 400, the id is no number; 404, there is no such row, or it is deleted.
        """
        if not row_id.isdigit():
            raise bad_request()
        clauses = [*self.base(call), search.Clause(f"t.`{self.resource.key}` = %s", (int(row_id),))]
        condition = search.where(self.resource, {}, base=clauses)
        row = await call.session.row(f"SELECT t.* FROM `{self.table}` t WHERE {condition.sql}", condition.values)
        if row is None:
            if call.key.partner_id and await self._is_another_partners(call, int(row_id)):
                raise other_partner()
            raise not_found()
        return row

    async def _is_another_partners(self, call: Call, row_id: int) -> bool:
        if self.table == "customers":
            owner = "id"
        elif "customer_id" in self.resource.table.by_name:
            owner = "customer_id"
        else:
            return False
        row = await call.session.row(
            f"SELECT c.partner_id FROM `{self.table}` t JOIN customers c ON c.id = t.`{owner}`"
            f" WHERE t.`{self.resource.key}` = %s AND c.deleted = '0'",
            (row_id,),
        )
        return row is not None and row["partner_id"] != call.key.partner_id

    async def write(self, call: Call, before: Row, changes: Given) -> None:
        """UPDATE the columns, and the time of the change where the table keeps one."""
        changes = dict(changes)
        if not changes:
            return
        if "updated_at" in self.resource.table.by_name:
            changes["updated_at"] = call.clock.datetime()
        setting = ", ".join(f"`{name}` = %s" for name in changes)
        call.session.later(
            f"UPDATE `{self.table}` SET {setting} WHERE `{self.resource.key}` = %s",
            [*changes.values(), before[self.resource.key]],
        )

    async def answers(self, call: Call, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Rows as the API shows them, with computed attributes and additional ones."""
        shown = [wire.shown(self.resource, row) for row in rows]
        await self.computed(call, rows, shown)
        if self.resource.module and rows:
            key = self.resource.key
            values = await extras.stored(call, self.resource.module, [row[key] for row in rows])
            for row, answer in zip(rows, shown, strict=True):
                answer["additional_attributes"] = values[row[key]]
        return shown

    def _stored(self, given: Given) -> Given:
        """The columns that the body sets, in the form that the database takes."""
        return {
            name: _value(column, given[name])
            for name, column in self.resource.table.by_name.items()
            if name in given and name not in self.resource.protected and name not in ("id", "deleted")
        }

    def _misfits(self, given: Given) -> Errors:
        """Values that their column's type refuses: the model looks before the database cuts."""
        errors = []
        for name, column in self.resource.table.by_name.items():
            value = given.get(name)
            if value in (None, "") or name in self.resource.protected:
                continue
            text = _value(column, value)
            if column.members and text not in column.members:
                errors.append((name, f"{self._title(name)} is invalid."))
            elif column.type in ("date", "datetime") and not _DATE.match(str(value)):
                errors.append((name, f"The format of {self._title(name)} is invalid."))
            elif (column.is_number or column.is_decimal) and not _is_number(value):
                errors.append((name, f"{self._title(name)} must be a number."))
        return errors

    async def _twins(self, call: Call, values: Given, before: Row | None) -> Errors:
        """Unique attributes that another live row has. The look and the write are two steps, as in the product."""
        errors = []
        for name in self.unique:
            value = values.get(name)
            if value in (None, ""):
                continue
            row = await call.session.row(
                f"SELECT `{self.resource.key}` FROM `{self.table}` WHERE `{name}` = %s AND deleted = '0'"
                f" AND `{self.resource.key}` <> %s LIMIT 1",
                (value, before[self.resource.key] if before else 0),
            )
            if row is not None:
                errors.append((name, f'{self._title(name)} "{value}" has already been taken.'))
        return errors

    async def _with_extras(
        self, call: Call, given: Given, values: Given, errors: Errors, before: Row | None
    ) -> tuple[Given, dict[str, str]]:
        more: dict[str, str] = {}
        if self.resource.module:
            row_id = int(before[self.resource.key]) if before else None
            more, wrong = await extras.checked(
                call, self.resource.module, given.get("additional_attributes"), row_id=row_id
            )
            errors += wrong
        if errors:
            raise Invalid(errors)
        return values, more

    def _title(self, name: str) -> str:
        attribute = self.resource.attributes.get(name)
        return attribute.title if attribute else name

    def _log(self, call: Call, action: str, row: Mapping[str, Any], given: Given) -> None:
        model = self.resource.controller.rsplit("\\", 1)[-1]
        call.log_api(action, model, self.customer_of(row), given)
        call.hook(action, model, row[self.resource.key])


class OfCustomer(Entity):
    """An entity whose rows are customers': a key of one partner sees those of that partner's customers only."""

    def base(self, call: Call) -> list[search.Clause]:
        return of_own_partner(call)


def of_own_partner(call: Call) -> list[search.Clause]:
    """A key of one partner sees the rows of that partner's customers only."""
    if not call.key.partner_id:
        return []
    return [
        search.Clause("t.`customer_id` IN (SELECT id FROM customers WHERE partner_id = %s)", (call.key.partner_id,))
    ]


def _value(column: Column, value: Any) -> Any:
    if isinstance(value, bool):
        value = "1" if value else "0"
    if value is None:
        return None if column.nullable else column.empty
    if column.members:
        return str(value)
    if value == "" and (column.is_number or column.is_decimal):
        return None if column.nullable else 0
    if value == "" and column.type in ("date", "datetime"):
        return column.empty
    return value if isinstance(value, int | float) else str(value)


def _is_number(value: Any) -> bool:
    return bool(re.match(r"^-?\d+(\.\d+)?$", str(value))) or isinstance(value, bool | int | float)


def _same(stored: Any, value: Any) -> bool:
    return stored is value or (stored is not None and value is not None and str(stored) == str(value))
