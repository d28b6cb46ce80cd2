"""Create, read, update, delete: what all resources share. A resource with habits of its own overrides the hooks."""

# ruff: noqa: S608 - the names in the SQL are our own declarations, values are always passed beside it

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.splynx import arrays, checks, columns, extras, search, wire
from sandbox.splynx.call import Call
from sandbox.splynx.columns import Errors
from sandbox.splynx.database import Row
from sandbox.splynx.problems import (
    Invalid,
    bad_request,
    cannot_be_deleted,
    method_not_allowed,
    not_found,
    other_partner,
)
from sandbox.splynx.resources import Resource
from sandbox.splynx.wire import Given

__all__ = ["Entity", "Errors", "OfCustomer", "of_own_partner"]


class Entity:
    """The behaviour of one resource."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.table = resource.table.name
        self.model = resource.controller.rsplit("\\", 1)[-1]

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

    async def view(self, call: Call, row_id: str) -> Any:
        """One row."""
        return (await self.answers(call, [await self.find(call, row_id)]))[0]

    async def create(self, call: Call, given: Given) -> dict[str, Any]:
        """Insert a row; what a POST answers. An `id` in the body is ignored."""
        given = await self.prepare(call, dict(given))
        values = columns.stored(self.resource, given)
        errors = [
            (name, f"{self._title(name)} cannot be blank.")
            for name in dict.fromkeys((*self.resource.required, *self.resource.also_required))
            if given.get(name) in (None, "")
        ]
        values, more = await self._checked(call, given, values, errors, None)
        stored = self.resource.table.columns
        row = {c.name: values.get(c.name, c.empty) for c in stored if not (c.auto and c.name not in values)}
        if "updated_at" in row and not values.get("updated_at"):
            row["updated_at"] = call.clock.datetime()
        row |= {name: self._stamp(call, source) for name, source in self.resource.stamps.items()}
        row.update(self.fixed(call, row))
        names = ", ".join(f"`{name}`" for name in row)
        row_id = await call.session.insert(
            f"INSERT INTO `{self.table}` ({names}) VALUES ({', '.join(['%s'] * len(row))})", list(row.values())
        )
        row[self.resource.key] = row.get(self.resource.key) or row_id
        if self.resource.module:
            extras.store(call, self.resource.module, row_id, more)
        await arrays.store(call, self.resource, row_id, given)
        await self.created(call, row, given)
        self._log(call, "create", row, given)
        return self.created_answer(row)

    def created_answer(self, row: Given) -> dict[str, Any]:
        """What a POST answers: the new id, for nearly all."""
        return {"id": row[self.resource.key]}

    async def update(self, call: Call, row_id: str, given: Given) -> None:
        """Change the attributes sent, and no others."""
        before = await self.find(call, row_id)
        values = columns.stored(self.resource, given)
        errors = [
            (name, f"{self._title(name)} cannot be blank.")
            for name in self.resource.required
            if name in given and given[name] in (None, "")
        ]
        values, more = await self._checked(call, given, values, errors, before)
        changes = {name: value for name, value in values.items() if not columns.is_same(before[name], value)}
        await self.write(call, before, changes)
        if self.resource.module:
            extras.store(call, self.resource.module, int(before[self.resource.key]), more)
        if self.resource.links or self.resource.parts:
            await arrays.store(call, self.resource, int(before[self.resource.key]), given)
        await self.updated(call, before, changes, given)
        self._log(call, "update", before, given)

    async def delete(self, call: Call, row_id: str) -> None:
        """Mark a row as deleted."""
        before = await self.find(call, row_id)
        for table, column in self.resource.used_by:
            sql = f"SELECT `{column}` FROM `{table}` WHERE `{column}` = %s AND deleted = '0' LIMIT 1"
            if await call.session.row(sql, (before[self.resource.key],)) is not None:
                raise cannot_be_deleted("It is in use!")
        await self.removing(call, before)
        if self.resource.soft_delete:
            await self.write(call, before, {"deleted": "1"})
        else:
            condition, values = self._where(before)
            call.session.later(f"DELETE FROM `{self.table}` WHERE {condition}", values)
        self._log(call, "delete", before, {})

    async def act(self, call: Call, row_id: str, action: str, given: Given) -> tuple[int, Any]:
        """Do one of the declared actions to an item; status and body of the answer."""
        raise method_not_allowed()

    async def add_below(self, call: Call, row_id: str, given: Given) -> tuple[int, Any]:
        """A POST to an item, where there is such a thing."""
        raise method_not_allowed()

    # tools of the overriding classes

    async def find(self, call: Call, row_id: str) -> Row:
        """The live row with this id.

        Raises:
            Problem: 400, the id is no number; 404, there is no such row, or it is deleted.
        """
        clauses = [*self.base(call), *self.by_id(row_id)]
        condition = search.where(self.resource, {}, base=clauses)
        row = await call.session.row(f"SELECT t.* FROM `{self.table}` t WHERE {condition.sql}", condition.values)
        if row is None:
            if call.key.partner_id and row_id.isdigit() and await self._is_another_partners(call, int(row_id)):
                raise other_partner()
            raise not_found()
        return row

    def by_id(self, row_id: str) -> list[search.Clause]:
        """What finds the row with an id, whose parts are joined by two hyphens.

        Raises:
            Problem: 400, a part is missing or is no number where its column is one.
        """
        names, parts = self.resource.id_columns, row_id.split("--")
        if len(names) != len(parts):
            raise bad_request()
        for name, part in zip(names, parts, strict=True):
            if self.resource.table.by_name[name].is_number and not part.isdigit():
                raise bad_request()
        return [search.Clause(f"t.`{name}` = %s", (part,)) for name, part in zip(names, parts, strict=True)]

    def _where(self, row: Row) -> tuple[str, list[Any]]:
        names = self.resource.table.primary or self.resource.id_columns
        return " AND ".join(f"`{name}` = %s" for name in names), [row[name] for name in names]

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
            changes.setdefault("updated_at", call.clock.datetime())
        setting = ", ".join(f"`{name}` = %s" for name in changes)
        condition, values = self._where(before)
        call.session.later(
            f"UPDATE `{self.table}` SET {setting} WHERE {condition}",
            [*changes.values(), *values],
        )

    async def answers(self, call: Call, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Rows as the API shows them, with computed attributes and additional ones."""
        shown = [wire.shown(self.resource, row) for row in rows]
        if self.resource.links or self.resource.parts:
            await arrays.show(call, self.resource, rows, shown)
        await self.computed(call, rows, shown)
        if self.resource.module and rows:
            key = self.resource.key
            values = await extras.stored(call, self.resource.module, [row[key] for row in rows])
            for row, answer in zip(rows, shown, strict=True):
                answer["additional_attributes"] = values[row[key]]
        return shown

    async def _checked(
        self, call: Call, given: Given, values: Given, errors: Errors, before: Row | None
    ) -> tuple[Given, dict[str, str]]:
        """The columns and the additional values to write.

        Raises:
            Invalid: what is wrong with the body, all of it.
        """
        errors += columns.misfits(self.resource, given) + await checks.strangers(call, self.resource, given)
        errors += await arrays.misfits(call, self.resource, given)
        errors += await self.validate(call, given, before) + await checks.twins(call, self.resource, values, before)
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

    def _stamp(self, call: Call, source: str) -> Any:
        """What the product sets itself, by its name in the declaration."""
        if source == "now":
            return call.clock.datetime()
        if source == "today":
            return call.clock.date()
        return call.key.id if source == "key" else source

    def _title(self, name: str) -> str:
        return columns.title(self.resource, name)

    def _log(self, call: Call, action: str, row: Mapping[str, Any], given: Given) -> None:
        call.log_api(action, self.model, self.customer_of(row), given)
        call.hook(action, self.model, row[self.resource.key], given)


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
