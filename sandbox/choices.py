"""What the invented ISP's operator decides: settings without secrets, rules, and guards. Where servers are is given."""

from dataclasses import dataclass
from typing import Any

from sandbox.splynx import settings as splynx_settings
from sandbox.splynx.seed import STATES

INSTANCE = "sandbox"


@dataclass(frozen=True)
class Places:
    """Where everything is that Crossfade speaks to.

    `user` owns the schema `ledger`, beside Splynx's `database`; where that is None, it sees nothing of Splynx's.
    """

    sonar_url: str
    splynx_url: str
    kafka_bootstrap: str
    registry_url: str
    db_host: str
    db_port: int
    database: str | None
    user: str
    ledger: str = "crossfade"


def settings(places: Places) -> dict[str, Any]:
    """The settings file without its secrets. This Splynx may be thrown away, and one broker holds one copy of all."""
    login = {"host": places.db_host, "port": places.db_port, "user": places.user}
    db: dict[str, Any] = {}
    ledger: dict[str, Any] = {}
    if places.database is not None:
        db["db"] = {**login, "name": places.database}
    else:
        ledger["ledger"] = {**login, "name": places.ledger}
    return {
        "instance": INSTANCE,
        "sonar": {
            "url": places.sonar_url,
            # Nobody else needs its budget; with the usual 300, polling each second would leave a snapshot little of it.
            "requests_per_minute": 6000,
            "poll_seconds": 1,
            "safety_lag_seconds": 2,
        },
        "splynx": {
            "url": places.splynx_url,
            "disposable": True,
            # No human works on it beside us.
            "requests_per_second": 200,
            "concurrency": 8,
            "settle_seconds": 5,
            **db,
        },
        **ledger,
        "kafka": {"bootstrap": places.kafka_bootstrap, "partitions": 4, "replication_factor": 1},
        "registry": {"url": places.registry_url},
        "rules": "rules.yaml",
        "guards": "guards.yaml",
    }


def rules() -> dict[str, Any]:
    """The operator's rules for the invented ISP, as far as customers, their services and payments go."""
    return {
        "version": 1,
        "source": {"timezone": "from_system_setting", "currency": "from_system_setting"},
        "target": {"timezone": "America/Chicago"},
        "partners": {"default": 1, "by_company": {1: 1, 3: 1}},
        "locations": {"default": 1},
        "status_map": {"by_name": {"Vacation hold": "disabled"}, "leads": "customers"},
        "customer": {
            "login_format": "s{id}",
            "portal_auth": "login",
            "labels": {"account_group": "grp: {name}", "account_type": "type: {name}"},
            "subdivisions": {code.replace("-", "_"): number for number, code in enumerate(STATES, 1)},
            "contacts": {"billing_roles": ["billing", "accounting"], "phone_order": ["mobile", "home", "work"]},
        },
        "payment_methods": {
            "default": 5,
            "by_type": {"CASH": 1, "CHECK": 5, "WIRE": 2, "CREDITCARD": 3, "BANKACCOUNT": 2},
        },
        "billing": {"numbers": {"payment": "SP{id}"}},
    }


SWITCHES = {
    "automatic_issuing": splynx_settings.AUTO_ISSUING,
    "billing_due": splynx_settings.BILLING_DUE,
    "deactivation": splynx_settings.DEACTIVATION,
    "block_by_one_time_invoices": splynx_settings.BLOCK_ONE_TIME,
    "reminders": splynx_settings.REMINDERS,
    "auto_proforma": splynx_settings.AUTO_PROFORMA,
    "remove_ips": splynx_settings.REMOVE_IPS,
    "auto_charge": splynx_settings.AUTO_CHARGE,
    "invoice_notification": splynx_settings.INVOICE_NOTIFICATION,
    "payment_notification": splynx_settings.PAYMENT_NOTIFICATION,
    "auto_associate": splynx_settings.AUTO_ASSOCIATE,
    "pay_from_balance": splynx_settings.PAY_FROM_BALANCE,
    "force_to_invoice": splynx_settings.FORCE_TO_INVOICE,
    "welcome_message": splynx_settings.WELCOME_MESSAGE,
    "provisioning": splynx_settings.PROVISIONING,
}
"""`{guard: (module, path, key)}`: what the sandbox calls each switch that must be off."""


def guards() -> dict[str, Any]:
    """The switches that must be off, by the keys that the sandbox gives them, each with its expected value."""
    expected: dict[str, tuple[tuple[str, str, str], Any]] = {
        **{name: (where, splynx_settings.GUARDS[where]) for name, where in SWITCHES.items()},
        "time_zone": (splynx_settings.TIMEZONE, rules()["target"]["timezone"]),
    }
    return {
        "guards": [
            {"name": name, "key": "/".join(where), "expected": value} for name, (where, value) in expected.items()
        ]
    }
