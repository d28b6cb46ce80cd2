"""The stock at the beginning: what was ordered, what came, and where each item lies now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sandbox.world.domain import Beginning
from sandbox.world.inventory_catalogue import MODELS, Model, Stock, open_stock
from sandbox.world.inventory_rows import Owner, add_item, add_line, add_order, fields_of, service_at
from sandbox.world.people import LIFETIME_DAYS

BY_KEY = {model.key: model for model in MODELS}
LOT = 24
"""How many items are ordered at once; every pack size divides it."""
DELIVERY = timedelta(days=12)
OPEN_ORDERS = ("PRODUCT_REQUEST", "APPROVED", "DISPATCHED_TO_VENDOR", "RECEIVING", "INCOMPLETE", "CANCELED", "REJECTED")
REELS, BAGS = 6, 55
"""Packs of cable and of plugs bought for every 1,000 accounts, and at least so many."""


class Placement(NamedTuple):
    """One item to be: since when it is where it is, which model, and on what."""

    at: datetime
    model: str
    owner: Owner


def fill(ground: Beginning) -> None:
    """Write the stock: its set-up, an item or two for every home, spares, and the orders that all of it came by."""
    opened = ground.calendar.instant(ground.calendar.today - timedelta(days=LIFETIME_DAYS + 29))
    stock = open_stock(ground.store, ground.catalogue, opened)
    _buy(ground, stock, sorted([*_at_sites(ground), *_at_homes(ground), *_elsewhere(ground, stock)]))
    _generic(ground, stock, opened)
    _open_orders(ground, stock)
    _oddities(ground, stock)


def _at_sites(ground: Beginning) -> Iterator[Placement]:
    for id, row in ground.store.table("NetworkSite").items():
        for model in ("sector", "sector", "switch"):
            yield Placement(row["created_at"], model, ("NetworkSite", id))


def _at_homes(ground: Beginning) -> Iterator[Placement]:
    rng = ground.rng
    for id, row in ground.store.table("Address").items():
        if row["addressable_type"] != "Account" or not row["serviceable"]:
            continue
        yield Placement(row["created_at"], rng.choices(("radio", "ont", "old_radio"), (60, 30, 10))[0], ("Address", id))
        if rng.random() < 0.5:
            yield Placement(row["created_at"], "router", ("Address", id))


def _elsewhere(ground: Beginning, stock: Stock) -> Iterator[Placement]:
    """Spares and what somebody holds: one for ten accounts, and at least one in each sort of place."""
    at = ground.calendar.instant(ground.calendar.today - timedelta(days=20))
    places: list[Owner] = [
        *(("InternalLocation", id) for id in stock.internal),
        *(("Vehicle", id) for id in stock.vehicles),
        *(("User", id) for id in ground.catalogue.users[:2]),
        *(("GenericInventoryAssignee", id) for id in stock.assignees),
        *(("InventoryLocation", id) for id in stock.locations),
    ]
    for number in range(max(len(places), len(ground.store.table("Account")) // 10)):
        yield Placement(at, ground.rng.choice(("radio", "ont", "router")), places[number % len(places)])


def _buy(ground: Beginning, stock: Stock, placements: Sequence[Placement]) -> None:
    """Order and receive what the placements ask for, in lots. What a lot has over stays in the warehouse.

    In a full history every item has passed through the warehouse.
    """
    wanted: dict[str, list[Placement]] = defaultdict(list)
    for placement in placements:
        wanted[placement.model].append(placement)
    lots = [(key, some[start : start + LOT]) for key, some in wanted.items() for start in range(0, len(some), LOT)]
    warehouse: Owner = ("InventoryLocation", stock.locations[0])
    for key, lot in sorted(lots, key=lambda one: one[1][0]):
        model, arrived = BY_KEY[key], lot[0].at - DELIVERY
        packs = -(-len(lot) // model.per_pack)
        line = _bought(ground, stock, model, packs, arrived)
        price, fields = model.price // model.per_pack, fields_of(ground.store, stock.models[key])
        deployments = stock.deployments[key]
        spares = [Placement(arrived, key, warehouse)] * (packs * model.per_pack - len(lot))
        for placement in [*lot, *spares]:
            deployment = ground.rng.choice(deployments) if deployments else None
            owner = warehouse if ground.full else placement.owner
            item = add_item(
                ground.store,
                fields,
                stock.models[key],
                owner,
                ground.rng,
                arrived,
                line=line,
                price=price,
                deployment=deployment,
                account_service=service_at(ground.store, owner),
            )
            if owner != placement.owner:
                ground.store.update(
                    "InventoryItem",
                    item,
                    at=placement.at,
                    account_service_id=service_at(ground.store, placement.owner),
                    inventoryitemable_type=placement.owner[0],
                    inventoryitemable_id=placement.owner[1],
                )


def _bought(ground: Beginning, stock: Stock, model: Model, packs: int, arrived: datetime) -> int:
    """A complete order of one model, now and then with freight; the id of the model's line."""
    store, at = ground.store, arrived - DELIVERY
    item = stock.vendor_items[model.key]
    vendor = store.table("VendorItem")[item]["vendor_id"]
    order = add_order(
        store, store, vendor, stock.locations[0], ground.catalogue.companies[0], ground.catalogue.users[0], at
    )
    line = add_line(store, store, order, item, packs, at)
    quantity = packs * model.per_pack if model.generic else 0
    store.update("PurchaseOrderItem", line, at=arrived, status="RECEIVED", generic_quantity_received=quantity)
    if vendor == stock.vendors[0] and ground.rng.random() < 0.3:
        freight = add_line(store, store, order, stock.freight, 1, at)
        store.update("PurchaseOrderItem", freight, at=arrived, status="RECEIVED")
    paid = ground.rng.random() < 0.6
    store.update(
        "PurchaseOrder",
        order,
        at=arrived,
        approved_by_user_id=ground.catalogue.users[0],
        is_paid=paid,
        last_status_change=arrived,
        status="PAID" if paid else "COMPLETE",
    )
    return line


def _generic(ground: Beginning, stock: Stock, opened: datetime) -> None:
    """Cable and plugs, by quantity: half of what was bought lies in the warehouse, a little in each van."""
    arrived = opened + 2 * DELIVERY
    thousands = -(-len(ground.store.table("Account")) // 1000)
    for key, packs in (("cable", REELS * thousands), ("plug", BAGS * thousands)):
        _bought(ground, stock, BY_KEY[key], packs, arrived)
        bought = packs * BY_KEY[key].per_pack
        places: list[Owner] = [("InventoryLocation", stock.locations[0]), *(("Vehicle", id) for id in stock.vehicles)]
        for place, share in zip(places, (2, 20, 25, 40), strict=True):
            ground.store.insert(
                "GenericInventoryItem",
                at=arrived,
                genericinventoryitemable_id=place[1],
                genericinventoryitemable_type=place[0],
                inventory_model_id=stock.models[key],
                quantity=bought // share,
            )


def _open_orders(ground: Beginning, stock: Stock) -> None:
    """One order in every state that an order can be in before it is complete, or instead of it."""
    store, users = ground.store, ground.catalogue.users
    for number, status in enumerate(OPEN_ORDERS):
        at = ground.calendar.instant(ground.calendar.today - timedelta(days=9 - number))
        order = add_order(
            store, store, stock.vendors[0], stock.locations[0], ground.catalogue.companies[0], users[0], at
        )
        for key in ("radio", "router"):
            add_line(store, store, order, stock.vendor_items[key], ground.rng.randint(1, 4), at)
        later = at + timedelta(hours=3)
        canceled: dict[str, Any] = {}
        if status == "CANCELED":
            canceled = {"canceled_at": later, "canceled_by_user_id": users[0]}
        if status != "PRODUCT_REQUEST":
            store.update("PurchaseOrder", order, at=later, last_status_change=later, status=status, **canceled)
        if canceled:
            for line in store.pointing("PurchaseOrderItem", "purchase_order_id", order):
                store.update("PurchaseOrderItem", line, at=later, status="CANCELED")


def _oddities(ground: Beginning, stock: Stock) -> None:
    """What a migration stumbles over; `inventory_rules.oddities` finds it again."""
    store, at = ground.store, ground.calendar.instant(ground.calendar.yesterday)
    spares = store.pointing("InventoryItem", "inventoryitemable", ("InternalLocation", stock.internal[2]))
    store.update("InventoryItem", spares[0], at=at, status="FAILED")
    lost = store.pointing("InventoryItem", "inventoryitemable", ("GenericInventoryAssignee", stock.assignees[0]))
    store.update("InventoryItem", lost[0], at=at, status="LOST", metadata="not returned")
    # Found on a shelf, bought from nobody; its serial number differs from another one's by its case alone.
    radio = stock.models["radio"]
    found = add_item(store, fields_of(store, radio), radio, ("InventoryLocation", stock.locations[1]), ground.rng, at)
    values = store.table("InventoryModelFieldData")
    serial = stock.fields["radio"][MODELS[0].fields[0]]
    other = next(row for row in values.values() if row["inventory_model_field_id"] == serial)
    mine = next(
        id
        for id in store.pointing("InventoryModelFieldData", "inventory_item_id", found)
        if values[id]["inventory_model_field_id"] == serial
    )
    store.update("InventoryModelFieldData", mine, at=at, value=other["value"].lower())
    free = [id for id, row in store.table("Address").items() if row["serviceable"] and row["addressable_type"] is None]
    if free:
        # A house that nobody lives in, with a radio still on its roof.
        add_item(store, fields_of(store, radio), radio, ("Address", free[0]), ground.rng, at)
