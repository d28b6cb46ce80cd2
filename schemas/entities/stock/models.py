"""What kinds of things there are: manufacturers, categories, models with their fields, deployment types (I1-I3)."""

from collections.abc import Mapping
from typing import ClassVar

from schemas.aggregate import Aggregate, Collection, LookUp, Owner, Touch
from schemas.entities.catalogued import Catalogued
from schemas.records import MinorUnits, SonarRecord

_MONITORING = "how Sonar's own monitoring treats it; nothing is mapped from it"


class Manufacturer(Catalogued):
    """Source: Sonar schema, type Manufacturer."""

    name: str


class InventoryModelCategory(Catalogued):
    """Source: Sonar schema, type InventoryModelCategory."""

    name: str
    icon: str | None = None
    general_ledger_code_id: int | None = None


class InventoryModelField(Catalogued):
    """What is noted of each item of a model. Source: Sonar schema, type InventoryModelField."""

    inventory_model_id: int
    name: str
    type: str
    secondary_type: str | None = None
    primary: bool
    required: bool
    unique: str
    regexp: str | None = None


class RentalService(SonarRecord):
    """What an item of the model costs when it is let. Source: Sonar schema, type Service."""

    id: int
    amount: MinorUnits


class ModelOffer(SonarRecord):
    """At what price a model is sold or let. Source: Sonar schema, type VendorItem."""

    id: int
    vendor_id: int | None = None
    archived: bool
    retail_item: bool
    retail_item_price: MinorUnits | None = None
    retail_item_service: RentalService | None = None


class InventoryModel(Catalogued):
    """A kind of thing, with its fields and offers. Source: Sonar schema, type InventoryModel."""

    manufacturer_id: int
    inventory_model_category_id: int
    name: str
    model_name: str | None = None
    device_type: str
    enabled: bool
    generic: bool
    is_segmentable: bool
    quantity: int | None = None
    unit_of_measurement: str | None = None
    default_vendor_id: int | None = None
    icon: str | None = None
    lte_sim_type: str | None = None
    protocol: str | None = None
    port: int | None = None
    inventory_model_fields: list[InventoryModelField] | None = None
    vendor_items: list[ModelOffer] | None = None

    left_out: ClassVar[Mapping[str, str]] = {"network_monitoring_template_id": _MONITORING}


class DeploymentType(Catalogued):
    """What items of a model are used for. Source: Sonar schema, type DeploymentType."""

    inventory_model_id: int
    name: str

    left_out: ClassVar[Mapping[str, str]] = {"network_monitoring_template_id": _MONITORING}


MANUFACTURER = Aggregate(
    name="manufacturer",
    root=Collection("manufacturers", Manufacturer, "Manufacturer"),
    doc="Who makes equipment.",
)
INVENTORY_MODEL_CATEGORY = Aggregate(
    name="inventory_model_category",
    root=Collection("inventory_model_categories", InventoryModelCategory, "InventoryModelCategory"),
    doc="A category of models of equipment.",
)
INVENTORY_MODEL = Aggregate(
    name="inventory_model",
    root=Collection("inventory_models", InventoryModel, "InventoryModel"),
    touched_by=[
        Touch("inventory_model_fields", "InventoryModelField", [Owner("inventory_model_id")]),
        Touch("vendor_items", "VendorItem", [Owner("vendoritemable_id", ("vendoritemable_type", "InventoryModel"))]),
    ],
    looks_up=[LookUp("services", "Service", relation="vendor_items.retail_item_service", fields=("amount",))],
    doc="A model of equipment with what is noted of its items and the prices at which it is sold or let.",
)
DEPLOYMENT_TYPE = Aggregate(
    name="deployment_type",
    root=Collection("deployment_types", DeploymentType, "DeploymentType"),
    doc="What items of a model are used for.",
)
