"""Connections: how they begin, that one with something unfinished is closed before the pool gets it back."""

import asyncio
import re
from types import TracebackType
from typing import Any, Self

import pytest
from pydantic import SecretStr

from clients.mysql import Database, session_statement
from clients.transactions import CallInTransaction, refuse_in_transaction
from plumbing.errors import DependencyUnreachable
from plumbing.settings import MysqlSettings


class Cursor:
    """Never gets an answer."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def execute(self, sql: str, values: tuple[object, ...] | None = None) -> None:
        await asyncio.sleep(60)


class Pool:
    """One connection, which says what was done to it; a driver that closes nothing by itself."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def acquire(self) -> Self:
        return self

    def cursor(self, _: type[Any]) -> Cursor:
        return Cursor()

    def close(self) -> None:
        self.told.append("closed")

    async def release(self, _: Self) -> None:
        self.told.append("given back")


@pytest.fixture
def pool() -> Pool:
    return Pool()


def _db(pool: Pool, *, seconds: float) -> Database:
    db = Database(MysqlSettings(host="h", user="u", password=SecretStr("p"), name="n", timeout_seconds=seconds, port=1))
    db._pool = pool
    return db


async def test_a_cancelled_statement_closes_its_connection(pool: Pool) -> None:
    task = asyncio.create_task(_db(pool, seconds=60).fetch("SELECT 1"))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert pool.told == ["closed", "given back"]


async def test_a_statement_past_its_deadline_closes_its_connection_at_once(pool: Pool) -> None:
    async with _db(pool, seconds=0.01).session() as tx:
        with pytest.raises(DependencyUnreachable, match=r"h:1 \(splynx.db in the settings\)"):
            await tx.fetch("SELECT 1")
        assert pool.told == ["closed"]


async def test_an_error_between_two_statements_closes_the_connection_of_the_transaction(pool: Pool) -> None:
    with pytest.raises(KeyError):
        async with _db(pool, seconds=60).session():
            raise KeyError
    assert pool.told == ["closed", "given back"]


class Silent(Cursor):
    """Does everything at once."""

    rowcount = lastrowid = 0

    async def fetchall(self) -> list[dict[str, object]]:
        return [{"name": "h:1", "read_only": 0, "longest": 1 << 24, "step": 1}]

    async def execute(self, sql: str, values: tuple[object, ...] | None = None) -> None:
        return None


async def test_between_its_begin_and_its_commit_a_transaction_is_known_as_open(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pool, "cursor", lambda *_: Silent())
    db = _db(pool, seconds=60)
    async with db.transaction():
        with pytest.raises(CallInTransaction, match="a call inside an open transaction"):
            refuse_in_transaction("a call")
    refuse_in_transaction("a call")
    async with db.session():
        refuse_in_transaction("a call")
    with pytest.raises(KeyError):
        async with db.transaction():
            raise KeyError
    refuse_in_transaction("a call")


def _as_read_by(server: str, statement: str) -> str:
    """What is left of the comments that only one kind of server executes."""
    if server == "MariaDB":  # which skips MySQL's from 5.7 on
        statement = re.sub(r"/\*M! (.*?)\*/", r"\1", re.sub(r"/\*!.*?\*/", "", statement))
    else:
        statement = re.sub(r"/\*!80003 (.*?)\*/", r"\1", re.sub(r"/\*M!.*?\*/", "", statement))
    return " ".join(statement.split())


def test_each_kind_of_server_is_told_how_long_a_transaction_may_stand_still() -> None:
    assert _as_read_by("MariaDB", session_statement(29.5)) == (
        "SET SESSION tx_isolation = 'REPEATABLE-READ', idle_transaction_timeout = 30, wait_timeout = 600"
    )
    assert _as_read_by("MySQL", session_statement(29.5)) == (
        "SET SESSION transaction_isolation = 'REPEATABLE-READ', wait_timeout = 600"
    )


async def test_a_server_that_takes_the_connection_and_says_nothing_is_not_awaited_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def says_nothing(**_: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr("clients.mysql.aiomysql.create_pool", says_nothing)
    settings = MysqlSettings(host="db.example.net", user="u", password=SecretStr("p"), name="n", timeout_seconds=0.01)
    with pytest.raises(DependencyUnreachable, match=r"db\.example\.net:3306 \(splynx\.db in the settings\)"):
        await Database(settings).open()
