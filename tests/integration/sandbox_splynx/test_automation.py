"""What each switch sets off while it is on: the harm that the guard on it prevents."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sandbox.splynx import settings
from tests.integration.sandbox_splynx.conftest import Splynx
from tests.integration.sandbox_splynx.test_desk import task
from tests.integration.sandbox_splynx.test_services import INTERNET, running

Scene = Callable[[Splynx], Awaitable[int]]


async def billed(splynx: Splynx) -> int:
    """An active customer with a running service of 20."""
    customer = await splynx.customer(email="auto@example.com")
    await running(splynx, customer, f"auto-{customer}")
    await splynx.call("PUT", f"customers/customer-billing/{customer}", {"enabled": 1, "billing_date": 1})
    return customer


async def owing(splynx: Splynx) -> int:
    """One who owes, of age, an invoice of one time, and has reminders on."""
    customer = await splynx.customer(email="owes@example.com")
    await splynx.call("PUT", f"customers/customer-billing/{customer}", {"enabled": 1, "reminder_enable": 1})
    items = [{"description": "Modem", "quantity": 1, "price": 50, "tax": 0}]
    old = {"date_created": "2024-01-01", "date_till": "2024-01-15", "type": "one_time"}
    await splynx.created("finance/invoices", {"customer_id": customer, "status": "not_paid", "items": items} | old)
    return customer


async def owing_with_a_card(splynx: Splynx) -> int:
    customer = await owing(splynx)
    splynx.sql("REPLACE INTO payment_account (id, title, field_1) VALUES (1, 'Cards', 'Token')")
    path = f"customers/customer-payment-accounts?id={customer}--1"
    assert (await splynx.call("PUT", path, {"field_1": "tok_1"})).status == 202
    return customer


async def blocked_long_ago(splynx: Splynx) -> int:
    customer = await billed(splynx)
    await splynx.call("PUT", f"customers/customer/{customer}", {"status": "blocked"})
    splynx.sql("UPDATE logs_changes SET `date` = '2024-01-01' WHERE customer_id = %s", [customer])
    return customer


async def with_a_future_item(splynx: Splynx) -> int:
    customer = await splynx.customer()
    item = {"type": "debit", "description": "Visit", "date": "2024-05-01", "category": 1, "price": 30}
    await splynx.created("finance/transactions", item | {"customer_id": customer, "to_invoice": True})
    return customer


async def with_proformas(splynx: Splynx) -> int:
    customer = await billed(splynx)
    await splynx.call("PUT", f"customers/customer-billing/{customer}", {"request_auto_enable": 1})
    return customer


async def with_a_disabled_service(splynx: Splynx) -> int:
    customer = await splynx.customer()
    body = INTERNET | {"login": f"idle-{customer}", "status": "disabled", "ipv4": "203.0.113.9", "taking_ipv4": 1}
    await splynx.created(f"customers/customer/{customer}/internet-services", body)
    return customer


def count(table: str, condition: str = "1") -> Callable[[Splynx, int], Any]:
    def counted(splynx: Splynx, customer: int) -> Any:
        sql = f"SELECT COUNT(*) n FROM `{table}` WHERE customer_id = %s AND {condition}"
        return splynx.sql(sql, [customer])[0]["n"]

    return counted


def status(splynx: Splynx, customer: int) -> Any:
    return splynx.sql("SELECT status FROM customers WHERE id = %s", [customer])[0]["status"]


JOBS = {
    settings.AUTO_ISSUING: (billed, count("invoices"), 0, 1),
    settings.BILLING_DUE: (owing, status, "active", "blocked"),
    settings.BLOCK_ONE_TIME: (owing, status, "active", "blocked"),
    settings.DEACTIVATION: (blocked_long_ago, status, "blocked", "disabled"),
    settings.REMINDERS: (owing, count("mail_pool", "subject = 'reminder'"), 0, 1),
    settings.AUTO_PROFORMA: (with_proformas, count("requests"), 0, 1),
    settings.REMOVE_IPS: (with_a_disabled_service, count("services_internet", "ipv4 = '' AND login = ''"), 0, 1),
    settings.AUTO_CHARGE: (owing_with_a_card, count("payments", "amount = 50"), 0, 1),
    settings.FORCE_TO_INVOICE: (with_a_future_item, count("invoices", "total = 30"), 0, 1),
}
"""Switch of the scheduled job: the scene, what to look at, and what is seen while it is off and on."""


async def turn(splynx: Splynx, where: tuple[str, str, str], *, on: bool) -> None:
    module, path, key = where
    assert (await splynx.call("PUT", f"config/config?module={module}&path={path}", {key: on})).status == 202


@pytest.mark.parametrize("switch", JOBS, ids=lambda where: where[2])
async def test_the_scheduled_job_does_what_is_switched_on_and_only_that(
    quiet: Splynx, switch: tuple[str, str, str]
) -> None:
    scene, look, off, on = JOBS[switch]
    customer = await scene(quiet)
    on_beside = [other for other in JOBS if other != switch and other not in WITH.get(switch, ())]
    keys = ", ".join(f"'{key}'" for _, _, key in on_beside)
    quiet.sql(f"UPDATE config SET `value` = '1' WHERE `key` IN ({keys})")
    await quiet.raw("POST", "/_sandbox/automation/run")
    assert look(quiet, customer) == off
    await turn(quiet, switch, on=True)
    for _ in range(2):  # what was done once is not done again
        await quiet.raw("POST", "/_sandbox/automation/run")
        assert look(quiet, customer) == on


WITH = {
    settings.BILLING_DUE: (settings.BLOCK_ONE_TIME, settings.DEACTIVATION),
    settings.DEACTIVATION: (settings.BILLING_DUE,),
    settings.BLOCK_ONE_TIME: (settings.BILLING_DUE, settings.DEACTIVATION),
    settings.FORCE_TO_INVOICE: (settings.AUTO_ISSUING,),
    settings.AUTO_ISSUING: (settings.FORCE_TO_INVOICE,),
}
"""Switches that do the same to the scene, or take it away, and are off beside."""


async def test_a_planned_status_is_set_on_its_day(quiet: Splynx) -> None:
    customer = await quiet.customer()
    for day, to in (("2024-05-01", "blocked"), ("2999-01-01", "disabled")):
        await quiet.created("logs/pending-statuses", {"customer_id": customer, "date": day, "status": to})
    asleep = {"customer_id": customer, "date": "2024-05-01", "status": "asleep"}
    assert (await quiet.call("POST", "logs/pending-statuses", asleep)).status == 422
    await quiet.raw("POST", "/_sandbox/automation/run")
    assert status(quiet, customer) == "blocked"


LEAVES = {
    settings.PROVISIONING: ("radius", "service_active"),
    settings.INVOICE_NOTIFICATION: ("mails", "invoice"),
    settings.PAYMENT_NOTIFICATION: ("mails", "payment_receipt"),
    settings.TICKET_NOTIFICATIONS: ("mails", "ticket_created"),
    settings.TICKET_AUTO_REPLY: ("mails", "ticket_auto_reply"),
    settings.TICKET_FEEDBACK: ("mails", "ticket_feedback"),
    settings.TASK_NOTIFICATIONS: ("mails", "task_assigned"),
    settings.WELCOME_MESSAGE: ("mails", "welcome"),
}
"""Switch of what a write sends off at once, and what leaves while it is on."""


@pytest.mark.parametrize("switch", LEAVES, ids=lambda where: "-".join(where[1:]))
async def test_nothing_leaves_while_the_switch_is_off(quiet: Splynx, switch: tuple[str, str, str]) -> None:
    kind, name = LEAVES[switch]
    for on in (False, True):
        await turn(quiet, switch, on=on)
        await quiet.raw("DELETE", "/_sandbox/side-effects")
        await everything(quiet)
        left = {effect.get("kind") or effect.get("command") for effect in (await quiet.side_effects())[kind]}
        assert (name in left) is on


async def everything(splynx: Splynx) -> None:
    """A write of each kind that may send something."""
    customer = await billed(splynx)
    items = [{"description": "x", "quantity": 1, "price": 1, "tax": 0}]
    await splynx.created("finance/invoices", {"customer_id": customer, "status": "not_paid", "items": items})
    await paid(splynx, customer, 1)
    ticket = await splynx.created("support/tickets", TICKET | {"customer_id": customer})
    await splynx.call("PUT", f"support/tickets/{ticket}", {"status_id": 3})
    await task(splynx, assignee=1)


TICKET = {"type_id": 1, "subject": "x", "priority": "low"}


async def paid(splynx: Splynx, customer: int, amount: int) -> None:
    body = {"customer_id": customer, "payment_type": 1, "date": "2024-05-01", "amount": amount}
    await splynx.created("finance/payments", body)


async def paying_what_is_owed(splynx: Splynx) -> int:
    customer = await owing(splynx)
    await paid(splynx, customer, 50)
    return customer


async def owing_with_money_left(splynx: Splynx) -> int:
    customer = await splynx.customer()
    await paid(splynx, customer, 50)
    items = [{"description": "Modem", "quantity": 1, "price": 50, "tax": 0}]
    await splynx.created("finance/invoices", {"customer_id": customer, "status": "not_paid", "items": items})
    return customer


async def asking(splynx: Splynx) -> int:
    customer = await splynx.customer()
    await splynx.created("support/tickets", TICKET | {"customer_id": customer})
    return customer


WRITES = {
    settings.AUTO_ASSOCIATE: (paying_what_is_owed, count("invoice_payers", "amount = 50"), 0, 1),
    settings.PAY_FROM_BALANCE: (owing_with_money_left, count("invoice_payers", "amount = 50"), 0, 1),
    settings.TICKET_AUTO_ASSIGN: (asking, count("ticket", "assign_to = 1"), 0, 1),
}
"""Switch of what a write does to other rows at once: the write, what to look at, and what is seen off and on."""


@pytest.mark.parametrize("switch", WRITES, ids=lambda where: where[2])
async def test_a_write_does_to_other_rows_what_is_switched_on_and_only_that(
    quiet: Splynx, switch: tuple[str, str, str]
) -> None:
    scene, look, off, on = WRITES[switch]
    quiet.sql("UPDATE config SET `value` = '1' WHERE `key` IN %s", [[other[2] for other in WRITES if other != switch]])
    assert look(quiet, await scene(quiet)) == off
    await turn(quiet, switch, on=True)
    assert look(quiet, await scene(quiet)) == on


def test_what_every_guarded_switch_sets_off_is_shown() -> None:
    assert {*JOBS, *LEAVES, *WRITES} == set(settings.GUARDS)


async def test_who_is_blocked_is_active_again_once_the_balance_suffices_whatever_the_reason_was(quiet: Splynx) -> None:
    customer = await billed(quiet)
    await quiet.call("PUT", f"customers/customer/{customer}", {"status": "blocked"})
    await quiet.raw("POST", "/_sandbox/automation/run")
    assert status(quiet, customer) == "blocked"
    await turn(quiet, settings.BILLING_DUE, on=True)
    await quiet.raw("POST", "/_sandbox/automation/run")
    assert status(quiet, customer) == "active"


@pytest.mark.parametrize("enabled", ["0", "1"], ids=["not to be told", "to be told"])
async def test_the_assignee_of_a_scheduled_task_is_told_before_it_begins_if_the_task_says_so(
    quiet: Splynx, enabled: str
) -> None:
    made, _ = await task(quiet, assignee=1, is_scheduled=1, notification_enabled=enabled, notification_send_interval=90)
    quiet.sql("UPDATE scheduling_task SET scheduled_from = %s WHERE id = %s", [in_an_hour(), made])
    await turn(quiet, settings.TASK_NOTIFICATIONS, on=True)
    for _ in range(2):  # once a day
        await quiet.raw("POST", "/_sandbox/automation/run")
    told = [mail["kind"] for mail in (await quiet.side_effects())["mails"]]
    assert told == ["task_reminder"] * int(enabled)
    quiet.sql("UPDATE scheduling_task SET closed = '1' WHERE id = %s", [made])


def in_an_hour() -> str:
    """By the clock of the installation."""
    return (datetime.now(ZoneInfo("America/Chicago")) + timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S")


async def test_the_monthly_revenue_is_counted_by_the_job_whatever_the_switches_say(quiet: Splynx) -> None:
    customer = await billed(quiet)
    for expected in ("20.0000", "0.0000"):
        await quiet.raw("POST", "/_sandbox/automation/run")
        shown = (await quiet.call("GET", f"customers/customer/{customer}")).body
        assert shown["mrr_total"] == expected
        await quiet.call("PUT", f"customers/customer/{customer}", {"status": "disabled"})
