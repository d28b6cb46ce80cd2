"""The two sandboxes as processes of their own: Sonar, and Splynx over a MariaDB."""

import json
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from sandbox.files import write_secret
from sandbox.local.library import ROOT
from sandbox.local.ports import answers, free_port
from sandbox.local.processes import Command, Managed
from sandbox.local.stack import Addresses
from sandbox.splynx.database import Server
from sandbox.splynx.grants import create_user
from sandbox.splynx.install import clear, connect

WRITER = "crossfade"
LEDGER = "crossfade"


class _Sandbox:
    """A sandbox on a port that it keeps; it prints one line of JSON with its addresses when it is ready."""

    timeout_seconds = 120.0

    def __init__(self, name: str, module: str, state: Path) -> None:
        self.name = name
        self.process = Managed(name, state)
        self.folder = state.resolve() / name
        self._module = module
        self._port_file = self.folder / "port"

    @property
    def url(self) -> str:
        """Where clients speak to it."""
        return self._printed("url")

    @property
    def control(self) -> str:
        """Where tests speak to it: faults, the clock, what happened."""
        return self._printed("control")

    @property
    def port(self) -> int:
        """Chosen once and kept, so a restart is found at the same address."""
        return int(self._port_file.read_text())

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            StartFailed: with its own last lines; it is stopped.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self._port_file.exists():
            self._port_file.write_text(str(free_port()))
        command = Command(
            [sys.executable, "-m", self._module, "--port", str(self.port), *self._arguments()],
            {"PYTHONUNBUFFERED": "1"},
            ROOT,
        )
        self.process.start(command, is_ready=lambda: answers(self.port), timeout_seconds=self.timeout_seconds)
        # It listens a moment before it prints.
        self.process.wait_until(lambda: bool(self._lines()), timeout_seconds=10)

    def stop(self) -> bool:
        """Stop it; False when it did not run."""
        return self.process.stop()

    def _arguments(self) -> Sequence[str]:
        raise NotImplementedError

    def _printed(self, key: str) -> str:
        return str(json.loads(self._lines()[-1])[key])

    def _lines(self) -> list[str]:
        return [line for line in self.process.last_lines(1000) if line.startswith('{"url"')]


class SonarSandbox(_Sandbox):
    """A Sonar with an invented ISP of `accounts` accounts; `live` events per second from the start."""

    def __init__(
        self,
        state: Path,
        *,
        accounts: int = 0,
        seed: int = 7,
        live: float = 0.0,
        requests_per_minute: int = 400,
        options: Sequence[str] = (),
        name: str = "sonar",
    ) -> None:
        super().__init__(name, "sandbox.sonar", state)
        self.token_file = self.folder / "token"
        self._options = [
            *("--seed", str(seed), "--accounts", str(accounts), "--live", str(live)),
            *("--rate-limit", str(requests_per_minute), *options),
        ]

    @property
    def token(self) -> str:
        """The bearer token that it accepts."""
        return self.token_file.read_text().strip()

    def _arguments(self) -> Sequence[str]:
        return ["--token-file", str(self.token_file), *self._options]


class SplynxSandbox(_Sandbox):
    """A Splynx over database `database` of a MariaDB, with an SQL user for the writer and its ledger's schema.

    `guards_off`: with all automation off, as an operator leaves it before a migration. Without `database_access` the
    writer's user sees the ledger's schema and nothing else.
    """

    def __init__(
        self,
        state: Path,
        mariadb: Addresses,
        *,
        database: str = "splynx",
        ledger: str = LEDGER,
        writer: str = WRITER,
        guards_off: bool = True,
        database_access: bool = True,
        options: Sequence[str] = (),
        name: str = "splynx",
    ) -> None:
        super().__init__(name, "sandbox.splynx", state)
        self.database, self.ledger, self.writer = database, ledger, writer
        self.database_access = database_access
        self.credentials_file = self.folder / "credentials.json"
        self.writer_password_file = self.folder / "writer-password"
        self._mariadb = mariadb
        self._options = [*(["--guards-off"] if guards_off else []), *options]

    @property
    def key(self) -> str:
        """The API key."""
        return str(json.loads(self.credentials_file.read_text())["key"])

    @property
    def secret(self) -> str:
        """The API secret."""
        return str(json.loads(self.credentials_file.read_text())["secret"])

    @property
    def writer_password(self) -> str:
        """Of the SQL user `writer`."""
        return self.writer_password_file.read_text()

    def start(self) -> None:
        """Install where nothing is installed, serve, and let the writer's SQL user in."""
        super().start()
        if not self.writer_password_file.exists():
            write_secret(self.writer_password_file, secrets.token_urlsafe(24))
        create_user(
            self._server(),
            self.writer,
            self.writer_password,
            ledger=self.ledger,
            database_access=self.database_access,
        )

    def renew(self) -> None:
        """Start it as freshly installed, at the same address: its rows, its ledger and what was granted are gone."""
        self.stop()
        clear(self._server())
        self._drop(self.ledger)
        self.start()

    def drop(self) -> None:
        """Drop its databases and the writer's user; for tests that share a server."""
        self._drop(self.database, self.ledger)

    def _drop(self, *schemas: str) -> None:
        with connect(self._server(), database=False) as connection, connection.cursor() as cursor:
            for schema in schemas:
                cursor.execute(f"DROP DATABASE IF EXISTS `{schema}`")
            cursor.execute("DROP USER IF EXISTS %s@'%%'", (self.writer,))

    def _server(self) -> Server:
        at = self._mariadb
        return Server(at.mariadb_host, at.mariadb_port, at.mariadb_user, at.mariadb_password, self.database)

    def _arguments(self) -> Sequence[str]:
        at = self._mariadb
        return [
            *("--db-host", at.mariadb_host, "--db-port", str(at.mariadb_port), "--db-user", at.mariadb_user),
            *("--db-password-file", at.mariadb_password_file, "--db-name", self.database),
            *("--credentials-file", str(self.credentials_file), "--install", *self._options),
        ]
