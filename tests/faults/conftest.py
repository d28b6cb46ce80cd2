"""Seeds, guards taken away, and the sites on which the faults happen.

A test of a fault asks for `seed` and says with `@seeds(30, guards={...})` how many there are and which guards it shows.
It runs once per seed, where its proof must hold, and once without each guard, where its proof must fail. Here, in
`make test`, one seed of each is run; `make faults` (`tests.faults.full` is loaded) runs all, and the guards.
"""

import gc
import re
import secrets
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from plumbing.avro import make_registry
from plumbing.errors import SyncError
from plumbing.settings import MysqlSettings, RegistrySettings
from sandbox.local.kafka import Kafka
from sandbox.local.mariadb import MariaDb
from sandbox.local.sandboxes import SplynxSandbox
from sandbox.local.stack import Addresses, LocalServer
from tests.conftest import MariaDbAccess
from tests.faults.alarms import assert_rang, hearing
from tests.faults.guards import STANDS_STILL, taken_away
from tests.faults.processes import Processes
from tests.faults.seeds import FULL, TIMES, Without
from tests.faults.sink_site import SinkSite, sink_settings
from tests.faults.steps import NotInTime
from tests.integration.capture.conftest import make_site
from tests.integration.instance import prepare
from tests.modes import ledger_alone
from tests.prepared import ForkedServer, Prepared
from tests.slice import SLICE

__all__ = ["make_site"]

PROOF_FAILS = (AssertionError, SyncError, BaseExceptionGroup, pytest.fail.Exception)
"""How the proof of a fault fails: it finds a difference, or the stage ends with an error that nobody expected."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One run per seed, and in full one without each guard."""
    if "seed" not in metafunc.fixturenames:
        return
    (mark,) = metafunc.definition.iter_markers("seeds")
    count, guards = mark.args[0], mark.kwargs["guards"]
    full = metafunc.config.pluginmanager.has_plugin(FULL)
    runs: list[int | Without] = [*range(1, count * TIMES + 1)] if full else [1]
    if full:
        runs += [Without(guard, number) for guard, number in guards.items()]
    metafunc.parametrize("run", runs, ids=[f"seed-{one:02}" if isinstance(one, int) else str(one) for one in runs])


@pytest.fixture
def seed(run: "int | Without") -> int:
    """Of this run."""
    return run if isinstance(run, int) else run.seed


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Without its guard a proof must fail; one that still holds proves nothing."""
    callspec = getattr(pyfuncitem, "callspec", None)
    run = callspec.params.get("run") if callspec is not None else None
    if not isinstance(run, Without):
        with hearing() as heard:
            result = yield
        assert_rang(pyfuncitem, heard, run or 0)
        return result
    with pytest.MonkeyPatch.context() as patches:
        taken_away(run.guard, patches)
        try:
            result = yield
        except (*PROOF_FAILS, NotInTime) as error:
            if _is_late(error) and run.guard not in STANDS_STILL:
                raise
            return True
        finally:
            _forget_what_leaked(patches)
    pytest.fail(f"the proof holds without {run.guard!r}: {result}")


def _is_late(error: BaseException) -> bool:
    """Whether something merely was not there in time, for the test or for pytest itself."""
    return isinstance(error, NotInTime) or str(error).startswith("Timeout (>")


def _forget_what_leaked(patches: pytest.MonkeyPatch) -> None:
    """What an unguarded run did not close is not the next test's affair."""
    patches.setattr(sys, "unraisablehook", lambda _: None)
    gc.collect()


@pytest.fixture(scope="session")
def one_site(stack: Addresses, prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SinkSite]:
    """A Splynx and an instance with its topics, one for all tests of a process."""
    with _made_site(stack, tmp_path_factory.mktemp("sink"), prepared) as site:
        yield site


@pytest.fixture
def sink_site(one_site: SinkSite, by_sql: bool, monkeypatch: pytest.MonkeyPatch) -> Iterator[SinkSite]:
    """The same, in a test's mode."""
    if by_sql:
        yield one_site
        return
    with ledger_alone(one_site.mariadb, one_site.splynx) as login:
        values = one_site.settings.ledger_db.model_dump() | login
        splynx = one_site.settings.splynx.model_copy(update={"db": None})
        without = {"splynx": splynx, "ledger": MysqlSettings.model_validate(values)}
        monkeypatch.setattr(one_site, "settings", one_site.settings.model_copy(update=without))
        yield one_site


@pytest.fixture(scope="module")
def unpatched() -> Iterator[Prepared]:
    """One of their own: in that of all other tests stages are loaded, which would keep what is patched later."""
    with Prepared() as made:
        yield made


@pytest.fixture
def processes(tmp_path: Path, unpatched: Prepared, run: "int | Without") -> Iterator[Processes]:
    """Stopped whatever happens."""
    made = Processes(tmp_path, unpatched, run.guard if isinstance(run, Without) else "")
    yield made
    made.kill()


@pytest.fixture
def impatient(sink_site: SinkSite, monkeypatch: pytest.MonkeyPatch) -> SinkSite:
    """A site whose Splynx is done with a call soon after its deadline, which no call misses on a busy machine."""
    splynx = sink_site.settings.splynx.model_copy(update={"settle_seconds": 0.3, "timeout_seconds": 3})
    monkeypatch.setattr(sink_site, "settings", sink_site.settings.model_copy(update={"splynx": splynx}))
    return sink_site


@pytest.fixture
def own_database(tmp_path: Path) -> Iterator[MariaDb]:
    """A database server that a test may kill and start again."""
    server = MariaDb(tmp_path)
    server.prepare()
    start(server)
    yield server
    server.process.stop(grace_seconds=10)


@pytest.fixture
def own_site(stack: Addresses, own_database: MariaDb, tmp_path: Path, prepared: Prepared) -> Iterator[SinkSite]:
    """The same over a database server of its own."""
    with _made_site(beside(stack, own_database), tmp_path, prepared) as site:
        yield site


@pytest.fixture(scope="module")
def limited_site(stack: Addresses, tmp_path_factory: pytest.TempPathFactory, prepared: Prepared) -> Iterator[SinkSite]:
    """The same over one whose settings the tests of a module may change, and put right again."""
    folder = tmp_path_factory.mktemp("limited")
    server = MariaDb(folder)
    server.prepare()
    start(server)
    try:
        with _made_site(beside(stack, server), folder, prepared) as site:
            yield site
    finally:
        server.process.stop(grace_seconds=10)


def beside(stack: Addresses, server: MariaDb) -> Addresses:
    """The stack with another database server in place of its own."""
    return replace(
        stack,
        mariadb_host=server.host,
        mariadb_port=server.port,
        mariadb_user=server.user,
        mariadb_password_file=str(server.password_file),
    )


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Kafka]:
    """A broker that a test may kill and start again."""
    server = Kafka(tmp_path)
    server.prepare()
    start(server)
    yield server
    server.process.stop(grace_seconds=10)


@pytest.fixture
def site_of_own_broker(stack: Addresses, own_broker: Kafka, tmp_path: Path, prepared: Prepared) -> Iterator[SinkSite]:
    """The same over a broker of its own."""
    with _made_site(replace(stack, kafka_bootstrap=own_broker.bootstrap), tmp_path, prepared) as site:
        yield site


def start(server: LocalServer) -> None:
    """Start a server and wait for it."""
    server.process.start(server.command(), is_ready=server.is_ready, timeout_seconds=server.timeout_seconds)


@contextmanager
def _made_site(stack: Addresses, folder: Path, prepared: Prepared) -> Iterator[SinkSite]:
    mark = secrets.token_hex(4)
    mariadb = MariaDbAccess(stack.mariadb_host, stack.mariadb_port, stack.mariadb_user, stack.mariadb_password)
    with ExitStack() as started:
        splynx = SplynxSandbox(
            folder, stack, database=f"splynx_{mark}", ledger=f"crossfade_{mark}", writer=f"writer_{mark}"
        )
        splynx.process = ForkedServer(splynx.process, prepared)
        started.callback(splynx.drop)
        started.callback(splynx.stop)
        splynx.start()
        settings = sink_settings(folder, splynx, mariadb, stack.kafka_bootstrap, stack.registry_url, f"f{mark}")
        started.callback(_drop_topics, stack.kafka_bootstrap, settings.instance)
        with make_registry(RegistrySettings(url=stack.registry_url)) as registry:
            # Not compacted, so that a topic can be emptied between two histories.
            prepare(settings, SLICE, **{"cleanup.policy": "delete"})
            site = SinkSite(settings, splynx, mariadb, registry)
            started.callback(site.close)
            site.wait_for_leaders()
            yield site


def _drop_topics(bootstrap: str, instance: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    is_ours = re.compile(rf"(^|[._-]){instance}([._-]|$)")
    topics = [topic for topic in admin.list_topics(timeout=10).topics if is_ours.search(topic)]
    for future in admin.delete_topics(topics).values() if topics else ():
        future.result(30)
