"""Where the network stands and what addresses it has: sites, supernets, subnets and pools."""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import ip_network

from sandbox.world.domain import Beginning
from sandbox.world.network_space import DELEGATIONS, LINKS, ROUTES
from sandbox.world.people import LIFETIME_DAYS
from sandbox.world.rows import Writer

PLACES = (
    "Grain elevator",
    "Water tower",
    "Lantern Hill",
    "Old quarry",
    "Courthouse roof",
    "Silo 9",
    "Ridge road",
    "County line",
    "Mill tower",
    "Fairgrounds",
    "Church steeple",
    "Substation",
)
ACCOUNTS_PER_SITE = 400
MOST_SITES = 60

SUPERNETS = (
    ("Customers", "100.64.0.0/10"),
    ("Management", "10.0.0.0/8"),
    ("Statics", "198.51.100.0/24"),
    ("Routed", "203.0.113.0/24"),
    (None, "192.0.2.0/24"),
    ("IPv6", "2001:db8::/32"),
)
"""Shared and private space, and the blocks that are reserved for documentation."""


def build(ground: Beginning) -> None:
    """Write sites for as many accounts, and the address space of each."""
    at = ground.calendar.instant(ground.calendar.today - timedelta(days=LIFETIME_DAYS + 29))
    store = ground.store
    supernets = {cidr: store.insert("Supernet", at=at, name=name, subnet=cidr) for name, cidr in SUPERNETS}

    def subnet(name: str | None, cidr: str, type_: str) -> int:
        own = ip_network(cidr)
        supernet = next(
            id
            for known, id in supernets.items()
            if (wide := ip_network(known)).version == own.version and own.network_address in wide
        )
        return store.insert(
            "Subnet", at=at, name=name, polling_priority=1, subnet=cidr, supernet_id=supernet, type=type_
        )

    subnet("Statics for business", "198.51.100.0/24", "MIXED")
    subnet(f"{ROUTES} for business", "203.0.113.0/25", "ACCOUNT")
    subnet(None, "192.0.2.0/28", "EXCLUDED")
    for number in range(min(3 + len(store.table("Account")) // ACCOUNTS_PER_SITE, MOST_SITES)):
        name = _site(store, number, at, ground)
        _pool(store, subnet(f"Customers of {name}", f"100.64.{4 * number}.0/22", "ACCOUNT"), number, at)
        subnet(f"Devices of {name}", f"10.{number}.0.0/24", "NETWORK")
        subnet(f"{LINKS} of {name}", f"2001:db8:{number:x}00::/44", "ACCOUNT")
        subnet(f"{DELEGATIONS} of {name}", f"2001:db8:{number:x}10::/44", "ACCOUNT")
    _radius_groups(ground, at)


def _site(store: Writer, number: int, at: datetime, ground: Beginning) -> str:
    name = PLACES[number % len(PLACES)] + (f" {number // len(PLACES) + 1}" if number >= len(PLACES) else "")
    rng = ground.rng
    store.insert(
        "NetworkSite",
        at=at,
        # One that was never measured: no mapping may take its coordinates for 0,0.
        geopoint=None if number == 1 else f"{41 + rng.random():.5f},{-90 + rng.random():.5f}",
        height_in_meters=round(rng.uniform(8, 92), 1),
        name=name,
    )
    return name


def _pool(store: Writer, subnet: int, number: int, at: datetime) -> None:
    # Not aligned to any prefix, as people type ranges.
    first, last = f"100.64.{4 * number + 3}.10", f"100.64.{4 * number + 3}.249"
    store.insert("IpPool", at=at, ip_range=f"{first}-{last}", ips_available=240, name="Leases", subnet_id=subnet)


def _radius_groups(ground: Beginning, at: datetime) -> None:
    """What RADIUS answers by an account's standing; which statuses it means is a pivot."""
    store, statuses = ground.store, ground.catalogue.statuses
    for priority, (name, standing, delinquency, keys) in enumerate(
        (
            ("Full speed", "ACTIVE", "CURRENT", ("active", "courtesy")),
            ("Walled garden", "ALL", "DELINQUENT", ("walled",)),
            ("No service", "INACTIVE", "ALL", ("suspended", "disconnected", "hold")),
        ),
        start=1,
    ):
        group = store.insert(
            "RadiusGroup",
            at=at,
            account_status=standing,
            delinquency=delinquency,
            fall_through=False,
            name=name,
            priority=priority,
        )
        for key in keys:
            store.attach("RadiusGroup", group, "account_statuses", statuses[key], at=at)
