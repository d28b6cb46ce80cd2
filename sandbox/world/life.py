"""What every event needs at hand: the registry, the catalogue, a clock and a generator."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from random import Random

from sandbox.world import names
from sandbox.world.calendar import Calendar
from sandbox.world.catalogue import Catalogue
from sandbox.world.drafts import Contact
from sandbox.world.loading import Loader
from sandbox.world.people import Drafter
from sandbox.world.registry import Registry, Row


class Life:
    """The means by which events happen, through the store alone."""

    def __init__(
        self, registry: Registry, catalogue: Catalogue, clock: Callable[[], datetime], calendar: Calendar, rng: Random
    ) -> None:
        self.registry, self.catalogue, self.clock, self.rng = registry, catalogue, clock, rng
        self.zone = calendar.zone
        self.drafter = Drafter(rng, calendar, 0)
        self.loader = Loader(registry, catalogue, calendar, rng)

    def today(self) -> str:
        return self.clock().astimezone(self.zone).date().isoformat()

    def person(self) -> Contact:
        return self.drafter.contact(None, self.rng.choice(names.FAMILY), primary=False)

    def is_closed(self, row: Row) -> bool:
        return self.catalogue.status_key(row["account_status_id"]) in ("disconnected", "inactive")

    def homes(self, account: int) -> list[int]:
        """Serviceable addresses an account holds now, by id."""
        table = self.registry.store.table("Address")
        return [
            address
            for address in sorted(self.registry.homes.get(account, ()))
            if address in table and table[address]["addressable_id"] == account
        ]

    def release(self, account: int, address: int) -> None:
        self.registry.homes[account].discard(address)
        self.registry.update("Address", address, addressable_id=None, addressable_type=None)
        holding = self.registry.holdings.get((account, address))
        if holding is not None and self.registry.row("ServiceableAddressAccountAssignmentHistory", holding) is not None:
            self.registry.update("ServiceableAddressAccountAssignmentHistory", holding, end_date=self.today())

    def ancestry(self, account: int) -> set[int]:
        """The account and all above it."""
        seen: set[int] = set()
        step: int | None = account
        while step is not None and step not in seen:
            seen.add(step)
            row = self.registry.row("Account", step)
            step = row["parent_account_id"] if row is not None else None
        return seen

    def delete_one(self, type_name: str, holds: Callable[[Row], bool] = lambda row: True) -> bool:
        """Delete a random row for which `holds` is true; False when there is none."""
        found = self.registry.draw(type_name, self.rng, holds)
        if found is None:
            return False
        self.registry.delete(type_name, found[0])
        return True

    def rename(self, type_name: str, id: int, base: str) -> None:
        row = self.registry.row(type_name, id)
        fresh = f"{base} ({self.rng.choice(('new', 'old', 'A', 'B'))})" if row and row["name"] == base else base
        self.registry.update(type_name, id, name=fresh)
