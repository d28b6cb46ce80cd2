"""The things themselves: what is known one by one, and what is only counted (mapping I7, N7)."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from schemas.aggregate import Aggregate, Collection, Hop, LookUp, Owner, Touch
from schemas.records import Few, Instant, MinorUnits, Morph, Personal, ShownArchived, SonarRecord

_MONITORED = "what Sonar's own monitoring says at the moment; nothing is mapped from it"


class CustomerOf(SonarRecord):
    """Who lives there, as far as a pilot's scope depends on it. Source: Sonar schema, type Account."""

    id: int
    company_id: int
    account_status_id: int


class HomeOf(SonarRecord):
    """The address where something is installed, and whose it is. Source: Sonar schema, type Address."""

    id: int
    addressable_type: str | None = None
    addressable_id: int | None = None
    account: Annotated[CustomerOf | None, Morph("addressable", "Account"), ShownArchived()] = None


class ManufacturerOf(SonarRecord):
    """Source: Sonar schema, type Manufacturer."""

    id: int
    name: str


class ModelOf(SonarRecord):
    """The kind of an item. Source: Sonar schema, type InventoryModel."""

    id: int
    name: str
    model_name: str | None = None
    device_type: str
    manufacturer: ManufacturerOf | None = None


class FieldOf(SonarRecord):
    """What a value is of. Source: Sonar schema, type InventoryModelField."""

    id: int
    name: str
    type: str
    primary: bool


class ItemAddress(SonarRecord):
    """An IP address that an item holds, or one of its interfaces. Source: Sonar schema, type IpAssignment."""

    id: int
    subnet: Annotated[str, Personal()]
    soft: bool


class InventoryModelFieldData(SonarRecord):
    """A serial number, a MAC address or the like. Source: Sonar schema, type InventoryModelFieldData."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    inventory_item_id: int
    inventory_model_field_id: int
    value: Annotated[str, Personal()]
    inventory_model_field: FieldOf | None = None
    ip_assignments: Annotated[list[ItemAddress] | None, Few(4)] = None


class DeploymentOf(SonarRecord):
    """Source: Sonar schema, type DeploymentType."""

    id: int
    name: str


class ServiceOf(SonarRecord):
    """The service that an item is there for. Source: Sonar schema, type AccountService."""

    id: int
    account_id: int


class ItemNote(SonarRecord):
    """Source: Sonar schema, type Note."""

    id: int
    created_at: Instant
    message: Annotated[str, Personal()]


class InventoryItem(SonarRecord):
    """One thing, with what is noted of it and where it is. Source: Sonar schema, type InventoryItem."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    inventory_model_id: int
    inventoryitemable_type: str
    inventoryitemable_id: int
    status: str
    account_service_id: int | None = None
    claimed_user_id: int | None = None
    deployment_type_id: int | None = None
    parent_inventory_item_id: int | None = None
    segment_parent_id: int | None = None
    purchase_order_item_id: int | None = None
    purchase_price: MinorUnits | None = None
    um_price: MinorUnits | None = None
    quantity: int | None = None
    latitude: Annotated[float | None, Personal()] = None
    longitude: Annotated[float | None, Personal()] = None
    metadata: Annotated[str | None, Personal()] = None
    inventory_model: ModelOf | None = None
    deployment_type: DeploymentOf | None = None
    address: Annotated[HomeOf | None, Morph("inventoryitemable", "Address"), ShownArchived()] = None
    account_service: ServiceOf | None = None
    inventory_model_field_data: list[InventoryModelFieldData] | None = None
    ip_assignments: Annotated[list[ItemAddress] | None, Few(4)] = None
    notes: Annotated[list[ItemNote] | None, Few(3)] = None

    left_out: ClassVar[Mapping[str, str]] = {
        "updated_at": "new whenever its monitoring says something else; an event tells when the row changed",
        "flapping": _MONITORED,
        "icmp_device_status": _MONITORED,
        "icmp_status_flap_count": _MONITORED,
        "icmp_status_last_change": _MONITORED,
        "icmp_threshold_violation": _MONITORED,
        "overall_status": _MONITORED,
        "override_status": _MONITORED,
        "override_status_last_change": _MONITORED,
        "preseem_status": _MONITORED,
        "snmp_device_status": _MONITORED,
        "snmp_status_flap_count": _MONITORED,
        "snmp_status_last_change": _MONITORED,
        "snmp_status_message": _MONITORED,
    }


class GenericInventoryItem(SonarRecord):
    """So much of a model in one place. Source: Sonar schema, type GenericInventoryItem."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    inventory_model_id: int
    genericinventoryitemable_type: str
    genericinventoryitemable_id: int
    quantity: int
    address: Annotated[HomeOf | None, Morph("genericinventoryitemable", "Address"), ShownArchived()] = None


_AT_ACCOUNT = Owner("address.addressable_id", ("address.addressable_type", "Account"))
_HOMES = Hop("addresses", "addressable_id", ("addressable_type", "Account"))


def _homes(things: Hop) -> list[LookUp]:
    """What re-reads the things that lie at an address: its own moves, and the scope of the account that has it."""
    return [
        LookUp("addresses", "Address", ways=((things,),), fields=("addressable_type", "addressable_id")),
        LookUp("accounts", "Account", ways=((_HOMES, things),), fields=("company_id", "account_status_id")),
    ]


INVENTORY_ITEM = Aggregate(
    name="inventory_item",
    root=Collection("inventory_items", InventoryItem, "InventoryItem"),
    owned_by=[_AT_ACCOUNT, Owner("account_service.account_id")],
    touched_by=[
        Touch("inventory_model_field_data", "InventoryModelFieldData", [Owner("inventory_item_id")]),
        Touch(
            "ip_assignments",
            "IpAssignment",
            [
                Owner("ipassignmentable_id", ("ipassignmentable_type", "InventoryItem")),
                Owner(
                    "ipassignmentable_id",
                    ("ipassignmentable_type", "InventoryModelFieldData"),
                    through="inventory_model_field_data",
                ),
            ],
        ),
        Touch("notes", "Note", [Owner("noteable_id", ("noteable_type", "InventoryItem"))]),
    ],
    looks_up=[
        *_homes(Hop("inventory_items", "inventoryitemable_id", ("inventoryitemable_type", "Address"))),
        LookUp("account_services", "AccountService", column="account_service_id", fields=("account_id",)),
        LookUp("deployment_types", "DeploymentType", column="deployment_type_id", fields=("name",)),
        LookUp(
            "inventory_models",
            "InventoryModel",
            column="inventory_model_id",
            fields=("name", "model_name", "device_type", "manufacturer_id"),
        ),
        LookUp("manufacturers", "Manufacturer", relation="inventory_model.manufacturer", fields=("name",)),
        LookUp(
            "inventory_model_fields",
            "InventoryModelField",
            relation="inventory_model_field_data.inventory_model_field",
            fields=("name", "type", "primary"),
        ),
    ],
    doc="A piece of equipment with what is noted of it, the addresses it holds, and where it is.",
)
GENERIC_INVENTORY_ITEM = Aggregate(
    name="generic_inventory_item",
    root=Collection("generic_inventory_items", GenericInventoryItem, "GenericInventoryItem"),
    owned_by=[_AT_ACCOUNT],
    looks_up=_homes(
        Hop("generic_inventory_items", "genericinventoryitemable_id", ("genericinventoryitemable_type", "Address"))
    ),
    doc="A quantity of a model in one place.",
)
