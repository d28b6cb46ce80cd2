"""Traffic per day, call records, sessions: many rows, and lists that want to be asked rightly."""

from collections.abc import Sequence
from typing import Any

from sandbox.splynx import search
from sandbox.splynx.call import Call
from sandbox.splynx.database import Row
from sandbox.splynx.entity import Entity, Errors, OfCustomer
from sandbox.splynx.resources import RESOURCES
from sandbox.splynx.wire import Given

MOST_RECORDS = 1000
_MOMENTS = {"calls": "start", "data": "datetime", "messages": "send_at"}
"""Kind of record, and the column that says when it was."""


class Counter(Entity):
    """Traffic of a service on a day; there is one row for both, and a POST answers with them."""

    def __init__(self, path: str) -> None:
        super().__init__(RESOURCES[path])

    async def validate(self, call: Call, given: Given, before: Row | None) -> Errors:
        if before is not None:
            return []
        twin = await call.session.row(
            f"SELECT service_id FROM `{self.table}` WHERE service_id = %s AND `date` = %s",  # noqa: S608 - our table
            (given.get("service_id"), given.get("date")),
        )
        return [("date", "Date has already been taken.")] if twin else []

    def created_answer(self, row: Given) -> dict[str, Any]:
        return {"service_id": row["service_id"], "date": row["date"]}


class Records(OfCustomer):
    """`admin/voice/calls` and its kin: a list only with `action=get_all`, and of a thousand rows at most."""

    def __init__(self, path: str) -> None:
        super().__init__(RESOURCES[path])

    def base(self, call: Call) -> list[search.Clause]:
        """Those of days, too: `start_date` and `end_date` are counted in."""
        clauses = super().base(call)
        for name, comparison in (("start_date", ">="), ("end_date", "<=")):
            if isinstance(day := call.query.get(name), str):
                moment = _MOMENTS[self.resource.path.rpartition("/")[2]]
                clauses.append(search.Clause(f"DATE(t.`{moment}`) {comparison} %s", (day,)))
        return clauses

    async def index(self, call: Call) -> list[dict[str, Any]]:
        if call.query.get("action") != "get_all":
            return []
        limit = call.query.get("limit")
        asked = int(limit) if isinstance(limit, str) and limit.isdigit() else MOST_RECORDS
        call.query["limit"] = str(min(asked, MOST_RECORDS))
        return await super().index(call)

    async def computed(self, call: Call, rows: Sequence[Row], answers: Sequence[dict[str, Any]]) -> None:
        if not rows:
            return
        ids = ", ".join(sorted({str(row["customer_id"]) for row in rows}))
        owners = {
            row["id"]: row
            for row in await call.session.rows(f"SELECT id, login, name FROM customers WHERE id IN ({ids})")  # noqa: S608
        }
        for row, answer in zip(rows, answers, strict=True):
            owner = owners.get(row["customer_id"]) or {"login": "", "name": ""}
            answer["customer_login"], answer["customer_name"] = owner["login"], owner["name"]


class Online(OfCustomer):
    """`admin/customers/customers-online`; `{id}--kill` cuts the session."""

    def __init__(self) -> None:
        super().__init__(RESOURCES["admin/customers/customers-online"])

    async def act(self, call: Call, row_id: str, action: str, given: Given) -> tuple[int, Any]:
        before = await self.find(call, row_id)
        call.radius("disconnect", before["customer_id"], before["service_id"])
        await self.write(call, before, {"deleted": "1"})
        return 202, None
