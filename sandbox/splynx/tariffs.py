"""Tariffs and bundles: defaults of a new one. To whom they are offered stands in their declarations."""

# ruff: noqa: S608 - the names in the SQL are our own declarations

from collections.abc import Sequence
from typing import Any

from sandbox.splynx.call import Call
from sandbox.splynx.database import Row
from sandbox.splynx.entity import Entity, Errors
from sandbox.splynx.resources import RESOURCES
from sandbox.splynx.wire import Given

_SPEED_DEFAULTS = {"speed_limit_type": "none", "speed_limit_at": 10, "aggregation": 1, "burst_type": "none"}


class Tariffs(Entity):
    """`admin/tariffs/...`. Changing a tariff's price changes no service that has it."""

    def __init__(self, path: str) -> None:
        super().__init__(RESOURCES[path])
        self.shown_as = "service_name" if "service_name" in self.resource.table.by_name else "service_description"

    async def prepare(self, call: Call, given: Given) -> Given:
        if not given.get(self.shown_as):
            given[self.shown_as] = given.get("title")
        return given

    async def computed(self, call: Call, rows: Sequence[Row], answers: Sequence[dict[str, Any]]) -> None:
        if "custom_period" in self.resource.computed:
            for answer in answers:
                answer["custom_period"] = 0
        for table, column in self.resource.used_by:
            having = {
                row["tariff"]: row["n"]
                for row in await call.session.rows(
                    f"SELECT `{column}` tariff, COUNT(*) n FROM `{table}` WHERE deleted = '0' GROUP BY `{column}`"
                )
            }
            for row, answer in zip(rows, answers, strict=True):
                answer["services"] = having.get(row["id"], 0)


class InternetTariffs(Tariffs):
    """`admin/tariffs/internet`, with its speeds."""

    def __init__(self) -> None:
        super().__init__("admin/tariffs/internet")

    async def prepare(self, call: Call, given: Given) -> Given:
        return _SPEED_DEFAULTS | await super().prepare(call, given)

    async def validate(self, call: Call, given: Given, before: Row | None) -> Errors:
        return [
            (name, f"{self._title(name)} must be greater than 0.")
            for name in ("speed_download", "speed_upload")
            if name in given and str(given[name]).lstrip("-").isdigit() and int(given[name]) < 1
        ]
