"""Services of customers, of every kind, and where they are."""

from sandbox.splynx.resources.model import Resource
from sandbox.splynx.resources.model import resource as _resource

_OWN = """
id integer ID
customer_id integer Customer ID
parent_id integer Parent ID
tariff_id integer! Tariff plan
bundle_service_id integer Bundle service ID
status string! Status
status_new string New status
description string! Description
quantity integer! Quantity
unit string Unit
unit_price float Price
start_date date! Start date
end_date date End date
discount boolean Discount
discount_type string Discount type
discount_value float Discount value
discount_start_date date Discount start date
discount_end_date date Discount end date
discount_text string Discount message
period string Period
on_approve boolean On approve
"""
"""What services of every kind have, but for bundles."""
_INTERNET = """
login string! Service login
password string Service password
router_id integer Router
sector_id integer Sector
taking_ipv4 integer Taking IPv4
ipv4 string IPv4
ipv4_route string Additional network
ipv4_pool_id integer IPv4 pool
taking_ipv6 integer Taking IPv6
ipv6 string IPv6
ipv6_delegated string Delegated IPv6
ipv6_pool_id integer IPv6 pool
mac string MAC(s)
port_id integer Port
access_device integer Access device
top_up_tariff_id integer Top-up tariff
"""
_VOICE = """
phone string! Phone
voice_device_id integer Voice device
direction string Direction
"""


def _service(kind: str, table: str, controller: str, notation: str = "", **more: object) -> Resource:
    return _resource(
        f"customers/customer/{{customer_id}}/{kind}-services",
        f"services_{table}",
        f"customers\\Customer{controller}Services",
        notation,
        module=f"services_{table}",
        protected=frozenset({"customer_id", "deleted"}),
        **more,
    )


RESOURCES: tuple[Resource, ...] = (
    _service(
        "internet",
        "internet",
        "Internet",
        _OWN + _INTERNET,
        choices={"taking_ipv4": ("0", "1", "2"), "taking_ipv6": ("0", "1", "2")},
        computed=("type",),
    ),
    _service("voice", "voice", "Voice", _OWN + _VOICE, computed=("type", "phone")),
    _service("recurring", "custom", "Custom", _OWN, computed=("type",)),
    _service(
        "bundle",
        "bundle",
        "Bundle",
        also_required=("bundle_id", "status", "description", "start_date"),
        computed=("type", "services_internet", "services_voice", "services_custom"),
    ),
    _resource(
        "customers/customer/{customer_id}/geo-internet-service",
        "service_geo_data",
        "customers\\GeoInternetServices",
        keys=("service_id",),
        on_collection=(),
        on_item=("GET", "PUT"),
        protected=frozenset({"service_id"}),
        hidden=frozenset({"service_id"}),
    ),
)
