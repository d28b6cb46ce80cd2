"""Events of accounts: they come, move, change their standing and go."""

from __future__ import annotations

from typing import Any

from sandbox.world import names
from sandbox.world.life import Life
from sandbox.world.people import PRICES
from sandbox.world.rows import add_address

NEXT_STATUS: dict[str, tuple[str, ...]] = {
    "lead": ("pending", "pending", "active", "inactive"),
    "pending": ("active", "active", "active", "disconnected"),
    "active": ("walled", "walled", "suspended", "hold", "disconnected", "courtesy"),
    "walled": ("active", "active", "suspended"),
    "suspended": ("active", "disconnected"),
    "hold": ("active",),
    "courtesy": ("active",),
    "disconnected": ("active", "inactive"),
    "inactive": ("active", "lead"),
}


def sign_up(life: Life) -> bool:
    now = life.clock()
    draft = life.drafter.account(now, len(life.catalogue.companies) - 1)
    draft.status = life.rng.choice(("lead", "pending", "active", "active"))
    draft.activated = now if draft.status == "active" else None
    draft.delinquent, draft.archived, draft.past_addresses = False, None, []
    today = now.astimezone(life.zone).date()
    if not any(address.type == "PHYSICAL" for address in draft.addresses):
        draft.addresses.append(life.drafter.address("PHYSICAL", today))
    for address in draft.addresses:
        address.since = today if address.type == "PHYSICAL" else None
    draft.custom = [(key, value, now) for key, value, _ in draft.custom]
    life.loader.account(draft, None)
    return True


def move(life: Life) -> bool:
    """The old address becomes free, another one is taken: two assignment rows, three changed addresses at most."""
    found = life.registry.draw("Account", life.rng, lambda row: bool(life.homes(row["id"])))
    if found is None:
        return False
    account, _ = found
    life.release(account, life.homes(account)[0])
    free = life.registry.draw_from(life.registry.free_addresses, "Address", life.rng)
    if free is not None and life.rng.random() < 0.6:
        address = free[0]
        life.registry.update("Address", address, addressable_id=account, addressable_type="Account")
    else:
        address = add_address(life.registry, life.catalogue, life.drafter.address("PHYSICAL"), account)
    life.registry.insert(
        "ServiceableAddressAccountAssignmentHistory",
        account_id=account,
        address_id=address,
        start_date=life.today(),
    )
    return True


def status_changed(life: Life) -> bool:
    found = life.registry.draw("Account", life.rng)
    if found is None:
        return False
    account, row = found
    target = life.rng.choice(NEXT_STATUS[life.catalogue.status_key(row["account_status_id"])])
    change: dict[str, Any] = {
        "account_status_id": life.catalogue.statuses[target],
        "is_delinquent": target in ("walled", "suspended"),
        "is_eligible_for_archive": target in ("disconnected", "inactive"),
    }
    if target in ("active", "walled", "courtesy"):
        change["next_recurring_charge_amount"] = row["next_recurring_charge_amount"] or life.rng.choice(PRICES)
    if target == "active" and row["activation_date"] is None:
        local = life.clock().astimezone(life.zone)
        change |= {"activation_date": local.date().isoformat(), "activation_time": local.strftime("%H:%M:%S")}
    if target == "disconnected":
        for address in life.homes(account):
            life.release(account, address)
        change |= {"next_bill_date": None, "next_recurring_charge_amount": None}
    life.registry.update("Account", account, **change)
    return True


def renamed(life: Life) -> bool:
    found = life.registry.draw("Account", life.rng)
    if found is None:
        return False
    life.registry.update("Account", found[0], name=f"{life.rng.choice(names.GIVEN)} {life.rng.choice(names.FAMILY)}")
    return True


def archived(life: Life) -> bool:
    found = life.registry.draw("Account", life.rng, life.is_closed)
    if found is None:
        return False
    at = life.clock()
    user = life.rng.choice(life.catalogue.users)
    life.registry.update("Account", found[0], archived_at=at, archived_by_user_id=user, is_eligible_for_archive=False)
    return True


def unarchived(life: Life) -> bool:
    found = life.registry.draw_from(
        life.registry.archived, "Account", life.rng, lambda row: row["archived_at"] is not None
    )
    if found is None:
        return False
    status = life.catalogue.statuses["inactive"]
    life.registry.update("Account", found[0], archived_at=None, archived_by_user_id=None, account_status_id=status)
    return True


def parent_changed(life: Life) -> bool:
    child = life.registry.draw("Account", life.rng)
    parent = life.registry.draw("Account", life.rng)
    if child is None or parent is None:
        return False
    if child[1]["parent_account_id"] is not None and life.rng.random() < 0.5:
        life.registry.update("Account", child[0], parent_account_id=None)
        return True
    if child[0] in life.ancestry(parent[0]) or child[1]["parent_account_id"] == parent[0]:
        return False
    life.registry.update("Account", child[0], parent_account_id=parent[0])
    return True


def billing_edited(life: Life) -> bool:
    found = life.registry.draw("AccountBillingParameter", life.rng)
    if found is None:
        return False
    changes: tuple[dict[str, Any], ...] = (
        {"due_days": life.rng.randint(0, 28)},
        {"bill_day": life.rng.randint(1, 28)},
        {"invoice_day": life.rng.choice((None, life.rng.randint(1, 28)))},
        {"months_to_bill": life.rng.choice((1, 1, 3, 12))},
        {"grace_days": life.rng.choice((0, 5, 10))},
    )
    change = life.rng.choice(changes)
    life.registry.update("AccountBillingParameter", found[0], **change)
    return True


def address_edited(life: Life) -> bool:
    found = life.registry.draw("Address", life.rng)
    if found is None:
        return False
    fresh = life.drafter.address(str(found[1]["type"]))
    life.registry.update("Address", found[0], line1=fresh.line1, line2=fresh.line2)
    return True
