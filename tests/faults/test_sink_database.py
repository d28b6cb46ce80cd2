"""A database that deadlocks, makes us wait, cuts connections or is started again: never a half-known batch."""

import asyncio
import threading
import time
from contextlib import suppress
from typing import Any

import pymysql
import pytest

from clients.mysql_errors import error_of
from sandbox.local.mariadb import MariaDb
from tests.faults.alarms import alarm, paused, rings
from tests.faults.conftest import start
from tests.faults.seeds import seeds
from tests.faults.sink_site import SinkSite
from tests.faults.steps import resolved
from tests.faults.target import assert_same

HEAVY = 300
"""Rows that the other transaction changes, so that the server takes ours as the victim."""


class Other:
    """Another user of the database, who holds locks that a batch needs."""

    def __init__(self, site: SinkSite) -> None:
        self._site = site
        self._connection = site.mariadb.connect(site.splynx.database)
        self._watch = site.mariadb.connect(site.splynx.database)
        self.struck = 0

    def close(self) -> None:
        """Let go of everything."""
        for one in (self._connection, self._watch):
            one.close()

    def lock(self, table: str) -> None:
        """Hold all rows of a table."""
        with self._connection.cursor() as cursor:
            cursor.execute("START TRANSACTION")
            cursor.execute(f"SELECT COUNT(*) FROM {table} FOR UPDATE")
        self.struck += 1

    def release_after(self, seconds: float) -> None:
        """End the transaction later, from a thread."""
        timer = threading.Timer(seconds, self._end)
        timer.daemon = True
        timer.start()

    def lock_crosswise(self, table: str) -> None:
        """Hold all rows of a table, and wait for the fence, which the batch holds: its next lock is a deadlock."""
        self.lock(table)
        with self._connection.cursor() as cursor:
            values = ", ".join(f"('X{number}', 'X')" for number in range(HEAVY))
            cursor.execute(f"INSERT INTO subdivisions (code, name) VALUES {values}")
        threading.Thread(target=self._want_the_fence, daemon=True).start()
        deadline = time.monotonic() + 10
        while not self._waits():
            assert time.monotonic() < deadline, "nobody holds the fence"
            time.sleep(0.15)  # the server shows a copy, which it renews only when nobody asked for a tenth of a second

    def _want_the_fence(self) -> None:
        with suppress(pymysql.err.MySQLError), self._connection.cursor() as cursor:
            cursor.execute(f"UPDATE `{self._site.splynx.ledger}`.fence SET taken_at = taken_at + INTERVAL 1 SECOND")
        self._end()

    def _waits(self) -> bool:
        with self._watch.cursor() as cursor:
            cursor.execute(
                "SELECT COUNT(*) FROM information_schema.innodb_trx"
                " WHERE trx_state = 'LOCK WAIT' AND trx_mysql_thread_id = %s",
                (self._connection.thread_id(),),  # type: ignore[no-untyped-call]
            )
            (count,) = cursor.fetchone() or (0,)
            return bool(count)

    def _end(self) -> None:
        with suppress(pymysql.err.MySQLError):
            self._connection.rollback()


@pytest.mark.fault(16)
@rings(heals="the batch is done again at once")
@seeds(30, guards={"a deadlock or a lock wait is tried again": 1, "the whole batch is tried again, not a statement": 1})
async def test_a_deadlock_or_a_lock_wait_repeats_the_whole_batch(
    sink_site: SinkSite, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = await sink_site.after_nothing(seed)
    other = Other(sink_site)
    # Half-way through a batch, when its payments are written: deadlock (1213) on odd seeds, lock wait (1205) on even.
    real = resolved("sinks.store.Ledger.put_outcomes")
    table = f"`{sink_site.splynx.ledger}`.checkpoint"
    batches: list[Any] = []

    async def put_outcomes(self: Any, tx: Any, *args: Any) -> Any:
        if tx not in batches:
            batches.append(tx)
            if len(batches) == 2 + seed % 3:
                await strike(tx)
        return await real(self, tx, *args)

    async def strike(tx: Any) -> None:
        if seed % 2:
            await asyncio.to_thread(other.lock_crosswise, table)
        else:
            await tx.execute("SET SESSION innodb_lock_wait_timeout = 1")
            other.lock(table)
            other.release_after(1.3)

    monkeypatch.setattr("sinks.store.Ledger.put_outcomes", put_outcomes)
    try:
        await sink_site.run()
    finally:
        other.close()
    assert other.struck == 1
    assert_same(sink_site.picture(), expected)
    await sink_site.assert_each_offset_has_one_outcome()


@pytest.mark.fault(17)
@rings(paused("dependency.unreachable"))
@seeds(30, guards={"rows and ledger commit together": 1, "the checkpoint in the ledger": 2})
async def test_a_connection_that_is_killed_leaves_no_half_known_batch(
    sink_site: SinkSite, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At any statement of a batch; on each second seed behind the commit, whose answer is lost then."""
    expected = await sink_site.after_nothing(seed)
    cut: list[int] = []

    def kill(connection: Any) -> None:
        cut.append(connection.thread_id())
        with sink_site.mariadb.connect() as root, root.cursor() as cursor:
            cursor.execute(f"KILL CONNECTION {connection.thread_id()}")

    # Seeds 1, 5, 9 ...: payments are there, the crosswalk is not; 3, 7, 11 ...: all but the outcomes.
    between = "sinks.store.Ledger." + ("put_crosswalk" if seed % 4 == 1 else "put_outcomes")
    step, execute = resolved(between), resolved("clients.mysql.Transaction.execute")
    turn = 1 if seed % 4 == 1 else 2 + seed % 5

    async def cutting(self: Any, tx: Any, *args: Any) -> Any:
        nonlocal turn
        turn -= "put_outcomes" in between or any(row[0] == "payment" for row in args[0])
        if seed % 2 and turn == 0 and not cut:
            kill(tx._connection)
        return await step(self, tx, *args)

    async def losing(self: Any, sql: str, *args: Any) -> Any:
        result = await execute(self, sql, *args)
        if sql == "COMMIT" and seed % 2 == 0 and turn <= 0 and not cut:
            kill(self._connection)
            raise error_of(pymysql.err.OperationalError(2013, "Lost connection during query"), self._at)
        return result

    monkeypatch.setattr(between, cutting)
    monkeypatch.setattr("clients.mysql.Transaction.execute", losing)
    await sink_site.run()
    assert len(cut) == 1
    assert_same(sink_site.picture(), expected)
    await sink_site.assert_each_offset_has_one_outcome()


@pytest.mark.fault(17)
@rings(paused("dependency.unreachable"))
@seeds(30, guards={"every call has a deadline": 1})
async def test_a_statement_that_takes_half_a_minute_ends_at_its_deadline_and_the_batch_is_whole(
    sink_site: SinkSite, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = await sink_site.after_nothing(seed)
    step, turn, met = resolved("sinks.store.Ledger.put_outcomes"), 1 + seed % 5, 0

    async def meeting(self: Any, tx: Any, *args: Any) -> Any:
        nonlocal turn, met
        turn -= 1
        if turn == 0:
            met += 1
            tx._at = tx._at.model_copy(update={"timeout_seconds": 0.3})
            await tx.fetch("SELECT SLEEP(25) AS slow")
        return await step(self, tx, *args)

    monkeypatch.setattr("sinks.store.Ledger.put_outcomes", meeting)
    await sink_site.run()
    assert met == 1
    assert_same(sink_site.picture(), expected)
    await sink_site.assert_each_offset_has_one_outcome()


@pytest.mark.fault(17)
@rings(paused("dependency.unreachable"))
@seeds(3, guards={"rows and ledger commit together": 1})
async def test_a_server_that_is_killed_and_started_again_leaves_no_half_known_batch(
    own_site: SinkSite, own_database: MariaDb, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = await own_site.after_nothing(seed)
    # On odd seeds payments are there, and the crosswalk is not; on even ones all but the outcomes.
    place = "sinks.store.Ledger." + ("put_crosswalk" if seed % 2 else "put_outcomes")
    step, met = resolved(place), 0

    def crash() -> None:
        own_database.process.kill()
        start(own_database)

    async def crashing(self: Any, tx: Any, *args: Any) -> Any:
        nonlocal met
        met += seed % 2 == 0 or any(row[0] == "payment" for row in args[0])
        if met == (1 if seed % 2 else 1 + seed):
            met = 100
            await asyncio.to_thread(crash)
        return await step(self, tx, *args)

    monkeypatch.setattr(place, crashing)
    errors = alarm("crossfade_errors_total", stage="sink", code="dependency.unreachable")
    await own_site.run()
    assert alarm("crossfade_errors_total", stage="sink", code="dependency.unreachable") > errors
    assert_same(own_site.picture(), expected)
    await own_site.assert_each_offset_has_one_outcome()
