"""What services leave behind beside money: usage, calls, events of accounts, disconnections, and what is planned."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sandbox.world.books import Books
from sandbox.world.domain import Beginning
from sandbox.world.registry import Row
from sandbox.world.rows import Writer
from sandbox.world.services import named
from sandbox.world.subscriptions import Subscriber

GIGABYTE = 10**9
CAP = 500 * GIGABYTE

PLANS = ("ADD_SERVICE", "CHANGE_STATUS", "DISCONNECT_ACCOUNT", "REMOVE_SERVICE", "ONE_TIME_TRANSACTION")

FULL_MONTHS, RECENT_MONTHS = 18, 1
"""Closed months of usage with the whole history, and without."""


def begin(beginning: Beginning, subscribers: Sequence[Subscriber]) -> None:
    """Write the traces of the subscribers, oldest account first."""
    for one in subscribers:
        _events(beginning, one)
        if one.keeps and one.account["activation_date"] is not None:
            _months(beginning, one)
            _calls(beginning, one)
        elif not one.keeps:
            _disconnected(beginning, one)
    _planned(beginning, [one for one in subscribers if one.keeps])
    _slips(beginning)


def usage_columns(account: int, down: int, up: int) -> dict[str, Any]:
    """A usage interval that has just so much in it; nothing of it was free, and nothing rolled over."""
    return {
        "account_id": account,
        "billable_in_bytes": down,
        "billable_out_bytes": up,
        "free_in_bytes": down // 7,
        "free_out_bytes": up // 7,
        "policy_cap_at_close_in_bytes": CAP,
        "rollover_available_in_bytes": 0,
        "rollover_remainder_bytes": 0,
        "rollover_unconsumed_bytes": 0,
        "rollover_used_at_close_in_bytes": 0,
        "top_off_total_at_close_in_bytes": 0,
    }


def _events(beginning: Beginning, one: Subscriber) -> None:
    store, account = beginning.store, one.account
    statuses = store.table("AccountStatus")
    pending = statuses[beginning.catalogue.statuses["pending"]]["name"]
    changes = [("SERVICES_ADDED", None, one.lines[0].service["name"])]
    if account["activation_date"] is not None:
        changes = [("STATUS_UPDATED", pending, statuses[account["account_status_id"]]["name"]), *changes]
        changes.append(("ACTIVATED", None, None))
    for event, previous, current in changes:
        store.insert(
            "AccountEvent",
            at=one.since,
            account_id=account["id"],
            event=event,
            event_datetime=one.since,
            previous=previous,
            current=current,
        )


def _months(beginning: Beginning, one: Subscriber) -> None:
    """Intervals that meet, the last one open. Some who used too much bought more, some saved for the next month."""
    store, rng, calendar = beginning.store, beginning.rng, beginning.calendar
    months = FULL_MONTHS if beginning.full else RECENT_MONTHS
    starts = [calendar.instant(calendar.today - timedelta(days=30 * back + 12)) for back in range(months, -1, -1)]
    starts = [at for at in starts if at >= one.since] or [one.since]
    before: int | None = None
    for place, start in enumerate(starts):
        end = starts[place + 1] if place + 1 < len(starts) else None
        down = rng.randint(1, 900) * GIGABYTE + rng.randint(0, GIGABYTE)
        interval = store.insert(
            "DataUsageHistory",
            at=end or max(start, calendar.second(calendar.yesterday, 23 * 3600)),
            start_time=start,
            end_time=end,
            **usage_columns(one.account["id"], down, down // 11),
        )
        if down > CAP and end is not None and rng.random() < 0.1:
            _topped_off(beginning, one.account, interval)
        if before is not None and rng.random() < 0.1:
            store.attach("DataUsageHistory", interval, "available_rollover_histories", before, at=end or store.now())
        before = interval


def _topped_off(beginning: Beginning, account: Row, interval: int) -> None:
    store, books = beginning.store, Books(beginning.store, beginning.store)
    service, at = named(store, "overage"), store.table("DataUsageHistory")[interval]["updated_at"]
    debit = books.debit(account, books.line(account, service, service["amount"]), at=at)
    bought = 50 * GIGABYTE
    store.insert(
        "DataUsageTopOff",
        at=at,
        account_id=account["id"],
        amount_in_bytes=bought,
        data_usage_history_id=interval,
        debit_id=debit,
    )
    store.update("DataUsageHistory", interval, at=at, top_off_total_at_close_in_bytes=bought)


def _calls(beginning: Beginning, one: Subscriber) -> None:
    """Calls of those who have a telephone; the older half was billed."""
    store, rng, calendar = beginning.store, beginning.rng, beginning.calendar
    phone = next((line.service for line in one.lines if line.service["type"] == "VOICE"), None)
    if phone is None:
        return
    billed = store.pointing("MonthlyBillingCompletion", "account_id", one.account["id"])
    for number in range(rng.randint(1, 120 if beginning.full else 4)):
        at = calendar.second(calendar.yesterday - timedelta(days=number // 4), rng.randint(0, 86_399))
        if at < one.since:
            break
        completion = billed[-1] if billed and number % 2 else None
        called(store, rng, one.account["id"], phone["id"], at, completion=completion)


def called(
    writer: Writer,
    rng: Random,
    account: int | None,
    service: int | None,
    at: datetime,
    *,
    completion: int | None = None,
) -> int:
    """One call. `amount` is in fractions of a cent where minutes cost less than one."""
    seconds, far = rng.randint(1, 3600), rng.random() < 0.4
    per_minute = 2.75 if far else 0.0
    home, other = f"81555501{rng.randint(0, 99):02d}", f"{'212' if far else '815'}55501{rng.randint(0, 99):02d}"
    outbound = rng.random() < 0.6
    return writer.insert(
        "CallDetailRecord",
        at=at,
        account_id=account,
        amount=round(per_minute * seconds / 60, 4) if outbound else 0.0,
        charge_rate=per_minute,
        description="Long distance" if far else "Local",
        direction="OUTBOUND" if outbound else "INBOUND",
        length_in_seconds=seconds,
        matched_prefix=other[:3],
        monthly_billing_completion_id=completion,
        originating_number=home if outbound else other,
        prefix_type="LONG_DISTANCE" if far else "LOCAL",
        receiving_number=other if outbound else home,
        service_id=service,
        started_at=at,
        voice_provider_id=1,
    )


def _disconnected(beginning: Beginning, one: Subscriber) -> None:
    """When they left, by the log and by an event; some left before Sonar kept such logs."""
    store, account = beginning.store, one.account
    at = max(one.since, account["updated_at"])
    store.insert(
        "AccountEvent",
        at=at,
        account_id=account["id"],
        event="SERVICES_REMOVED",
        event_datetime=at,
        previous=one.lines[0].service["name"],
    )
    if beginning.rng.random() < 0.8:
        past = store.pointing("ServiceableAddressAccountAssignmentHistory", "account_id", account["id"])
        address = store.table("ServiceableAddressAccountAssignmentHistory")[past[0]]["address_id"] if past else None
        store.insert(
            "DisconnectionLog",
            at=at,
            account_id=account["id"],
            disconnected_at=at,
            disconnected_by_user_id=beginning.catalogue.users[0],
            serviceable_address_id=address,
        )


def _planned(beginning: Beginning, keepers: Sequence[Subscriber]) -> None:
    """Changes that Sonar will make by itself, and some that it has made."""
    store, rng, calendar = beginning.store, beginning.rng, beginning.calendar
    written = calendar.second(calendar.yesterday, 16 * 3600)
    waiting = [one for one in keepers if one.since < written]
    for place, one in enumerate(rng.sample(waiting, k=min(len(waiting), max(2, len(waiting) // 15)))):
        done = place % 4 == 3
        due = written + timedelta(days=-1 if done else 20)
        plan_change(store, PLANS[place % len(PLANS)], one.account["id"], due, written, done=done)


def plan_change(
    writer: Writer, kind: str, account: int, due: datetime, at: datetime | None, *, done: bool = False
) -> int:
    """One planned change of a kind of `PLANS`, due at `due`."""
    event = writer.insert(
        "ScheduledEvent",
        at=at,
        account_id=account,
        amount=2500 if kind == "ONE_TIME_TRANSACTION" else None,
        complete=done,
        datetime=due,
        description="Asked for by telephone",
        event=kind,
        primary_event_object_id="1",
        prorate=kind in ("ADD_SERVICE", "REMOVE_SERVICE"),
    )
    if kind == "ADD_SERVICE":
        writer.insert(
            "ScheduledEventAccountVoiceServiceDetail",
            at=at,
            quantity=1,
            scheduled_event_id=event,
            voice_service_generic_parameter_id=1,
        )
    return event


def _slips(beginning: Beginning) -> None:
    """Deposit slips; the payments of the past were not put on them."""
    calendar = beginning.calendar
    for back in (3, 2, 1):
        day = calendar.today - timedelta(days=7 * back)
        beginning.store.insert(
            "DepositSlip", at=calendar.second(day, 61_000), bank_account_line="Lantern Bank ...0001", date=day
        )
