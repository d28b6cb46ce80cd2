"""The bare driver as a limit of the sink: the rows that a batch has written, handed to `executemany` ready made."""

from contextlib import AsyncExitStack
from typing import Any

import aiomysql

from clients.mysql import SQL_MODE
from plumbing.settings import Settings
from schemas.entities.payment import PAYMENT
from schemas.topics import Topics
from tests.bench.paying import Installation, Share, Sink, account_of, payment_id

WRITTEN = {
    # table: what of it a batch has written; the ledger's tables in the ledger's schema
    "billing_transactions": "id > %(transactions)s AND customer_id IN %(customers)s",
    "payments": "id > %(payments)s AND customer_id IN %(customers)s",
    "customer_billing": "customer_id IN %(customers)s",
    "ledger.crosswalk": "entity = 'payment' AND sonar_id IN %(payment_ids)s",
    "ledger.journal": "id > %(journal)s AND run_id = %(run)s",
    "ledger.aggregates": "aggregate = 'payment' AND sonar_id IN %(payment_ids)s",
    "ledger.outcomes": "topic = %(topic)s AND partition_no = %(partition)s",
    "ledger.checkpoint": "topic = %(topic)s AND partition_no = %(partition)s",
}


class Bare:
    """`executemany` of rows that are ready, a statement per table, one transaction."""

    def __init__(self, at: Installation, connection: Any) -> None:
        self._at, self._connection = at, connection

    async def write(self, rows: dict[str, list[dict[str, Any]]]) -> None:
        async with self._connection.cursor() as cursor:
            cursor.max_stmt_length = 16 * 1024 * 1024  # else the driver cuts a batch into pieces of 64 kB
            await cursor.execute("START TRANSACTION")
            for table, found in rows.items():
                columns = list(found[0])
                sql = f"INSERT INTO {self._at.table(table)} ({', '.join(f'`{one}`' for one in columns)}) VALUES ("
                sql += ", ".join(["%s"] * len(columns)) + ")"
                if table in {"customer_billing", "ledger.outcomes", "ledger.checkpoint"}:
                    sql += " ON DUPLICATE KEY UPDATE " + ", ".join(f"`{one}` = VALUES(`{one}`)" for one in columns)
                await cursor.executemany(sql, [tuple(row.values()) for row in found])
            await cursor.execute("COMMIT")

    async def statements(self) -> int:
        """How many the server counted on this connection."""
        async with self._connection.cursor() as cursor:
            await cursor.execute("SHOW SESSION STATUS LIKE 'Questions'")
            return int((await cursor.fetchone())[1])


async def marks_of(sink: Sink, at: Installation, settings: Settings, share: Share, turn: int) -> dict[str, Any]:
    """By what the rows of a share's batch are known, taken before it is written."""
    tables = {"transactions": "billing_transactions", "payments": "payments", "journal": "ledger.journal"}
    highest = {
        name: int((await sink.db.fetch(f"SELECT COALESCE(MAX(id), 0) AS n FROM {at.table(table)}"))[0]["n"])
        for name, table in tables.items()
    }
    return highest | {
        "payment_ids": [payment_id(one) for one in share.numbers(turn)],
        "customers": sorted({account_of(one) for one in share.numbers(turn)}),
        "topic": Topics(settings.instance).splynx(PAYMENT.name),
        "partition": share.partition,
        "run": share.run_id,
    }


async def rows_of(sink: Sink, at: Installation, before: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The rows of the last batch, as they stand."""
    found = {}
    async with sink.db.session() as tx:
        for table, condition in WRITTEN.items():
            where = condition
            values: list[Any] = []
            for name, value in before.items():
                if f"%({name})s" in where:
                    many = isinstance(value, list)
                    where = where.replace(f"%({name})s", f"({', '.join(['%s'] * len(value))})" if many else "%s")
                    values += value if many else [value]
            found[table] = await tx.fetch(f"SELECT * FROM {at.table(table)} WHERE {where}", values)
    return found


async def bare_on(stack: AsyncExitStack, at: Installation) -> Bare:
    """On a connection of its own."""
    server = at.server
    connection = await aiomysql.connect(  # type: ignore[no-untyped-call]
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password,
        db=server.name,
        charset="utf8mb4",
        autocommit=True,
        sql_mode=f"'{SQL_MODE}'",
    )
    stack.callback(connection.close)
    return Bare(at, connection)
