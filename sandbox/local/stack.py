"""All servers together, under one state folder."""

import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from sandbox.local.kafka import Kafka
from sandbox.local.mariadb import MariaDb
from sandbox.local.processes import Command, Managed, StartCancelled
from sandbox.local.registry import Registry

Say = Callable[[str], None]
"""Takes a line of progress."""


def silent(_line: str) -> None:
    """Says nothing."""


class LocalServer(Protocol):
    """A server that `LocalStack` starts. After a restart it has the same address and the same data."""

    name: str
    timeout_seconds: float
    process: Managed

    def prepare(self) -> None:
        """Create what it needs on disk, once."""
        ...

    def command(self) -> Command:
        """How to run it, once it is prepared."""
        ...

    def is_ready(self) -> bool:
        """True when it answers a real request."""
        ...


@dataclass(frozen=True)
class Addresses:
    """Where the servers are; the shape of `state.json`, which holds no secret."""

    kafka_bootstrap: str
    registry_url: str
    mariadb_host: str
    mariadb_port: int
    mariadb_user: str
    mariadb_password_file: str

    @classmethod
    def read(cls, path: Path) -> Self:
        """From a `state.json`."""
        return cls(**json.loads(path.read_text()))

    @property
    def mariadb_password(self) -> str:
        """Read from its file."""
        return Path(self.mariadb_password_file).read_text()


class LocalStack:
    """Kafka, registry and MariaDB under `state`. As a context manager: started inside, stopped after it."""

    def __init__(self, state: Path, say: Say = silent) -> None:
        self.state = state.resolve()
        self.kafka = Kafka(self.state)
        self.registry = Registry(self.state, self.kafka)
        self.mariadb = MariaDb(self.state)
        self._say = say

    @property
    def servers(self) -> Mapping[str, LocalServer]:
        """By name, in the order of their dependence."""
        return {server.name: server for server in (self.kafka, self.registry, self.mariadb)}

    @property
    def addresses(self) -> Addresses:
        """Known once the stack has been started."""
        return Addresses(
            kafka_bootstrap=self.kafka.bootstrap,
            registry_url=self.registry.url,
            mariadb_host=self.mariadb.host,
            mariadb_port=self.mariadb.port,
            mariadb_user=self.mariadb.user,
            mariadb_password_file=str(self.mariadb.password_file),
        )

    @property
    def is_running(self) -> bool:
        """True when every server's process lives."""
        return all(server.process.is_running for server in self.servers.values())

    def start(self) -> Addresses:
        """Start whatever does not run yet, side by side; writes `state.json`.

        When one fails, or on ctrl-C, the ones that *this call* started are stopped before the error goes on.

        Raises:
            StartFailed: with the server's own last lines.
            ProgramMissing: `make setup` was not run.
        """
        self.state.mkdir(parents=True, exist_ok=True)
        idle = [server for server in self.servers.values() if not server.process.is_running]
        cancelled = threading.Event()
        try:
            with ThreadPoolExecutor(len(self.servers)) as pool:
                try:
                    self._start_all(pool, idle, cancelled)
                except BaseException:
                    cancelled.set()  # the pool waits for its threads, and these wait for their servers
                    raise
            addresses = self.addresses
            (self.state / "state.json").write_text(json.dumps(asdict(addresses), indent=2) + "\n")
        except BaseException:
            for server in reversed(idle):
                server.process.stop(grace_seconds=5)
            raise
        return addresses

    def _start_all(self, pool: ThreadPoolExecutor, idle: list[LocalServer], cancelled: threading.Event) -> None:
        prepared = threading.Event()

        def begin(server: LocalServer) -> None:
            if server is self.registry:
                while not prepared.wait(0.05):
                    if cancelled.is_set():
                        raise StartCancelled(server.name)
            server.prepare()
            if server is self.kafka:
                prepared.set()
            server.process.start(
                server.command(),
                is_ready=server.is_ready,
                timeout_seconds=server.timeout_seconds,
                cancelled=cancelled,
            )
            self._say(f"{server.name} is up")

        if self.kafka not in idle:
            prepared.set()
        tasks: list[Future[None]] = [pool.submit(begin, server) for server in idle]
        done, _ = wait(tasks, return_when=FIRST_EXCEPTION)
        for task in done:
            task.result()

    def stop(self) -> list[str]:
        """Stop what runs, in the reverse order of dependence. Returns their names; twice is no error."""
        return [name for name, server in reversed(list(self.servers.items())) if server.process.stop(grace_seconds=20)]

    def restart(self, name: str, *, crash: bool = False) -> None:
        """One server, at the same address with the same data; `crash` ends it by SIGKILL."""
        server = self.servers[name]
        if crash:
            server.process.kill()
        else:
            server.process.stop()
        server.process.start(server.command(), is_ready=server.is_ready, timeout_seconds=server.timeout_seconds)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
