"""Sites, routers, networks and what watches them."""

from sandbox.splynx.resources.model import Link, Resource
from sandbox.splynx.resources.model import resource as _resource

_NETWORK = """
title string! Title
comment string Comment
location_id integer Location ID
network_category integer Network category
network_type string Network type
type_of_usage string Type of usage
"""
_TREE = """
parent string Parent
rootnet string RootNet
save_to_parent string Save_to_parent
used string Used
split_to string Split_to
confirm_merge string Confirm_merge
"""
"""How a network lies in others."""
_IPV4 = f"""
id integer ID
network string! Network
mask integer BM
{_NETWORK}
allow_use_network_and_broadcast boolean Allow usage of network and broadcast IP's
{_TREE}
needCreateIps string Need create IPs
"""
_IPV6 = f"""
id integer ID
network string! Network
prefix integer Prefix
{_NETWORK}
{_TREE}
range_from string Range_from
range_to string Range_to
"""
_ROUTERS = """
id integer ID
title string! Title
model string Vendor/Model
location_id integer Location
address string Physical address
ip string! IP/Host
gps string GPS area
gps_point string GPS
authorization_method string Authorization
accounting_method string Accounting
nas_type integer! NAS type
nas_ip string NAS IP
radius_secret string Radius secret
status string Status
partners_ids array Partners
pool_ids array Pools
"""
_SECTORS = """
id integer ID
router_id integer! Router id
title string! Title
speed_down integer! Speed Down
speed_up integer! Speed Up
limit_at integer! Guaranteed speed limit at
"""
_MONITORING = """
title string! Title
network_site_id integer Network site
parent_id string Parent
producer integer Vendor
model string Product/Model
ip string! IP address
snmp_port integer! Port
snmp_community string SNMP community
type integer Type
monitoring_group integer! Group
location_id integer Location
address string Address
active integer SNMP Monitoring
send_notifications integer Send notifications
gps string Gps
gps_area string Gps_area
delay_timer integer Delay for notification
is_ping integer Ping this device
ping_0 string Ping_0
ping_1 string Ping_1
ping_2 string Ping_2
ping_3 string Ping_3
ping_4 string Ping_4
ping_5 string Ping_5
ping_time string Ping_time
ping string Ping
snmp_version integer SNMP Version
snmp_time string Snmp_time
snmp_uptime string Uptime
snmp_status string Status
snmp_status_1 string Snmp_status_1
snmp_status_2 string Snmp_status_2
snmp_status_3 string Snmp_status_3
snmp_status_4 string Snmp_status_4
snmp_status_5 string Snmp_status_5
snmp_state string SNMP state
ping_state string Ping state
access_device boolean Access device
partners_ids array Partners
versions string Versions
id integer Id
"""
_VOICE_DEVICES = """
id integer Id
title string! Title
model string Vendor/Model
location_id integer Location
address string Address
ip string! IP
partners_ids array Partners
"""
_LOCATION = {"location_id": "locations"}
_PUT = ("GET", "PUT")

RESOURCES: tuple[Resource, ...] = (
    _resource(
        "networking/network-sites",
        "network_sites",
        "networking\\NetworkSites",
        also_required=("title", "location_id", "partners_ids"),
        refers=_LOCATION,
        used_by=(("monitoring", "network_site_id"),),
        links={"partners_ids": Link("network_sites_to_partners", "network_site_id", "partner_id", "partners")},
    ),
    _resource(
        "networking/routers",
        "routers",
        "networking\\Routers",
        _ROUTERS,
        module="routers",
        unique=("title", "ip"),
        refers=_LOCATION | {"nas_type": "nas_types"},
        used_by=(("services_internet", "router_id"),),
        links={
            "partners_ids": Link("routers_to_partners", "router_id", "partner_id", "partners"),
            "pool_ids": Link("routers_to_ipv4_networks", "router_id", "ipv4_networks_id", "ipv4_networks"),
        },
        stamps={"updated_at": "now"},
    ),
    _resource(
        "networking/routers-sectors",
        "routers_sectors",
        "networking\\RoutersSectors",
        _SECTORS,
        module="routers_sectors",
        refers={"router_id": "routers"},
        used_by=(("services_internet", "sector_id"),),
    ),
    _resource(
        "networking/ipv4",
        "ipv4_networks",
        "networking\\Ipv4",
        _IPV4,
        module="ipv4_networks",
        refers=_LOCATION | {"rootnet": "ipv4_networks"},
    ),
    _resource(
        "networking/ipv4-ip",
        "ipv4_networks_ip",
        "networking\\Ipv4IP",
        module="ipv4_networks_ip",
        on_collection=("GET",),
        on_item=_PUT,
        keys=("ipv4_networks_id", "ip"),
        forms={"/{network}": ("GET",), "/{network}--{ip}": ("GET", "PUT")},
        protected=frozenset({"ipv4_networks_id", "ip"}),
    ),
    _resource(
        "networking/ipv6",
        "ipv6_networks",
        "networking\\Ipv6",
        _IPV6,
        module="ipv6_networks",
        refers=_LOCATION | {"rootnet": "ipv6_networks"},
    ),
    _resource(
        "networking/ipv6-ip",
        "ipv6_networks_ip",
        "networking\\Ipv6IP",
        on_collection=("GET",),
        on_item=("GET", "POST", "PUT", "DELETE"),
        keys=("ipv6_networks_id", "ip"),
        forms={"/{network}": ("GET", "POST"), "/{network}--{ip}": ("GET", "PUT", "DELETE")},
        integers=frozenset({"is_used"}),
    ),
    _resource(
        "networking/monitoring",
        "monitoring",
        "networking\\Monitoring",
        _MONITORING,
        module="monitoring",
        unique=("ip",),
        refers=_LOCATION | {"network_site_id": "network_sites"},
        links={"partners_ids": Link("monitoring_to_partners", "monitoring_id", "partner_id", "partners")},
    ),
    _resource(
        "networking/voice-devices",
        "voice_devices",
        "networking\\VoiceDevices",
        _VOICE_DEVICES,
        module="voice_devices",
        unique=("title", "ip"),
        refers=_LOCATION,
        used_by=(("services_voice", "voice_device_id"),),
    ),
)
