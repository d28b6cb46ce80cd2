"""What the events of help desk, field work and papers need beside what every event has."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from sandbox.sonar.store import Store
from sandbox.world.desk import Desk, staff
from sandbox.world.life import Life
from sandbox.world.registry import Row

RECENT = 100
"""How many of the rows that changed last are looked at for one that is still open."""


def desk_of(store: Store) -> Desk:
    """The set-up as it is now."""
    return Desk(
        groups=tuple(sorted(store.table("TicketGroup"))),
        categories=tuple(sorted(store.table("TicketCategory"))),
        mailboxes=tuple(sorted(store.table("InboundMailbox"))),
        contract_templates=tuple(sorted(store.table("ContractTemplate"))),
        job_types=tuple(sorted(store.table("JobType"))),
        roles=tuple(sorted(store.table("Role"))),
    )


def contacts_of(life: Life, account: int) -> list[Row]:
    """An account's contacts, those with an address to write to first."""
    store = life.registry.store
    rows = [store.table("Contact")[id] for id in store.pointing("Contact", "contactable", ("Account", account))]
    return sorted(rows, key=lambda row: "@" not in (row["email_address"] or ""))


def draw_open(life: Life, type_name: str, is_open: Callable[[Row], bool]) -> tuple[int, Row] | None:
    """A row that is still open; where most are long closed, one of those that changed last."""
    found = life.registry.draw(type_name, life.rng, is_open)
    if found is not None:
        return found
    # A table keeps its rows in the order of their last change.
    rows = life.registry.store.tables[type_name].view
    still = [(id, rows[id]) for id in islice(reversed(rows), RECENT) if is_open(rows[id])]
    return life.rng.choice(still) if still else None


def worker(life: Life) -> int:
    """The id of somebody who works there now."""
    return life.rng.choice(staff(life.registry.store))
