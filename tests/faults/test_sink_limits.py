"""A database server that takes no writes, no more connections or no long statements: never a half-known batch."""

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import pymysql
import pytest

from plumbing.settings import Settings
from tests.faults.alarms import alarm, paused, rings
from tests.faults.history import town_of
from tests.faults.seeds import seeds
from tests.faults.sink_site import SinkSite
from tests.faults.steps import resolved
from tests.faults.target import assert_same

AWAY_SECONDS = 1.0
STEP = "sinks.store.Ledger.put_outcomes"
"""Of a batch: its rows are written, and nothing is committed."""
USUAL = {"read_only": 0, "max_connections": 151, "max_allowed_packet": 16 * 1024 * 1024, "net_buffer_length": 16_384}


class Server:
    """A site's database server, through a connection that every limit leaves alone."""

    def __init__(self, site: SinkSite, opened: ExitStack) -> None:
        self._site, self._opened = site, opened
        self._root = opened.enter_context(site.mariadb.connect())
        opened.callback(self.give, **USUAL)
        self._others: list[Any] = []
        opened.callback(self.let_go)

    def run(self, sql: str) -> Sequence[tuple[Any, ...]]:
        """A statement; its rows."""
        with self._root.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    def give(self, **values: int) -> None:
        """Settings for sessions to come."""
        for name, value in values.items():
            self.run(f"SET GLOBAL {name} = {value}")

    def cut(self, tx: Any) -> None:
        """End a transaction's connection."""
        self.run(f"KILL CONNECTION {tx._connection.thread_id()}")

    def cut_all(self) -> None:
        """End each connection of the sink: those to come have what is set now."""
        self.run(f"KILL CONNECTION USER '{self._site.splynx.writer}'")

    def fill(self) -> None:
        """Open connections as the sink's user until the server takes no more."""
        while (refused := self._one_more()) is None:
            pass
        assert refused in {1040, 1226}

    def _one_more(self) -> int | None:
        """The number of the error."""
        at = self._site.settings.ledger_db
        password = at.password.get_secret_value()
        try:
            self._others.append(pymysql.connect(host=at.host, port=at.port, user=at.user, password=password))
        except pymysql.err.OperationalError as error:
            return int(error.args[0])
        return None

    def let_go(self) -> None:
        """Close them."""
        while self._others:
            self._others.pop().close()

    def limit_user(self, connections: int) -> None:
        """0: none."""
        user = self._site.splynx.writer
        for (host,) in self.run(f"SELECT host FROM mysql.user WHERE user = '{user}'"):
            self.run(f"ALTER USER '{user}'@'{host}' WITH MAX_USER_CONNECTIONS {connections}")

    def later(self, act: Callable[[], None]) -> None:
        """Do it in a second, beside the sink at work."""
        timer = threading.Timer(AWAY_SECONDS, act)
        timer.daemon = True
        timer.start()
        self._opened.callback(timer.join)


async def struck(
    site: SinkSite,
    monkeypatch: pytest.MonkeyPatch,
    turn: int,
    strike: Callable[[Server, Any], None],
    settings: Settings | None = None,
) -> float:
    """Run the sink, and strike once within its `turn`-th batch; how often its alarm rang."""
    real, left = resolved(STEP), turn
    with ExitStack() as opened:
        server = Server(site, opened)

        async def meeting(self: Any, tx: Any, *args: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                strike(server, tx)
            return await real(self, tx, *args)

        monkeypatch.setattr(STEP, meeting)
        rang = alarm("crossfade_errors_total", stage="sink", code="dependency.unreachable")
        await site.run(settings=settings)
        assert left <= 0
        return alarm("crossfade_errors_total", stage="sink", code="dependency.unreachable") - rang


@pytest.mark.fault(17)
@rings(paused("dependency.unreachable"))
@seeds(30, guards={"what is away is waited for": 1})
async def test_a_server_that_takes_no_writes_for_a_while_is_waited_for(
    limited_site: SinkSite, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a replica does after a fail-over."""
    expected = await limited_site.after_nothing(seed)

    def strike(server: Server, tx: Any) -> None:
        server.cut(tx)
        server.give(read_only=1)
        server.later(lambda: server.give(read_only=0))

    assert await struck(limited_site, monkeypatch, 1 + seed % 4, strike)
    assert_same(limited_site.picture(), expected)
    await limited_site.assert_each_offset_has_one_outcome()


@pytest.mark.fault(17)
@rings(paused("dependency.unreachable"))
@seeds(30, guards={"what is away is waited for": 1, "a user's limit of connections passes": 2})
async def test_a_server_that_takes_no_more_connections_is_waited_for(
    limited_site: SinkSite, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of anybody (1040), on even seeds of the sink's user (1226), as where the database is somebody else's."""
    expected = await limited_site.after_nothing(seed)

    def strike(server: Server, tx: Any) -> None:
        if seed % 2:
            server.give(max_connections=10)
        else:
            server.limit_user(6)
        server.cut(tx)
        server.fill()
        server.later(lambda: mend(server))

    def mend(server: Server) -> None:
        server.let_go()
        server.give(**USUAL)
        server.limit_user(0)

    assert await struck(limited_site, monkeypatch, 1 + seed % 4, strike)
    assert_same(limited_site.picture(), expected)
    await limited_site.assert_each_offset_has_one_outcome()


@pytest.mark.fault(17)
@rings(heals="the batch is written again, in statements that the server takes")
@seeds(30, guards={"a statement is as long as the server takes": 1})
async def test_a_server_that_takes_short_statements_only_gets_a_batch_in_more_of_them(
    limited_site: SinkSite, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the midst of a batch on that is longer than one of its statements may be; each row of it is shorter.

    Nothing is deleted or ended in it: what is left of that depends on where a batch ends.
    """
    site = limited_site
    sink = site.settings.sink.model_copy(update={"batch": 100, "batch_wait_seconds": 1.0})
    at_once = site.settings.model_copy(update={"sink": sink})
    site.play(town_of(seed, accounts=12, events=0).told[:-1])
    await site.run(settings=at_once)
    expected = site.picture()
    site.reset()

    def strike(server: Server, _: Any) -> None:
        server.give(max_allowed_packet=4096, net_buffer_length=1024)  # what fits the buffer is not measured
        server.cut_all()

    assert await struck(site, monkeypatch, 1, strike, at_once)
    assert_same(site.picture(), expected)
    await site.assert_each_offset_has_one_outcome()
