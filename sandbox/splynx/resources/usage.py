"""Traffic, calls, sessions and limits: what the network reports of services."""

from sandbox.splynx.resources.model import Resource
from sandbox.splynx.resources.model import resource as _resource

_RECORD = """
id integer ID
customer_id integer! Customer ID
service_id integer! Service_id
transaction_id string Transaction_id
category string Category
source string Source
amount integer Amount
sell_price float Price
buy_price float Buy price
rate_buy_price string Rate buy price
comment string Comment
is_price_from_import boolean Is_price_from_import
sell_price_total string Price (tax incl.)
buy_price_total string Buy price (tax incl.)
rate_name string Rate name
import_id integer CDR import ID
customer_login string Customer login
customer_name string Customer name
"""
"""What calls, data and messages have in common."""
_CALLS = """
start string! Start
stop string! Stop
call_to string Destination
direction_type string Direction
"""
_DATA = """
datetime string! Date & Time
"""
_MESSAGES = """
send_at string! Send at
destination string Destination
direction_type string Direction
"""
_STATISTICS = """
id integer #
customer_id integer! Customer
service_id string Service
tariff_id string Plan
partner_id string Partner
nas_id string Nas_id
login string Login
in_bytes string Download bytes
out_bytes string Upload bytes
start_date string Start date
start_time string Start time
end_date string End date
end_time string End time
ipv4 string IPv4 address
ipv6 string IPv6 address
mac string MAC
call_to string Called-Station-Id
port string NAS-Port-Id
error string Error
error_repeat string Error repeat
price string Price
session_id string Session ID
terminate_cause string Termination cause
"""
_ONLINE = """
id integer ID
customer_id integer! Customer ID
service_id integer Service
tariff_id integer Plan
partner_id integer Partner
nas_id integer Routers
login string Login
username_real string User name real
in_bytes integer Download MB
out_bytes integer Upload MB
start_session string Start session
ipv4 string IP
ipv6 string IPv6
ipv6_prefix string IPv6 prefix
mac string MAC/IP
call_to string Called-Station-Id
port string NAS-Port-Id
price string Price
time_on string Time online
last_change string Last update
type string Type
login_is string Login is
session_id string Session ID
blocked string Blocked
nas_identifier string Nas_identifier
kill string X
fup string Rule
signal string Signal Strength
services_internet_router_id string Routers
services_internet_sector_id string Router contention
services_internet_login string Service login
services_internet_ipv4 string IPs
services_internet_ipv4_route string Additional networks
services_internet_mac string MAC
services_internet_unit_price string Internet service price
services_internet_start_date string Internet services start date
services_internet_end_date string Internet services end date
services_internet_description string Description
"""
_READ = ("GET",)


def _counter(path: str, table: str, controller: str) -> Resource:
    return _resource(
        f"customers/{path}", table, f"customers\\{controller}", also_required=("service_id", "date", "up", "down")
    )


def _records(kind: str, own: str, *, module: str = "") -> Resource:
    return _resource(
        f"voice/{kind}",
        f"services_voice_{kind}",
        f"voice\\{kind.capitalize()}",
        own + _RECORD,
        module=module,
        asked_by=("customer_id", "service_id"),
        refers={"customer_id": "customers", "service_id": "services_voice"},
        protected=frozenset({"transaction_id", "import_id", "sell_price_total", "buy_price_total"}),
        computed=("customer_login", "customer_name"),
    )


RESOURCES: tuple[Resource, ...] = (
    _counter("customer-traffic-counter", "traffic_counter", "CustomerTrafficCounter"),
    _counter("customer-bonus-traffic-counter", "bonus_traffic_counter", "CustomerBonusTrafficCounter"),
    _records("calls", _CALLS, module="services_voice_calls"),
    _records("data", _DATA),
    _records("messages", _MESSAGES),
    _resource(
        "customers/customer-statistics",
        "statistics",
        "customers\\CustomerStatistics",
        _STATISTICS,
        on_collection=_READ,
        on_item=_READ,
    ),
    _resource(
        "customers/customers-online",
        "customers_online",
        "customers\\CustomersOnline",
        _ONLINE,
        actions={"kill": ("PUT",)},
    ),
    _resource(
        "fup/cap-tariff",
        "cap_tariff",
        "fup\\CapTariff",
        also_required=("tariff_id", "title", "amount"),
        refers={"tariff_id": "tariffs_internet"},
    ),
    _resource(
        "fup/capped-data",
        "capped_data",
        "fup\\CappedData",
        also_required=("service_id", "quantity"),
        refers={"service_id": "services_internet"},
    ),
    _resource(
        "fup/fup-limits",
        "fup_limits",
        "fup\\FupLimits",
        on_collection=_READ,
        on_item=("GET", "PUT"),
        protected=frozenset({"tariff_id"}),
    ),
)
