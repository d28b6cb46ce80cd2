"""What the invented ISP has in stock: makers, models and the fields of each, and where it buys them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sandbox.world.catalogue import Catalogue
from sandbox.world.rows import Writer


class Field(NamedTuple):
    """One field of a model: what Sonar keeps of an item beside its columns."""

    name: str
    type: str
    primary: bool = False
    required: bool = False
    unique: str = "NONE"
    regexp: str | None = None


MAC = Field("MAC address", "MAC_ADDRESS", required=True, unique="GLOBAL")
SERIAL = Field("Serial number", "TEXT", primary=True, required=True, unique="GLOBAL")
FIRMWARE = Field("Firmware", "TEXT")
ASSET_TAG = Field("Asset tag", "REGULAR_EXPRESSION", unique="LOCAL", regexp="^PL-[0-9]{5}$")
PON = Field("PON id", "TEXT", unique="LOCAL")
PORTS = Field("Ports", "NUMBER")


class Model(NamedTuple):
    """One model. `price` is minor units for a pack of `per_pack`, which it divides."""

    key: str
    name: str
    model_name: str | None
    maker: str
    category: str
    price: int
    per_pack: int = 1
    fields: tuple[Field, ...] = ()
    generic: bool = False
    unit: str | None = None
    enabled: bool = True


MAKERS = ("Northbeam", "Quillworks", "Lantern Optics", "Tallow & Reed")
CATEGORIES = ("Radios", "Optical terminals", "Routers", "Switches", "Fittings")

MODELS = (
    Model("radio", "Prairie 5", "NB-P5-23", "Northbeam", "Radios", 8_990, fields=(SERIAL, MAC, FIRMWARE)),
    Model("old_radio", "Prairie 2", None, "Northbeam", "Radios", 6_450, fields=(SERIAL, MAC), enabled=False),
    Model("ont", "Wick One", "LO-W1", "Lantern Optics", "Optical terminals", 4_425, fields=(SERIAL, MAC, PON)),
    Model("router", "Hearth", "QW-HEARTH-AX", "Quillworks", "Routers", 53_940, 6, fields=(SERIAL, MAC)),
    Model("sector", "Beacon 90", "NB-B90", "Northbeam", "Radios", 41_200, fields=(SERIAL, MAC, FIRMWARE, ASSET_TAG)),
    Model("switch", "Crossing 24", "QW-X24", "Quillworks", "Switches", 61_775, fields=(SERIAL, MAC, PORTS, ASSET_TAG)),
    Model("cable", "Outdoor cable", None, "Tallow & Reed", "Fittings", 16_000, 1_000, generic=True, unit="FEET"),
    Model("plug", "Shielded plug", "TR-45S", "Tallow & Reed", "Fittings", 3_500, 100, generic=True, unit="EACH"),
)  # fmt: skip

DEPLOYMENTS = {"radio": ("Customer radio", "Repeater"), "sector": ("Sector north", "Sector south")}

VENDORS = (
    ("Heartland Wireless Supply", "NET_30", False),
    ("Lantern Optics Direct", "CASH_IN_ADVANCE", False),
    ("Old Mill Surplus", "CASH_ON_DELIVERY", True),
)


@dataclass(frozen=True)
class Stock:
    """Ids of the set-up of the stock, by our own keys."""

    models: dict[str, int]
    fields: dict[str, dict[Field, int]]
    deployments: dict[str, tuple[int, ...]]
    vendor_items: dict[str, int]
    vendors: tuple[int, ...]
    freight: int
    locations: tuple[int, ...]
    internal: tuple[int, ...]
    vehicles: tuple[int, ...]
    assignees: tuple[int, ...]


def open_stock(store: Writer, catalogue: Catalogue, at: datetime) -> Stock:
    """Write the set-up of the stock as of `at`."""
    makers = {name: store.insert("Manufacturer", at=at, name=name) for name in MAKERS}
    categories = {
        name: store.insert("InventoryModelCategory", at=at, icon="ANTENNA759818", name=name) for name in CATEGORIES
    }
    vendors = tuple(
        store.insert(
            "Vendor",
            at=at,
            archived=archived,
            automate_approved_purchase_orders=not archived,
            currency="USD",
            name=name,
            payment_terms=terms,
        )
        for name, terms, archived in VENDORS
    )
    models, fields, deployments, vendor_items = {}, {}, {}, {}
    for model in MODELS:
        vendor = vendors[2 if not model.enabled else 1 if model.maker == "Lantern Optics" else 0]
        id = models[model.key] = store.insert(
            "InventoryModel",
            at=at,
            default_vendor_id=vendor,
            device_type="OTHER",
            enabled=model.enabled,
            generic=model.generic,
            icon="ANTENNA759818",
            inventory_model_category_id=categories[model.category],
            is_segmentable=model.unit == "FEET",
            manufacturer_id=makers[model.maker],
            model_name=model.model_name,
            name=model.name,
            port=443 if model.fields else None,
            protocol="HTTPS" if model.fields else None,
            quantity=model.per_pack if model.generic else None,
            unit_of_measurement=model.unit,
        )
        fields[model.key] = {
            field: store.insert("InventoryModelField", at=at, inventory_model_id=id, **field._asdict())
            for field in model.fields
        }
        deployments[model.key] = tuple(
            store.insert("DeploymentType", at=at, inventory_model_id=id, name=name)
            for name in DEPLOYMENTS.get(model.key, ())
        )
        vendor_items[model.key] = store.insert(
            "VendorItem",
            at=at,
            archived=not model.enabled,
            name=f"{model.name}, pack of {model.per_pack}" if model.per_pack > 1 else model.name,
            part_number=model.model_name,
            price=model.price,
            quantity_per_unit=model.per_pack,
            retail_item=model.key == "router",
            retail_item_price=12_900 if model.key == "router" else None,
            vendor_id=vendor,
            vendoritemable_id=id,
            vendoritemable_type="InventoryModel",
        )
    freight = store.insert(
        "VendorItem",
        at=at,
        archived=False,
        name="Freight",
        price=7_500,
        quantity_per_unit=1,
        retail_item=False,
        vendor_id=vendors[0],
        vendoritemable_id=store.insert("NonInventoryItem", at=at, name="Freight"),
        vendoritemable_type="NonInventoryItem",
    )
    locations = tuple(
        store.insert("InventoryLocation", at=at, default_shipping_location=first, geopoint=geopoint, name=name)
        for name, first, geopoint in (("Warehouse", True, "41.8,-89.6"), ("North depot", False, None))
    )
    internal = tuple(
        # The second one has the name of another sort of place: names are unique by sort only.
        store.insert("InternalLocation", at=at, inventory_location_id=locations[0], name=name)
        for name in ("Shelf A", "North depot", "Returns bin")
    )
    vehicles = tuple(_vehicle(store, at, number) for number in (1, 2, 3))
    for vehicle, user in zip(vehicles, catalogue.users[1:], strict=False):
        store.attach("Vehicle", vehicle, "users", user, at=at + timedelta(days=1))
    assignees = tuple(
        store.insert("GenericInventoryAssignee", at=at, name=name) for name in ("Loaners", "Show room rack")
    )
    return Stock(models, fields, deployments, vendor_items, vendors, freight, locations, internal, vehicles, assignees)


def _vehicle(store: Writer, at: datetime, number: int) -> int:
    weekdays = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    return store.insert(
        "Vehicle",
        at=at,
        gps_tracking_always=False,
        **{f"gps_tracking_day_{day}": day not in ("saturday", "sunday") for day in weekdays},
        gps_tracking_enabled=number == 1,
        gps_tracking_end_time="18:00:00",
        gps_tracking_start_time="07:00:00",
        gps_tracking_timezone="AMERICACHICAGO" if number == 1 else None,
        manufacturer="Oxcart",
        model=("Hauler", "Hauler", "Lift")[number - 1],
        name=f"Van {number}",
        vin=None,
        year=2018 + number,
    )
