"""People and places that are no customers': whom to call about a site or an order, and where to drive.

Only an ISP with its full history has them: others keep the contacts and addresses of the customers' own world.
"""

from __future__ import annotations

from sandbox.world import names
from sandbox.world.domain import Beginning
from sandbox.world.people import Drafter
from sandbox.world.rows import add_address, add_contact


def introduce(ground: Beginning) -> None:
    """Write contacts of sites and vendors, and addresses of these and of the warehouses."""
    store, catalogue = ground.store, ground.catalogue
    drafter = Drafter(ground.rng, ground.calendar, 0)
    for owner_type in ("NetworkSite", "Vendor", "InventoryLocation"):
        for id, row in store.table(owner_type).items():
            at = row["created_at"]
            address = drafter.address("PHYSICAL")
            add_address(store, catalogue, address, id, at, owner_type=owner_type)
            for number in range(ground.rng.randint(1, 2) if owner_type != "InventoryLocation" else 0):
                person = drafter.contact(None, ground.rng.choice(names.FAMILY), primary=number == 0)
                add_contact(store, catalogue, id, person, at, owner_type=owner_type)
