"""The product's scheduled job: it bills, blocks and tidies whatever rows it finds, as far as its switches are on."""

# ruff: noqa: S608 - the expressions in the SQL are our own, values are always passed beside it

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from decimal import Decimal

from sandbox.splynx import history, issuing, ledger, networks, settings
from sandbox.splynx.call import Call
from sandbox.splynx.customers import set_status
from sandbox.splynx.payments import notified

Job = Callable[[Call], Awaitable[int]]


async def run(call: Call) -> dict[str, int]:
    """Run it once, now; how often each of its jobs did something, `{invoices, blocked, ...}`."""
    done = {"statuses": await _planned(call), "revenues": await _count_revenue(call)}
    for name, switch, job in _JOBS:
        done[name] = await job(call) if call.is_on(switch) else 0
    return done


async def _planned(call: Call) -> int:
    """Statuses that were planned for a day that has come; no switch holds them back."""
    due = await call.session.rows(
        "SELECT p.id, p.customer_id, p.status, c.status old FROM statuses_pending p JOIN customers c"
        " ON c.id = p.customer_id AND c.deleted = '0'"
        " WHERE p.deleted = '0' AND p.done = '0' AND p.`date` <= %s ORDER BY p.`date`, p.id",
        (call.clock.date(),),
    )
    for row in due:
        await set_status(call, row["customer_id"], row["old"], row["status"])
        call.session.later("UPDATE statuses_pending SET done = '1' WHERE id = %s", (row["id"],))
    return len(due)


async def _count_revenue(call: Call) -> int:
    """Each customer's monthly revenue is set to what its running services cost; no switch holds that back either."""
    changed = await call.session.rows(
        f"SELECT c.id, c.mrr_total, GREATEST({history.MONTHLY_PRICE}, 0) n FROM customers c WHERE c.deleted = '0'"
        " AND c.category <> 'lead' HAVING n <> mrr_total ORDER BY c.id"
    )
    for row in changed:
        call.session.later("UPDATE customers SET mrr_total = %s WHERE id = %s", (row["n"], row["id"]))
    return len(changed)


async def _block(call: Call) -> int:
    """Active customers below their minimum balance are blocked."""
    return await _set_each(
        call,
        "SELECT c.id FROM customers c JOIN customer_billing b ON b.customer_id = c.id WHERE c.deleted = '0'"
        " AND c.status = 'active' AND b.enabled = '1' AND b.deposit < b.min_balance ORDER BY c.id",
        "active",
        "blocked",
    )


async def _unblock(call: Call) -> int:
    """Blocked ones that are at it or above again are active, whoever blocked them, and why."""
    return await _set_each(
        call,
        "SELECT c.id FROM customers c JOIN customer_billing b ON b.customer_id = c.id WHERE c.deleted = '0'"
        " AND c.status = 'blocked' AND b.enabled = '1' AND b.deposit >= b.min_balance ORDER BY c.id",
        "blocked",
        "active",
    )


async def _block_by_one_time(call: Call) -> int:
    """And so are those who owe a one-time invoice after its day."""
    return await _set_each(
        call,
        "SELECT DISTINCT c.id FROM customers c JOIN invoices i ON i.customer_id = c.id WHERE c.deleted = '0'"
        " AND c.status = 'active' AND i.deleted = '0' AND i.type = 'one_time' AND i.status = 'not_paid' AND i.due > 0"
        " AND i.date_till < %s ORDER BY c.id",
        "active",
        "blocked",
        call.clock.date(),
    )


async def _deactivate(call: Call) -> int:
    """Customers that have been blocked for longer than their grace period are disabled."""
    disabled = 0
    for row in await call.session.rows(
        "SELECT c.id, b.grace_period, (SELECT MAX(l.`date`) FROM logs_changes l WHERE l.customer_id = c.id"
        " AND l.service_id = 0 AND l.new_status = 'blocked') since FROM customers c"
        " JOIN customer_billing b ON b.customer_id = c.id"
        " WHERE c.deleted = '0' AND c.status = 'blocked' AND b.enabled = '1' ORDER BY c.id"
    ):
        today = date.fromisoformat(call.clock.date())
        if row["since"] and date.fromisoformat(row["since"]) + timedelta(days=row["grace_period"] or 0) <= today:
            await set_status(call, row["id"], "blocked", "disabled")
            disabled += 1
    return disabled


async def _remind(call: Call) -> int:
    """A mail a day to each customer that owes and has reminders on."""
    reminded = 0
    for row in await call.session.rows(
        "SELECT c.id, b.deposit FROM customers c JOIN customer_billing b ON b.customer_id = c.id"
        " WHERE c.deleted = '0' AND b.reminder_enable = '1' AND b.deposit < 0 AND NOT EXISTS (SELECT 1 FROM mail_pool m"
        " WHERE m.customer_id = c.id AND m.subject = 'reminder' AND m.datetime_added >= %s) ORDER BY c.id",
        (call.clock.date(),),
    ):
        to = await notified(call, row["id"])
        if to and ledger.money(row["deposit"]) < Decimal(0):
            call.mail("reminder", row["id"], to)
            reminded += 1
    return reminded


async def _remind_of_tasks(call: Call) -> int:
    """A mail a day to each whose scheduled tasks begin as soon as they ask to be told."""
    now = call.clock.datetime()
    due = await call.session.rows(
        "SELECT DISTINCT a.email FROM scheduling_task t JOIN admins a ON a.id = t.assignee WHERE t.deleted = '0'"
        " AND t.is_scheduled = '1' AND t.closed = '0' AND t.notification_enabled = '1' AND t.scheduled_from"
        " BETWEEN %s AND DATE_ADD(%s, INTERVAL t.notification_send_interval MINUTE) AND NOT EXISTS (SELECT 1 FROM"
        " mail_pool m WHERE m.recipient = a.email AND m.subject = 'task_reminder' AND m.datetime_added >= %s)",
        (now, now, call.clock.date()),
    )
    for row in due:
        call.mail("task_reminder", 0, row["email"])
    return len(due)


async def _remove_ips(call: Call) -> int:
    """Disabled services lose address and login, which others may then have."""
    idle = await call.session.rows(
        "SELECT id, customer_id, ipv4 FROM services_internet WHERE deleted = '0' AND status = 'disabled'"
        " AND (ipv4 <> '' OR login <> '') ORDER BY id"
    )
    for row in idle:
        networks.free(call, row["customer_id"], str(row["ipv4"]))
        call.session.later(
            "UPDATE services_internet SET ipv4 = '', taking_ipv4 = 0, login = '', updated_at = %s WHERE id = %s",
            (call.clock.datetime(), row["id"]),
        )
    return len(idle)


async def _set_each(call: Call, sql: str, old: str, new: str, *values: str) -> int:
    rows = await call.session.rows(sql, values)
    for row in rows:
        await set_status(call, row["id"], old, new)
    return len(rows)


_JOBS: tuple[tuple[str, tuple[str, str, str], Job], ...] = (
    ("invoices", settings.AUTO_ISSUING, issuing.issue),
    ("forced", settings.FORCE_TO_INVOICE, issuing.force),
    ("proformas", settings.AUTO_PROFORMA, issuing.propose),
    ("charges", settings.AUTO_CHARGE, issuing.charge),
    ("unblocked", settings.BILLING_DUE, _unblock),
    ("blocked", settings.BILLING_DUE, _block),
    ("blocked_one_time", settings.BLOCK_ONE_TIME, _block_by_one_time),
    ("disabled", settings.DEACTIVATION, _deactivate),
    ("reminders", settings.REMINDERS, _remind),
    ("task_reminders", settings.TASK_NOTIFICATIONS, _remind_of_tasks),
    ("ips_removed", settings.REMOVE_IPS, _remove_ips),
)
"""In the order in which they run: name in the answer, the switch, the job."""
