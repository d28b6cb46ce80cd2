"""Where equipment is bought: vendors with what they offer, and orders with their lines (mapping I5, I6)."""

from typing import Annotated

from schemas.aggregate import Aggregate, Collection, LookUp, Owner, Touch
from schemas.entities.catalogued import Catalogued
from schemas.entities.correspondents import TELEPHONE_TYPES, Correspondent, Premises, reached_by
from schemas.records import Instant, MinorUnits, Personal, SonarRecord


class VendorItem(Catalogued):
    """What a vendor sells: so many pieces of a model, or something else. Source: Sonar schema, type VendorItem."""

    vendor_id: int | None = None
    vendoritemable_type: str | None = None
    vendoritemable_id: int | None = None
    name: str
    part_number: str | None = None
    price: MinorUnits
    quantity_per_unit: int
    archived: bool
    retail_item: bool
    retail_item_price: MinorUnits | None = None
    retail_item_service_id: int | None = None


class Vendor(Catalogued):
    """Who sells equipment. Archived ones are listed with the others. Source: Sonar schema, type Vendor."""

    name: str
    archived: bool
    automate_approved_purchase_orders: bool
    currency: str
    payment_terms: str
    contacts: list[Correspondent] | None = None
    addresses: list[Premises] | None = None
    vendor_items: list[VendorItem] | None = None


class OrderedItem(SonarRecord):
    """What a line of an order is about. Source: Sonar schema, type VendorItem."""

    id: int
    vendoritemable_type: str | None = None
    vendoritemable_id: int | None = None
    quantity_per_unit: int


class PurchaseOrderItem(Catalogued):
    """A line of an order; its price is that of one unit. Source: Sonar schema, type PurchaseOrderItem."""

    purchase_order_id: int
    vendor_item_id: int
    list_order: int | None = None
    name: str | None = None
    part_number: str | None = None
    price: MinorUnits
    calculated_tax: MinorUnits | None = None
    units: int
    quantity_per_unit: int | None = None
    generic_quantity_received: int
    status: str
    vendor_item: OrderedItem | None = None


class PurchaseOrder(Catalogued):
    """An order with its lines. Source: Sonar schema, type PurchaseOrder."""

    vendor_id: int
    vendor_name: str | None = None
    company_id: int
    inventory_location_id: int
    order_group_id: int | None = None
    order_number: int | None = None
    status: str
    last_status_change: Instant
    is_paid: bool | None = None
    currency: str | None = None
    payment_terms: str | None = None
    external_message: Annotated[str | None, Personal()] = None
    created_by_user_id: int
    approved_by_user_id: int | None = None
    canceled_by_user_id: int | None = None
    canceled_at: Instant | None = None
    purchase_order_items: list[PurchaseOrderItem] | None = None


VENDOR = Aggregate(
    name="vendor",
    root=Collection("vendors", Vendor, "Vendor"),
    touched_by=[*reached_by("Vendor"), Touch("vendor_items", "VendorItem", [Owner("vendor_id")])],
    looks_up=[TELEPHONE_TYPES],
    doc="A vendor of equipment with its contacts, addresses and offers.",
)
PURCHASE_ORDER = Aggregate(
    name="purchase_order",
    root=Collection("purchase_orders", PurchaseOrder, "PurchaseOrder"),
    touched_by=[Touch("purchase_order_items", "PurchaseOrderItem", [Owner("purchase_order_id")])],
    looks_up=[
        LookUp(
            "vendor_items",
            "VendorItem",
            relation="purchase_order_items.vendor_item",
            fields=("vendoritemable_type", "vendoritemable_id", "quantity_per_unit"),
        )
    ],
    doc="An order of equipment with its lines.",
)
