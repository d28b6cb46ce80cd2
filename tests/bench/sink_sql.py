"""How fast payments go into Splynx by SQL: the sink ÷ the bare driver that is handed the same rows, ready made.

Ours: messages of the topic decoded, compared with the ledger, written with their ledger rows, crosswalk, journal,
aggregates, outcomes and checkpoint. The limit: exactly those rows as they stood afterwards, read back beforehand,
by `executemany` into a second installation, in the same batches, one connection each.
"""

from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiomysql
from confluent_kafka import Message

from clients.mysql import SQL_MODE
from plumbing.settings import Settings
from sandbox.local.stack import Addresses
from schemas.entities.payment import PAYMENT
from schemas.topics import Topics
from tests.bench.entry import Entry, Round, noise, ratio, timed
from tests.bench.paying import (
    BATCH,
    Installation,
    Sink,
    account_of,
    batches_of,
    installation,
    payment_id,
    records_of,
    sink_on,
)
from tests.bench.servers import instance

GOAL = 0.8
WARM = 3
TURNS = 21
STATEMENTS = 40
"""More than this for one batch of ours would be statements per row."""

_WRITTEN = {
    # table: what of it a batch has written; the ledger's tables in the ledger's schema
    "billing_transactions": "id > %(transactions)s",
    "payments": "id > %(payments)s",
    "customer_billing": "customer_id IN %(customers)s",
    "ledger.crosswalk": "entity = 'payment' AND sonar_id IN %(payment_ids)s",
    "ledger.journal": "id > %(journal)s",
    "ledger.aggregates": "aggregate = 'payment' AND sonar_id IN %(payment_ids)s",
    "ledger.outcomes": "topic = %(topic)s",
    "ledger.checkpoint": "topic = %(topic)s",
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


async def measure(at: Addresses, folder: Path) -> list[Entry]:
    """The entry `sink_sql`."""
    async with AsyncExitStack() as stack:
        settings = stack.enter_context(instance(at, folder))
        batches = batches_of(settings, WARM + TURNS)
        installations = [await stack.enter_async_context(installation(at)) for _ in range(3)]
        sink = await sink_on(stack, installations[0], settings)
        bare = [await _bare(stack, one) for one in installations[1:]]
        measured, counts = await _turns(sink, bare, installations[0], settings, batches)
    seconds = sum(one.ours for one in measured)
    limit = sum(one.before + one.after for one in measured) / 2
    records = sum(records_of(number) for number in range(WARM * BATCH, (WARM + TURNS) * BATCH))
    figures = {
        "payments_per_second": round(records / seconds),
        "bare_payments_per_second": round(records / limit),
        "batch": BATCH,
        "statements_per_batch": counts[0],
        "bare_statements_per_batch": counts[1],
    }
    return [Entry("sink_sql", ratio(measured), GOAL, noise(measured), figures)]


async def _rows(sink: Sink, at: Installation, before: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The rows of the last batch, as they stand."""
    found = {}
    async with sink.db.session() as tx:
        for table, condition in _WRITTEN.items():
            where = condition
            values: list[Any] = []
            for name, value in before.items():
                if f"%({name})s" in where:
                    many = isinstance(value, list)
                    where = where.replace(f"%({name})s", f"({', '.join(['%s'] * len(value))})" if many else "%s")
                    values += value if many else [value]
            found[table] = await tx.fetch(f"SELECT * FROM {at.table(table)} WHERE {where}", values)
    return found


async def _marks(sink: Sink, at: Installation) -> dict[str, int]:
    """The highest ids so far."""
    tables = {"transactions": "billing_transactions", "payments": "payments", "journal": "ledger.journal"}
    return {
        name: int((await sink.db.fetch(f"SELECT COALESCE(MAX(id), 0) AS n FROM {at.table(table)}"))[0]["n"])
        for name, table in tables.items()
    }


async def _turns(
    sink: Sink, bare: list[Bare], at: Installation, settings: Settings, batches: Iterable[list[Message]]
) -> tuple[list[Round], tuple[int, int]]:
    """The rounds, and statements per batch of ours and of the limit."""
    counts = (0, 0)
    measured: list[Round] = []
    for turn, batch in enumerate(batches):
        before: dict[str, Any] = dict(await _marks(sink, at))
        numbers = range(turn * BATCH, (turn + 1) * BATCH)
        before |= {
            "payment_ids": [payment_id(one) for one in numbers],
            "customers": sorted({account_of(one) for one in numbers}),
            "topic": Topics(settings.instance).splynx(PAYMENT.name),
        }
        counted = [await sink.statements(), await bare[0].statements()]
        ours = await timed(sink.write(batch))
        after = await sink.statements() - 1  # the question itself counts
        rows = await _rows(sink, at, before)
        assert len(rows["payments"]) == sum(map(records_of, numbers))
        limit = await timed(bare[0].write(rows))
        counts = (after - counted[0], await bare[0].statements() - 1 - counted[1])
        again = await timed(bare[1].write(rows))
        assert counts[0] <= STATEMENTS
        assert counts[1] == len(_WRITTEN) + 2
        if turn >= WARM:
            measured.append(Round(limit, ours, again))
    return measured, counts


async def _bare(stack: AsyncExitStack, at: Installation) -> Bare:
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
