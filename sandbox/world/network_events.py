"""What happens on a network on an ordinary day: addresses come, go and change hands; numbers, names and subnets too."""

from __future__ import annotations

from sandbox.sonar.store import Store
from sandbox.world.domain import Event
from sandbox.world.inventory_rows import mac_of
from sandbox.world.life import Life
from sandbox.world.network import add_holder, assign_number, is_free, username
from sandbox.world.network_holding import assign, close_history, open_history, release, top_of
from sandbox.world.network_space import Row, bounds, draw_block, network

INDEXED = (
    "Did",
    "DidAssignment",
    "IpAssignment",
    "NetworkSite",
    "RadiusAccount",
    "ServiceableAddressAccountAssignmentFuture",
    "Subnet",
    "UninventoriedMacAddress",
)

LONGEST_TO_SPLIT = 26


def is_home(row: Row) -> bool:
    """Whether an address is a serviceable one that a customer holds."""
    return row["addressable_type"] == "Account" and bool(row["serviceable"])


def ip_assigned(life: Life) -> bool:
    store = life.registry.store
    home = life.registry.draw("Address", life.rng, is_home)
    subnet = life.registry.draw("Subnet", life.rng, lambda row: row["type"] in ("ACCOUNT", "MIXED"))
    if home is None or subnet is None:
        return False
    pools = store.pointing("IpPool", "subnet_id", subnet[0])
    pool = store.table("IpPool")[pools[0]] if pools and life.rng.random() < 0.4 else None
    block = draw_block(store, subnet[1], life.rng, pool)
    if block is None:
        return False
    holder = add_holder(life.registry, store, life.rng, home[1]["addressable_id"], home[0])
    assign(life.registry, store, holder, subnet[0], block, pool=None if pool is None else pool["id"])
    return True


def ip_released(life: Life) -> bool:
    found = life.registry.draw("IpAssignment", life.rng, lambda row: row["ipassignmentable_type"] != "NetworkSite")
    if found is None:
        return False
    release(life.registry, found[0])
    return True


def ip_moved(life: Life) -> bool:
    """An address changes hands and stays the same row: the same `IpAssignment`, another owner."""
    found = life.registry.draw(
        "IpAssignment", life.rng, lambda row: row["ipassignmentable_type"] in ("Account", "RadiusAccount")
    )
    home = life.registry.draw("Address", life.rng, is_home)
    if found is None or home is None:
        return False
    id, row = found
    account = home[1]["addressable_id"]
    if top_of(life.registry.store, (row["ipassignmentable_type"], row["ipassignmentable_id"])) == ("Account", account):
        return False
    close_history(life.registry, id)
    life.registry.update("IpAssignment", id, ipassignmentable_type="Account", ipassignmentable_id=account)
    open_history(life.registry, life.registry.store, id)
    return True


def lease_changed(life: Life) -> bool:
    """A lease runs out and its holder gets another address of the pool, in another row."""
    store = life.registry.store
    found = life.registry.draw("IpAssignment", life.rng, lambda row: bool(row["soft"]))
    if found is None:
        return False
    row = found[1]
    holder = row["ipassignmentable_type"], row["ipassignmentable_id"]
    block = draw_block(
        store, store.table("Subnet")[row["subnet_id"]], life.rng, store.table("IpPool")[row["ip_pool_id"]]
    )
    release(life.registry, found[0])
    if block is not None:
        assign(life.registry, store, holder, row["subnet_id"], block, pool=row["ip_pool_id"])
    return True


def radius_renamed(life: Life) -> bool:
    found = life.registry.draw("RadiusAccount", life.rng)
    if found is None:
        return False
    name = username(life.registry.store, found[1]["account_id"], life.rng)
    life.registry.update("RadiusAccount", found[0], username=name)
    return True


def radius_deleted(life: Life) -> bool:
    found = life.registry.draw("RadiusAccount", life.rng)
    if found is None:
        return False
    for assignment in list(
        life.registry.store.pointing("IpAssignment", "ipassignmentable", ("RadiusAccount", found[0]))
    ):
        release(life.registry, assignment)
    life.registry.delete("RadiusAccount", found[0])
    return True


def mac_swapped(life: Life) -> bool:
    found = life.registry.draw("UninventoriedMacAddress", life.rng)
    if found is None:
        return False
    mac = mac_of(life.rng.getrandbits(32), prefix=0x06)
    life.registry.update("UninventoriedMacAddress", found[0], mac_address=mac)
    return True


def number_assigned(life: Life) -> bool:
    store = life.registry.store
    found = life.registry.draw("Did", life.rng, lambda row: not store.pointing("DidAssignment", "did_id", row["id"]))
    home = life.registry.draw("Address", life.rng, is_home)
    if found is None or home is None:
        return False
    assign_number(life.registry, store, found[0], home[1]["addressable_id"])
    return True


def number_given_back(life: Life) -> bool:
    found = life.registry.draw("DidAssignment", life.rng)
    if found is None:
        return False
    life.registry.delete("DidAssignment", found[0])
    return True


def move_planned(life: Life) -> bool:
    home = life.registry.draw("Address", life.rng, is_home)
    address = life.registry.draw_from(
        life.registry.free_addresses, "Address", life.rng, lambda row: is_free(life.registry.store, row)
    )
    if home is None or address is None:
        return False
    life.registry.insert(
        "ServiceableAddressAccountAssignmentFuture",
        account_id=home[1]["addressable_id"],
        address_id=address[0],
        target_date=life.today(),
    )
    return True


def move_called_off(life: Life) -> bool:
    found = life.registry.draw("ServiceableAddressAccountAssignmentFuture", life.rng)
    if found is None:
        return False
    life.registry.delete("ServiceableAddressAccountAssignmentFuture", found[0])
    return True


def site_measured(life: Life) -> bool:
    found = life.registry.draw("NetworkSite", life.rng)
    if found is None:
        return False
    life.registry.update("NetworkSite", found[0], height_in_meters=round(life.rng.uniform(8, 92), 1))
    return True


def subnet_split(life: Life) -> bool:
    """A subnet becomes its lower half; what lies in the upper half goes to a new one, row by row."""
    store = life.registry.store
    found = life.registry.draw("Subnet", life.rng, lambda row: _halves(store, row) is not None)
    if found is None:
        return False
    id, row = found
    halves = _halves(store, row)
    assert halves is not None
    lower, upper, middle = halves
    life.registry.update("Subnet", id, subnet=lower)
    new = life.registry.insert(
        "Subnet",
        name=f"{row['name']}, {upper}",
        polling_priority=row["polling_priority"],
        subnet=upper,
        supernet_id=row["supernet_id"],
        type=row["type"],
    )
    for pool in list(store.pointing("IpPool", "subnet_id", id)):
        if bounds(store.table("IpPool")[pool])[0] >= middle:
            life.registry.update("IpPool", pool, subnet_id=new)
    for assignment in list(store.pointing("IpAssignment", "subnet_id", id)):
        if int(network(store.table("IpAssignment")[assignment]["subnet"]).network_address) >= middle:
            life.registry.update("IpAssignment", assignment, subnet_id=new)
    return True


def _halves(store: Store, row: Row) -> tuple[str, str, int] | None:
    """Both halves of a customers' subnet and the first address of the upper; None where it must not be split."""
    own = network(row["subnet"])
    if own.version != 4 or row["type"] != "ACCOUNT" or own.prefixlen >= LONGEST_TO_SPLIT:
        return None
    lower, upper = own.subnets()
    middle = int(upper.network_address)
    spans = [bounds(store.table("IpPool")[id]) for id in store.pointing("IpPool", "subnet_id", row["id"])]
    # A pool lies in one half, or the subnet stays whole.
    return None if any(first < middle <= last for first, last in spans) else (str(lower), str(upper), middle)


EVENTS: tuple[tuple[Event, float], ...] = (
    (ip_assigned, 14),
    (ip_released, 10),
    (lease_changed, 12),
    (ip_moved, 8),
    (radius_renamed, 5),
    (mac_swapped, 4),
    (number_assigned, 3),
    (number_given_back, 2.5),
    (radius_deleted, 2),
    (move_planned, 1.5),
    (move_called_off, 1.5),
    (site_measured, 1),
    (subnet_split, 0.4),
)
