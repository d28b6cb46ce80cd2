"""MySQL and MariaDB over aiomysql: a pool whose broken connections are closed, transactions, statements counted."""

import asyncio
import math
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar
from weakref import WeakKeyDictionary

import aiomysql
import pymysql

from clients.literals import filled, filled_rows
from clients.mysql_errors import OtherServer, TransactionLost, ValueRefused, error_of
from clients.transactions import transaction_is_open
from plumbing.errors import DependencyUnreachable, SyncError
from plumbing.settings import MysqlSettings

Row = dict[str, Any]
Values = Sequence[Any]
T = TypeVar("T")

SQL_MODE = "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION"
"""Strict, so that nothing is cut silently; zero dates allowed, for Splynx keeps "none" as one. The session's time
zone is left alone: Splynx relies on it."""

ISOLATION = "REPEATABLE-READ"
"""Whatever the server's default is: a key that was looked for and is not there stays locked until the commit."""
_IDLE_SECONDS = 600
"""A session that says nothing for so long is of a process that stands still or is gone; ours ask in between."""


def session_statement(patience_seconds: float) -> str:
    """What a session begins with, for both servers: each skips the comment that is the other's.

    A process that stands still in a transaction would keep its locks, and its successor waiting, for the eight hours
    of `wait_timeout`. MariaDB ends such a transaction after our patience with one statement, MySQL the whole session.
    """
    patience = max(1, math.ceil(patience_seconds))
    return (
        f"SET SESSION /*M! tx_isolation = '{ISOLATION}', idle_transaction_timeout = {patience}, */"
        f" /*!80003 transaction_isolation = '{ISOLATION}', */ wait_timeout = {max(_IDLE_SECONDS, 2 * patience)}"
    )


@dataclass(frozen=True)
class Server:
    """What a session has said of its server."""

    name: str
    """`host:port` as it calls itself."""
    read_only: bool
    longest: int
    """Bytes of one statement: max_allowed_packet."""
    step: int
    """Between two ids of one statement: auto_increment_increment."""


_ASKED: WeakKeyDictionary[Any, Server] = WeakKeyDictionary()
"""`{connection: what it was told}`: asked once, for a session keeps what it began with."""


class Transaction:
    """One connection inside a transaction, or outside of one for single reads."""

    def __init__(self, connection: Any, at: MysqlSettings) -> None:
        self._connection = connection
        self._at = at
        self.statements = 0

    async def server(self) -> Server:
        """What this session's server is like."""
        known = _ASKED.get(self._connection)
        if known is None:
            (row,) = await self.fetch(
                "SELECT CONCAT(@@hostname, ':', @@port) AS name, @@read_only AS read_only,"
                " @@max_allowed_packet AS longest, @@auto_increment_increment AS step"
            )
            read_only = str(row["read_only"]) not in {"0", "OFF"}
            known = Server(str(row["name"]), read_only, int(row["longest"]), int(row["step"]))
            _ASKED[self._connection] = known
        return known

    async def fetch(self, sql: str, values: Values = ()) -> list[Row]:
        """All rows of a query."""
        return await self._run(filled(sql, values), rows=True)  # type: ignore[no-any-return]

    async def fetch_one(self, sql: str, values: Values = ()) -> Row | None:
        """The first row, or None."""
        rows = await self.fetch(sql, values)
        return rows[0] if rows else None

    async def execute(self, sql: str, values: Values = ()) -> int:
        """Rows that a statement changed or found, as the server counts them."""
        return int((await self._run(filled(sql, values)))[0])

    async def insert(self, sql: str, values: Values = ()) -> int:
        """Run an INSERT; the AUTO_INCREMENT id it made."""
        return int((await self._run(filled(sql, values)))[1])

    async def insert_many(self, sql: str, rows: Sequence[Values]) -> None:
        """Insert rows by as few statements as the server takes.

        `sql` ends with `VALUES (%s, …)`, or with `ON DUPLICATE KEY UPDATE …` behind it.
        """
        for text, _ in await self._statements(sql, rows):
            await self._run(text)

    async def insert_numbered(self, sql: str, rows: Sequence[Values]) -> list[int]:
        """The same, without ON DUPLICATE KEY UPDATE, into a table with AUTO_INCREMENT; each row's id.

        The server tells a statement's first id. The others follow at its step: it knows how many there are, so nobody
        else's come between them. Whoever relies on it has a later statement show it.
        """
        step = (await self.server()).step
        ids: list[int] = []
        for text, count in await self._statements(sql, rows):
            first = int((await self._run(text))[1])
            ids += range(first, first + count * step, step)
        return ids

    async def _statements(self, sql: str, rows: Sequence[Values]) -> list[tuple[str, int]]:
        """Statements with the rows in them, and how many those are."""
        if not rows:
            return []
        head, _, rest = sql.partition("VALUES (")
        group, _, tail = rest.partition(")")
        texts = filled_rows(f"({group})", rows)
        longest = min(_LONGEST_BYTES, (await self.server()).longest) - len(sql) - _HEADER_BYTES
        return [(f"{head}VALUES {', '.join(part)}{tail}", len(part)) for part in _parts(texts, longest)]

    @asynccontextmanager
    async def attempt(self, name: str = "attempt", undone_by: type[SyncError] = ValueRefused) -> AsyncIterator[None]:
        """Inside a transaction: a value that is refused undoes what was done in the block, and nothing before it.

        `undone_by`: what undoes it in place of that. One attempt inside another has a name of its own.
        """
        await self.execute(f"SAVEPOINT {name}")
        try:
            yield
        except undone_by:
            await self.execute(f"ROLLBACK TO SAVEPOINT {name}")
            raise

    async def _run(self, text: str, *, rows: bool = False) -> Any:
        self.statements += 1
        try:
            async with (
                asyncio.timeout(self._at.timeout_seconds),
                self._connection.cursor(aiomysql.DictCursor) as cursor,
            ):
                await cursor.execute(text)
                return list(await cursor.fetchall()) if rows else (cursor.rowcount, cursor.lastrowid)
        except TimeoutError as exc:
            self._connection.close()
            raise DependencyUnreachable(f"the database {self._at.where} did not answer a statement in time") from exc
        except (pymysql.err.MySQLError, OSError, asyncio.IncompleteReadError) as exc:
            raise error_of(exc, self._at) from exc


_LONGEST_BYTES = 8 * 1024 * 1024
"""Of one statement, even where the server takes longer ones: it is held in memory several times."""
_HEADER_BYTES = 64


def _parts(texts: Sequence[str], longest: int) -> Iterator[Sequence[str]]:
    """Rows of one statement each: short enough for it, but for a row that is too long by itself."""
    first = length = 0
    for place, text in enumerate(texts):
        of_row = (len(text) if text.isascii() else len(text.encode())) + 2
        if place > first and length + of_row > longest:
            yield texts[first:place]
            first, length = place, 0
        length += of_row
    yield texts[first:]


class Database:
    """A pool of connections to one server. Use as an async context manager.

    A connection whose statement was cancelled, timed out or failed is closed and never handed out again: aiomysql
    could give one query's rows to the next.
    """

    def __init__(self, settings: MysqlSettings) -> None:
        self.settings = settings
        self._pool: Any = None
        # Who waits in aiomysql's own queue is not woken by a connection that comes back closed.
        self._turns = asyncio.Semaphore(settings.pool_size)
        self._server = ""

    @property
    def name(self) -> str:
        """The schema."""
        return self.settings.name

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Connect once, so that a wrong address or log-in shows at start.

        Raises:
            DependencyUnreachable: no answer.
            DependencyRefused: wrong log-in or no such schema.
        """
        at = self.settings
        context: ssl.SSLContext | None = None
        if at.tls.enabled:
            context = ssl.create_default_context(cafile=str(at.tls.ca_file) if at.tls.ca_file else None)
            if not at.tls.verify:
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            if at.tls.cert_file is not None:
                context.load_cert_chain(at.tls.cert_file, at.tls.key_file)
        try:
            # Its connect_timeout ends with the TCP connection: a server that says nothing would be awaited for ever.
            async with asyncio.timeout(at.timeout_seconds):
                self._pool = await aiomysql.create_pool(  # type: ignore[no-untyped-call]
                    host=at.host,
                    port=at.port,
                    user=at.user,
                    password=at.password.get_secret_value(),
                    db=at.name,
                    charset="utf8mb4",
                    minsize=1,
                    maxsize=at.pool_size,
                    autocommit=True,
                    connect_timeout=at.timeout_seconds,
                    pool_recycle=1800,
                    init_command=session_statement(at.timeout_seconds),
                    sql_mode=f"'{SQL_MODE}'",  # aiomysql puts it into the statement as it is
                    # Rows found, not rows changed: the count of an UPDATE tells whether its row is there.
                    client_flag=pymysql.constants.CLIENT.FOUND_ROWS,
                    ssl=context,
                )
        except (pymysql.err.MySQLError, OSError, TimeoutError, asyncio.IncompleteReadError) as exc:
            raise error_of(exc, self.settings) from exc

    async def close(self) -> None:
        """Close all connections."""
        if self._pool is not None:
            self._pool.terminate()
            await self._pool.wait_closed()
            self._pool = None

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Transaction]:
        """A connection with autocommit, for reads and single statements."""
        if self._pool is None:
            raise DependencyUnreachable(f"the database {self.settings.where} is not connected")
        try:
            async with asyncio.timeout(self.settings.timeout_seconds):
                await self._turns.acquire()
        except TimeoutError as exc:
            raise error_of(exc, self.settings) from exc
        try:
            async with self._connected() as connection:
                yield Transaction(connection, self.settings)
        finally:
            self._turns.release()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Any]:
        """A connection for the one whose turn it is."""
        try:
            # Not wait_for: a connection that came just as it gave up would be nobody's.
            async with asyncio.timeout(self.settings.timeout_seconds):
                connection = await self._pool.acquire()
        except (pymysql.err.MySQLError, OSError, TimeoutError, asyncio.IncompleteReadError) as exc:
            raise error_of(exc, self.settings) from exc
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        finally:
            await self._pool.release(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction: committed when the block ends, gone with its connection when it raises.

        Raises:
            DependencyUnreachable: the server is read only now.
            OtherServer: it is not the server of the first transaction.
        """
        async with self.session() as tx:
            server = await tx.server()
            self._server = self._server or server.name
            if server.name != self._server:
                raise OtherServer(f"the database {self.settings.where} is {server.name}, and was {self._server}")
            if server.read_only:
                raise DependencyUnreachable(f"the database {self.settings.where} takes no writes now: it is read only")
            await tx.execute("START TRANSACTION")
            with transaction_is_open():
                yield tx
            await tx.execute("COMMIT")

    async def fetch(self, sql: str, values: Values = ()) -> list[Row]:
        """All rows of one query."""
        async with self.session() as tx:
            return await tx.fetch(sql, values)

    async def execute(self, sql: str, values: Values = ()) -> int:
        """One statement, committed by itself."""
        async with self.session() as tx:
            return await tx.execute(sql, values)

    async def retried(self, work: Callable[[Transaction], Awaitable[T]], *, attempts: int = 8) -> T:
        """Run `work` in a transaction; on a deadlock or lock wait the whole of it again, with jitter.

        Raises:
            TransactionLost: after `attempts` tries.
        """
        for attempt in range(attempts):
            try:
                async with self.transaction() as tx:
                    return await work(tx)
            except TransactionLost:
                if attempt + 1 == attempts:
                    raise
                await asyncio.sleep(random.uniform(0.01, 0.05) * 2**attempt)  # noqa: S311
        raise AssertionError("unreachable")
