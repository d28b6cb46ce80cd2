"""Ready configuration for the sandboxes: settings, rules, confirmed guards, and a file for the shell."""

import secrets
import shlex
from pathlib import Path
from typing import Any

from sandbox.choices import Places, guards, rules
from sandbox.choices import settings as chosen
from sandbox.files import as_yaml, write_secret
from sandbox.local.library import ROOT
from sandbox.local.ports import free_ports
from sandbox.local.sandboxes import SonarSandbox, SplynxSandbox
from sandbox.local.stack import Addresses


def write(state: Path, servers: Addresses, sonar: SonarSandbox, splynx: SplynxSandbox) -> None:
    """Write `crossfade.yaml`, `rules.yaml`, `guards.yaml` and `env` into `state`.

    `crossfade.yaml` holds the secrets of the sandboxes, so that `--config` alone is enough; only its owner reads it.
    """
    write_secret(
        state / "crossfade.yaml",
        "# Written by `make up`: the local servers and both sandboxes.\n"
        + as_yaml(settings(servers, sonar, splynx, http_ports=free_ports(3), hmac_key=secrets.token_urlsafe(32))),
    )
    (state / "rules.yaml").write_text("# Written by `make up`: rules for the invented ISP.\n" + as_yaml(rules()))
    (state / "guards.yaml").write_text(
        "# Written by `make up`: the sandbox's switches are known.\n" + as_yaml(guards())
    )
    (state / "env").write_text(
        f"# Use with: . {_shown(state / 'env')}\n"
        f"export CROSSFADE_CONFIG={shlex.quote(str(state / 'crossfade.yaml'))}\n"
        f'export PATH={shlex.quote(str(ROOT / ".venv" / "bin"))}:"$PATH"\n'
    )


def settings(
    servers: Addresses, sonar: SonarSandbox, splynx: SplynxSandbox, *, http_ports: list[int], hmac_key: str
) -> dict[str, Any]:
    """The settings file, secrets included."""
    values = chosen(
        Places(
            sonar_url=sonar.url,
            splynx_url=splynx.url,
            kafka_bootstrap=servers.kafka_bootstrap,
            registry_url=servers.registry_url,
            db_host=servers.mariadb_host,
            db_port=servers.mariadb_port,
            database=splynx.database if splynx.database_access else None,
            user=splynx.writer,
            ledger=splynx.ledger,
        )
    )
    values["sonar"]["token"] = sonar.token
    values["splynx"] |= {"key": splynx.key, "secret": splynx.secret}
    login = values["splynx"]["db"] if splynx.database_access else values["ledger"]
    login["password"] = splynx.writer_password
    capture, process, sink = http_ports
    return {
        **values,
        "state_dir": "stages",
        "http": {"capture_port": capture, "process_port": process, "sink_port": sink},
        "process": {"hmac_key": hmac_key},
    }


def _shown(path: Path) -> str:
    """Relative to the checkout where it lies inside."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
