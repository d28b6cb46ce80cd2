"""Real servers for integration tests: one stack per run, shared by all workers; a namespace of its own for each test.

`CROSSFADE_TEST_STACK=.local/state.json` uses the servers of a running `make up` instead, and leaves them running.
"""

import gc
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pymysql
import pytest
from confluent_kafka.admin import AdminClient
from hypothesis import settings

from sandbox.local.sandboxes import SonarSandbox, SplynxSandbox
from sandbox.local.shared import SharedStack
from sandbox.local.stack import Addresses
from tests.prepared import ForkedServer, Prepared
from tests.splynx_pool import SplynxPool

ENVIRONMENT = "CROSSFADE_TEST_STACK"
# Hundreds of worlds of a hundred thousand objects are built: to look through the growing ones after every 700 new
# objects took a fifth of the time of the unit tests.
gc.set_threshold(20_000, 10, 20)
# How long an example takes tells what else the machine does.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@dataclass(frozen=True)
class MariaDbAccess:
    """The database server of the run, as root."""

    host: str
    port: int
    user: str
    password: str

    def connect(self, database: str | None = None) -> "pymysql.connections.Connection[pymysql.cursors.Cursor]":
        """A connection with autocommit."""
        return pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            database=database,
            charset="utf8mb4",
            autocommit=True,
            ssl_disabled=True,  # reading all certificates takes most of the time of a connection
        )


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    """Kafka, registry and MariaDB of this run."""
    given = os.environ.get(ENVIRONMENT)
    if given:
        yield Addresses.read(Path(given))
        return
    base = tmp_path_factory.getbasetemp()
    # Workers have folders beside each other below that of the run, and the run itself as their parent process.
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    shared = SharedStack((base.parent if is_worker else base) / "stack", os.getppid() if is_worker else os.getpid())
    addresses = shared.join()
    yield addresses
    shared.leave()


@pytest.fixture(scope="session")
def kafka_bootstrap(stack: Addresses) -> str:
    """`host:port` of the broker."""
    return stack.kafka_bootstrap


@pytest.fixture(scope="session")
def registry_url(stack: Addresses) -> str:
    """Confluent's API of the registry."""
    return stack.registry_url


@pytest.fixture(scope="session")
def mariadb(stack: Addresses) -> MariaDbAccess:
    """The database server, as root."""
    return MariaDbAccess(stack.mariadb_host, stack.mariadb_port, stack.mariadb_user, stack.mariadb_password)


@pytest.fixture
def fresh_database(mariadb: MariaDbAccess) -> Iterator[str]:
    """The name of an empty utf8mb4 database, dropped after the test."""
    name = f"t_{secrets.token_hex(6)}"
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
    yield name
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS `{name}`")


@pytest.fixture
def instance(kafka_bootstrap: str) -> Iterator[str]:
    """An instance name that no other test has; its topics and consumer groups go after the test."""
    name = f"t{secrets.token_hex(5)}"
    yield name
    drop_topics(kafka_bootstrap, name)


def drop_topics(kafka_bootstrap: str, instance: str) -> None:
    """Delete every topic that has the instance's name in its own."""
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    is_ours = re.compile(rf"(^|[._-]){instance}([._-]|$)")
    topics = [topic for topic in admin.list_topics(timeout=10).topics if is_ours.search(topic)]
    for future in admin.delete_topics(topics).values() if topics else ():
        future.result(30)


@pytest.fixture
def by_sql() -> bool:
    """Whether the sink has Splynx's database; `tests.modes.in_both_modes` runs a test without it as well."""
    return True


@pytest.fixture(scope="session")
def prepared() -> Iterator[Prepared]:
    """What sandboxes and commands of this process are forked from."""
    with Prepared() as made:
        yield made


@pytest.fixture
def start_sonar(tmp_path: Path, prepared: Prepared) -> Iterator[Callable[..., SonarSandbox]]:
    """Starts Sonar sandboxes, each a process of its own: `start_sonar(accounts=20, seed=3)`; stopped after the test."""
    with ExitStack() as started:

        def start(**options: object) -> SonarSandbox:
            name = f"sonar-{secrets.token_hex(3)}"
            sandbox = SonarSandbox(tmp_path, name=name, **{"requests_per_minute": 0, **options})  # type: ignore[arg-type]
            sandbox.process = ForkedServer(sandbox.process, prepared)
            started.callback(sandbox.stop)
            sandbox.start()
            return sandbox

        yield start


@pytest.fixture(scope="session")
def splynx_pool(stack: Addresses, tmp_path_factory: pytest.TempPathFactory, prepared: Prepared) -> Iterator[SplynxPool]:
    """Splynx sandboxes of this process, each used by one test after the other."""
    pool = SplynxPool(stack, tmp_path_factory.mktemp("splynx"), prepared)
    yield pool
    pool.close()


@pytest.fixture
def start_splynx(splynx_pool: SplynxPool) -> Iterator[Callable[[], SplynxSandbox]]:
    """Starts Splynx sandboxes over databases of their own, as freshly installed; stopped after the test."""
    with ExitStack() as started:
        yield lambda: started.enter_context(splynx_pool.taken())


@pytest.fixture
def sonar_sandbox(start_sonar: Callable[..., SonarSandbox]) -> SonarSandbox:
    """A Sonar with an invented ISP of 20 accounts, no request limit, and nothing going on."""
    return start_sonar(accounts=20)


@pytest.fixture
def splynx_sandbox(start_splynx: Callable[[], SplynxSandbox]) -> SplynxSandbox:
    """An empty Splynx with its automation off, and an SQL user for the writer."""
    return start_splynx()
