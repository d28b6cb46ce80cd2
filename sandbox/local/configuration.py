"""Ready configuration for the sandboxes: settings, rules, confirmed guards, and a file for the shell."""

import secrets
import shlex
from pathlib import Path
from typing import Any

import yaml

from sandbox.local.library import ROOT
from sandbox.local.mariadb import write_secret
from sandbox.local.ports import free_ports
from sandbox.local.sandboxes import SonarSandbox, SplynxSandbox
from sandbox.local.stack import Addresses
from sandbox.splynx import settings as splynx_settings

INSTANCE = "sandbox"


def write(state: Path, servers: Addresses, sonar: SonarSandbox, splynx: SplynxSandbox) -> None:
    """Write `crossfade.yaml`, `rules.yaml`, `guards.yaml` and `env` into `state`.

    `crossfade.yaml` holds the secrets of the sandboxes, so that `--config` alone is enough; only its owner reads it.
    """
    write_secret(
        state / "crossfade.yaml",
        "# Written by `make up`: the local servers and both sandboxes.\n"
        + _yaml(settings(servers, sonar, splynx, http_ports=free_ports(3), hmac_key=secrets.token_urlsafe(32))),
    )
    (state / "rules.yaml").write_text("# Written by `make up`: rules for the invented ISP.\n" + _yaml(rules()))
    (state / "guards.yaml").write_text("# Written by `make up`: the sandbox's switches are known.\n" + _yaml(guards()))
    (state / "env").write_text(
        f"# Use with: . {_shown(state / 'env')}\n"
        f"export CROSSFADE_CONFIG={shlex.quote(str(state / 'crossfade.yaml'))}\n"
        f'export PATH={shlex.quote(str(ROOT / ".venv" / "bin"))}:"$PATH"\n'
    )


def settings(
    servers: Addresses, sonar: SonarSandbox, splynx: SplynxSandbox, *, http_ports: list[int], hmac_key: str
) -> dict[str, Any]:
    """The settings file. This Splynx may be thrown away, and one broker holds one copy of everything."""
    capture, process, sink = http_ports
    return {
        "instance": INSTANCE,
        "sonar": {
            "url": sonar.url,
            "token": sonar.token,
            # Nobody else needs its budget; with the usual 300, polling each second would leave a snapshot little of it.
            "requests_per_minute": 6000,
            "poll_seconds": 1,
            "safety_lag_seconds": 2,
        },
        "splynx": {
            "url": splynx.url,
            "key": splynx.key,
            "secret": splynx.secret,
            "disposable": True,
            # No human works on it beside us.
            "requests_per_second": 200,
            "concurrency": 8,
            "settle_seconds": 5,
            "db": {
                "host": servers.mariadb_host,
                "port": servers.mariadb_port,
                "user": splynx.writer,
                "password": splynx.writer_password,
                "name": splynx.database,
            },
        },
        "kafka": {"bootstrap": servers.kafka_bootstrap, "partitions": 4, "replication_factor": 1},
        "registry": {"url": servers.registry_url},
        "rules": "rules.yaml",
        "guards": "guards.yaml",
        "state_dir": "stages",
        "http": {"capture_port": capture, "process_port": process, "sink_port": sink},
        "process": {"hmac_key": hmac_key},
    }


def rules() -> dict[str, Any]:
    """The operator's rules for the invented ISP, as far as customers and payments go."""
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
    "invoice_notification": splynx_settings.INVOICE_NOTIFICATION,
    "payment_notification": splynx_settings.PAYMENT_NOTIFICATION,
    "auto_associate": splynx_settings.AUTO_ASSOCIATE,
    "pay_from_balance": splynx_settings.PAY_FROM_BALANCE,
    "force_to_invoice": splynx_settings.FORCE_TO_INVOICE,
    "welcome_message": splynx_settings.WELCOME_MESSAGE,
}
"""`{guard: (module, path, key)}`: what the sandbox calls each switch that must be off."""


def guards() -> dict[str, Any]:
    """The switches that must be off, by the keys that the sandbox gives them, each with its expected value."""
    return {
        "guards": [
            {"name": name, "key": "/".join(where), "expected": splynx_settings.GUARDS[where]}
            for name, where in SWITCHES.items()
        ]
    }


def _yaml(values: dict[str, Any]) -> str:
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=120)


def _shown(path: Path) -> str:
    """Relative to the checkout where it lies inside."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
