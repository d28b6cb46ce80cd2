"""What must hold in the stock, to the cent, and the oddities in it: found by what they are, after any event."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator

from sandbox.sonar.store import Store
from sandbox.world.inventory_rows import Row, canonical

DONE = ("RECEIVED", "DEFECTIVE_RMA", "MISSING", "CANCELED", "RETURNED")


def violations(store: Store) -> Iterator[str]:
    """Every broken rule of the stock; type and id, never a value."""
    yield from _items(store)
    yield from _values(store)
    yield from _orders(store)
    yield from _quantities(store)


def _items(store: Store) -> Iterator[str]:
    models, lines, sold = store.table("InventoryModel"), store.table("PurchaseOrderItem"), store.table("VendorItem")
    deployments = store.table("DeploymentType")
    for id, row in store.table("InventoryItem").items():
        if models[row["inventory_model_id"]]["generic"]:
            yield f"InventoryItem {id}: its model is kept by quantity"
        deployment = row["deployment_type_id"]
        if deployment is not None and deployments[deployment]["inventory_model_id"] != row["inventory_model_id"]:
            yield f"InventoryItem {id}: is deployed as another model"
        if row["account_service_id"] is not None and row["inventoryitemable_type"] != "Address":
            yield f"InventoryItem {id}: carries a service in nobody's house"
        if row["purchase_order_item_id"] is None:
            continue
        line = lines[row["purchase_order_item_id"]]
        if row["purchase_price"] * line["quantity_per_unit"] != line["price"]:
            yield f"InventoryItem {id}: its price is not its share of the order's"
        bought = sold[line["vendor_item_id"]]
        if (bought["vendoritemable_type"], bought["vendoritemable_id"]) != (
            "InventoryModel",
            row["inventory_model_id"],
        ):
            yield f"InventoryItem {id}: was ordered as another model"


def _values(store: Store) -> Iterator[str]:
    fields, items = store.table("InventoryModelField"), store.table("InventoryItem")
    filled: dict[int, Counter[int]] = defaultdict(Counter)
    unique: dict[tuple[int | None, str], list[int]] = defaultdict(list)
    for id, row in store.table("InventoryModelFieldData").items():
        field = fields[row["inventory_model_field_id"]]
        filled[row["inventory_item_id"]][field["id"]] += 1
        if field["inventory_model_id"] != items[row["inventory_item_id"]]["inventory_model_id"]:
            yield f"InventoryModelFieldData {id}: is a field of another model"
        if field["regexp"] is not None and not re.fullmatch(field["regexp"], row["value"]):
            yield f"InventoryModelFieldData {id}: does not have the form of its field"
        if field["type"] == "MAC_ADDRESS" and len(canonical(row["value"])) != 12:
            yield f"InventoryModelFieldData {id}: is no MAC address"
        if field["unique"] != "NONE":
            value = canonical(row["value"]) if field["type"] == "MAC_ADDRESS" else row["value"]
            unique[field["id"] if field["unique"] == "LOCAL" else None, f"{field['name']}:{value}"].append(id)
    for sharers in unique.values():
        yield from (f"InventoryModelFieldData {id}: is not unique" for id in sharers[1:])
    by_model: dict[int, list[Row]] = defaultdict(list)
    for field in fields.values():
        by_model[field["inventory_model_id"]].append(field)
    for model, some in by_model.items():
        if sum(field["primary"] for field in some) != 1:
            yield f"InventoryModel {model}: has not one primary field"
    for id, row in items.items():
        for one in by_model[row["inventory_model_id"]]:
            if filled[id][one["id"]] > 1 or (one["required"] and not filled[id][one["id"]]):
                yield f"InventoryItem {id}: has {filled[id][one['id']]} values of a field"


def _orders(store: Store) -> Iterator[str]:
    orders = store.table("PurchaseOrder")
    received = Counter(row["purchase_order_item_id"] for row in store.table("InventoryItem").values())
    undone: Counter[int] = Counter()
    for id, row in store.table("PurchaseOrderItem").items():
        ordered = row["units"] * row["quantity_per_unit"]
        undone[row["purchase_order_id"]] += row["status"] not in DONE
        if received[id] > ordered or row["generic_quantity_received"] > ordered:
            yield f"PurchaseOrderItem {id}: more came than was ordered"
        if row["status"] == "CANCELED" and (received[id] or row["generic_quantity_received"]):
            yield f"PurchaseOrderItem {id}: came though it was canceled"
    numbers = Counter(row["order_number"] for row in orders.values())
    for id, row in orders.items():
        if row["status"] in ("COMPLETE", "PAID") and undone[id]:
            yield f"PurchaseOrder {id}: complete with something to come"
        if row["is_paid"] != (row["status"] == "PAID"):
            yield f"PurchaseOrder {id}: is_paid and status differ"
        if (row["canceled_at"] is not None) != (row["status"] == "CANCELED"):
            yield f"PurchaseOrder {id}: canceled_at and status differ"
        if numbers[row["order_number"]] > 1:
            yield f"PurchaseOrder {id}: another one has its number"


def _quantities(store: Store) -> Iterator[str]:
    models, sold = store.table("InventoryModel"), store.table("VendorItem")
    bought: Counter[int] = Counter()
    for row in store.table("PurchaseOrderItem").values():
        bought[sold[row["vendor_item_id"]]["vendoritemable_id"]] += row["generic_quantity_received"]
    kept: Counter[int] = Counter()
    places: Counter[tuple[str, int, int]] = Counter()
    for id, row in store.table("GenericInventoryItem").items():
        model = row["inventory_model_id"]
        kept[model] += row["quantity"]
        places[row["genericinventoryitemable_type"], row["genericinventoryitemable_id"], model] += 1
        if row["quantity"] <= 0:
            yield f"GenericInventoryItem {id}: is nothing"
        if not models[model]["generic"]:
            yield f"GenericInventoryItem {id}: its model is kept one by one"
    yield from (f"{place[0]} {place[1]}: keeps a model twice" for place, count in places.items() if count > 1)
    yield from (f"InventoryModel {id}: more is there than ever came" for id in kept if kept[id] > bought[id])


def oddities(store: Store) -> dict[str, list[int]]:
    """`{oddity: [ids, ascending]}` of what the mapping has to decide about; the type is named with each."""
    items, addresses = store.table("InventoryItem"), store.table("Address")
    fields, lines = store.table("InventoryModelField"), store.table("PurchaseOrderItem")
    values = store.table("InventoryModelFieldData")
    primary = {id for id, row in fields.items() if row["primary"]}
    serials = Counter(row["value"].lower() for row in values.values() if row["inventory_model_field_id"] in primary)
    freight = {id for id, row in store.table("VendorItem").items() if row["vendoritemable_type"] == "NonInventoryItem"}
    names = Counter(
        row["name"] for kind in ("InventoryLocation", "InternalLocation") for row in store.table(kind).values()
    )
    return {
        # InventoryItem
        "item_lost": [id for id, row in items.items() if row["status"] == "LOST"],
        "item_failed": [id for id, row in items.items() if row["status"] == "FAILED"],
        "item_of_unknown_price": [id for id, row in items.items() if row["purchase_price"] is None],
        "item_at_empty_house": [
            id
            for id, row in items.items()
            if row["inventoryitemable_type"] == "Address"
            and addresses[row["inventoryitemable_id"]]["addressable_type"] is None
        ],
        # InventoryModelFieldData
        "serial_twin_by_case": [
            id
            for id, row in values.items()
            if row["inventory_model_field_id"] in primary and serials[row["value"].lower()] > 1
        ],
        "mac_spelled_otherwise": [
            id
            for id, row in values.items()
            if fields[row["inventory_model_field_id"]]["type"] == "MAC_ADDRESS"
            and not re.fullmatch(r"([0-9A-F]{2}:){5}[0-9A-F]{2}", row["value"])
        ],
        # GenericInventoryItem, InternalLocation, PurchaseOrder, PurchaseOrderItem, Vendor
        "generic_beyond_1000": [
            id for id, row in store.table("GenericInventoryItem").items() if row["quantity"] > 1000
        ],
        "place_named_twice": [id for id, row in store.table("InternalLocation").items() if names[row["name"]] > 1],
        "order_not_mapped": [
            id
            for id, row in store.table("PurchaseOrder").items()
            if row["status"] not in ("COMPLETE", "PAID", "RECEIVING", "INCOMPLETE")
        ],
        "line_of_no_item": [id for id, row in lines.items() if row["vendor_item_id"] in freight],
        "vendor_archived": [id for id, row in store.table("Vendor").items() if row["archived"]],
    }
