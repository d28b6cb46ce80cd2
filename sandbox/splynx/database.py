"""The database behind the API: a pool whose connections behave as the product's own, and plain statements."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiomysql
from pymysql.constants import CLIENT, FIELD_TYPE
from pymysql.converters import conversions

from sandbox.splynx.problems import Problem

Row = dict[str, Any]

# Dates, times and decimals stay the text that the server sends: zero dates have no other form, and the API shows text.
_AS_TEXT = {
    FIELD_TYPE.DATE,
    FIELD_TYPE.DATETIME,
    FIELD_TYPE.TIMESTAMP,
    FIELD_TYPE.TIME,
    FIELD_TYPE.DECIMAL,
    FIELD_TYPE.NEWDECIMAL,
}
_CONVERSIONS = {kind: convert for kind, convert in conversions.items() if kind not in _AS_TEXT}


@dataclass(frozen=True)
class Server:
    """Where the database is, and how to log in."""

    host: str
    port: int
    user: str
    password: str
    name: str = "splynx"


class _Cursor(aiomysql.DictCursor):
    """Rows as dictionaries. A warning (a text cut, a value rounded) passes in silence, as in the product."""

    async def _show_warnings(self, conn: Any) -> None:
        return


class Session:
    """One connection for one request.

    Statements whose result nobody needs may wait (`later`): they travel in front of the next one, in the same text, so
    that a request with many rows costs few round trips.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._waiting: list[str] = []

    async def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """All rows of a SELECT."""
        async with self._connection.cursor(_Cursor) as cursor:
            await self._run(cursor, sql, values)
            return list(await cursor.fetchall())

    async def row(self, sql: str, values: Sequence[Any] = ()) -> Row | None:
        """The first row of a SELECT, if there is one."""
        found = await self.rows(sql, values)
        return found[0] if found else None

    async def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run a statement; how many rows it touched."""
        async with self._connection.cursor(_Cursor) as cursor:
            await self._run(cursor, sql, values)
            touched: int = cursor.rowcount
            return touched

    async def insert(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run an INSERT; the id that the server gave."""
        async with self._connection.cursor(_Cursor) as cursor:
            await self._run(cursor, sql, values)
            made: int = cursor.lastrowid
            return made

    def later(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Run a statement before the next one."""
        self._waiting.append(self._text(sql, values))

    async def flush(self) -> None:
        """Run the statements that wait."""
        if self._waiting:
            *self._waiting, last = self._waiting
            await self.execute(last)

    async def commit(self) -> None:
        await self.execute("COMMIT")

    async def rollback(self) -> None:
        self._waiting.clear()
        await self.execute("ROLLBACK")

    async def _run(self, cursor: Any, sql: str, values: Sequence[Any]) -> None:
        waiting, self._waiting = self._waiting, []
        await cursor.execute(";".join([*waiting, self._text(sql, values)]))
        for _ in waiting:
            await cursor.nextset()

    def _text(self, sql: str, values: Sequence[Any]) -> str:
        return sql % tuple(map(self._literal, values)) if values else sql

    def _literal(self, value: Any) -> str:
        # The driver's own text for bytes fails on a pool's connection.
        text: str = f"x'{value.hex()}'" if isinstance(value, bytes) else self._connection.escape(value)
        return text


class Database:
    """The pool. `sql_mode` is empty, as in the product: zero dates pass, and too long texts are cut."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    @classmethod
    async def open(cls, server: Server, *, connections: int = 16) -> "Database":
        """Connect.

        Raises:
            pymysql.err.OperationalError: the server is not there or refuses the log-in.
        """
        pool = await aiomysql.create_pool(  # type: ignore[no-untyped-call]
            host=server.host,
            port=server.port,
            user=server.user,
            password=server.password,
            db=server.name,
            minsize=1,
            maxsize=connections,
            autocommit=True,
            charset="utf8mb4",
            conv=_CONVERSIONS,
            init_command="SET sql_mode=''; SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
            client_flag=CLIENT.MULTI_STATEMENTS,
        )
        return cls(pool)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A connection that commits each statement."""
        connection = await self._pool.acquire()
        try:
            yield Session(connection)
        except Problem:
            raise
        except BaseException:
            connection.close()  # a statement may be half answered: never hand it to the next request
            raise
        finally:
            self._pool.release(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """A connection in a transaction: committed at the end, rolled back when an exception leaves the block."""
        async with self.session() as session:
            session.later("BEGIN")
            try:
                yield session
            except Problem:
                await session.rollback()
                raise
            await session.commit()

    async def close(self) -> None:
        self._pool.close()
        await self._pool.wait_closed()
