"""Notes, documents, payment accounts and leads: what hangs on a customer beside services and money."""

import hashlib
from typing import Any

from sandbox.splynx import files, search
from sandbox.splynx.call import Call, exists
from sandbox.splynx.customers import rows_beside
from sandbox.splynx.database import Row
from sandbox.splynx.entity import Entity, Errors, OfCustomer
from sandbox.splynx.problems import Invalid, bad_request, not_found
from sandbox.splynx.resources import RESOURCES
from sandbox.splynx.wire import Given


class Notes(OfCustomer):
    """`admin/customers/customer-notes`: written once; the API changes and deletes none."""

    def __init__(self) -> None:
        super().__init__(RESOURCES["admin/customers/customer-notes"])

    async def prepare(self, call: Call, given: Given) -> Given:
        return {"datetime": call.clock.datetime(), "type": "comment", "class": "default"} | given


class Documents(OfCustomer):
    """`admin/customers/customer-documents`: GET of an item lists the documents of that customer."""

    def __init__(self) -> None:
        super().__init__(RESOURCES["admin/customers/customer-documents"])

    def fixed(self, call: Call, row: Given) -> Given:
        return {"status": "new"}

    async def created(self, call: Call, row: Given, given: Given) -> None:
        mark = hashlib.md5(f"{row['customer_id']}{row['id']}".encode(), usedforsecurity=False).hexdigest()
        await self.write(call, row, {"hash_id": mark})

    async def view(self, call: Call, row_id: str) -> Any:
        if not await exists(call, "customers", row_id):
            raise not_found()
        call.query["main_attributes"] = {"customer_id": row_id}
        return await self.index(call)

    async def act(self, call: Call, row_id: str, action: str, given: Given) -> tuple[int, Any]:
        before = await self.find(call, row_id)
        upload = files.one(call)
        _, name = await files.keep(call, self.table, upload)
        await self.write(call, before, {"filename_original": upload.name, "filename_uploaded": name})
        self._log(call, "update", before, given)
        return 202, None


class PaymentAccounts(OfCustomer):
    """`admin/customers/customer-payment-accounts`: the kinds of accounts; with `?id=customer--account` one's data."""

    def __init__(self) -> None:
        super().__init__(RESOURCES["admin/customers/customer-payment-accounts"])

    async def index(self, call: Call) -> list[dict[str, Any]]:
        rows = await call.session.rows("SELECT * FROM payment_account WHERE deleted = '0' ORDER BY id")
        return [{name: value for name, value in row.items() if name != "deleted"} for row in rows]

    async def update(self, call: Call, row_id: str, given: Given) -> None:
        """Overwrite; an account that the customer does not have yet is made."""
        customer, _, account = row_id.partition("--")
        if not (await exists(call, "customers", customer) and await exists(call, "payment_account", account)):
            raise bad_request() if not row_id else not_found()
        call.session.later(
            "INSERT IGNORE INTO payment_account_data (customer_id, account_id, field_1, field_2, field_3, field_4,"
            " field_5) VALUES (%s, %s, '', '', '', '', '')",
            (customer, account),
        )
        await super().update(call, row_id, given)


class Leads(Entity):
    """`admin/crm/leads`: customers of the category lead, which have facts of their own and no billing."""

    def __init__(self) -> None:
        super().__init__(RESOURCES["admin/crm/leads"])

    def base(self, call: Call) -> list[search.Clause]:
        clauses = [search.Clause("t.`category` = 'lead'")]
        if call.key.partner_id:
            clauses.append(search.Clause("t.`partner_id` = %s", (call.key.partner_id,)))
        return clauses

    async def prepare(self, call: Call, given: Given) -> Given:
        return {"date_add": call.clock.date(), "partner_id": 1, "location_id": 1} | given | {"category": "lead"}

    def fixed(self, call: Call, row: Given) -> Given:
        return {"category": "lead"}

    async def created(self, call: Call, row: Given, given: Given) -> None:
        call.session.later("INSERT INTO leads_info (customer_id) VALUES (%s)", (row["id"],))

    async def act(self, call: Call, row_id: str, action: str, given: Given) -> tuple[int, Any]:
        """Make a customer of the lead."""
        before = await self.find(call, row_id)
        status, category = given.get("status") or "active", given.get("category") or "person"
        if status not in ("new", "active", "blocked", "disabled") or category not in ("person", "company"):
            raise Invalid([("status", "Status is invalid.")])
        login = str(before["id"]).zfill(6)
        now = call.clock.datetime()
        await self.write(
            call,
            before,
            {"status": status, "category": category, "conversion_date": now, "last_update": now, "login": login},
        )
        rows_beside(call, int(before["id"]))
        call.log_change(int(before["id"]), status=(before["status"], status))
        self._log(call, "update", before, given)
        return 202, None


class LeadsInfo(Entity):
    """`admin/crm/leads-info/{lead}`."""

    def __init__(self) -> None:
        super().__init__(RESOURCES["admin/crm/leads-info"])

    async def validate(self, call: Call, given: Given, before: Row | None) -> Errors:
        owner = given.get("owner")
        if owner not in (None, "", 0, "0") and not await exists(call, "admins", owner):
            return [("owner", "Owner is invalid.")]
        return []

    async def updated(self, call: Call, before: Row, changes: Given, given: Given) -> None:
        if "crm_status" in changes:
            await self.write(call, before, {"last_status_changed": call.clock.datetime()})
