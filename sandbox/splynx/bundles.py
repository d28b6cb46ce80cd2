"""Bundle services: one contract over services of several kinds, which begin and end with it."""

# ruff: noqa: S608 - the tables in the SQL are our own, values are always passed beside it

from collections.abc import Sequence
from typing import Any

from sandbox.splynx import charges
from sandbox.splynx.arrays import listed
from sandbox.splynx.call import Call, exists
from sandbox.splynx.database import Row
from sandbox.splynx.entity import Errors
from sandbox.splynx.services import KINDS, Services
from sandbox.splynx.wire import Given


class Bundles(Services):
    """`admin/customers/customer/{customer}/bundle-services`; `--{id}-cancel` and `--{id}-reactivate` change all."""

    def __init__(self) -> None:
        super().__init__("bundle")
        self._parts = {kind: Services(kind) for kind in KINDS}

    async def prepare(self, call: Call, given: Given) -> Given:
        given.setdefault("start_date", call.clock.date())
        sql = "SELECT * FROM bundle WHERE id = %s AND deleted = '0'"
        bundle = await call.session.row(sql, (given.get("bundle_id"),))
        if bundle is not None:
            given = {name: bundle[name] for name in ("activation_fee", "get_activation_fee_when")} | given
            if given.get("unit_price") in (None, ""):
                given["unit_price"] = bundle["price"]
            given.setdefault("description", bundle["service_description"] or bundle["title"])
        return given

    async def validate(self, call: Call, given: Given, before: Row | None) -> Errors:
        errors = await self.status_errors(call, given, before)
        if "bundle_id" in given and not await exists(call, "bundle", given["bundle_id"]):
            errors.append(("bundle_id", "Bundle is invalid."))
        return errors

    async def created(self, call: Call, row: Given, given: Given) -> None:
        call.log_change(call.customer_id, service_id=row["id"], status=(None, row["status"]))
        if row["status"] == "active" and (fee := await charges.activation_fee(call, call.customer_id, row)):
            await self.write(call, row, {"activation_fee_transaction_id": fee})
        for kind, part in self._parts.items():
            for one in listed(given.get(f"services_{kind}") or []):
                if isinstance(one, dict):
                    usual = {"status": row["status"], "start_date": row["start_date"], "quantity": 1}
                    await part.create(call, usual | one | {"bundle_service_id": row["id"]})

    async def updated(self, call: Call, before: Row, changes: Given, given: Given) -> None:
        if "status" in changes:
            status = (before["status"], changes["status"])
            call.log_change(before["customer_id"], service_id=before["id"], status=status)

    async def removing(self, call: Call, before: Row) -> None:
        for table in KINDS.values():
            call.session.later(f"UPDATE `{table}` SET deleted = '1' WHERE bundle_service_id = %s", (before["id"],))

    async def act(self, call: Call, row_id: str, action: str, given: Given) -> tuple[int, Any]:
        before = await self.find(call, row_id)
        today = call.clock.date()
        status, end = ("disabled", today) if action == "cancel" else ("active", "0000-00-00")
        for table in KINDS.values():
            call.session.later(
                f"UPDATE `{table}` SET status = %s, end_date = %s, updated_at = %s"
                " WHERE bundle_service_id = %s AND deleted = '0'",
                (status, end, call.clock.datetime(), before["id"]),
            )
        await self.write(call, before, {"status": status, "end_date": end})
        call.log_change(before["customer_id"], service_id=before["id"], status=(before["status"], status))
        return 202, None

    async def computed(self, call: Call, rows: Sequence[Row], answers: Sequence[dict[str, Any]]) -> None:
        ids = ", ".join(str(row["id"]) for row in rows) or "0"
        for kind, table in KINDS.items():
            found: dict[int, list[int]] = {}
            for part in await call.session.rows(
                f"SELECT id, bundle_service_id b FROM `{table}` WHERE bundle_service_id IN ({ids}) AND deleted = '0'"
            ):
                found.setdefault(part["b"], []).append(part["id"])
            for row, answer in zip(rows, answers, strict=True):
                answer[f"services_{kind}"] = found.get(row["id"], [])
        for answer in answers:
            answer["type"] = self.kind
