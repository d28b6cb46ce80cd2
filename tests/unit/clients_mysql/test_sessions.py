"""A connection with something unfinished on it is closed before the pool gets it back, whatever the driver does."""

import asyncio
from types import TracebackType
from typing import Any, Self

import pytest
from pydantic import SecretStr

from clients.mysql import Database
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

    async def execute(self, sql: str, values: tuple[object, ...]) -> None:
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
