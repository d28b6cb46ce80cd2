"""What the accounts have of what is sold, at the beginning: the sum of it, with taxes, is their recurring charge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from sandbox.world.books import Books, Line
from sandbox.world.catalogue import BUSINESS
from sandbox.world.domain import Beginning
from sandbox.world.registry import Row
from sandbox.world.services import named, plans_of

KEEPS = ("active", "walled", "suspended", "hold", "courtesy", "pending")
"""Account statuses in which the services stay on the account."""


@dataclass(slots=True)
class Subscriber:
    """An account, since when it has services, and what it is charged for each month."""

    account: Row
    since: datetime
    keeps: bool
    """Whether it has its services still."""
    lines: list[Line] = field(default_factory=list)


def subscribe(begin: Beginning) -> list[Subscriber]:
    """Give every account that was ever activated its services; rows only to those that keep them.

    Returns:
        Whoever had services longest first.
    """
    store, catalogue = begin.store, begin.catalogue
    found = []
    for _, account in sorted(store.table("Account").items()):
        status = catalogue.status_key(account["account_status_id"])
        if account["activation_date"] is None and status != "pending":
            continue
        found.append(Subscriber(account, _since(begin, account), status in KEEPS))
        _place(begin, account)
    found.sort(key=lambda one: (one.since, one.account["id"]))
    for one in found:
        _choose(begin, one)
    return found


def _since(begin: Beginning, account: Row) -> datetime:
    created: datetime = account["created_at"]
    if account["activation_date"] is None:
        return created
    clock = datetime.fromisoformat(f"2000-01-01T{account['activation_time']}").time()
    return max(created, begin.calendar.instant(account["activation_date"], clock))


def _place(begin: Beginning, account: Row) -> None:
    """Where the account lives decides its city tax; nobody pays it beyond the towns that raise one."""
    zones = begin.store.table("GeoTaxZone").values()
    zone = begin.rng.choice((None, None, *sorted(row["id"] for row in zones)))
    if zone is not None:
        begin.store.attach("Account", account["id"], "geo_tax_zones", zone, at=account["created_at"])


def _choose(begin: Beginning, one: Subscriber) -> None:
    """A plan and what goes with it, at the price that the account is known to pay."""
    store, rng, account = begin.store, begin.rng, one.account
    books = Books(store, store)
    kind = next(key for key, id in begin.catalogue.types.items() if id == account["account_type_id"])
    plans = plans_of(store, business=kind in BUSINESS)
    price = account["next_recurring_charge_amount"]
    extras = _extras(rng, business=kind in BUSINESS)
    lines = [
        books.line(account, service, service["amount"] * count, quantity=count)
        for service, count in ((named(store, key), count) for key, count in extras)
    ]
    beside = sum(-line.total if line.is_discount else line.total for line in lines)
    price = price or rng.choice(plans)["amount"]
    wanted = price - beside
    if wanted <= 0:
        lines, wanted = [], price
    plan = next((row for row in plans if row["amount"] >= wanted), plans[-1])
    one.lines = [books.line(account, plan, wanted), *lines]
    if one.keeps:
        for line in one.lines:
            _take(begin, one, line)


def _extras(rng: Random, *, business: bool) -> Sequence[tuple[str, int]]:
    voice = "pbx" if business else "phone"
    chances: tuple[tuple[str, float, int], ...] = (
        ("router", 0.45, 1),
        (voice, 0.2, 1),
        ("address", 0.12, rng.choice((1, 1, 2, 5))),
        ("paper", 0.12, 1),
        ("long", 0.04, 1),
        ("free", 0.04, 1),
        ("twin", 0.02, 1),
        ("install", 0.04, 1),
        ("loyalty", 0.15, 1),
        ("promotion", 0.05, 1),
    )
    return [(key, count) for key, chance, count in chances if rng.random() < chance]


def _take(begin: Beginning, one: Subscriber, line: Line) -> None:
    listed, is_plan = line.service["amount"] * line.quantity, line.service["type"] == "DATA"
    service = take_service(
        Books(begin.store, begin.store),
        one.account,
        line.service,
        begin.rng,
        at=one.since,
        quantity=line.quantity,
        number_of_times_billed=begin.rng.randint(0, 2) if line.service["type"] == "EXPIRING" else None,
        price_override=line.amount if line.amount != listed else None,
        price_override_reason="As agreed with Inez" if line.amount != listed else None,
        data_usage_last_calculated_date=begin.calendar.yesterday if is_plan else None,
        next_bill_date=one.account["next_bill_date"],
    )
    if not is_plan and begin.rng.random() < 0.03:
        begin.store.update("AccountService", service, at=one.since, name_override=f"{line.service['name']} (2nd floor)")


def take_service(
    books: Books, account: Row, service: Row, rng: Random, *, at: datetime | None = None, **columns: Any
) -> int:
    """Put a service on an account, with the metadata and the parts of a telephone system that it asks for."""
    store, writer = books.store, books.writer
    taken = writer.insert("AccountService", at=at, account_id=account["id"], service_id=service["id"], **columns)
    for id in store.pointing("ServiceMetadata", "service_id", service["id"]):
        writer.insert(
            "ServiceMetadataValue",
            at=at,
            account_service_id=taken,
            service_metadata_id=id,
            value=f"demo-{rng.getrandbits(32):08x}",
        )
    if service["type"] == "VOICE":
        for detail in store.pointing("VoiceServiceDetail", "service_id", service["id"]):
            parameters = store.pointing("VoiceServiceGenericParameter", "voice_service_detail_id", detail)
            if parameters and rng.random() < 0.5:
                writer.insert(
                    "AccountVoiceServiceDetail",
                    at=at,
                    account_service_id=taken,
                    voice_service_generic_parameter_id=rng.choice(parameters),
                    quantity=rng.choice((1, 1, 2, 8)),
                    price_override=rng.choice((None, None, 995)),
                )
    return taken
