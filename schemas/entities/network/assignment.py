"""Who holds an IP address, as far as it leads to the account that owns it (mapping 4.20, N5)."""

from typing import Annotated

from schemas.aggregate import Aggregate, Collection, Hop, LookUp, Owner
from schemas.entities.network.space import IN_SUBNET, SubnetOf
from schemas.records import Instant, Morph, NewerSonar, Personal, ShownArchived, SonarRecord


class HoldingRadiusAccount(SonarRecord):
    """Source: Sonar schema, type RadiusAccount."""

    id: int
    account_id: int


class HoldingMacAddress(SonarRecord):
    """Source: Sonar schema, type UninventoriedMacAddress."""

    id: int
    account_id: int


class HoldingPlace(SonarRecord):
    """Where the equipment is installed. Source: Sonar schema, type Address."""

    id: int
    addressable_type: str | None = None
    addressable_id: int | None = None


class HoldingItem(SonarRecord):
    """Equipment, and where it is: at an address, or elsewhere. Source: Sonar schema, type InventoryItem."""

    id: int
    inventoryitemable_type: str
    inventoryitemable_id: int
    account_service_id: int | None = None
    address: Annotated[HoldingPlace | None, Morph("inventoryitemable", "Address"), ShownArchived()] = None


class HoldingFieldValue(SonarRecord):
    """An interface of equipment: a MAC address. Source: Sonar schema, type InventoryModelFieldData."""

    id: int
    inventory_item_id: int
    inventory_item: HoldingItem | None = None


class IpAssignment(SonarRecord):
    """An address or a prefix, and who holds it. Source: Sonar schema, type IpAssignment."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    subnet: Annotated[str, Personal()]
    subnet_id: int
    ip_pool_id: int | None = None
    soft: bool
    ipassignmentable_type: str
    ipassignmentable_id: int
    account_service_id: Annotated[int | None, NewerSonar()] = None
    description: Annotated[str | None, Personal()] = None
    reference: Annotated[str | None, Personal()] = None
    parent_subnet: SubnetOf | None = None
    radius_account: Annotated[
        HoldingRadiusAccount | None, Morph("ipassignmentable", "RadiusAccount"), ShownArchived()
    ] = None
    mac_address: Annotated[
        HoldingMacAddress | None, Morph("ipassignmentable", "UninventoriedMacAddress"), ShownArchived()
    ] = None
    inventory_item: Annotated[HoldingItem | None, Morph("ipassignmentable", "InventoryItem"), ShownArchived()] = None
    inventory_model_field_data: Annotated[
        HoldingFieldValue | None, Morph("ipassignmentable", "InventoryModelFieldData"), ShownArchived()
    ] = None


def _held_by(type_name: str) -> Hop:
    return Hop("ip_assignments", "ipassignmentable_id", ("ipassignmentable_type", type_name))


_OF_ITEM = (_held_by("InventoryItem"),)
_OF_FIELD = (_held_by("InventoryModelFieldData"),)
_FIELDS = Hop("inventory_model_field_data", "inventory_item_id")
_ITEMS = Hop("inventory_items", "inventoryitemable_id", ("inventoryitemable_type", "Address"))


def _at(item: str) -> Owner:
    """The account at whose address an item is installed."""
    return Owner(f"{item}.address.addressable_id", (f"{item}.address.addressable_type", "Account"))


IP_ASSIGNMENT = Aggregate(
    name="ip_assignment",
    root=Collection("ip_assignments", IpAssignment, "IpAssignment"),
    owned_by=[
        Owner("ipassignmentable_id", ("ipassignmentable_type", "Account")),
        Owner("radius_account.account_id"),
        Owner("mac_address.account_id"),
        _at("inventory_item"),
        _at("inventory_model_field_data.inventory_item"),
    ],
    looks_up=[
        IN_SUBNET,
        LookUp("radius_accounts", "RadiusAccount", ways=((_held_by("RadiusAccount"),),), fields=("account_id",)),
        LookUp(
            "uninventoried_mac_addresses",
            "UninventoriedMacAddress",
            ways=((_held_by("UninventoriedMacAddress"),),),
            fields=("account_id",),
        ),
        LookUp(
            "inventory_model_field_data", "InventoryModelFieldData", ways=(_OF_FIELD,), fields=("inventory_item_id",)
        ),
        LookUp(
            "inventory_items",
            "InventoryItem",
            ways=(_OF_ITEM, (_FIELDS, *_OF_FIELD)),
            fields=("inventoryitemable_type", "inventoryitemable_id", "account_service_id"),
        ),
        LookUp(
            "addresses",
            "Address",
            ways=((_ITEMS, *_OF_ITEM), (_ITEMS, _FIELDS, *_OF_FIELD)),
            fields=("addressable_type", "addressable_id"),
        ),
    ],
    doc="An IP address or prefix with who holds it, down to the account where there is one.",
)
