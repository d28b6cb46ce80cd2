"""A whole site: the servers, an invented ISP's Sonar, an empty Splynx, and the configuration that joins them."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from sandbox.local import configuration
from sandbox.local.processes import Managed
from sandbox.local.sandboxes import SonarSandbox, SplynxSandbox
from sandbox.local.stack import Addresses, LocalStack, Say, silent

OURS = ("kafka", "registry", "mariadb", "sonar", "splynx", "stages", "run", "log")
"""Folders under the state folder that a fresh site begins without. Nothing else there is touched."""

NAMES = ("splynx", "sonar", "mariadb", "registry", "kafka")
"""Processes of a site, in the order of stopping."""


@dataclass(frozen=True)
class World:
    """The invented ISP; `live` is events per second, 0 for an ISP that stands still until it is told otherwise."""

    accounts: int = 300
    seed: int = 7
    live: float = 0.0


class Site:
    """All of it under `state`. Sonar's sandbox keeps its rows in memory, so a site that was stopped starts anew.

    Without `database_access` Crossfade has Splynx's REST API and no more, and a schema of its own for the ledger.
    """

    def __init__(
        self, state: Path, world: World | None = None, say: Say = silent, *, database_access: bool = True
    ) -> None:
        self.state = state.resolve()
        self.world = world or World()
        self.database_access = database_access
        self.stack = LocalStack(self.state, say)
        self.sonar = SonarSandbox(
            self.state,
            accounts=self.world.accounts,
            seed=self.world.seed,
            live=self.world.live,
            requests_per_minute=0,
        )
        self._say = say

    @property
    def splynx(self) -> SplynxSandbox:
        """Needs the stack's addresses, so it is known once the stack has been prepared."""
        return SplynxSandbox(self.state, self.stack.addresses, database_access=self.database_access)

    @property
    def env_file(self) -> Path:
        """For the shell: `. .local/env`."""
        return self.state / "env"

    @property
    def places(self) -> dict[str, str]:
        """`{what: where it is}` of a running site, for people; no secret is among them."""
        at, sonar, splynx = self.stack.addresses, self.sonar, self.splynx
        password = shown(Path(at.mariadb_password_file))
        return {
            "Kafka": at.kafka_bootstrap,
            "Registry": at.registry_url,
            "MariaDB": f"{at.mariadb_host}:{at.mariadb_port} (root's password: {password})",
            "Sonar": f"{sonar.url} (control: {sonar.control})",
            "Splynx": f"{splynx.url} (control: {splynx.control})",
            "Settings": shown(self.state / "crossfade.yaml"),
            "Logs": shown(self.state / "log"),
        }

    @property
    def running(self) -> dict[str, int | None]:
        """Pid by name; None for what does not run."""
        return {name: Managed(name, self.state).pid for name in reversed(NAMES)}

    def start(self) -> Addresses:
        """Start all of it, or leave it be when all of it runs; on failure or ctrl-C nothing is left running.

        Raises:
            StartFailed: with the server's own last lines.
            ProgramMissing: `make setup` was not run.
        """
        running = self.running
        if all(running.values()):
            return self.stack.addresses
        # Half a site is of no use: what Sonar forgot, the topics and Splynx still know.
        self.stop()
        for name in OURS:
            shutil.rmtree(self.state / name, ignore_errors=True)
        try:
            addresses = self.stack.start()
            self.sonar.start()
            self._say("sonar is up")
            splynx = self.splynx
            splynx.start()
            self._say("splynx is up")
            configuration.write(self.state, addresses, self.sonar, splynx)
        except BaseException:
            self.stop()
            raise
        return addresses

    def stop(self) -> list[str]:
        """Stop exactly what was started; returns the names of what ran."""
        return [name for name in NAMES if Managed(name, self.state).stop()]


def shown(path: Path) -> str:
    """As one would type it here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def sourced(path: Path) -> str:
    """As the shell's `.` takes it: without a slash it would look along the PATH."""
    text = shown(path)
    return text if "/" in text else f"./{text}"
