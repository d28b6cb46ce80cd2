"""The address space: supernets, subnets, pools (mapping N3, N4)."""

from collections.abc import Mapping
from typing import ClassVar

from schemas.aggregate import Aggregate, Collection, LookUp, Owner, Touch
from schemas.entities.catalogued import Catalogued
from schemas.records import SonarRecord

_DERIVED = "calculated from the assignments inside, and may change without a new updated_at; nothing is mapped from it"
_POLLING = "how Sonar's own monitoring polls it; nothing is mapped from it"


class Supernet(Catalogued):
    """A root network. Source: Sonar schema, type Supernet."""

    subnet: str
    name: str | None = None

    left_out: ClassVar[Mapping[str, str]] = {"largest_cidr_available": _DERIVED}


class Pool(SonarRecord):
    """A range inside a subnet. Source: Sonar schema, type IpPool."""

    id: int
    ip_range: str
    name: str | None = None


class Subnet(Catalogued):
    """A network inside a supernet, with its ranges. Source: Sonar schema, type Subnet."""

    supernet_id: int
    subnet: str
    type: str
    name: str | None = None
    ip_pools: list[Pool] | None = None

    left_out: ClassVar[Mapping[str, str]] = {
        "largest_cidr_available": _DERIVED,
        "poller_id": _POLLING,
        "polling_priority": _POLLING,
    }


class SubnetOf(SonarRecord):
    """The network that an address or a range lies in. Source: Sonar schema, type Subnet."""

    id: int
    subnet: str
    type: str


class IpPool(Catalogued):
    """A range that Sonar hands addresses out of. Source: Sonar schema, type IpPool."""

    subnet_id: int
    ip_range: str
    name: str | None = None
    dhcp_server_identifier_id: int | None = None
    subnet: SubnetOf | None = None

    left_out: ClassVar[Mapping[str, str]] = {"ips_available": _DERIVED}


IN_SUBNET = LookUp("subnets", "Subnet", column="subnet_id", fields=("subnet", "type"))
"""Re-reads what shows its `SubnetOf`."""

SUPERNET = Aggregate(
    name="supernet",
    root=Collection("supernets", Supernet, "Supernet"),
    doc="A supernet: a root network.",
)
SUBNET = Aggregate(
    name="subnet",
    root=Collection("subnets", Subnet, "Subnet"),
    touched_by=[Touch("ip_pools", "IpPool", [Owner("subnet_id")])],
    doc="A subnet of a supernet, with its pools.",
)
IP_POOL = Aggregate(
    name="ip_pool",
    root=Collection("ip_pools", IpPool, "IpPool"),
    looks_up=[IN_SUBNET],
    doc="A range of addresses that leases are given out of.",
)
