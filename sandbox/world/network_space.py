"""The address space: which block of a subnet is free, and what a pool holds. Blocks are text, as Sonar keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_network
from random import Random
from typing import Any

from sandbox.sonar.store import Store

Row = Mapping[str, Any]
Network = IPv4Network | IPv6Network

ROUTES, LINKS, DELEGATIONS = "Routed prefixes", "IPv6 links", "IPv6 delegations"
GRAINS = {ROUTES: 29, LINKS: 64, DELEGATIONS: 56}
"""How long the prefixes are that a subnet is given out in, by the beginning of its name; else it goes by hosts."""

TRIES = 60


@lru_cache(maxsize=65_536)
def network(block: str) -> Network:
    """A block as a network; a bare address is a host. Raises ValueError: host bits are set, or it is no address."""
    return ip_network(block)


def grain(subnet: Row) -> int:
    """The prefix length of what a subnet is given out in."""
    own = network(subnet["subnet"])
    by_name = (length for name, length in GRAINS.items() if str(subnet["name"]).startswith(name))
    return next(by_name, own.max_prefixlen)


def bounds(pool: Row) -> tuple[int, int]:
    """The first and the last address of a pool, as numbers."""
    first, _, last = pool["ip_range"].partition("-")
    return int(IPv4Address(first)), int(IPv4Address(last))


def size(pool: Row) -> int:
    """How many addresses a pool has, free or not."""
    first, last = bounds(pool)
    return last - first + 1


def draw_block(store: Store, subnet: Row, rng: Random, pool: Row | None = None) -> str | None:
    """A free block of a subnet, or a free address of its pool; None when a fair number of tries found none.

    Addresses of pools, the first and the last one of a subnet and its gateway are given to nobody by hand.
    """
    own, length = network(subnet["subnet"]), grain(subnet)
    assignments = store.table("IpAssignment")
    taken = {
        int(network(assignments[id]["subnet"]).network_address)
        for id in store.pointing("IpAssignment", "subnet_id", subnet["id"])
    }
    step = 1 << (own.max_prefixlen - length)
    low, high = int(own.network_address), int(own.broadcast_address)
    pooled = []
    if pool is not None:
        low, high = bounds(pool)
    elif step == 1:
        low, high = low + 2, high - 1
        pools = store.table("IpPool")
        pooled = [bounds(pools[id]) for id in store.pointing("IpPool", "subnet_id", subnet["id"])]
    for _ in range(TRIES):
        start = low + rng.randrange((high - low + 1) // step) * step
        if start not in taken and not any(first <= start <= last for first, last in pooled):
            return f"{type(own.network_address)(start)}/{length}"
    return None
