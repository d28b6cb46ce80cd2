"""Customers: what comes with a new one, and what a change of status sets off."""

import secrets
from collections.abc import Sequence
from typing import Any

from sandbox.splynx import history, search, services, settings
from sandbox.splynx.call import Call, exists
from sandbox.splynx.database import Row
from sandbox.splynx.entity import Entity, Errors, OfCustomer
from sandbox.splynx.labels import attach, attached
from sandbox.splynx.problems import cannot_be_deleted
from sandbox.splynx.resources import RESOURCES
from sandbox.splynx.wire import Given

_NO_TIME = "0000-00-00 00:00:00"


class Customers(Entity):
    """`admin/customers/customer`. A lead is a row of the same table and shows up under its own path only."""

    def __init__(self) -> None:
        super().__init__(RESOURCES["admin/customers/customer"])

    def base(self, call: Call) -> list[search.Clause]:
        clauses = [search.Clause("t.`category` <> 'lead'")]
        if call.key.partner_id:
            clauses.append(search.Clause("t.`partner_id` = %s", (call.key.partner_id,)))
        return clauses

    def customer_of(self, row: Any) -> int:
        return int(row["id"])

    async def prepare(self, call: Call, given: Given) -> Given:
        given.setdefault("date_add", call.clock.date())
        if not given.get("billing_type"):
            given["billing_type"] = call.memory.setting(*settings.BILLING_TYPE, "recurring")
        return given

    async def validate(self, call: Call, given: Given, before: Row | None) -> Errors:
        errors: Errors = []
        if given.get("category") == "lead":
            errors.append(("category", "Category is invalid."))
        for name, table in (("partner_id", "partners"), ("location_id", "locations")):
            if given.get(name) not in (None, "") and not await exists(call, table, given[name]):
                errors.append((name, f"{name.removesuffix('_id').title()} is invalid."))
        parent = given.get("parent_id")
        if parent not in (None, "", 0, "0") and not await exists(call, "customers", parent):
            errors.append(("parent_id", "Main account is invalid."))
        return errors

    def fixed(self, call: Call, row: Given) -> Given:
        return {
            "added_by": "api",
            "added_by_id": call.key.id,
            "last_update": call.clock.datetime(),
            "last_online": _NO_TIME,
            "password": call.vault.seal(row["password"] or secrets.token_urlsafe(9)),
        }

    async def created(self, call: Call, row: Given, given: Given) -> None:
        customer = int(row["id"])
        if not row["login"]:
            login = str(customer).zfill(call.memory.setting(*settings.LOGIN_LENGTH, 6))
            await self.write(call, row, {"login": login})
        rows_beside(call, customer)
        if given.get("customer_labels") is not None:
            attach(call, customer, given["customer_labels"])
        call.log_change(customer, status=(None, row["status"]))
        if call.is_on(settings.WELCOME_MESSAGE):
            call.mail("welcome", customer, row["email"])

    async def updated(self, call: Call, before: Row, changes: Given, given: Given) -> None:
        customer = int(before["id"])
        if given.get("customer_labels") is not None:
            attach(call, customer, given["customer_labels"])
        if changes or given.get("customer_labels") is not None or given.get("additional_attributes"):
            await self.write(call, before, {"last_update": call.clock.datetime()})
        if changes.get("password"):
            await self.write(call, before, {"password": call.vault.seal(changes["password"])})
        if changes:
            # An accounting add-on that knows the customer pushes it again.
            call.session.later("UPDATE accounting_customers SET modified = '1' WHERE customer_id = %s", (customer,))
        if "status" in changes:
            await status_changed(call, customer, before["status"], changes["status"])
        elif changes:
            call.log_change(customer)

    async def removing(self, call: Call, before: Row) -> None:
        if before["status"] != "disabled":
            raise cannot_be_deleted("Customer must be disabled before deletion!")
        call.log_change(int(before["id"]))

    async def computed(self, call: Call, rows: Sequence[Row], answers: Sequence[dict[str, Any]]) -> None:
        labels = await attached(call, [row["id"] for row in rows])
        for row, answer in zip(rows, answers, strict=True):
            answer["customer_labels"] = labels.get(row["id"], [])
            answer["password"] = call.vault.open(row["password"])


class CustomerInfo(OfCustomer):
    """`admin/customers/customer-info/{customer}`: the item is the customer's."""

    def __init__(self) -> None:
        super().__init__(RESOURCES["admin/customers/customer-info"])

    async def computed(self, call: Call, rows: Sequence[Row], answers: Sequence[dict[str, Any]]) -> None:
        for row, answer in zip(rows, answers, strict=True):
            answer["id"] = row["customer_id"]

    async def updated(self, call: Call, before: Row, changes: Given, given: Given) -> None:
        if changes:
            call.log_change(int(before["customer_id"]))


class CustomerBilling(OfCustomer):
    """`admin/customers/customer-billing/{customer}`. The deposit is never writable."""

    def __init__(self) -> None:
        super().__init__(RESOURCES["admin/customers/customer-billing"])

    async def computed(self, call: Call, rows: Sequence[Row], answers: Sequence[dict[str, Any]]) -> None:
        for row, answer in zip(rows, answers, strict=True):
            monthly = await history.monthly_price(call, row["customer_id"])
            answer["month_price"] = f"{monthly:.4f}"
            answer["blocking_date"] = history.blocking_date(call, row, monthly)

    async def validate(self, call: Call, given: Given, before: Row | None) -> Errors:
        errors: Errors = []
        for name in ("billing_date", "billing_due"):
            if name in given and not 1 <= int(given[name] or 0) <= 28:
                errors.append((name, f"{self._title(name)} must be from 1 to 28."))
        method = given.get("payment_method")
        if method not in (None, "", 0, "0") and not await exists(call, "payments_types", method):
            errors.append(("payment_method", "Payment method is invalid."))
        return errors

    async def updated(self, call: Call, before: Row, changes: Given, given: Given) -> None:
        if changes:
            call.log_change(int(before["customer_id"]))


def rows_beside(call: Call, customer: int) -> None:
    """Info, CAP and billing: one row each, billing with the defaults of the finance settings."""
    call.session.later(
        "INSERT INTO customer_info (customer_id, birthday, passport, company_id, vat_id, updated_at)"
        " VALUES (%s, '', '', '', '', %s)",
        (customer, call.clock.datetime()),
    )
    call.session.later("INSERT INTO customer_cap (customer_id) VALUES (%s)", (customer,))
    defaults = call.memory.settings.get(("finance", "customer"), {})
    call.session.later(
        "INSERT INTO customer_billing (customer_id, enabled, billing_date, billing_due, grace_period,"
        " blocking_period, payment_method, type, make_invoices, request_auto_enable, reminder_enable,"
        " send_finance_notification, billing_person, billing_street_1, billing_zip_code, billing_city,"
        " sub_billing_mode)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, 1, %s, '0', '0', %s, '', '', '', '', 'independent')",
        (
            customer,
            str(defaults.get("enabled", 1)),
            defaults.get("billing_date", 1),
            defaults.get("billing_due", 15),
            defaults.get("grace_period", 5),
            defaults.get("blocking_period", 1),
            defaults.get("payment_method", 1),
            str(defaults.get("make_invoices", 1)),
            str(defaults.get("send_finance_notification", 1)),
        ),
    )


async def set_status(call: Call, customer: int, old: str, new: str) -> None:
    """Change a customer's status from inside the product."""
    call.session.later(
        "UPDATE customers SET status = %s, last_update = %s WHERE id = %s", (new, call.clock.datetime(), customer)
    )
    await status_changed(call, customer, old, new)


async def status_changed(call: Call, customer: int, old: str, new: str) -> None:
    """Log it, tell the network, cut sessions, and close running services when the customer is disabled."""
    call.log_change(customer, status=(old, new))
    await services.network(call, customer, f"customer_{new}")
    if new in ("blocked", "disabled"):
        await services.cut_sessions(call, customer)
    if new == "disabled":
        await services.close_all(call, customer)
