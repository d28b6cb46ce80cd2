"""Where things lie: warehouses and the rooms in them, vans, and whoever else may have them (mapping I4)."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from schemas.aggregate import Aggregate, Collection
from schemas.entities.catalogued import Catalogued
from schemas.records import Instant, Personal, SonarRecord

_WHEREABOUTS = "where a person drives at the moment; nothing is mapped from it"
_TRACKING = "when and by whom a van is tracked; nothing is mapped from it"


class InventoryLocation(Catalogued):
    """A warehouse. Source: Sonar schema, type InventoryLocation."""

    name: str
    default_shipping_location: bool
    geopoint: str | None = None


class InternalLocation(Catalogued):
    """A room or shelf of a warehouse. Source: Sonar schema, type InternalLocation."""

    inventory_location_id: int
    name: str


class Driver(SonarRecord):
    """Source: Sonar schema, type User."""

    id: int


class Vehicle(SonarRecord):
    """A van with those who drive it. Source: Sonar schema, type Vehicle."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    name: Annotated[str, Personal()]
    manufacturer: str | None = None
    model: str | None = None
    year: int | None = None
    vin: Annotated[str | None, Personal()] = None
    users: list[Driver] | None = None

    left_out: ClassVar[Mapping[str, str]] = {
        "updated_at": "new whenever the van moves; an event tells when the row changed",
        "geopoint": _WHEREABOUTS,
        "gps_tracking_always": _TRACKING,
        "gps_tracking_day_friday": _TRACKING,
        "gps_tracking_day_monday": _TRACKING,
        "gps_tracking_day_saturday": _TRACKING,
        "gps_tracking_day_sunday": _TRACKING,
        "gps_tracking_day_thursday": _TRACKING,
        "gps_tracking_day_tuesday": _TRACKING,
        "gps_tracking_day_wednesday": _TRACKING,
        "gps_tracking_enabled": _TRACKING,
        "gps_tracking_end_time": _TRACKING,
        "gps_tracking_provider_id": _TRACKING,
        "gps_tracking_start_time": _TRACKING,
        "gps_tracking_timezone": _TRACKING,
        "gps_tracking_uid": _TRACKING,
    }


class GenericInventoryAssignee(Catalogued):
    """Whoever has things and is none of the others: a contractor, a lab.

    Source: Sonar schema, type GenericInventoryAssignee.
    """

    name: Annotated[str, Personal()]


INVENTORY_LOCATION = Aggregate(
    name="inventory_location",
    root=Collection("inventory_locations", InventoryLocation, "InventoryLocation"),
    doc="A warehouse.",
)
INTERNAL_LOCATION = Aggregate(
    name="internal_location",
    root=Collection("internal_locations", InternalLocation, "InternalLocation"),
    doc="A room or shelf of a warehouse.",
)
VEHICLE = Aggregate(
    name="vehicle",
    root=Collection("vehicles", Vehicle, "Vehicle"),
    pivots=["users"],
    doc="A van that carries equipment, with those who drive it.",
)
GENERIC_INVENTORY_ASSIGNEE = Aggregate(
    name="generic_inventory_assignee",
    root=Collection("generic_inventory_assignees", GenericInventoryAssignee, "GenericInventoryAssignee"),
    doc="Whoever has equipment and is no place, van, user or site.",
)
