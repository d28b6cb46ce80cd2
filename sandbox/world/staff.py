"""Those who work at an ISP of real size, with their roles, and the custom fields that they fill in on their tickets and
jobs. Only an ISP with its full history has them: others keep the few users and fields of the customers' own world."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from random import Random

from sandbox.sonar.store import Store
from sandbox.world import names
from sandbox.world.catalogue import Catalogue

TECHNICIANS = 12

FIELDS = (
    ("Ticket", "Root cause", "TEXT", ["Weather", "Power", "Equipment", "None found"]),
    ("Ticket", "Callback on", "DATE", None),
    ("Job", "Ladder needed?", "BOOLEAN", None),
    ("Job", "Cable, feet", "TEXT", None),
    ("NetworkSite", "Landlord", "TEXT", None),
)
"""Owner, name, type, options."""


def hire(store: Store, catalogue: Catalogue, roles: Sequence[int], rng: Random, at: datetime) -> None:
    """Add technicians, and give everybody a role; `roles` begin with the technicians' and the billing desk's."""
    for number in range(TECHNICIANS):
        given, family = rng.choice(names.GIVEN), rng.choice(names.FAMILY)
        store.insert(
            "User",
            at=at,
            completed_setup=True,
            email_address=f"{given}.{family}{number}@example.com".lower(),
            enabled=number < TECHNICIANS - 2,
            language="en",
            mobile_number=f"21755501{number:02d}",
            name=f"{given} {family}",
            public_name=given,
            role_id=roles[0],
            super_admin=False,
            username=f"{given.lower()}{number}",
        )
    for user, role in zip(catalogue.users[1:], (roles[0], roles[1], roles[2]), strict=True):
        store.update("User", user, at=at, role_id=role)


def fill_in(store: Store, rng: Random, at: datetime) -> None:
    """Add custom fields, and values of them for some of what they are fields of."""
    for owner, name, kind, options in FIELDS:
        field = store.insert(
            "CustomField",
            at=at,
            entity_type=owner,
            enum_options=options,
            name=name,
            required=False,
            type=kind,
            unique=False,
        )
        for id, row in sorted(store.table(owner).items()):
            if rng.random() < 0.2:
                store.insert(
                    "CustomFieldData",
                    at=row["created_at"],
                    custom_field_id=field,
                    customfielddataable_id=id,
                    customfielddataable_type=owner,
                    value=_value(rng, kind, options),
                )


def _value(rng: Random, kind: str, options: Sequence[str] | None) -> str:
    if kind == "BOOLEAN":
        return rng.choice(("1", "0"))
    if kind == "DATE":
        return f"202{rng.randint(4, 6)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
    return rng.choice(options) if options else str(rng.randint(5, 300))
