"""A Sonar, an empty Splynx and a settings file for `crossfade`, and the command itself as a process."""

import json
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from sandbox import choices
from sandbox.local import configuration
from sandbox.local.ports import free_ports
from sandbox.local.sandboxes import SonarSandbox, SplynxSandbox
from sandbox.local.stack import Addresses
from tests.conftest import MariaDbAccess, drop_topics
from tests.integration import behind
from tests.prepared import ForkedServer, Prepared
from tests.slice import BEYOND_THE_SLICE
from tests.splynx_pool import SplynxPool

ACCOUNTS = 30
PROGRAM = (sys.executable, "-m", "console")


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """What it printed, as JSON."""
        found = json.loads(self.out)
        assert found["version"] == 1
        return dict(found)


@dataclass(frozen=True)
class Site:
    """One instance: its two ends, and the folder with its settings, rules and guards."""

    folder: Path
    sonar: SonarSandbox
    splynx: SplynxSandbox
    mariadb: MariaDbAccess
    settings: Mapping[str, Any]
    prepared: Prepared

    @property
    def config(self) -> Path:
        """The settings file."""
        return self.folder / "crossfade.yaml"

    def configure(self, **changes: Any) -> None:
        """Write the settings file, changed by dotted keys: `configure(**{"sonar.token": "wrong"})`; None removes."""
        self.write("crossfade.yaml", changed(self.settings, changes))

    def write(self, name: str, values: object) -> None:
        """Write a YAML file beside the settings."""
        (self.folder / name).write_text(yaml.safe_dump(values, sort_keys=False))

    def command(self, *words: str, config: bool = True) -> list[str]:
        """The command line of a `crossfade` command."""
        return [*PROGRAM, *words, *(["--config", str(self.config)] if config else [])]

    def crossfade(
        self, *words: str, env: Mapping[str, str] | None = None, config: bool = True, timeout_seconds: float = 120
    ) -> Ended:
        """Run a command to its end."""
        arguments = self.command(*words, config=config)[len(PROGRAM) :]
        done = self.prepared.run(arguments, {**bare_environment(), **(env or {})}, timeout_seconds=timeout_seconds)
        assert "Traceback" not in done.stderr, done.stderr
        return Ended(done.returncode, done.stdout, done.stderr)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Rows of Splynx's schema, as root; `{ledger}` names the ledger's."""
        return behind.rows(self.mariadb, self.splynx, sql)

    @property
    def is_untouched(self) -> bool:
        """Whether Splynx has no row, field or ledger of ours."""
        (ours,) = self.rows(
            "SELECT (SELECT COUNT(*) FROM customers) + (SELECT COUNT(*) FROM payments)"
            " + (SELECT COUNT(*) FROM customers_fields WHERE name LIKE 'sonar%' OR name LIKE 'crossfade%') AS n"
        )
        tables = self.rows(
            f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{self.splynx.ledger}'"
        )
        return int(ours["n"]) == 0 and tables == []

    def tell(self, control: str, path: str, body: object = None, method: str = "POST") -> None:
        """Ask a sandbox's control room for something: faults, drift, the world, modules."""
        httpx2.request(method, f"{control}/{path}", json=body).raise_for_status()

    @contextmanager
    def drifted(self, drift: dict[str, Any]) -> Iterator[None]:
        """Sonar's schema is another one meanwhile."""
        self.tell(self.sonar.control, "schema", drift)
        try:
            yield
        finally:
            self.tell(self.sonar.control, "schema", method="DELETE")

    @contextmanager
    def without(self, *modules: str) -> Iterator[None]:
        """Modules of Splynx are switched off meanwhile."""
        self.tell(self.splynx.control, "modules", {"disabled": modules}, method="PUT")
        try:
            yield
        finally:
            self.tell(self.splynx.control, "modules", {"disabled": []}, method="PUT")


def bare_environment() -> dict[str, str]:
    """Our own environment without any setting of Crossfade."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CROSSFADE_")}


def changed(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A copy with dotted keys set; None removes one."""
    result = deepcopy(dict(values))
    for path, value in changes.items():
        *blocks, last = path.split(".")
        inner = result
        for block in blocks:
            inner = inner.setdefault(block, {})
        if value is None:
            inner.pop(last, None)
        else:
            inner[last] = value
    return result


@pytest.fixture(scope="module")
def site(
    stack: Addresses,
    mariadb: MariaDbAccess,
    splynx_pool: SplynxPool,
    prepared: Prepared,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """A Sonar with an invented ISP and an empty Splynx, and an instance name without topics; shared by a module."""
    mark = secrets.token_hex(4)
    folder = tmp_path_factory.mktemp(f"site-{mark}")
    sonar = SonarSandbox(folder, accounts=ACCOUNTS, requests_per_minute=0)
    sonar.process = ForkedServer(sonar.process, prepared)
    with ExitStack() as started:
        started.callback(drop_topics, stack.kafka_bootstrap, f"c{mark}")
        splynx = started.enter_context(splynx_pool.taken())
        started.callback(sonar.stop)
        sonar.start()
        settings = configuration.settings(
            stack, sonar, splynx, http_ports=free_ports(3), hmac_key=secrets.token_hex(16)
        )
        own = {
            "instance": f"c{mark}",
            "ledger": {**settings["splynx"]["db"], "name": splynx.ledger},
            # The whole width is the demo's, and capture's own tests'.
            "sonar": {**settings["sonar"], "leave_out": BEYOND_THE_SLICE},
        }
        made = Site(folder, sonar, splynx, mariadb, {**settings, **own}, prepared)
        made.configure()
        made.write("rules.yaml", choices.rules())
        made.write("guards.yaml", choices.guards())
        yield made
