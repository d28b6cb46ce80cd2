"""The database client on a server of its own, which is locked, killed, restarted and narrowed."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pymysql
import pytest
from pydantic import SecretStr

from clients import mysql
from clients.mysql import Database, Server, Transaction, session_statement
from clients.mysql_errors import OtherServer, StatementRefused, TransactionLost
from plumbing.errors import Action, DependencyRefused, DependencyUnreachable
from plumbing.settings import MysqlSettings
from sandbox.local.mariadb import MariaDb

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    """A MariaDB that nobody else uses."""
    server = MariaDb(tmp_path_factory.mktemp("mysql"))
    server.prepare()
    _start(server)
    with server.connect() as root, root.cursor() as cursor:
        cursor.execute("CREATE DATABASE things CHARACTER SET utf8mb4")
        cursor.execute("CREATE USER 'writer'@'%' IDENTIFIED BY 'a long word'")
        cursor.execute("GRANT ALL PRIVILEGES ON things.* TO 'writer'@'%'")
    yield server
    server.process.stop(grace_seconds=10)


def _start(server: MariaDb) -> None:
    server.process.start(server.command(), is_ready=server.is_ready, timeout_seconds=server.timeout_seconds)


@pytest.fixture
async def db(server: MariaDb) -> AsyncIterator[Database]:
    """A pool on two counters, both at 0."""
    _as_root(server, "CREATE OR REPLACE TABLE things.counters (id int PRIMARY KEY, n int NOT NULL, note mediumtext)")
    _as_root(server, "INSERT INTO things.counters VALUES (1, 0, ''), (2, 0, '')")
    async with Database(_settings(server)) as db:
        yield db


def _settings(server: MariaDb, **more: object) -> MysqlSettings:
    values: dict[str, object] = {
        "host": server.host, "port": server.port, "user": "writer", "password": SecretStr("a long word"),
        "name": "things", "pool_size": 2, "timeout_seconds": 10,
    }  # fmt: skip
    return MysqlSettings.model_validate(values | more)


def _as_root(server: MariaDb, sql: str) -> list[tuple[Any, ...]]:
    with server.connect() as root, root.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def _counters(server: MariaDb) -> list[int]:
    return [row[0] for row in _as_root(server, "SELECT n FROM things.counters ORDER BY id")]


async def _add(tx: Transaction, counter: int) -> None:
    await tx.execute("UPDATE counters SET n = n + 1 WHERE id = %s", (counter,))


@pytest.mark.fault(16)
async def test_of_two_transactions_in_a_deadlock_the_victim_does_the_whole_of_it_again(
    db: Database, server: MariaDb
) -> None:
    both_hold_one, tries = asyncio.Barrier(2), 0

    async def crosswise(tx: Transaction, first: int, second: int) -> None:
        nonlocal tries
        tries += 1
        await _add(tx, first)
        if tries <= 2:
            await both_hold_one.wait()
        await _add(tx, second)

    await asyncio.gather(db.retried(lambda tx: crosswise(tx, 1, 2)), db.retried(lambda tx: crosswise(tx, 2, 1)))
    assert tries == 3
    assert _counters(server) == [2, 2]


@pytest.mark.fault(16)
async def test_after_a_lock_wait_nothing_of_the_first_try_is_left(db: Database, server: MariaDb) -> None:
    other = server.connect("things")
    other.begin()
    tries = 0

    async def work(tx: Transaction) -> None:
        nonlocal tries
        tries += 1
        if tries == 2:
            other.rollback()
        await tx.execute("SET SESSION innodb_lock_wait_timeout = 1")
        await _add(tx, 1)
        await _add(tx, 2)

    with other, other.cursor() as cursor:
        cursor.execute("UPDATE counters SET n = 100 WHERE id = 2")
        await db.retried(work)
    assert tries == 2
    assert _counters(server) == [1, 1]


@pytest.mark.fault(16)
async def test_a_lock_that_stays_is_told_in_the_end(db: Database, server: MariaDb) -> None:
    async def work(tx: Transaction) -> None:
        await tx.execute("SET SESSION innodb_lock_wait_timeout = 1")
        await _add(tx, 1)

    with server.connect("things") as other, other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("UPDATE counters SET n = 100 WHERE id = 1")
        with pytest.raises(TransactionLost) as caught:
            await db.retried(work, attempts=2)
        cursor.execute("ROLLBACK")
    assert caught.value.action is Action.RETRY
    assert _counters(server) == [0, 0]


@pytest.mark.fault(16)
async def test_a_row_that_changed_since_the_snapshot_has_the_whole_of_it_done_again(
    db: Database, server: MariaDb
) -> None:
    tries = 0

    async def work(tx: Transaction) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            await tx.execute("SET SESSION innodb_snapshot_isolation = ON")  # the default since MariaDB 11.6
        await tx.fetch("SELECT * FROM counters")
        if tries == 1:
            _as_root(server, "UPDATE things.counters SET n = 100 WHERE id = 2")
        await _add(tx, 1)
        await _add(tx, 2)

    await db.retried(work)
    assert tries == 2
    assert _counters(server) == [1, 101]


@pytest.mark.fault(17)
async def test_a_killed_statement_has_the_whole_of_it_done_again(db: Database, server: MariaDb) -> None:
    tries = 0

    async def work(tx: Transaction) -> None:
        nonlocal tries
        tries += 1
        await _add(tx, 1)
        if tries == 1:
            (row,) = await tx.fetch("SELECT CONNECTION_ID() AS id")
            slow = asyncio.create_task(tx.execute("UPDATE counters SET n = n + 1 WHERE id = 2 + SLEEP(5)"))
            await asyncio.sleep(0.2)
            _as_root(server, f"KILL QUERY {row['id']}")
            await slow
        await _add(tx, 2)

    await db.retried(work)
    assert tries == 2
    assert _counters(server) == [1, 1]


async def test_what_is_looked_for_and_missing_is_nobody_elses_until_the_commit(server: MariaDb) -> None:
    """Else two writers would both find that nobody wrote a payment, and both would write it."""
    _as_root(server, "CREATE OR REPLACE TABLE things.counters (id int PRIMARY KEY, n int NOT NULL, note mediumtext)")
    _as_root(server, "SET GLOBAL TRANSACTION ISOLATION LEVEL READ COMMITTED")
    written, both_looked = 0, asyncio.Barrier(2)

    async def write_once(tx: Transaction) -> None:
        nonlocal written
        found = await tx.fetch("SELECT id FROM counters WHERE id = 7 FOR UPDATE")
        if both_looked.n_waiting < 2 and not both_looked.broken:
            try:
                await asyncio.wait_for(both_looked.wait(), 1)
            except (TimeoutError, asyncio.BrokenBarrierError):
                pass
        if not found:
            await tx.execute("INSERT INTO counters VALUES (7, 1, '') ON DUPLICATE KEY UPDATE n = n + 1")

    try:
        async with Database(_settings(server)) as db:
            await asyncio.gather(db.retried(write_once), db.retried(write_once))
    finally:
        _as_root(server, "SET GLOBAL TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    assert _counters(server) == [1]


@pytest.mark.fault(30)
async def test_a_transaction_that_stands_still_does_not_keep_its_locks(db: Database, server: MariaDb) -> None:
    """The process was stopped in the middle of it; its successor must not wait for hours."""

    async def work(tx: Transaction) -> None:
        await _add(tx, 1)
        async with db.transaction() as successor:
            await successor.execute("SET SESSION innodb_lock_wait_timeout = 5")
            await _add(successor, 1)
        await _add(tx, 2)

    async with Database(_settings(server, timeout_seconds=1)) as stopped:
        with pytest.raises(DependencyUnreachable):
            await stopped.retried(work)
        await stopped.fetch("SELECT 1 AS one")
    assert _counters(server) == [1, 0]


@pytest.mark.fault(17)
async def test_a_killed_connection_leaves_nothing_of_its_transaction_and_the_pool_goes_on(
    db: Database, server: MariaDb
) -> None:
    async def work(tx: Transaction) -> None:
        await _add(tx, 1)
        (row,) = await tx.fetch("SELECT CONNECTION_ID() AS id")
        _as_root(server, f"KILL CONNECTION {row['id']}")
        await _add(tx, 2)

    with pytest.raises(DependencyUnreachable):
        await db.retried(work)
    assert _counters(server) == [0, 0]
    async with db.transaction() as tx:
        await _add(tx, 1)
    assert _counters(server) == [1, 0]


@pytest.mark.fault(17)
async def test_a_server_that_was_restarted_is_found_again(db: Database, server: MariaDb) -> None:
    async def work(tx: Transaction) -> None:
        await _add(tx, 1)
        server.process.kill()
        await _add(tx, 2)

    with pytest.raises(DependencyUnreachable):
        await db.retried(work)
    with pytest.raises(DependencyUnreachable):
        await db.fetch("SELECT 1 AS one")
    _start(server)
    async with db.transaction() as tx:
        await _add(tx, 1)
    assert _counters(server) == [1, 0]


@pytest.mark.fault(19)
@pytest.mark.parametrize("ends_by", ["a cancelled task", "a deadline"])
async def test_a_connection_with_an_answer_still_to_come_is_never_handed_out_again(
    server: MariaDb, ends_by: str
) -> None:
    seconds = 1 if ends_by == "a deadline" else 10
    async with Database(_settings(server, pool_size=1, timeout_seconds=seconds)) as db:
        (before,) = await db.fetch("SELECT CONNECTION_ID() AS id")
        slow = asyncio.create_task(db.fetch("SELECT SLEEP(2) AS answer"))
        if ends_by == "a deadline":
            with pytest.raises(DependencyUnreachable):
                await slow
        else:
            await asyncio.sleep(0.2)
            slow.cancel()
            with pytest.raises(asyncio.CancelledError):
                await slow
        (after,) = await db.fetch("SELECT CONNECTION_ID() AS id")
        assert after["id"] != before["id"]


@pytest.mark.fault(17)
async def test_a_read_only_server_is_waited_for(db: Database, server: MariaDb) -> None:
    _as_root(server, "SET GLOBAL read_only = 1")
    try:
        with pytest.raises(DependencyUnreachable, match="takes no writes now") as caught:
            await db.execute("UPDATE counters SET n = 5")
    finally:
        _as_root(server, "SET GLOBAL read_only = 0")
    assert caught.value.action is Action.RETRY
    assert _counters(server) == [0, 0]


@pytest.mark.fault(17)
async def test_too_many_connections_are_waited_for(server: MariaDb) -> None:
    with ExitStack() as held:
        # One connection stays for the way back: on a full server another may not come in.
        root = held.enter_context(server.connect()).cursor()
        root.execute("SELECT @@max_connections")
        (before,) = root.fetchall()[0]
        root.execute("SET GLOBAL max_connections = 10")
        held.callback(root.execute, f"SET GLOBAL max_connections = {before}")
        deadline = time.monotonic() + 20
        taken = 0
        while taken < 10:
            try:
                held.enter_context(server.connect())
                taken += 1
            except pymysql.err.OperationalError:  # those of earlier tests count until the server has noticed their end
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)
        with pytest.raises(DependencyUnreachable, match="1040") as caught:
            await Database(_settings(server)).open()
    assert caught.value.action is Action.RETRY


@pytest.mark.fault(17)
async def test_many_long_rows_go_in_statements_that_the_server_takes(db: Database, server: MariaDb) -> None:
    text = "x" * 100_000
    await db.execute("DELETE FROM counters")
    async with db.transaction() as tx:
        await tx.insert_many(
            "INSERT INTO counters (id, n, note) VALUES (%s, %s, %s)", [(n, n, text) for n in range(400)]
        )
    assert _counters(server) == list(range(400))


@pytest.mark.fault(17)
@pytest.mark.parametrize("letter", ["x", "\u0416", "\U0001f600"], ids=["ascii", "two bytes", "four bytes"])
async def test_a_server_that_takes_short_statements_gets_more_of_them(server: MariaDb, letter: str) -> None:
    _as_root(server, "CREATE OR REPLACE TABLE things.counters (id int PRIMARY KEY, n int NOT NULL, note mediumtext)")
    _as_root(server, "SET GLOBAL max_allowed_packet = 1048576")
    try:
        async with Database(_settings(server)) as db, db.transaction() as tx:
            before = tx.statements
            await tx.insert_many(
                "INSERT INTO counters (id, n, note) VALUES (%s, %s, %s)", [(n, n, letter * 50_000) for n in range(50)]
            )
            assert tx.statements > before + 1
    finally:
        _as_root(server, "SET GLOBAL max_allowed_packet = 16777216")
    assert _counters(server) == list(range(50))


@pytest.mark.fault(17)
async def test_a_server_that_became_read_only_is_waited_for(db: Database, server: MariaDb) -> None:
    async def work(tx: Transaction) -> None:
        await _add(tx, 1)

    _as_root(server, "SET GLOBAL read_only = 1")
    try:
        async with Database(_settings(server)) as replica:
            with pytest.raises(DependencyUnreachable, match="read only") as caught:
                await replica.retried(work)
            assert await replica.fetch("SELECT n FROM counters WHERE id = 1") == [{"n": 0}]  # it may be read
            assert caught.value.action is Action.RETRY
            _as_root(server, "SET GLOBAL read_only = 0")
            await replica.retried(work)
    finally:
        _as_root(server, "SET GLOBAL read_only = 0")
    assert _counters(server) == [1, 0]


@pytest.mark.fault(34)
async def test_a_server_that_is_not_the_one_of_before_is_not_written(
    db: Database, server: MariaDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(tx: Transaction) -> None:
        await _add(tx, 1)

    await db.retried(work)
    real = Transaction.server

    async def failed_over(tx: Transaction) -> Server:
        return replace(await real(tx), name="replica.example.com:3306")

    monkeypatch.setattr(Transaction, "server", failed_over)
    with pytest.raises(OtherServer, match=r"is replica\.example\.com:3306, and was \S+:\d+$") as caught:
        await db.retried(work)
    assert caught.value.action is Action.HALT
    assert _counters(server) == [1, 0]


@pytest.mark.parametrize("step", [1, 3])
async def test_ids_are_told_as_the_server_gave_them(
    server: MariaDb, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two writers at once, many statements each, on a server that may be one of three that number in turn."""
    _as_root(server, "CREATE OR REPLACE TABLE things.numbered (id int AUTO_INCREMENT PRIMARY KEY, note mediumtext)")
    begins = session_statement(10)
    monkeypatch.setattr(
        mysql, "session_statement", lambda _: f"{begins}, auto_increment_increment = {step}, auto_increment_offset = 1"
    )
    monkeypatch.setattr(mysql, "_LONGEST_BYTES", 20_000)

    async def write(db: Database, name: str) -> dict[int, str]:
        notes = [f"{name}{number}".ljust(200) for number in range(1000)]
        async with db.transaction() as tx:
            ids = await tx.insert_numbered("INSERT INTO numbered (note) VALUES (%s)", [(note,) for note in notes])
            assert tx.statements > 10
        return dict(zip(ids, notes, strict=True))

    async with Database(_settings(server)) as db:
        told = await asyncio.gather(write(db, "a"), write(db, "b"))
        assert await db.fetch("SELECT @@auto_increment_increment AS step") == [{"step": step}]
    kept = dict(_as_root(server, "SELECT id, note FROM things.numbered"))
    assert told[0] | told[1] == kept
    assert len(kept) == 2000


@pytest.mark.fault(17)
async def test_a_statement_that_is_too_long_for_the_server_says_which_setting_to_raise(
    server: MariaDb,
) -> None:
    _as_root(server, "SET GLOBAL max_allowed_packet = 1048576")
    try:
        async with Database(_settings(server)) as db:
            with pytest.raises(DependencyRefused) as caught:
                await db.execute("UPDATE counters SET note = %s", ("x" * 2_000_000,))
    finally:
        _as_root(server, "SET GLOBAL max_allowed_packet = 16777216")
    assert "max_allowed_packet" in caught.value.next_step


async def test_a_refused_statement_tells_its_number_and_no_value(db: Database) -> None:
    with pytest.raises(StatementRefused, match="error 1062") as caught:
        await db.execute("INSERT INTO counters VALUES (1, 5, 'anna@example.com')")
    assert caught.value.action is Action.HALT
    assert "anna" not in str(caught.value)


@pytest.mark.parametrize("wrong", [{"password": "other"}, {"name": "nothing_here"}])
async def test_a_wrong_log_in_or_schema_shows_at_start(server: MariaDb, wrong: dict[str, object]) -> None:
    with pytest.raises(DependencyRefused) as caught:
        async with Database(_settings(server, **wrong)):
            pass
    assert "doctor" in caught.value.next_step
