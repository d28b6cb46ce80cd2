"""A MariaDB of our own from Debian's program: own folder, own port, own password; Debian's service is not touched."""

import os
import secrets
from pathlib import Path

import pymysql

from sandbox.files import write_secret
from sandbox.local.library import program
from sandbox.local.ports import free_port
from sandbox.local.processes import Command, Managed, run

USER = "root"
_LEFT_TO_THE_KERNEL = ("--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=2", "--sync-frm=OFF")
"""Nothing waits for the disk, which creating tables would do dozens of times each: installing a Splynx took six times
as long. What was written so survives a killed server (fault tests), though not a lost machine, which none of this is
for."""


class MariaDb:
    """The database server. `root` at 127.0.0.1 has a generated password, kept in a file only the owner reads."""

    name = "mariadb"
    timeout_seconds = 60.0
    host = "127.0.0.1"
    user = USER

    def __init__(self, state: Path) -> None:
        self.folder = state / "mariadb"
        self.process = Managed(self.name, state)
        self.password_file = self.folder / "root-password"
        self._port = self.folder / "port"
        # A server that starts clears away what it takes for its own left-overs: in a shared one, another's tables.
        self._temporary = self.folder / "tmp"

    @property
    def port(self) -> int:
        """Chosen once and kept, so a restart is found at the same address."""
        return int(self._port.read_text())

    @property
    def password(self) -> str:
        """Of `root`."""
        return self.password_file.read_text()

    def prepare(self) -> None:
        """Create the data folder, the password and the port, once."""
        self._temporary.mkdir(parents=True, exist_ok=True)
        if (self.folder / "prepared").exists():
            return
        run(
            "mariadb-install-db",
            Command(
                [
                    program("mariadb-install-db"),
                    "--no-defaults",
                    f"--datadir={self.folder / 'data'}",
                    "--auth-root-authentication-method=normal",
                    f"--tmpdir={self._temporary}",
                    "--skip-test-db",
                    *_LEFT_TO_THE_KERNEL,
                    *_as_root(),
                ],
                {},
            ),
            self.process.log,
        )
        write_secret(self.password_file, secrets.token_urlsafe(24))
        # Read at every start, before the first connection is accepted: there is no moment without a password.
        write_secret(
            self.folder / "init.sql",
            f"ALTER USER 'root'@'localhost' IDENTIFIED BY '{self.password}';\n"
            # The installer may have made this one too, without a password.
            "CREATE USER IF NOT EXISTS 'root'@'127.0.0.1';\n"
            f"ALTER USER 'root'@'127.0.0.1' IDENTIFIED BY '{self.password}';\n"
            "GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;\n",
        )
        self._port.write_text(str(free_port()))
        (self.folder / "prepared").touch()

    def command(self) -> Command:
        """The server's command line: modest memory, no binary log, files flushed by the kernel."""
        return Command(
            [
                program("mariadbd"),
                "--no-defaults",
                *_as_root(),
                f"--datadir={self.folder / 'data'}",
                f"--tmpdir={self._temporary}",
                # Relative to the data folder: the path of a socket must not exceed 107 characters.
                "--socket=mariadb.sock",
                f"--pid-file={self.folder / 'mariadb.pid'}",
                f"--init-file={self.folder / 'init.sql'}",
                f"--port={self.port}",
                "--bind-address=127.0.0.1",
                "--skip-name-resolve",
                "--skip-log-bin",
                "--character-set-server=utf8mb4",
                "--collation-server=utf8mb4_general_ci",
                *_LEFT_TO_THE_KERNEL,
                "--innodb-buffer-pool-size=512M",
                "--innodb-log-file-size=128M",
                "--innodb-buffer-pool-dump-at-shutdown=OFF",
                "--innodb-buffer-pool-load-at-startup=OFF",
                "--performance-schema=OFF",
                "--local-infile=ON",
                "--max-connections=300",
                "--log-warnings=1",  # not a line for each client that went away, or for each refused probe
            ],
            {},
            self.folder,
        )

    def is_ready(self) -> bool:
        """True when root can log in."""
        try:
            self.connect().close()
        except pymysql.err.MySQLError:
            return False
        return True

    def connect(self, database: str | None = None) -> "pymysql.connections.Connection[pymysql.cursors.Cursor]":
        """A connection as root, with autocommit."""
        return pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            database=database,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=5,
            ssl_disabled=True,
        )


def _as_root() -> list[str]:
    """MariaDB refuses to run as root unless told that it is meant."""
    return ["--user=root"] if os.geteuid() == 0 else []
