"""Rows of the stock that both the beginning and the events write. `at` None means now, by the store's clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from random import Random
from typing import Any

from sandbox.sonar.store import Store
from sandbox.world.rows import Writer

Row = Mapping[str, Any]
Owner = tuple[str, int]
"""Type and id of what an item is on."""

FIRMWARE = ("5.2.1", "5.2.4", "6.0.0-rc2", "6.0.3")


def mac_of(number: int, *, prefix: int = 0x02) -> str:
    """A locally administered address, another one for every number below 2**32."""
    # An odd multiplier walks through all 32-bit numbers once.
    digits = f"{prefix:02X}5E{number * 2654435761 % 2**32:08X}"
    return ":".join(digits[place : place + 2] for place in range(0, 12, 2))


def canonical(mac: str) -> str:
    """Twelve capital hexadecimal digits, however an address is spelled."""
    return "".join(digit for digit in mac.upper() if digit in "0123456789ABCDEF")


def fields_of(store: Store, model: int) -> list[Row]:
    """The fields of a model, in the order of their ids."""
    return [
        store.table("InventoryModelField")[id]
        for id in store.pointing("InventoryModelField", "inventory_model_id", model)
    ]


def services_of(store: Store, account: int, type_: str) -> list[Row]:
    """An account's services of one type, the oldest first."""
    held, sold = store.table("AccountService"), store.table("Service")
    ids = store.pointing("AccountService", "account_id", account)
    return [held[id] for id in ids if sold[held[id]["service_id"]]["type"] == type_]


def service_at(store: Store, owner: Owner) -> int | None:
    """The data service that equipment carries at a customer's house; None without one, and in any other place."""
    address = store.table("Address")[owner[1]] if owner[0] == "Address" else None
    if address is None or address["addressable_type"] != "Account":
        return None
    return next((row["id"] for row in services_of(store, address["addressable_id"], "DATA")), None)


def add_item(
    writer: Writer,
    fields: Iterable[Row],
    model: int,
    owner: Owner,
    rng: Random,
    at: datetime | None = None,
    *,
    line: int | None = None,
    price: int | None = None,
    deployment: int | None = None,
    account_service: int | None = None,
) -> int:
    """An item with a value for each of its model's fields. `line` is that of the order, `price` minor units."""
    item = writer.insert(
        "InventoryItem",
        at=at,
        account_service_id=account_service,
        deployment_type_id=deployment,
        flapping=False,
        icmp_status_flap_count=0,
        inventory_model_id=model,
        inventoryitemable_id=owner[1],
        inventoryitemable_type=owner[0],
        purchase_order_item_id=line,
        purchase_price=price,
        snmp_status_flap_count=0,
        status="FUNCTIONAL",
    )
    for field in fields:
        writer.insert(
            "InventoryModelFieldData",
            at=at,
            inventory_item_id=item,
            inventory_model_field_id=field["id"],
            value=value_of(field, item, rng),
        )
    return item


def value_of(field: Row, item: int, rng: Random) -> str:
    """What an item's field holds; a few in ten write a MAC address in some other spelling."""
    if field["type"] == "MAC_ADDRESS":
        mac = mac_of(item)
        return rng.choices((mac, mac.lower(), mac.replace(":", "-"), canonical(mac)), (85, 5, 5, 5))[0]
    if field["type"] == "REGULAR_EXPRESSION":
        return f"PL-{item % 100_000:05d}"
    if field["type"] == "NUMBER":
        return rng.choice(("8", "16", "24"))
    if field["primary"]:
        return f"SN{item:07d}"
    return f"LOPT{item:08X}" if field["unique"] != "NONE" else rng.choice(FIRMWARE)


def add_order(
    writer: Writer,
    store: Store,
    vendor: int,
    location: int,
    company: int,
    user: int,
    at: datetime | None = None,
    *,
    status: str = "PRODUCT_REQUEST",
) -> int:
    """An order without lines; its number follows the last one's."""
    seller = store.table("Vendor")[vendor]
    first = store.setting("system_setting")["initial_purchase_order_number"]
    assert isinstance(first, int)
    return writer.insert(
        "PurchaseOrder",
        at=at,
        company_id=company,
        created_by_user_id=user,
        currency=seller["currency"],
        inventory_location_id=location,
        is_paid=False,
        last_status_change=at or store.now(),
        order_number=first + len(store.table("PurchaseOrder")),
        payment_terms=seller["payment_terms"],
        status=status,
        vendor_id=vendor,
        vendor_name=seller["name"],
    )


def add_line(writer: Writer, store: Store, order: int, vendor_item: int, units: int, at: datetime | None = None) -> int:
    """A line of an order: `units` packs at today's price of the vendor's item."""
    bought = store.table("VendorItem")[vendor_item]
    return writer.insert(
        "PurchaseOrderItem",
        at=at,
        calculated_tax=0,
        generic_quantity_received=0,
        list_order=len(store.pointing("PurchaseOrderItem", "purchase_order_id", order)) + 1,
        name=bought["name"],
        part_number=bought["part_number"],
        price=bought["price"],
        purchase_order_id=order,
        quantity_per_unit=bought["quantity_per_unit"],
        status="PENDING",
        units=units,
        vendor_item_id=vendor_item,
    )
