"""What the containers of `docker compose --profile sandbox up` share: `python -m sandbox.containers prepare|join`.

`prepare` writes, before anything runs, the servers' passwords and Crossfade's configuration for the sandboxes; `join`,
once Splynx is installed, Crossfade's way into it. Both keep what is there, so that a second `up` finds the same.
"""

import argparse
import secrets
from pathlib import Path

from sandbox.choices import Places, guards, rules, settings
from sandbox.files import as_yaml, write_secret
from sandbox.splynx.database import Server
from sandbox.splynx.grants import add_server_arguments, create_user, server_of
from sandbox.splynx.install import install

WRITER = "crossfade"
PLACES = Places(
    sonar_url="http://sonar:8080/api/graphql",
    splynx_url="http://splynx:8080",
    kafka_bootstrap="kafka:9092",
    registry_url="http://registry:8080/apis/ccompat/v7",
    db_host="mariadb",
    db_port=3306,
    database="splynx",
    user=WRITER,
)
SONAR_TOKEN, KEY, SECRET = "crossfade_sonar__token", "crossfade_splynx__key", "crossfade_splynx__secret"
WRITER_PASSWORD, HMAC_KEY = "crossfade_splynx__db__password", "crossfade_process__hmac_key"
SERVERS = ("mariadb_root", "grafana_admin")


def prepare(site: Path, passwords: Path) -> None:
    """Write settings, rules, guards and the secrets of our own choice into `site`, the servers' into `passwords`."""
    for name in SERVERS:
        # Read by the servers' own users, as Docker's own secrets are; the volume is mounted nowhere else.
        _keep(passwords / name, 0o444)
    for name in (SONAR_TOKEN, WRITER_PASSWORD, HMAC_KEY):
        _keep(site / "secrets" / name)
    for name, values in (("crossfade.yaml", settings(PLACES)), ("rules.yaml", rules()), ("guards.yaml", guards())):
        (site / name).write_text("# Written by sandbox.containers.\n" + as_yaml(values), encoding="utf-8")


def join(site: Path, server: Server) -> None:
    """Let Crossfade's SQL user in, and write Splynx's key and secret into `site`."""
    credentials = install(server)
    create_user(server, WRITER, (site / "secrets" / WRITER_PASSWORD).read_text())
    write_secret(site / "secrets" / KEY, credentials.key)
    write_secret(site / "secrets" / SECRET, credentials.secret)


def _keep(path: Path, mode: int = 0o600) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        write_secret(path, secrets.token_urlsafe(32), mode)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.containers", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    before = actions.add_parser("prepare")
    before.add_argument("--passwords", type=Path, required=True, help="folder for the servers' passwords")
    after = actions.add_parser("join")
    add_server_arguments(after)
    for action in (before, after):
        action.add_argument("--site", type=Path, required=True, help="folder for Crossfade's configuration")
    given = parser.parse_args()
    if given.action == "prepare":
        prepare(given.site, given.passwords)
    else:
        join(given.site, server_of(given))


if __name__ == "__main__":
    main()
