"""Lines that are slow, dead or lead nowhere, between the sink and both ways into Splynx."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from clients.mysql import Database
from plumbing.settings import Settings
from tests.faults.alarms import rings
from tests.faults.gate import Fate, Gate
from tests.faults.seeds import seeds
from tests.faults.sink_site import SinkSite
from tests.faults.steps import resolved
from tests.faults.target import TABLES, assert_same

DEADLINE = 1.0
"""Seconds, of a call and of a statement."""
NAMES = {"splynx.invalid", "database.invalid"}


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two attempts passes no more time than a turn of the loop."""

    async def at_once(*_: object) -> bool:
        await asyncio.sleep(0.01)
        return False

    monkeypatch.setattr("sinks.loop._is_set_within", at_once)
    # Each dead line costs a deadline and a settle time, and a busy machine its share: still less than lines are held.
    monkeypatch.setattr("tests.faults.sink_site._PATIENCE", 720)
    monkeypatch.setattr("tests.faults.sink_site._LONGEST_SECONDS", 45.0)


class Network:
    """What happens on both lines, and to names, from the moment on at which the sink reads its topics."""

    def __init__(self, seed: int, patches: pytest.MonkeyPatch) -> None:
        self._chance = random.Random(seed)
        self._kind = (self._slow, self._dead, self._nameless)[seed % 3]
        self._begun, self._sent, self._unknown = False, 0, 0
        self._turns = {self._chance.randint(4, 60) for _ in range(3)}
        self.struck = 0
        # What is late is done in the end; what is lost, or has arrived, is so at once.
        self.settles_within = 1.5 * DEADLINE if seed % 3 == 0 else 0.3 * DEADLINE
        run, look_up = resolved("sinks.loop.Loop.run"), socket.getaddrinfo

        async def running(loop: Any, *args: Any) -> Any:
            self._begun = True  # before it, whoever starts it starts it again
            return await run(loop, *args)

        def looking_up(host: Any, *args: Any, **options: Any) -> Any:
            name = host.decode() if isinstance(host, bytes) else host
            if name in NAMES and self._unknown:
                self._unknown -= 1
                raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
            return look_up("127.0.0.1" if name in NAMES else host, *args, **options)

        patches.setattr("sinks.loop.Loop.run", running)
        patches.setattr(socket, "getaddrinfo", looking_up)

    def meddle(self) -> Fate | float:
        """Asked by a gate at each sending."""
        if not self._begun:
            return 0.0
        self._sent += 1
        fate = self._kind(self._sent in self._turns)
        self.struck += fate != 0.0
        return fate

    def _slow(self, chosen: bool) -> Fate | float:
        # Two seconds: the call is past its deadline, and is done all the same.
        return 2 * DEADLINE if chosen else self._chance.choice([0.0, 0.0, 0.0, 0.02])

    def _dead(self, chosen: bool) -> Fate | float:
        return self._chance.choice([Fate.LOST, Fate.UNANSWERED]) if chosen else 0.0

    def _nameless(self, chosen: bool) -> Fate | float:
        if chosen:
            self._unknown = self._chance.randint(1, 5)
            return Fate.CUT
        return 0.0


@asynccontextmanager
async def through(site: SinkSite, network: Network) -> AsyncIterator[Settings]:
    """The site's settings with both addresses behind gates on which the network's faults happen."""
    at, db = urlsplit(site.settings.splynx.url), site.settings.splynx.db
    assert db is not None
    async with Gate.before(str(at.hostname), int(at.port or 80)) as rest, Gate.before(db.host, db.port) as sql:
        rest.meddle = sql.meddle = network.meddle
        moved = {"host": "database.invalid", "port": sql.port, "timeout_seconds": DEADLINE}
        splynx = site.settings.splynx.model_copy(
            update={
                "url": f"http://splynx.invalid:{rest.port}",
                "timeout_seconds": DEADLINE,
                "settle_seconds": network.settles_within,
                "db": db.model_copy(update=moved),
            }
        )
        assert site.settings.ledger is not None
        ledger = site.settings.ledger.model_copy(update=moved)
        yield site.settings.model_copy(update={"splynx": splynx, "ledger": ledger})


@pytest.mark.fault(32)
@rings(heals="each call ends at its deadline, and what became of it is looked for")
@seeds(30, guards={"every call has a deadline": 1})
async def test_slow_dead_and_unknown_lines_end_at_a_deadline_and_nothing_is_done_twice(
    sink_site: SinkSite, seed: int, monkeypatch: pytest.MonkeyPatch, no_pauses: None
) -> None:
    """Latency of two seconds, half-open connections, and names that nobody knows for a while, by turns."""
    expected = await sink_site.after_nothing(seed)
    network = Network(seed, monkeypatch)
    async with through(sink_site, network) as settings:
        await sink_site.run(settings=settings)
    assert network.struck
    found = sink_site.picture()
    assert_same({name: found[name] for name in TABLES}, {name: expected[name] for name in TABLES})
    await sink_site.assert_each_offset_has_one_outcome()


@pytest.mark.fault(19)
@rings(heals="only its own connection is closed")
@seeds(
    30,
    guards={
        "a connection with an answer still to come is closed": 1,
        "who waits for a connection is not forgotten": 1,
    },
)
async def test_a_cancelled_statement_leaves_its_answer_to_nobody(
    sink_site: SinkSite, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many ask on two connections; some are cancelled when their question is sent and the answer is not read yet.

    All others get their own answer, and none waits for a connection that was closed.
    """
    chance, real = random.Random(seed), resolved("aiomysql.connection.Connection._read_query_result")
    doomed: set[asyncio.Task[Any] | None] = set()

    async def reading(self: Any, *args: Any, **options: Any) -> Any:
        task = asyncio.current_task()
        if task in doomed:
            assert task is not None
            task.cancel()
        return await real(self, *args, **options)

    monkeypatch.setattr("aiomysql.connection.Connection._read_query_result", reading)
    settings = sink_site.settings.ledger_db.model_copy(update={"pool_size": 2})
    ways: tuple[Callable[[Database, int], Any], ...] = (_asked, _asked_in_a_transaction)
    async with Database(settings) as db:
        asked = {number: asyncio.create_task(chance.choice(ways)(db, number)) for number in range(40)}
        doomed |= {one for number, one in asked.items() if number and chance.random() < 0.3}
        answers = await asyncio.gather(*asked.values(), return_exceptions=True)
    told = {number: answer for number, answer in zip(asked, answers, strict=True) if asked[number] not in doomed}
    assert doomed
    assert told == {number: number for number in told}


async def _asked(db: Database, number: int) -> int:
    (row,) = await db.fetch("SELECT %s AS answer", (number,))
    return int(row["answer"])


async def _asked_in_a_transaction(db: Database, number: int) -> int:
    async with db.transaction() as tx:
        (row,) = await tx.fetch("SELECT %s AS answer", (number,))
        return int(row["answer"])
