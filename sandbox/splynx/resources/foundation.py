"""What all others refer to: partners, places, staff, labels, taxes, and the log of changes."""

from sandbox.splynx.resources.model import Resource
from sandbox.splynx.resources.model import resource as _resource

_PARTNERS = """
id integer Id
name string! Partner name
"""
_LOCATIONS = """
id integer Id
name string! Location
tax_for_tariff_bundle integer Default tax for any bundle in this location
tax_for_tariff_internet integer Default tax for any internet tariff & related top-ups in this location
tax_for_tariff_voice integer Default tax for any voice tariff in this location
tax_for_tariff_recurring integer Default tax for any recurring tariff in this location
tax_for_tariff_onetime integer Default tax for any one-time tariff in this location
tax_for_inventory_items integer Default tax for any inventory item in this location
"""
_ADMINISTRATORS = """
id integer Id
partner_id integer Partner
role_name string Role
login string! Admin login
name string! Full name
email email! Email
timeout integer Timeout
last_ip string Last IP
last_dt datetime Last login
filter_partner_id string Filter_partner_id
router_access string Router access (radius)
phone string Phone
send_from_my_name boolean Send emails from my name
calendar_color string Calendar color
updated_at string Updated_at
"""
_LABELS = """
id integer ID
module string! Module
label string! Label
color string Color
"""
_TAXES = """
id integer ID
name string! Name
rate float! Rate
type string! Type
archived boolean Archived
accounting_tax_rates_id integer Accounting tax rates ID
einvoicing_tax_rates_id integer Einvoicing_tax_rates_id
is_system boolean Is system
"""
_STATES_PROVINCES = """
id integer ID
code string Code
name string Name
date_changed date Date changed
is_default boolean Default
"""
_READ = ("GET",)

RESOURCES: tuple[Resource, ...] = (
    _resource(
        "administration/partners",
        "partners",
        "administration\\Partners",
        _PARTNERS,
        module="partners",
        used_by=(("customers", "partner_id"),),
    ),
    _resource(
        "administration/locations",
        "locations",
        "administration\\Locations",
        _LOCATIONS,
        module="locations",
        used_by=(("customers", "location_id"),),
    ),
    _resource(
        "administration/administrators",
        "admins",
        "administration\\Administrators",
        _ADMINISTRATORS,
        module="admins",
        unique=("login", "email"),
        refers={"partner_id": "partners"},
        stamps={"updated_at": "now"},
        protected=frozenset({"last_ip", "last_dt"}),
        computed=("filter_partner_id", "avatar_api_url", "download_avatar_link"),
        hidden=frozenset({"password", "otp_secret", "photo_version", "default_photo"}),
    ),
    _resource("config/labels", "labels", "config\\Labels", _LABELS, computed=("textColor",)),
    _resource("config/taxes", "tax", "config\\Taxes", _TAXES, on_collection=_READ, on_item=_READ),
    _resource(
        "config/states-provinces",
        "subdivisions",
        "config\\StatesProvinces",
        _STATES_PROVINCES,
        on_collection=_READ,
        on_item=("GET", "PUT"),
    ),
    _resource("logs/changes", "logs_changes", "logs\\Changes", "", on_collection=_READ, on_item=()),
)
