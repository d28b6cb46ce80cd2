"""What an account reaches the network with: log-ins, devices, and the IP addresses on either (mapping 4.18, 4.20)."""

from typing import Annotated

from schemas.entities.catalogued import beside
from schemas.records import Few, NewerSonar, Personal, SonarRecord


class SubnetOf(SonarRecord):
    """Source: Sonar schema, type Subnet."""

    id: int
    type: str


class HeldIp(SonarRecord):
    """An address or a block, as a lease where `soft`. Source: Sonar schema, type IpAssignment."""

    id: int
    subnet: Annotated[str, Personal()]
    soft: bool
    ip_pool_id: int | None = None
    account_service_id: Annotated[int | None, NewerSonar()] = None
    parent_subnet: SubnetOf | None = None


class RadiusAccount(SonarRecord):
    """A log-in. Source: Sonar schema, type RadiusAccount."""

    id: int
    username: Annotated[str, Personal()]
    account_service_id: Annotated[int | None, NewerSonar()] = None
    ip_assignments: Annotated[list[HeldIp] | None, Few(4)] = None


class MacAddress(SonarRecord):
    """A device that is in no stock. Source: Sonar schema, type UninventoriedMacAddress."""

    id: int
    mac_address: Annotated[str, Personal()]
    account_service_id: Annotated[int | None, NewerSonar()] = None
    ip_assignments: Annotated[list[HeldIp] | None, Few(4)] = None


class ModelOf(SonarRecord):
    """Source: Sonar schema, type InventoryModel."""

    id: int
    name: str
    model_name: str | None = None


class ModelFieldOf(SonarRecord):
    """Source: Sonar schema, type InventoryModelField."""

    id: int
    name: str
    type: str


class DeviceField(SonarRecord):
    """A MAC address, a serial number or the like. Source: Sonar schema, type InventoryModelFieldData."""

    id: int
    value: Annotated[str, Personal()]
    inventory_model_field: ModelFieldOf | None = None
    ip_assignments: Annotated[list[HeldIp] | None, Few(4)] = None


class Device(SonarRecord):
    """An item of the stock that is at an address of the account. Source: Sonar schema, type InventoryItem."""

    id: int
    status: str
    account_service_id: int | None = None
    inventory_model: ModelOf | None = None
    inventory_model_field_data: Annotated[list[DeviceField] | None, Few(4)] = None
    ip_assignments: Annotated[list[HeldIp] | None, Few(2)] = None


class DidOf(SonarRecord):
    """Source: Sonar schema, type Did."""

    id: int
    number: Annotated[str, Personal()]


class DidAssignment(SonarRecord):
    """That a telephone number is the account's. Source: Sonar schema, type DidAssignment."""

    id: int
    service_id: int | None = None
    did: DidOf | None = None

    left_out = beside("account_id", did_id="it is did.id")
