"""What happens in a stock on an ordinary day: things are ordered, come, are installed, returned, moved on and lost."""

from __future__ import annotations

import re

from sandbox.world.domain import Event
from sandbox.world.inventory_rows import FIRMWARE, Row, add_item, add_line, add_order, fields_of
from sandbox.world.life import Life
from sandbox.world.network_events import is_home
from sandbox.world.network_holding import hand_over, held_by_item, release

INDEXED = (
    "GenericInventoryItem",
    "InventoryItem",
    "InventoryLocation",
    "InventoryModel",
    "InventoryModelFieldData",
    "PurchaseOrder",
    "Vehicle",
    "VendorItem",
)

NEXT = {
    "PRODUCT_REQUEST": ("APPROVED", "APPROVED", "APPROVED", "REJECTED", "CANCELED"),
    "APPROVED": ("DISPATCHED_TO_VENDOR", "DISPATCHED_TO_VENDOR", "DISPATCH_FAILED"),
    "DISPATCH_FAILED": ("DISPATCHED_TO_VENDOR",),
    "DISPATCHED_TO_VENDOR": ("RECEIVING",),
    "RECEIVING": ("INCOMPLETE",),
    "COMPLETE": ("PAID",),
}
"""Where an order can go from where it is; it is complete when its last line is."""


def item_installed(life: Life) -> bool:
    found = life.registry.draw(
        "InventoryItem",
        life.rng,
        lambda row: row["inventoryitemable_type"] not in ("Address", "NetworkSite") and row["status"] == "FUNCTIONAL",
    )
    home = life.registry.draw("Address", life.rng, is_home)
    if found is None or home is None:
        return False
    hand_over(life.registry, found[0], ("Address", home[0]))
    return True


def item_returned(life: Life) -> bool:
    found = life.registry.draw("InventoryItem", life.rng, lambda row: row["inventoryitemable_type"] == "Address")
    place = life.registry.draw("InventoryLocation", life.rng)
    if found is None or place is None:
        return False
    hand_over(life.registry, found[0], ("InventoryLocation", place[0]))
    return True


def item_moved_on(life: Life) -> bool:
    """Equipment goes from one customer to another without passing through the stock, its addresses with it."""
    found = life.registry.draw("InventoryItem", life.rng, lambda row: row["inventoryitemable_type"] == "Address")
    home = life.registry.draw("Address", life.rng, is_home)
    if found is None or home is None or home[0] == found[1]["inventoryitemable_id"]:
        return False
    hand_over(life.registry, found[0], ("Address", home[0]))
    return True


def item_status_changed(life: Life) -> bool:
    found = life.registry.draw("InventoryItem", life.rng)
    if found is None:
        return False
    status = life.rng.choice(("FAILED", "LOST")) if found[1]["status"] == "FUNCTIONAL" else "FUNCTIONAL"
    life.registry.update("InventoryItem", found[0], status=status)
    return True


def item_written_off(life: Life) -> bool:
    """An item is deleted, and its values with it."""
    found = life.registry.draw("InventoryItem", life.rng, lambda row: row["status"] != "FUNCTIONAL")
    if found is None:
        return False
    for assignment in held_by_item(life.registry.store, found[0]):
        release(life.registry, assignment)
    life.registry.delete("InventoryItem", found[0])
    return True


def firmware_updated(life: Life) -> bool:
    """A value changes, and its item's row does not."""
    fields = life.registry.store.table("InventoryModelField")
    found = life.registry.draw(
        "InventoryModelFieldData",
        life.rng,
        lambda row: fields[row["inventory_model_field_id"]]["name"] == "Firmware",
    )
    if found is None:
        return False
    life.registry.update("InventoryModelFieldData", found[0], value=life.rng.choice(FIRMWARE))
    return True


def model_renamed(life: Life) -> bool:
    found = life.registry.draw("InventoryModel", life.rng)
    if found is None:
        return False
    life.rename("InventoryModel", found[0], re.sub(r" \(.*", "", found[1]["name"]))
    return True


def price_changed(life: Life) -> bool:
    """The next orders cost more or less; what was ordered keeps its price."""
    found = life.registry.draw("VendorItem", life.rng, lambda row: not row["archived"])
    if found is None:
        return False
    row = found[1]
    each = max(1, row["price"] // row["quantity_per_unit"] * life.rng.randint(90, 115) // 100)
    life.registry.update("VendorItem", found[0], price=each * row["quantity_per_unit"])
    return True


def order_placed(life: Life) -> bool:
    store = life.registry.store
    place = life.registry.draw("InventoryLocation", life.rng)
    found = life.registry.draw("VendorItem", life.rng, lambda row: not row["archived"])
    if found is None or place is None:
        return False
    order = add_order(
        life.registry, store, found[1]["vendor_id"], place[0], life.catalogue.companies[0], life.catalogue.users[0]
    )
    for item in [found[0], *life.rng.choices(store.pointing("VendorItem", "vendor_id", found[1]["vendor_id"]))]:
        add_line(life.registry, store, order, item, life.rng.randint(1, 3))
    return True


def order_advanced(life: Life) -> bool:
    found = life.registry.draw("PurchaseOrder", life.rng, lambda row: row["status"] in NEXT)
    if found is None:
        return False
    _advance(life, found[0], life.rng.choice(NEXT[found[1]["status"]]))
    return True


def _advance(life: Life, order: int, status: str) -> None:
    now, user = life.clock(), life.rng.choice(life.catalogue.users)
    canceled = status == "CANCELED"
    life.registry.update(
        "PurchaseOrder",
        order,
        approved_by_user_id=user
        if status == "APPROVED"
        else life.registry.store.table("PurchaseOrder")[order]["approved_by_user_id"],
        canceled_at=now if canceled else None,
        canceled_by_user_id=user if canceled else None,
        is_paid=status == "PAID",
        last_status_change=now,
        status=status,
    )
    if canceled:
        for line in life.registry.store.pointing("PurchaseOrderItem", "purchase_order_id", order):
            life.registry.update("PurchaseOrderItem", line, status="CANCELED")


def line_received(life: Life) -> bool:
    """What one line of an order asked for comes, item by item; the last line completes the order."""
    store = life.registry.store
    found = life.registry.draw("PurchaseOrder", life.rng, lambda row: row["status"] in ("RECEIVING", "INCOMPLETE"))
    if found is None:
        return False
    lines = store.table("PurchaseOrderItem")
    pending = [
        id
        for id in store.pointing("PurchaseOrderItem", "purchase_order_id", found[0])
        if lines[id]["status"] == "PENDING"
    ]
    if pending:
        _receive(life, lines[pending[0]], found[1]["inventory_location_id"])
    if len(pending) <= 1:
        _advance(life, found[0], "COMPLETE")
    return True


def _receive(life: Life, line: Row, location: int) -> None:
    store, sold = life.registry.store, life.registry.store.table("VendorItem")[line["vendor_item_id"]]
    quantity = line["units"] * line["quantity_per_unit"]
    counted = 0
    if sold["vendoritemable_type"] == "InventoryModel":
        model = sold["vendoritemable_id"]
        place = ("InventoryLocation", location)
        if store.table("InventoryModel")[model]["generic"]:
            counted = quantity
            _put(life, place, model, quantity)
        else:
            fields, price = fields_of(store, model), line["price"] // line["quantity_per_unit"]
            for _ in range(quantity):
                add_item(life.registry, fields, model, place, life.rng, line=line["id"], price=price)
    life.registry.update("PurchaseOrderItem", line["id"], status="RECEIVED", generic_quantity_received=counted)


def generic_taken(life: Life) -> bool:
    """Cable or plugs go from a shelf into a van, or from a van into a wall."""
    found = life.registry.draw("GenericInventoryItem", life.rng)
    van = life.registry.draw("Vehicle", life.rng)
    if found is None or van is None:
        return False
    id, row = found
    taken = min(row["quantity"], life.rng.randint(1, 200))
    if taken == row["quantity"]:
        life.registry.delete("GenericInventoryItem", id)
    else:
        life.registry.update("GenericInventoryItem", id, quantity=row["quantity"] - taken)
    if row["genericinventoryitemable_type"] != "Vehicle":
        _put(life, ("Vehicle", van[0]), row["inventory_model_id"], taken)
    return True


def _put(life: Life, place: tuple[str, int], model: int, quantity: int) -> None:
    """Add a quantity to what a place has of a model."""
    table = life.registry.store.table("GenericInventoryItem")
    for id in life.registry.store.pointing("GenericInventoryItem", "genericinventoryitemable", place):
        if table[id]["inventory_model_id"] == model:
            life.registry.update("GenericInventoryItem", id, quantity=table[id]["quantity"] + quantity)
            return
    life.registry.insert(
        "GenericInventoryItem",
        genericinventoryitemable_id=place[1],
        genericinventoryitemable_type=place[0],
        inventory_model_id=model,
        quantity=quantity,
    )


def van_handed_over(life: Life) -> bool:
    """Only the pivot changes; neither the van's row nor the user's does."""
    found = life.registry.draw("Vehicle", life.rng)
    if found is None:
        return False
    drivers = life.registry.store.linked("Vehicle", "users", found[0])
    for driver in list(drivers):
        life.registry.detach("Vehicle", found[0], "users", driver)
    life.registry.attach(
        "Vehicle", found[0], "users", life.rng.choice([user for user in life.catalogue.users if user not in drivers])
    )
    return True


EVENTS: tuple[tuple[Event, float], ...] = (
    (item_installed, 10),
    (firmware_updated, 7),
    (item_returned, 6),
    (item_moved_on, 4),
    (order_advanced, 3),
    (line_received, 3),
    (generic_taken, 3),
    (item_status_changed, 2),
    (order_placed, 1.5),
    (price_changed, 1),
    (item_written_off, 1),
    (van_handed_over, 0.7),
    (model_renamed, 0.4),
)
