"""What the logs and the ledger tell of a customer: activations, changes, days until blocking."""

# ruff: noqa: S608 - the tables in the SQL are our own, values are always passed beside it

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sandbox.splynx import wire
from sandbox.splynx.call import Call
from sandbox.splynx.database import Row
from sandbox.splynx.problems import not_found
from sandbox.splynx.services import KINDS

_SHOWN = [
    "date",
    "time",
    "old_status",
    "new_status",
    "service_id",
    "tariff_type",
    "old_tariff",
    "new_tariff",
    "administrator_id",
]

MONTHLY_PRICE = " + ".join(
    f"COALESCE((SELECT SUM(quantity * unit_price) FROM `{table}`"
    " WHERE customer_id = c.id AND status = 'active' AND deleted = '0'), 0)"
    for table in KINDS.values()
)
"""What the running services of the customer `c` cost a month, as SQL."""


async def changes(call: Call, customer: int, which: str) -> list[dict[str, Any]] | dict[str, Any]:
    """`logs-changes` of a customer: all, or with `first-activation` or `last-activation` that one."""
    sql = "SELECT * FROM logs_services WHERE customer_id = %s AND deleted = '0'"
    if not which:
        return [_entry(row) for row in await call.session.rows(f"{sql} ORDER BY id", (customer,))]
    order = "ASC" if which == "first-activation" else "DESC"
    row = await call.session.row(
        f"{sql} AND service_id = 0 AND new_status = 'active' ORDER BY id {order} LIMIT 1", (customer,)
    )
    if row is None:
        raise not_found()
    return _entry(row)


async def billing_info(call: Call, customer: int) -> dict[str, Any]:
    """`billing-info`: the balance, and how long it lasts at what the running services cost."""
    row = await call.session.row(
        "SELECT b.* FROM customer_billing b JOIN customers c ON c.id = b.customer_id AND c.deleted = '0'"
        " WHERE b.customer_id = %s",
        (customer,),
    )
    if row is None:
        raise not_found()
    monthly = await monthly_price(call, customer)
    deposit = Decimal(row["deposit"])
    months = int(deposit / monthly) if monthly > 0 and deposit > 0 else 0
    return {
        "howManyMonthsLeft": months,
        "howManyDaysLeft": _days_left(deposit, monthly),
        "paymentPerMonth": f"{monthly:.4f}",
        "paymentPerDay": f"{_daily(monthly):.4f}",
        "deposit": wire.number(deposit),
        "blocking_date": blocking_date(call, row, monthly),
    }


def blocking_date(call: Call, billing: Row, monthly: Decimal) -> str:
    """The day on which a customer is blocked when nothing is paid: when the balance is used up, and a while after."""
    days = _days_left(Decimal(billing["deposit"]), monthly) + (billing["blocking_period"] or 0)
    return (date.fromisoformat(call.clock.date()) + timedelta(days=days)).isoformat()


def _daily(monthly: Decimal) -> Decimal:
    return (monthly / 30).quantize(Decimal("0.0001"))


def _days_left(deposit: Decimal, monthly: Decimal) -> int:
    daily = _daily(monthly)
    return int(deposit / daily) if daily > 0 and deposit > 0 else 0


async def monthly_price(call: Call, customer: int) -> Decimal:
    """What the running services of a customer cost a month."""
    row = await call.session.row(f"SELECT {MONTHLY_PRICE} n FROM customers c WHERE c.id = %s", (customer,))
    return Decimal((row or {"n": 0})["n"])


def _entry(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in _SHOWN}
