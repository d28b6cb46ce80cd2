"""Events of services: taken, left, repriced; used, called with; and what is planned for them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sandbox.world.books import Books
from sandbox.world.domain import Event
from sandbox.world.life import Life
from sandbox.world.services import plans_of
from sandbox.world.subscriptions import take_service
from sandbox.world.usage import GIGABYTE, PLANS, called, plan_change, usage_columns


def service_added(life: Life) -> bool:
    """One more service; an event of the account tells."""
    account = life.registry.draw("Account", life.rng, lambda row: row["activation_date"] is not None)
    service = life.registry.draw(
        "Service", life.rng, lambda row: row["enabled"] and row["type"] in ("RECURRING", "VOICE", "EXPIRING")
    )
    if account is None or service is None:
        return False
    books = Books(life.registry.store, life.registry)
    take_service(books, account[1], service[1], life.rng, quantity=life.rng.choice((1, 1, 1, 2)))
    _told(life, account[0], "SERVICES_ADDED", current=service[1]["name"])
    return True


def service_removed(life: Life) -> bool:
    """What belongs to the service on the account goes with it: metadata, parts of a telephone system."""
    found = life.registry.draw("AccountService", life.rng)
    if found is None:
        return False
    name = life.registry.store.table("Service")[found[1]["service_id"]]["name"]
    life.registry.delete("AccountService", found[0])
    _told(life, found[1]["account_id"], "SERVICES_REMOVED", previous=name)
    return True


def plan_changed(life: Life) -> bool:
    """Sonar knows no change of plan: one service goes, another comes."""
    table = life.registry.store.table("Service")
    found = life.registry.draw("AccountService", life.rng, lambda row: table[row["service_id"]]["type"] == "DATA")
    if found is None:
        return False
    account = life.registry.row("Account", found[1]["account_id"])
    plans = plans_of(life.registry.store, business=life.rng.random() < 0.2)
    if account is None or not plans:
        return False
    life.registry.delete("AccountService", found[0])
    take_service(Books(life.registry.store, life.registry), account, life.rng.choice(plans), life.rng, quantity=1)
    _told(life, account["id"], "SERVICES_UPDATED")
    return True


def service_repriced(life: Life) -> bool:
    """An agreed price comes, changes or goes."""
    found = life.registry.draw("AccountService", life.rng)
    if found is None:
        return False
    price = None if found[1]["price_override"] is not None and life.rng.random() < 0.5 else life.rng.randint(500, 9900)
    reason = None if price is None else life.rng.choice(("Asked for less", "Neighbor's price", None))
    life.registry.update("AccountService", found[0], price_override=price, price_override_reason=reason)
    return True


def list_price_changed(life: Life) -> bool:
    """Of one service for all who have it; their rows do not change."""
    found = life.registry.draw("Service", life.rng, lambda row: row["amount"] is not None and row["amount"] > 0)
    if found is None:
        return False
    life.registry.update("Service", found[0], amount=found[1]["amount"] + life.rng.choice((100, 250, 500)))
    return True


def service_renamed(life: Life) -> bool:
    """Every line that was written keeps the name it had."""
    found = life.registry.draw("Service", life.rng, lambda row: row["type"] == "RECURRING" and row["amount"] == 1295)
    if found is None:
        return False
    life.registry.update("Service", found[0], name=f"Managed Wi-Fi, edition {life.rng.randint(2, 99)}")
    return True


def usage_counted(life: Life) -> bool:
    """The open interval of an account grows."""
    found = life.registry.draw("DataUsageHistory", life.rng, lambda row: row["end_time"] is None)
    if found is None:
        return False
    more = life.rng.randint(1, 20 * GIGABYTE)
    life.registry.update(
        "DataUsageHistory",
        found[0],
        billable_in_bytes=found[1]["billable_in_bytes"] + more,
        billable_out_bytes=found[1]["billable_out_bytes"] + more // 11,
    )
    return True


def usage_closed(life: Life) -> bool:
    """An interval ends, and the next begins."""
    found = life.registry.draw("DataUsageHistory", life.rng, lambda row: row["end_time"] is None)
    if found is None:
        return False
    now = life.clock()
    life.registry.update("DataUsageHistory", found[0], end_time=now)
    life.registry.insert("DataUsageHistory", start_time=now, **usage_columns(found[1]["account_id"], 0, 0))
    return True


def call_made(life: Life) -> bool:
    """A call that no invoice knows yet."""
    table = life.registry.store.table("Service")
    found = life.registry.draw("AccountService", life.rng, lambda row: table[row["service_id"]]["type"] == "VOICE")
    if found is None:
        return False
    called(life.registry, life.rng, found[1]["account_id"], found[1]["service_id"], life.clock())
    return True


def change_planned(life: Life) -> bool:
    found = life.registry.draw("Account", life.rng)
    if found is None:
        return False
    due = life.clock() + timedelta(days=life.rng.randint(1, 60))
    plan_change(life.registry, life.rng.choice(PLANS), found[0], due, None)
    return True


def change_made(life: Life) -> bool:
    """A planned change is over. What it did to the account is an event of its own."""
    found = life.registry.draw("ScheduledEvent", life.rng, lambda row: not row["complete"])
    if found is None:
        return False
    life.registry.update("ScheduledEvent", found[0], complete=True)
    return True


def change_called_off(life: Life) -> bool:
    found = life.registry.draw("ScheduledEvent", life.rng, lambda row: not row["complete"])
    if found is None:
        return False
    life.registry.delete("ScheduledEvent", found[0])
    return True


def _told(life: Life, account: int, event: str, **columns: Any) -> None:
    life.registry.insert("AccountEvent", account_id=account, event=event, event_datetime=life.clock(), **columns)


EVENTS: tuple[tuple[Event, float], ...] = (
    (usage_counted, 6),
    (call_made, 4),
    (service_added, 2),
    (service_removed, 1.2),
    (service_repriced, 1),
    (plan_changed, 1),
    (usage_closed, 1),
    (change_planned, 0.7),
    (change_made, 0.4),
    (change_called_off, 0.3),
    (list_price_changed, 0.3),
    (service_renamed, 0.3),
)
