"""How fast payments go into Splynx by SQL: the sink ÷ the bare driver that is handed the same rows, ready made.

Ours: messages of the topic decoded, compared with the ledger, written with their ledger rows, crosswalk, journal,
aggregates, outcomes and checkpoint. The limit: exactly those rows as they stood afterwards, read back beforehand,
by `executemany` into a second installation, in the same batches, one connection each.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiomysql
from confluent_kafka import Message, TopicPartition
from pydantic import SecretStr

from clients.mysql import SQL_MODE, Database
from clients.splynx import SplynxClient
from plumbing.avro import Codec, make_registry
from plumbing.kafka import AckedProducer, make_consumer, make_producer
from plumbing.settings import MysqlSettings, Settings
from sandbox.local.stack import Addresses
from sandbox.splynx.database import Server
from sandbox.splynx.install import connect, install
from schemas.avro import bundle_schema, bundle_to_avro
from schemas.catalogue import AGGREGATES, TARGETS
from schemas.entities.payment import PAYMENT, map_payment
from schemas.ledger import statements
from schemas.topics import Topics
from sinks.brake import Brake
from sinks.intake import Intake
from sinks.letters import DeadLetters
from sinks.payments import Payments
from sinks.rest import RestRecords
from sinks.store import Ledger
from sinks.writer import Writer
from tests.bench.entry import Entry, Round, noise, ratio, timed
from tests.bench.servers import instance
from tests.builders import NOON, RULES, a_payment, a_reversal, stamped

GOAL = 0.5
BATCH = 500
WARM = 3
TURNS = 21
CUSTOMERS = 1500
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


@dataclass(frozen=True)
class Installation:
    """A Splynx database with customers, and a ledger that knows them."""

    server: Server
    ledger: str

    @property
    def settings(self) -> MysqlSettings:
        """One connection: the limit has one, too."""
        at = self.server
        return MysqlSettings(
            host=at.host, port=at.port, user=at.user, password=SecretStr(at.password), name=at.name, pool_size=1
        )

    def table(self, name: str) -> str:
        """Qualified; `ledger.` stands for the ledger's schema."""
        return f"`{self.ledger}`.`{name.removeprefix('ledger.')}`" if name.startswith("ledger.") else f"`{name}`"


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


class Sink:
    """The sink's own parts, from a message to the commit."""

    def __init__(self, db: Database, intake: Intake, writer: Writer) -> None:
        self._db, self._intake, self._writer = db, intake, writer

    async def write(self, messages: Sequence[Message]) -> None:
        await self._writer.write(self._intake.take(messages))

    async def statements(self) -> int:
        """How many the server counted on the pool's one connection."""
        return int((await self._db.fetch("SHOW SESSION STATUS LIKE 'Questions'"))[0]["Value"])

    async def written(self, at: Installation, before: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
        """The rows of the last batch, as they stand."""
        found = {}
        async with self._db.session() as tx:
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

    async def marks(self, at: Installation) -> dict[str, int]:
        """The highest ids so far."""
        tables = {"transactions": "billing_transactions", "payments": "payments", "journal": "ledger.journal"}
        return {
            name: int((await self._db.fetch(f"SELECT COALESCE(MAX(id), 0) AS n FROM {at.table(table)}"))[0]["n"])
            for name, table in tables.items()
        }


async def measure(at: Addresses, folder: Path) -> list[Entry]:
    """The entry `sink_sql`."""
    async with AsyncExitStack() as stack:
        settings = stack.enter_context(instance(at, folder))
        batches = _batches(settings)
        installations = [await stack.enter_async_context(_installation(at)) for _ in range(3)]
        sink = await _sink(stack, installations[0], settings)
        bare = [await _bare(stack, one) for one in installations[1:]]
        measured, counts = await _turns(sink, bare, installations[0], settings, batches)
    seconds = sum(one.ours for one in measured)
    limit = sum(one.before + one.after for one in measured) / 2
    records = sum(_records(number) for number in range(WARM * BATCH, (WARM + TURNS) * BATCH))
    figures = {
        "payments_per_second": round(records / seconds),
        "bare_payments_per_second": round(records / limit),
        "batch": BATCH,
        "statements_per_batch": counts[0],
        "bare_statements_per_batch": counts[1],
    }
    return [Entry("sink_sql", ratio(measured), GOAL, noise(measured), figures)]


async def _turns(
    sink: Sink, bare: list[Bare], at: Installation, settings: Settings, batches: list[list[Message]]
) -> tuple[list[Round], tuple[int, int]]:
    """The rounds, and statements per batch of ours and of the limit."""
    counts = (0, 0)
    measured: list[Round] = []
    for turn, batch in enumerate(batches):
        before: dict[str, Any] = dict(await sink.marks(at))
        numbers = range(turn * BATCH, (turn + 1) * BATCH)
        before |= {
            "payment_ids": [_payment_id(one) for one in numbers],
            "customers": sorted({_account(one) for one in numbers}),
            "topic": Topics(settings.instance).splynx(PAYMENT.name),
        }
        counted = [await sink.statements(), await bare[0].statements()]
        ours = await timed(sink.write(batch))
        after = await sink.statements() - 1  # the question itself counts
        rows = await sink.written(at, before)
        assert len(rows["payments"]) == sum(map(_records, numbers))
        limit = await timed(bare[0].write(rows))
        counts = (after - counted[0], await bare[0].statements() - 1 - counted[1])
        again = await timed(bare[1].write(rows))
        assert counts[0] <= STATEMENTS
        assert counts[1] == len(_WRITTEN) + 2
        if turn >= WARM:
            measured.append(Round(limit, ours, again))
    return measured, counts


def _payment_id(number: int) -> int:
    return number + 1


def _account(number: int) -> int:
    return number * 7 % CUSTOMERS + 1


def _records(number: int) -> int:
    return 2 if number % 8 == 0 else 1


def _batches(settings: Settings) -> list[list[Message]]:
    """Batches of messages as the topic gives them."""
    topic = Topics(settings.instance).splynx(PAYMENT.name)
    producer = AckedProducer(make_producer(settings.kafka))
    with make_registry(settings.registry) as registry:
        codec = Codec(registry, f"{topic}-value", bundle_schema(PAYMENT))
        for number in range((WARM + TURNS) * BATCH):
            id, reversals = _payment_id(number), [a_reversal(id=number + 1)] * (_records(number) - 1)
            paid = a_payment(
                id=id,
                account_id=_account(number),
                amount=1000 + number,
                payment_datetime=NOON + timedelta(minutes=number),
                description=f"Payment at the desk, slip {number}",
                reference=f"REF-{number:07}",
                reversed_payments=reversals,
            )
            bundle = stamped(PAYMENT.name, id, map_payment(paid, RULES))
            producer.produce(topic, partition=0, key=str(id).encode(), value=codec.encode(bundle_to_avro(bundle)))
    producer.flush()
    consumer = make_consumer(settings.kafka, f"{settings.instance}.bench")
    consumer.assign([TopicPartition(topic, 0, 0)])
    found: list[Message] = []
    while len(found) < (WARM + TURNS) * BATCH:
        found += consumer.consume(BATCH, 10)
    consumer.close()
    return [found[start : start + BATCH] for start in range(0, len(found), BATCH)]


@asynccontextmanager
async def _installation(at: Addresses) -> AsyncIterator[Installation]:
    """An installed Splynx with `CUSTOMERS` customers whose Splynx ids are their Sonar ids; dropped after the block."""
    mark = secrets.token_hex(4)
    server = Server(at.mariadb_host, at.mariadb_port, at.mariadb_user, at.mariadb_password, f"splynx_{mark}")
    made = Installation(server, f"crossfade_{mark}")
    try:
        await asyncio.to_thread(_fill, made)
        yield made
    finally:
        await asyncio.to_thread(_drop, made)  # beside the loop, which still has connections to close


def _drop(at: Installation) -> None:
    with connect(at.server, database=False) as connection, connection.cursor() as cursor:
        for schema in (at.server.name, at.ledger):
            cursor.execute(f"DROP DATABASE IF EXISTS `{schema}`")


def _fill(at: Installation) -> None:
    install(at.server)
    now = datetime.now(UTC).replace(tzinfo=None)
    ids = range(1, CUSTOMERS + 1)
    with connect(at.server) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE `{at.ledger}` CHARACTER SET utf8mb4")
        for statement in statements(at.ledger):
            cursor.execute(statement)
        cursor.executemany(
            "INSERT INTO customers (id, billing_type, partner_id, location_id, added_by_id, login, password, name,"
            " email, phone, street_1, zip_code, city, date_add, last_online, last_update, daily_prepaid_cost)"
            " VALUES (%s, 'recurring', 1, 1, 1, %s, '', 'Ada Example', '', '', '', '', '', '2025-01-01',"
            " '0000-00-00', '0000-00-00', 0)",
            [(id, f"s{id}") for id in ids],
        )
        cursor.executemany(
            "INSERT INTO customer_billing (customer_id, enabled, billing_date, type) VALUES (%s, '0', 1, 1)",
            [(id,) for id in ids],
        )
        cursor.executemany(
            f"INSERT INTO {at.table('ledger.crosswalk')} (entity, record_key, aggregate, sonar_id, target_id, hash,"
            " sequence, state, document, updated_at)"
            " VALUES ('customer', %s, 'account', %s, %s, '', 1, 'live', '{}', %s)",
            [(str(id), id, id, now) for id in ids],
        )
        connection.commit()


async def _sink(stack: AsyncExitStack, at: Installation, settings: Settings) -> Sink:
    topics = Topics(settings.instance)
    registry = stack.enter_context(make_registry(settings.registry))
    db = await stack.enter_async_context(Database(at.settings))
    ledger = Ledger(at.ledger, "bench")
    topic = topics.splynx(PAYMENT.name)
    async with db.session() as tx:
        await ledger.create(tx)
        payments = await Payments.of(tx)
    writer = Writer(
        db=db,
        ledger=ledger,
        rest=RestRecords(SplynxClient(settings.splynx), db, ledger, TARGETS),
        payments=payments,
        letters=DeadLetters(AckedProducer(make_producer(settings.kafka)), topics, 0),
        aggregates=AGGREGATES,
        targets=TARGETS,
        brake=Brake(0.2, 20),
        disposable=True,
        concurrency=1,
        parked_hours=24,
    )
    async with db.transaction() as tx:
        writer.tokens[0] = await ledger.take(tx, 0, "bench")
    intake = Intake({topic: PAYMENT}, {topic: Codec(registry, f"{topic}-value", bundle_schema(PAYMENT))})
    return Sink(db, intake, writer)


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
