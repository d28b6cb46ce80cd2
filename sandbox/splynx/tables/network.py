"""Sites, routers, networks with their addresses, and what watches them."""

from sandbox.splynx.tables.model import table

NETWORK_SITES = table(
    "network_sites",
    """
    id uint auto
    title str(128)
    gps str(256) null
    description text
    address str(256)
    location_id uint
    deleted flag = 0
    """,
)

NETWORK_SITES_TO_PARTNERS = table(
    "network_sites_to_partners",
    """
    network_site_id uint null = 0
    partner_id uint
    """,
    primary=(),
)

NETWORK_SITE_CONTACTS = table(
    "network_site_contacts",
    """
    id uint auto
    network_site_id uint null = 0
    contact_name str(255) null
    email str(255)
    comment text
    is_default flag = 0
    deleted flag = 0
    """,
)

_AUTHORIZATION = "none|firewall_ip_mac_filter|dhcp_leases|ppp_dhcp_radius|ppp_secrets|hotspot_users|hotspot_radius"

ROUTERS = table(
    "routers",
    f"""
    id uint auto
    title str(64)
    model str(128)
    nas_type uint
    location_id uint index
    address str(128)
    gps_point str(256) null
    gps text null
    ip str(128)
    radius_secret str(32)
    nas_ip str(45) index
    authorization_method enum({_AUTHORIZATION}) = none
    accounting_method enum(none|radius|netflow|mikrotik_api) = none
    deleted flag = 0 index
    updated_at datetime null = now
    """,
    exact=True,
)

ROUTERS_TO_PARTNERS = table(
    "routers_to_partners",
    """
    router_id uint = 0
    partner_id uint
    """,
    primary=(),
)

ROUTERS_TO_IPV4_NETWORKS = table(
    "routers_to_ipv4_networks",
    """
    router_id uint = 0
    ipv4_networks_id uint = 0
    """,
    primary=(),
)

ROUTERS_SECTORS = table(
    "routers_sectors",
    """
    id uint auto
    router_id uint = 0
    title str(128)
    speed_down uint = 0
    speed_up uint = 0
    limit_at uint = 0
    priority str(32) = normal
    deleted flag = 0
    """,
)

NAS_TYPES = table(
    "nas_types",
    """
    id uint auto
    title str(64)
    mikrotik_api flag = 0
    deleted flag = 0 index
    """,
    exact=True,
)

IPV4_NETWORKS = table(
    "ipv4_networks",
    """
    id uint auto
    network str(64) null
    mask utinyint null
    title str(128)
    type_of_usage enum(pool|static|management) null
    comment str(256)
    location_id uint
    network_category uint null
    network_type enum(rootnet|endnet)
    allow_use_network_and_broadcast flag
    rootnet uint = 0
    deleted flag = 0
    """,
)

IPV4_NETWORKS_IP = table(
    "ipv4_networks_ip",
    """
    id uint auto
    ipv4_networks_id uint = 0
    ip uint
    customer_id uint
    is_used flag
    hostname str(255) null
    location_id uint
    title str(128)
    comment str(256)
    host_category uint null
    status str(64)
    last_check uint
    card_id uint = 0
    module str(64) = ''
    module_item_id uint = 0
    deleted flag = 0
    """,
    indexes=("(`ipv4_networks_id`, `ip`)",),
)

IPV6_NETWORKS = table(
    "ipv6_networks",
    """
    id uint auto
    network str(64) null
    prefix utinyint
    title str(128)
    type_of_usage enum(static|management) null
    comment str(256)
    location_id uint
    network_category uint null
    network_type enum(rootnet|endnet)
    rootnet uint = 0
    deleted flag = 0
    """,
)

IPV6_NETWORKS_IP = table(
    "ipv6_networks_ip",
    """
    id uint auto
    ipv6_networks_id uint = 0
    ip str(64)
    ip_end str(255) null
    prefix str(96) = ''
    location_id uint
    title str(128)
    comment str(256)
    host_category uint null
    is_used flag
    customer_id uint
    service_id uint
    card_id uint = 0
    module str(64) = ''
    module_item_id uint = 0
    deleted flag = 0
    """,
    indexes=("(`ipv6_networks_id`)",),
)

MONITORING = table(
    "monitoring",
    """
    id uint auto
    parent_id uint = 0 index
    title str(64) index
    network_site_id int null = 0
    producer uint
    model str(64)
    ip str(64) index
    snmp_port int = 161
    snmp_community str(64) = public
    snmp_version enum(1|2) = 2
    snmp_time uint
    snmp_uptime uint
    snmp_status utinyint = 9 index
    snmp_status_1 utinyint = 9
    snmp_status_2 utinyint = 9
    snmp_status_3 utinyint = 9
    snmp_status_4 utinyint = 9
    snmp_status_5 utinyint = 9
    snmp_state enum(up|down)
    type uint index
    monitoring_group uint
    location_id uint index
    address str(256)
    gps str(256) null
    gps_area text null
    deleted flag10 = 0 index
    active flag10 = 1
    send_notifications flag10 = 0
    delay_timer int null
    is_ping flag = 1
    ping_0 utinyint = 9 index
    ping_1 utinyint = 9
    ping_2 utinyint = 9
    ping_3 utinyint = 9
    ping_4 utinyint = 9
    ping_5 utinyint = 9
    ping_time uint
    ping_state enum(up|down)
    access_device tinyint(1) = 0
    updated_at datetime null = now
    """,
    exact=True,
)

MONITORING_TO_PARTNERS = table(
    "monitoring_to_partners",
    """
    monitoring_id uint
    partner_id uint
    """,
    primary=(),
)

VOICE_DEVICES = table(
    "voice_devices",
    """
    id uint auto
    title str(128)
    model str(128)
    location_id uint
    address str(256)
    ip str(64)
    deleted flag = 0
    """,
)

TABLES = (
    NETWORK_SITES,
    NETWORK_SITES_TO_PARTNERS,
    NETWORK_SITE_CONTACTS,
    ROUTERS,
    ROUTERS_TO_PARTNERS,
    ROUTERS_TO_IPV4_NETWORKS,
    ROUTERS_SECTORS,
    NAS_TYPES,
    IPV4_NETWORKS,
    IPV4_NETWORKS_IP,
    IPV6_NETWORKS,
    IPV6_NETWORKS_IP,
    MONITORING,
    MONITORING_TO_PARTNERS,
    VOICE_DEVICES,
)
