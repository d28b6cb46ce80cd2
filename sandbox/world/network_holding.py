"""Who holds which address: assignments, the history that says so, and the leases that a pool has left."""

from __future__ import annotations

from datetime import datetime

from sandbox.sonar.store import Store
from sandbox.world.inventory_rows import Owner, service_at
from sandbox.world.network_space import Row
from sandbox.world.registry import Registry
from sandbox.world.rows import Writer


def top_of(store: Store, holder: Owner) -> Owner | None:
    """The account or the site behind what holds an address; None for equipment in stock or at an empty house."""
    type_name, id = holder
    row = store.table(type_name).get(id)
    if row is None:
        return None
    if type_name in ("Account", "NetworkSite"):
        return holder
    if type_name in ("RadiusAccount", "UninventoriedMacAddress"):
        return "Account", row["account_id"]
    if type_name == "InventoryModelFieldData":
        return top_of(store, ("InventoryItem", row["inventory_item_id"]))
    if type_name == "InventoryItem":
        return top_of(store, (row["inventoryitemable_type"], row["inventoryitemable_id"]))
    if type_name == "Address" and row["addressable_type"] == "Account":
        return "Account", row["addressable_id"]
    return None


def assign(
    writer: Writer,
    store: Store,
    holder: Owner,
    subnet: int,
    block: str,
    at: datetime | None = None,
    *,
    pool: int | None = None,
    description: str | None = None,
) -> int:
    """Give a block to a holder, as a lease of `pool` or for good, and open its history."""
    assignment = writer.insert(
        "IpAssignment",
        at=at,
        description=description,
        ip_pool_id=pool,
        ipassignmentable_id=holder[1],
        ipassignmentable_type=holder[0],
        soft=pool is not None,
        subnet=block,
        subnet_id=subnet,
    )
    open_history(writer, store, assignment, at)
    if pool is not None:
        _leave(writer, store, pool, -1, at)
    return assignment


def open_history(writer: Writer, store: Store, assignment: int, at: datetime | None = None) -> None:
    """Note who holds an assignment from now on; nothing when nobody does."""
    row = store.table("IpAssignment")[assignment]
    holder = row["ipassignmentable_type"], row["ipassignmentable_id"]
    top = top_of(store, holder)
    if top is not None:
        writer.insert(
            "IpAssignmentHistory",
            at=at,
            assigned_datetime=at or store.now(),
            ip_assignment_id=assignment,
            ipassignmentable_id=holder[1],
            ipassignmentable_type=holder[0],
            ipassignmenthistoryable_id=top[1],
            ipassignmenthistoryable_type=top[0],
            soft=row["soft"],
            subnet=row["subnet"],
        )


def close_history(registry: Registry, assignment: int) -> None:
    """Note that its present holder has an assignment no longer. To be called before the holder changes hands."""
    for id in _open_histories(registry.store, assignment):
        registry.update("IpAssignmentHistory", id, removed_datetime=registry.store.now())


def release(registry: Registry, assignment: int) -> None:
    """Take a block back: its history ends, its row is deleted, its pool has one more to lease."""
    row = registry.store.table("IpAssignment")[assignment]
    close_history(registry, assignment)
    registry.delete("IpAssignment", assignment)
    if row["ip_pool_id"] is not None:
        _leave(registry, registry.store, row["ip_pool_id"], 1)


def held_by_item(store: Store, item: int) -> list[int]:
    """The assignments on an item and on its fields."""
    holders = [("InventoryItem", item)] + [
        ("InventoryModelFieldData", id) for id in store.pointing("InventoryModelFieldData", "inventory_item_id", item)
    ]
    return [id for holder in holders for id in store.pointing("IpAssignment", "ipassignmentable", holder)]


def hand_over(registry: Registry, item: int, owner: Owner) -> None:
    """Move an item; its addresses go with it to another customer or site, and are released in any other place."""
    assignments = held_by_item(registry.store, item)
    stays = top_of(registry.store, owner) is not None
    for assignment in assignments:
        if stays:
            close_history(registry, assignment)
        else:
            release(registry, assignment)
    registry.update(
        "InventoryItem",
        item,
        account_service_id=service_at(registry.store, owner),
        inventoryitemable_id=owner[1],
        inventoryitemable_type=owner[0],
    )
    if stays:
        for assignment in assignments:
            open_history(registry, registry.store, assignment)


def _open_histories(store: Store, assignment: int) -> list[int]:
    rows = store.table("IpAssignmentHistory")
    row = store.table("IpAssignment")[assignment]
    top = top_of(store, (row["ipassignmentable_type"], row["ipassignmentable_id"]))
    mine = store.pointing("IpAssignmentHistory", "ipassignmenthistoryable", top) if top is not None else []
    # A customer who moved house has left the equipment to others: then only a look at all rows finds the record.
    return [id for id in mine if is_open(rows[id], assignment)] or [
        id for id, one in rows.items() if is_open(one, assignment)
    ]


def is_open(history: Row, assignment: int) -> bool:
    """Whether a record says that an assignment is held to this day."""
    return history["ip_assignment_id"] == assignment and history["removed_datetime"] is None


def _leave(writer: Writer, store: Store, pool: int, change: int, at: datetime | None = None) -> None:
    writer.update("IpPool", pool, at=at, ips_available=store.table("IpPool")[pool]["ips_available"] + change)
