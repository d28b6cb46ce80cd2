"""The network and the stock: one domain, for the network hangs on the equipment."""

from __future__ import annotations

from sandbox.world import inventory, inventory_events, network, network_events, network_sites, partners
from sandbox.world.domain import Beginning, Domain


def begin(ground: Beginning) -> None:
    """Sites, then the equipment on them and at customers', then the addresses that hang on it."""
    network_sites.build(ground)
    inventory.fill(ground)
    network.connect(ground)
    if ground.full:
        partners.introduce(ground)


PLANT = Domain(
    "plant",
    begin,
    indexed=network_events.INDEXED + inventory_events.INDEXED,
    events=network_events.EVENTS + inventory_events.EVENTS,
    rate=0.3,
)
