"""What must hold in the network, and the oddities in it: found by what they are, after any event."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise

from sandbox.sonar.store import Store
from sandbox.world.inventory_rows import canonical
from sandbox.world.network_holding import top_of
from sandbox.world.network_space import bounds, network, size


def violations(store: Store) -> Iterator[str]:
    """Every broken rule of the network; type and id, never a value."""
    yield from _space(store)
    yield from _assignments(store)
    yield from _histories(store)
    names = Counter(row["username"] for row in store.table("RadiusAccount").values())
    for id, row in store.table("RadiusAccount").items():
        if names[row["username"]] > 1:
            yield f"RadiusAccount {id}: somebody else has its name"
    holders = Counter(row["did_id"] for row in store.table("DidAssignment").values())
    yield from (f"Did {id}: assigned {count} times" for id, count in sorted(holders.items()) if count > 1)


def _space(store: Store) -> Iterator[str]:
    supernets, subnets = store.table("Supernet"), store.table("Subnet")
    spans = defaultdict(list)
    for id, row in subnets.items():
        own, wide = network(row["subnet"]), network(supernets[row["supernet_id"]]["subnet"])
        first, last = int(own.network_address), int(own.broadcast_address)
        if own.version != wide.version or not int(wide.network_address) <= first <= last <= int(wide.broadcast_address):
            yield f"Subnet {id}: lies outside its supernet"
        spans[own.version].append((first, last, id))
    for some in spans.values():
        some.sort()
        for (_, last, _), (first, _, id) in pairwise(some):
            if first <= last:
                yield f"Subnet {id}: overlaps another one"
    leases = Counter(row["ip_pool_id"] for row in store.table("IpAssignment").values())
    for id, row in store.table("IpPool").items():
        own, (first, last) = network(subnets[row["subnet_id"]]["subnet"]), bounds(row)
        if not int(own.network_address) <= first <= last <= int(own.broadcast_address):
            yield f"IpPool {id}: lies outside its subnet"
        if row["ips_available"] != size(row) - leases[id]:
            yield f"IpPool {id}: ips_available is off by {row['ips_available'] - size(row) + leases[id]}"


def _assignments(store: Store) -> Iterator[str]:
    subnets, pools = store.table("Subnet"), store.table("IpPool")
    spans = defaultdict(list)
    for id, row in store.table("IpAssignment").items():
        block, subnet = network(row["subnet"]), subnets[row["subnet_id"]]
        own = network(subnet["subnet"])
        first, last = int(block.network_address), int(block.broadcast_address)
        spans[block.version].append((first, last, id))
        if block.version != own.version or not (
            int(own.network_address) <= first <= last <= int(own.broadcast_address)
        ):
            yield f"IpAssignment {id}: lies outside its subnet"
        if subnet["type"] == "EXCLUDED":
            yield f"IpAssignment {id}: its subnet is excluded"
        if row["soft"] != (row["ip_pool_id"] is not None):
            yield f"IpAssignment {id}: soft and pool do not go together"
        elif row["soft"]:
            low, high = bounds(pools[row["ip_pool_id"]])
            if not low <= first <= high or pools[row["ip_pool_id"]]["subnet_id"] != row["subnet_id"]:
                yield f"IpAssignment {id}: lies outside its pool"
    for some in spans.values():
        some.sort()
        for (_, last, _), (first, _, id) in pairwise(some):
            if first <= last:
                yield f"IpAssignment {id}: somebody else holds its address"


def _histories(store: Store) -> Iterator[str]:
    assignments = store.table("IpAssignment")
    holding = defaultdict(list)
    for id, row in store.table("IpAssignmentHistory").items():
        if row["removed_datetime"] is None:
            if row["ip_assignment_id"] is None:
                yield f"IpAssignmentHistory {id}: goes on without an assignment"
            holding[row["ip_assignment_id"]].append(row)
        elif row["removed_datetime"] < row["assigned_datetime"]:
            yield f"IpAssignmentHistory {id}: ends before it starts"
    for id, row in assignments.items():
        holder = row["ipassignmentable_type"], row["ipassignmentable_id"]
        # Equipment stays where it is when its customer moves house: who has its address is then seen only at the house.
        if holder[0] in ("InventoryItem", "InventoryModelFieldData"):
            if len(holding[id]) > 1:
                yield f"IpAssignment {id}: has {len(holding[id])} histories"
            continue
        recorded = [(one["ipassignmenthistoryable_type"], one["ipassignmenthistoryable_id"]) for one in holding[id]]
        if recorded != [top_of(store, holder)]:
            yield f"IpAssignment {id}: its history and its holder differ"
        elif holding[id][0]["subnet"] != row["subnet"]:
            yield f"IpAssignment {id}: its history names another address"


def oddities(store: Store) -> dict[str, list[int]]:
    """`{oddity: [ids, ascending]}` of what the mapping has to decide about; the type is named with each."""
    assignments, pools = store.table("IpAssignment"), store.table("IpPool")
    tops = {
        id: top_of(store, (row["ipassignmentable_type"], row["ipassignmentable_id"])) for id, row in assignments.items()
    }
    accounts = Counter(top for top in tops.values() if top is not None and top[0] == "Account")
    names = Counter(row["username"].lower() for row in store.table("RadiusAccount").values())
    passwordless = {id for id, row in store.table("RadiusAccount").items() if row["password"] is None}
    return {
        # IpAssignment
        "ip_without_mask": [id for id, row in assignments.items() if "/" not in row["subnet"]],
        "ip_lease": [id for id, row in assignments.items() if row["soft"]],
        "ip_prefix": [id for id, row in assignments.items() if network(row["subnet"]).num_addresses > 1],
        "ip_of_nobody": [id for id, top in tops.items() if top is None],
        "ip_of_infrastructure": [id for id, top in tops.items() if top is not None and top[0] == "NetworkSite"],
        # Account
        "several_ips": sorted(id for (_, id), count in accounts.items() if count > 1),
        "mac_of_two_accounts": sorted(_sharers(store)),
        # IpPool, NetworkSite, RadiusAccount
        "pool_not_aligned": [id for id, row in pools.items() if size(row) & (size(row) - 1)],
        "site_without_place": [id for id, row in store.table("NetworkSite").items() if row["geopoint"] is None],
        "radius_twin_by_case": [
            id for id, row in store.table("RadiusAccount").items() if names[row["username"].lower()] > 1
        ],
        "radius_without_password": sorted(passwordless),
    }


def _sharers(store: Store) -> set[int]:
    """Accounts that have a MAC address which another account has, too."""
    having: dict[str, set[int]] = defaultdict(set)
    for row in store.table("UninventoriedMacAddress").values():
        having[canonical(row["mac_address"])].add(row["account_id"])
    fields = store.table("InventoryModelField")
    for id, row in store.table("InventoryModelFieldData").items():
        if fields[row["inventory_model_field_id"]]["type"] == "MAC_ADDRESS":
            top = top_of(store, ("InventoryModelFieldData", id))
            if top is not None and top[0] == "Account":
                having[canonical(row["value"])].add(top[1])
    return {account for sharers in having.values() if len(sharers) > 1 for account in sharers}
