"""Internet tariffs: defaults of a new one, and to whom it is offered."""

# ruff: noqa: S608 - the names in the SQL are our own declarations, values are always passed beside it

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.splynx.call import Call
from sandbox.splynx.customers import exists
from sandbox.splynx.database import Row
from sandbox.splynx.entity import Errors
from sandbox.splynx.foundation import Foundation
from sandbox.splynx.wire import Given

_DEFAULTS = {"speed_limit_type": "none", "speed_limit_at": 10, "aggregation": 1, "burst_type": "none"}


@dataclass(frozen=True)
class _Link:
    """To whom a tariff is offered: a table beside it. `rows`: the table that the ids are of; None: `members`."""

    table: str
    column: str
    rows: str | None = None
    members: tuple[str, ...] = ()


_LINKS = {
    "partners_ids": _Link("tariffs_internet_to_partners", "partner_id", "partners"),
    "available_for_locations": _Link("tariffs_internet_to_locations", "location_id", "locations"),
    "customer_categories": _Link(
        "tariffs_internet_to_customer_categories", "customer_category", members=("person", "company")
    ),
    "billing_types": _Link(
        "tariffs_internet_to_billing_types", "billing_type", members=("recurring", "prepaid", "prepaid_monthly")
    ),
}


class InternetTariffs(Foundation):
    """`admin/tariffs/internet`. Changing a tariff's price changes no service that has it."""

    def __init__(self) -> None:
        super().__init__(
            "admin/tariffs/internet",
            unique=("title", "service_name"),
            used_by=(("services_internet", "tariff_id"),),
        )

    async def prepare(self, call: Call, given: Given) -> Given:
        if not given.get("service_name"):
            given["service_name"] = given.get("title")
        return _DEFAULTS | given

    async def validate(self, call: Call, given: Given, before: Row | None) -> Errors:
        errors: Errors = []
        for name, link in _LINKS.items():
            if name not in given or given[name] in (None, ""):
                continue
            values = _list(given[name])
            if not values:
                errors.append((name, f"{self._title(name)} cannot be blank."))
            for value in values:
                known = await exists(call, link.rows, value) if link.rows else value in link.members
                if not known:
                    errors.append((name, f"{self._title(name)} is invalid."))
        for name in ("speed_download", "speed_upload"):
            if name in given and str(given[name]).lstrip("-").isdigit() and int(given[name]) < 1:
                errors.append((name, f"{self._title(name)} must be greater than 0."))
        return errors

    async def created(self, call: Call, row: Given, given: Given) -> None:
        self._offer(call, int(row["id"]), given)

    async def updated(self, call: Call, before: Row, changes: Given, given: Given) -> None:
        self._offer(call, int(before["id"]), given)

    def _offer(self, call: Call, tariff: int, given: Given) -> None:
        for name, link in _LINKS.items():
            if name not in given:
                continue
            call.session.later(f"DELETE FROM `{link.table}` WHERE tariff_id = %s", (tariff,))
            for value in dict.fromkeys(_list(given[name])):
                call.session.later(
                    f"INSERT INTO `{link.table}` (tariff_id, `{link.column}`) VALUES (%s, %s)", (tariff, value)
                )

    async def computed(self, call: Call, rows: Sequence[Row], answers: Sequence[dict[str, Any]]) -> None:
        for name, link in _LINKS.items():
            offered: dict[int, list[Any]] = {}
            if rows:
                members = ", ".join(str(row["id"]) for row in rows)
                for row in await call.session.rows(
                    f"SELECT tariff_id, `{link.column}` AS value FROM `{link.table}` WHERE tariff_id IN ({members})"
                    " ORDER BY value"
                ):
                    offered.setdefault(row["tariff_id"], []).append(row["value"])
            for row, answer in zip(rows, answers, strict=True):
                answer[name] = offered.get(row["id"], [])
        for answer in answers:
            answer["custom_period"] = 0


def _list(value: Any) -> list[Any]:
    """An array, as JSON or as PHP's form gives it."""
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list) else [value]
