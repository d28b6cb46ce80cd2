"""Events around an account that leave its own row alone: contacts, phones, groups, custom fields, and the set-up."""

from __future__ import annotations

from typing import Any

from sandbox.world import names
from sandbox.world.catalogue import CUSTOM_FIELDS, GROUPS, STATUSES
from sandbox.world.life import Life
from sandbox.world.rows import add_bank, add_card, add_contact, add_custom_value, add_phone, formatted


def group_attached(life: Life) -> bool:
    found = life.registry.draw("Account", life.rng)
    if found is None:
        return False
    missing = sorted(set(life.catalogue.groups) - life.registry.groups(found[0]))
    if not missing:
        return False
    life.registry.attach("Account", found[0], "account_groups", life.rng.choice(missing))
    return True


def group_detached(life: Life) -> bool:
    found = life.registry.draw("Account", life.rng, lambda row: bool(life.registry.groups(row["id"])))
    if found is None:
        return False
    life.registry.detach("Account", found[0], "account_groups", life.rng.choice(sorted(life.registry.groups(found[0]))))
    return True


def custom_value_edited(life: Life) -> bool:
    key, _, kind, options = life.rng.choice(CUSTOM_FIELDS)
    if kind == "BOOLEAN":
        value = life.rng.choice(("1", "0"))
    elif kind == "DATE":
        value = f"{life.rng.randint(1940, 2027)}-{life.rng.randint(1, 12):02d}-{life.rng.randint(1, 28):02d}"
    else:
        value = life.rng.choice(options) if options else f"{key}-{life.rng.randint(1, 99_999)}"
    field = life.catalogue.fields[key]
    found = life.registry.draw("CustomFieldData", life.rng, lambda row: row["custom_field_id"] == field)
    if found is not None and life.rng.random() < 0.7:
        life.registry.update("CustomFieldData", found[0], value=value)
        return True
    account = life.registry.draw("Account", life.rng)
    if account is None:
        return False
    add_custom_value(life.registry, account[0], field, value)
    return True


def status_renamed(life: Life) -> bool:
    """One row changes, and with it every account that carries the status."""
    status = life.rng.choice(STATUSES)
    life.rename("AccountStatus", life.catalogue.statuses[status.key], status.name)
    return True


def group_renamed(life: Life) -> bool:
    place = life.rng.randrange(len(GROUPS))
    life.rename("AccountGroup", life.catalogue.groups[place], GROUPS[place])
    return True


def contact_added(life: Life) -> bool:
    found = life.registry.draw("Account", life.rng)
    if found is None:
        return False
    add_contact(life.registry, life.catalogue, found[0], life.person())
    return True


def contact_edited(life: Life) -> bool:
    """A contact changes and its account's row does not."""
    found = life.registry.draw("Contact", life.rng)
    if found is None:
        return False
    fresh = life.person()
    changes: tuple[dict[str, Any], ...] = (
        {"email_address": fresh.email},
        {"name": fresh.name},
        {"role": life.rng.choice(names.ROLES)},
        {"marketing_opt_in": True},
    )
    change = life.rng.choice(changes)
    life.registry.update("Contact", found[0], **change)
    return True


def contact_deleted(life: Life) -> bool:
    found = life.registry.draw("Contact", life.rng, lambda row: not row["primary"])
    if found is None:
        return False
    life.registry.contacts[found[1]["contactable_id"]].discard(found[0])
    life.registry.delete("Contact", found[0])
    return True


def phone_edited(life: Life) -> bool:
    fresh = life.drafter.phone()
    found = life.registry.draw("PhoneNumber", life.rng)
    fate = life.rng.random()
    if found is None or fate < 0.2:
        contact = life.registry.draw("Contact", life.rng)
        if contact is None:
            return False
        add_phone(life.registry, life.catalogue, contact[0], fresh)
    elif fate < 0.3:
        life.registry.delete("PhoneNumber", found[0])
    else:
        shown = formatted(fresh.number)
        life.registry.update("PhoneNumber", found[0], number=fresh.number, number_formatted=shown, country="US")
    return True


def instrument_stored(life: Life) -> bool:
    found = life.registry.draw("Account", life.rng)
    if found is None:
        return False
    store = add_card if life.rng.random() < 0.85 else add_bank
    store(life.registry, life.catalogue, found[0], str(found[1]["name"]), life.rng)
    return True
