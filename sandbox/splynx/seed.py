"""The rows of a fresh system."""

import re
import secrets
from dataclasses import dataclass
from typing import Any

from sandbox.splynx import settings
from sandbox.splynx.routing import controllers

ACTIONS = ("index", "view", "add", "update", "delete")
INSTALLATION_KEY = ("main", "sandbox", "installation_key")
KEY_ID = 1

_BASE_ROLES = (
    "administrator",
    "super-administrator",
    "manager",
    "financial-manager",
    "engineer",
    "technician",
    "customer-creator",
)
_TICKET_STATUSES = (
    ("New", "open"),
    ("Work in progress", "unresolved"),
    ("Resolved", "closed"),
    ("Waiting on customer", "unresolved"),
    ("Waiting on agent", "unresolved"),
)
_NAS_TYPES = ("MikroTik", "Cisco", "Ubiquiti", "Juniper", "Huawei", "Cambium", "Mimosa", "Other")
STATES = {
    "US-AZ": "Arizona",
    "US-CA": "California",
    "US-CO": "Colorado",
    "US-FL": "Florida",
    "US-GA": "Georgia",
    "US-IA": "Iowa",
    "US-IL": "Illinois",
    "US-IN": "Indiana",
    "US-KS": "Kansas",
    "US-MI": "Michigan",
    "US-MN": "Minnesota",
    "US-MO": "Missouri",
    "US-NE": "Nebraska",
    "US-NY": "New York",
    "US-OH": "Ohio",
    "US-OK": "Oklahoma",
    "US-PA": "Pennsylvania",
    "US-TX": "Texas",
    "US-WA": "Washington",
    "US-WI": "Wisconsin",
}
"""`{ISO 3166-2 code: name}` of its states; their ids count from 1."""

Statement = tuple[str, list[Any]]
_WITH_ID = re.compile(r"INSERT INTO `(\w+)` \(`id`, ")


@dataclass(frozen=True)
class Credentials:
    """An API key."""

    key: str
    secret: str

    @classmethod
    def fresh(cls) -> "Credentials":
        return cls(secrets.token_hex(16), secrets.token_hex(16))


def statements(credentials: Credentials, *, timezone: str, currency: str, guards_off: bool) -> list[Statement]:
    """INSERTs of a fresh system with one API key that may do everything.

    `guards_off` turns off what must be off while another system bills, as an operator does before a migration.
    """
    rows: list[Statement] = []

    def add(table: str, **values: Any) -> None:
        names = ", ".join(f"`{name}`" for name in values)
        marks = ", ".join(["%s"] * len(values))
        rows.append((f"INSERT INTO `{table}` ({names}) VALUES ({marks})", list(values.values())))  # noqa: S608

    for name in _BASE_ROLES:
        add("roles", name=name, title=name.replace("-", " ").capitalize(), is_base="1")
    add("partners", id=1, name="Main")
    add("locations", id=1, name="Main")
    add("admins", id=1, role_name="super-administrator", login="admin", name="Administrator", email="admin@example.com")
    for number, name in ((1, "Cash"), (2, "Bank transfer"), (3, "Credit card"), (5, "Other"), (6, "Refill card")):
        add("payments_types", id=number, name=name, is_active="1")
    for number, name in enumerate(("Service", "Discount", "Payment", "Refund", "Correction"), 1):
        add("billing_transactions_categories", id=number, name=name, is_base="1")
    add("tax", id=1, name="No tax", rate=0, type="single", archived="0", is_system="1")
    add("finance_template_values", id=1, company_name="Main", email="billing@example.com")
    for number, (title, mark) in enumerate(_TICKET_STATUSES, 1):
        add("ticket_statuses", id=number, title_for_agent=title, title_for_customer=title, label="default", mark=mark)
    for number, title in enumerate(("Question", "Incident", "Problem", "Feature request"), 1):
        add("ticket_types", id=number, title=title)
    add("ticket_groups", id=1, title="Any")
    for number, title in enumerate(_NAS_TYPES, 1):
        add("nas_types", id=number, title=title, mikrotik_api="1" if title == "MikroTik" else "0")
    for number, (code, name) in enumerate(STATES.items(), 1):
        add("subdivisions", id=number, code=code, name=name)
    for kind in ("internet", "voice", "custom"):
        add(f"tariffs_{kind}", id=1, title=f"Sandbox {kind}", service_name=f"Sandbox {kind}", price="20.0000")
    _settings(add, timezone=timezone, currency=currency, guards_off=guards_off)
    add(
        "api",
        id=KEY_ID,
        title="Sandbox",
        key=credentials.key,
        secret=credentials.secret,
        unsecure_auth="1",
        check_nonce="1",
        enable_logging="1",
    )
    for controller in controllers():
        for action in ACTIONS:
            add("permissions_api_key", id=KEY_ID, module="", controller=controller, action=action, rule="allow")
    return rows


def highest_ids() -> dict[str, int]:
    """`{table: id}` of the last row that a fresh system has in a table whose ids are counted."""
    found: dict[str, int] = {}
    for sql, values in statements(Credentials("", ""), timezone="UTC", currency="USD", guards_off=False):
        if row := _WITH_ID.match(sql):
            found[row[1]] = max(found.get(row[1], 0), values[0])
    return found


def _settings(add: Any, *, timezone: str, currency: str, guards_off: bool) -> None:
    for module, path, key, kind, value in settings.fresh(timezone=timezone, currency=currency):
        if guards_off and (module, path, key) in settings.GUARDS:
            value = "1" if settings.GUARDS[module, path, key] else "0"
        add("config", module=module, path=path, key=key, type=kind, value=value)
    module, path, key = INSTALLATION_KEY
    add("config", module=module, path=path, key=key, type="string", value=secrets.token_hex(16))
