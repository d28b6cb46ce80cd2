"""Additional fields: per module one table of definitions, `<module>_fields`, and one of values, `<module>_values`.

A value's `id` is the entity's id; the key is (id, name). The plain index over name and value is ours: it changes no
behaviour and makes the search by a source id as quick as a test needs it.
"""

from sandbox.splynx.tables.model import Table, table

MODULES = [
    "admins",
    "partners",
    "locations",
    "customers",
    "api",
    "tariffs_internet",
    "tariffs_voice",
    "tariffs_custom",
    "tariffs_one_time",
    "bundle",
    "routers",
    "voice_devices",
    "monitoring",
    "ipv4_networks",
    "ipv6_networks",
    "services_internet",
    "services_voice",
    "services_custom",
    "services_bundle",
    "invoices",
    "ticket",
    "instant_message",
    "templates",
    "customer_documents",
    "monitoring_oid",
    "ipv4_networks_ip",
    "cards_prepaid",
    "cards_refill",
    "routers_sectors",
    "routers_mikrotik",
    "cpe",
    "services_voice_calls",
    "billing_transactions",
    "payments",
    "requests",
    "credit_notes",
    "quotes",
    "inventory_items",
    "inventory_supplier_invoices",
    "inventory_products",
    "inventory_suppliers",
    "inventory_vendors",
    "scheduling_project",
    "scheduling_task",
    "acs_devices",
]
"""Modules that take additional fields, by the API's description."""

_DEFINITION = """
    name str(64)
    title str(128)
    type str(32)
    default_value text
    min_length int null
    max_length int null
    is_required flag = 0
    is_unique flag = 0
    is_add flag = 0
    show_in_list flag = 0
    searchable flag = 0
    readonly flag = 0
    disabled flag = 0
    hidden flag10 = 0
    select_values text null
    relation_module str(64) null
    set_default_value flag = 0
    addon str(128) null
    addon_uri str(255) null
    addon_input_type str(32) null
    decimals tinyint null
    position uint = 0
    module str(64) = ''
"""
_DELETED = "    deleted flag = 0\n"
_VALUE = """
    id uint
    name str(64)
    value text
"""


def _pair(module: str) -> tuple[Table, Table]:
    # Leads share the customers' fields, told apart by a category.
    extra = "    category str(32)\n" if module == "customers" else ""
    keys = () if module == "customers" else ("name",)
    return (
        table(f"{module}_fields", _DEFINITION + extra + _DELETED, primary=keys),
        table(f"{module}_values", _VALUE, primary=("id", "name"), indexes=("`name_value` (`name`, `value`(64))",)),
    )


TABLES = tuple(made for module in MODULES for made in _pair(module))
