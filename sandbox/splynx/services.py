"""Services of a customer, and what happens to them when the customer is disabled."""

# ruff: noqa: S608 - the names in the SQL are our own declarations, values are always passed beside it

from collections.abc import Sequence
from typing import Any

from sandbox.splynx import charges, networks, search, settings
from sandbox.splynx.call import Call
from sandbox.splynx.database import Row
from sandbox.splynx.entity import Entity, Errors, of_own_partner
from sandbox.splynx.problems import method_not_allowed, not_found
from sandbox.splynx.resources import RESOURCES, Resource
from sandbox.splynx.tables import TABLES
from sandbox.splynx.wire import Given

STATUSES = ("active", "stopped", "disabled", "hidden", "pending")
KINDS = {"internet": "services_internet", "voice": "services_voice", "custom": "services_custom"}
"""Type in answers and logs, and the table."""
_PATHS = {
    "internet": "internet-services",
    "voice": "voice-services",
    "custom": "recurring-services",
    "bundle": "bundle-services",
}
_NO_DAY = "0000-00-00"


class Services(Entity):
    """`admin/customers/customer/{customer}/internet-services` and the like. Customer 0 stands for everybody."""

    def __init__(self, kind: str) -> None:
        resource: Resource = RESOURCES[f"admin/customers/customer/{{customer_id}}/{_PATHS[kind]}"]
        super().__init__(resource)
        self.kind = kind
        self.tariffs = f"tariffs_{kind}"

    def base(self, call: Call) -> list[search.Clause]:
        clauses = of_own_partner(call)
        if call.customer_id:
            clauses.append(search.Clause("t.`customer_id` = %s", (call.customer_id,)))
        place = call.query.get("geo")
        if isinstance(place, dict) and isinstance(place.get("address"), str):
            sql = "t.`id` IN (SELECT service_id FROM service_geo_data WHERE address LIKE %s)"
            clauses.append(search.Clause(sql, (f"%{place['address']}%",)))
        return clauses

    async def prepare(self, call: Call, given: Given) -> Given:
        given.setdefault("start_date", call.clock.date())
        tariff = await self._tariff(call, given.get("tariff_id"))
        if tariff is not None:
            if given.get("unit_price") in (None, ""):
                given["unit_price"] = tariff["price"]
            given.setdefault("description", tariff["service_name"] or tariff["title"])
        return given

    async def validate(self, call: Call, given: Given, before: Row | None) -> Errors:
        errors = await self.status_errors(call, given, before)
        if "tariff_id" in given and await self._tariff(call, given["tariff_id"]) is None:
            errors.append(("tariff_id", "Tariff plan is invalid."))
        unique = {"internet": "login", "voice": "phone"}.get(self.kind)
        if unique and given.get(unique) and await self._is_taken(call, unique, given[unique], before):
            errors.append((unique, f"{self._title(unique)} has already been taken."))
        return errors

    async def status_errors(self, call: Call, given: Given, before: Row | None) -> Errors:
        """What is wrong with the status that is asked for.

        Raises:
            Problem: 404, there is no such customer.
        """
        status = given.get("status")
        customer = before["customer_id"] if before else call.customer_id
        owner = await call.session.row("SELECT status FROM customers WHERE id = %s AND deleted = '0'", (customer,))
        if owner is None:
            raise not_found()
        if status and status not in STATUSES:
            return [("status", "Status is invalid.")]
        if status == "active" and owner["status"] not in ("active", "blocked"):
            return [("status", "An active service needs an active customer.")]
        return []

    async def update(self, call: Call, row_id: str, given: Given) -> None:
        """Change what was sent; with `?action=start` or `stop`, daily prepaid services run or rest."""
        action = call.query.get("action")
        if action in ("start", "stop"):
            before = await self.find(call, row_id)
            sql = "SELECT billing_type FROM customers WHERE id = %s"
            owner = await call.session.row(sql, (before["customer_id"],))
            if owner is None or owner["billing_type"] != "prepaid":
                raise method_not_allowed()
            given = {"status": "active" if action == "start" else "stopped"}
        await super().update(call, row_id, given)

    async def _is_taken(self, call: Call, name: str, value: str, before: Row | None) -> bool:
        own = before["id"] if before else 0
        sql = (
            "SELECT id FROM services_internet WHERE login = %s AND status = 'active' AND deleted = '0' AND id <> %s"
            if name == "login"
            else "SELECT service_id FROM services_phones WHERE phone = %s AND deleted = '0' AND service_id <> %s"
        )
        return await call.session.row(f"{sql} LIMIT 1", (value, own)) is not None

    def fixed(self, call: Call, row: Given) -> Given:
        fixed: Given = {"customer_id": call.customer_id}
        if row.get("password"):
            fixed["password"] = call.vault.seal(row["password"])
        return fixed

    async def created(self, call: Call, row: Given, given: Given) -> None:
        if self.kind == "voice":
            call.session.later(
                "INSERT INTO services_phones (service_id, phone) VALUES (%s, %s)", (row["id"], given["phone"])
            )
        call.log_change(
            call.customer_id,
            service_id=row["id"],
            status=(None, row["status"]),
            tariff=(self.kind, None, int(row["tariff_id"])),
        )
        if row["status"] == "active":
            await charges.first_period(call, call.customer_id, self.kind, row)
            call.radius("service_active", call.customer_id, row["id"])
            if _takes_permanent(row):
                networks.mark_used(call, call.customer_id, str(row["ipv4"]))

    async def updated(self, call: Call, before: Row, changes: Given, given: Given) -> None:
        if self.kind == "voice" and given.get("phone"):
            call.session.later(
                "UPDATE services_phones SET phone = %s WHERE service_id = %s", (given["phone"], before["id"])
            )
        if changes.get("password"):
            await self.write(call, before, {"password": call.vault.seal(changes["password"])})
        if not changes:
            return
        if {"ipv4", "taking_ipv4"} & set(changes):
            if _takes_permanent(before):
                networks.free(call, before["customer_id"], str(before["ipv4"]))
            if _takes_permanent(before | changes):
                networks.mark_used(call, before["customer_id"], str((before | changes)["ipv4"]))
        call.log_change(
            before["customer_id"],
            service_id=before["id"],
            status=(before["status"], changes["status"]) if "status" in changes else (None, None),
            tariff=(self.kind, before["tariff_id"], int(changes["tariff_id"]))
            if "tariff_id" in changes
            else (None, None, None),
        )
        if "status" in changes:
            call.radius(f"service_{changes['status']}", before["customer_id"], before["id"])
            if (before["status"], changes["status"]) == ("pending", "active"):
                await charges.first_period(call, before["customer_id"], self.kind, before | changes)
            if changes["status"] != "active":
                await cut_sessions(call, before["customer_id"], before["id"])

    async def removing(self, call: Call, before: Row) -> None:
        if self.kind == "voice":
            call.session.later("UPDATE services_phones SET deleted = '1' WHERE service_id = %s", (before["id"],))
        call.log_change(before["customer_id"], service_id=before["id"], status=(before["status"], "deleted"))

    async def computed(self, call: Call, rows: Sequence[Row], answers: Sequence[dict[str, Any]]) -> None:
        phones: dict[int, str] = {}
        if self.kind == "voice" and rows:
            members = ", ".join(str(row["id"]) for row in rows)
            found = await call.session.rows(
                f"SELECT service_id, phone FROM services_phones WHERE service_id IN ({members})"
            )
            phones = {row["service_id"]: row["phone"] for row in found}
        for row, answer in zip(rows, answers, strict=True):
            answer["type"] = self.kind
            if self.kind == "voice":
                answer["phone"] = phones.get(row["id"], "")
            if "password" in row:
                answer["password"] = call.vault.open(row["password"])

    async def _tariff(self, call: Call, tariff: Any) -> Row | None:
        if not str(tariff).isdigit():
            return None
        return await call.session.row(
            f"SELECT title, service_name, price FROM `{self.tariffs}` WHERE id = %s AND deleted = '0'", (int(tariff),)
        )


def _takes_permanent(service: Given) -> bool:
    return str(service.get("taking_ipv4")) == "1" and bool(service.get("ipv4"))


async def close_all(call: Call, customer: int) -> None:
    """End each running service today and leave a `stopped` copy of it, as the product does for a disabled customer."""
    today, now = call.clock.date(), call.clock.datetime()
    for kind, table in KINDS.items():
        running = await call.session.rows(
            f"SELECT id, tariff_id FROM `{table}` WHERE customer_id = %s AND status = 'active' AND deleted = '0'",
            (customer,),
        )
        copied = [
            f"`{name}`" for name in TABLES[table].by_name if name not in ("id", "status", "start_date", "end_date")
        ]
        for service in running:
            clone = await call.session.insert(
                f"INSERT INTO `{table}` ({', '.join(copied)}, `status`, `start_date`, `end_date`)"
                f" SELECT {', '.join(copied)}, 'stopped', %s, %s FROM `{table}` WHERE id = %s",
                (today, _NO_DAY, service["id"]),
            )
            call.session.later(
                f"UPDATE `{table}` SET status = 'disabled', old_end_date = end_date, end_date = %s, updated_at = %s"
                " WHERE id = %s",
                (today, now, service["id"]),
            )
            if kind == "voice":
                call.session.later(
                    "UPDATE services_phones SET service_id = %s WHERE service_id = %s", (clone, service["id"])
                )
            tariff = (kind, service["tariff_id"], service["tariff_id"])
            call.log_change(customer, service_id=service["id"], status=("active", "disabled"), tariff=tariff)
            call.log_change(customer, service_id=clone, status=(None, "stopped"), tariff=tariff)


async def network(call: Call, customer: int, command: str) -> None:
    """The commands that a change of the customer sends to the network: one per running internet service."""
    for row in await call.session.rows(
        "SELECT id FROM services_internet WHERE customer_id = %s AND status = 'active' AND deleted = '0'", (customer,)
    ):
        call.radius(command, customer, row["id"])


async def cut_sessions(call: Call, customer: int, service: int = 0) -> None:
    """Cut what is online of a customer, or of one service of theirs; only where commands reach the network."""
    if not call.is_on(settings.PROVISIONING):
        return
    for row in await call.session.rows(
        "SELECT id, service_id FROM customers_online WHERE customer_id = %s AND %s IN (0, service_id)"
        " AND deleted = '0' ORDER BY id",
        (customer, service),
    ):
        call.radius("disconnect", customer, row["service_id"])
        call.session.later("UPDATE customers_online SET deleted = '1' WHERE id = %s", (row["id"],))
