"""Payments for the benchmarks of the sink: a Splynx with customers, bundles on a topic, and the sink's own parts."""

import asyncio
import gc
import secrets
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from confluent_kafka import Message, TopicPartition
from pydantic import SecretStr

from clients.mysql import Database
from clients.splynx import SplynxClient
from plumbing.avro import Codec, make_registry
from plumbing.garbage import collect_seldom
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
from sinks.jobs import Delivery
from sinks.letters import DeadLetters
from sinks.payments import Payments
from sinks.rest import RestRecords
from sinks.store import Ledger
from sinks.writer import Writer
from tests.builders import NOON, RULES, a_payment, a_reversal, stamped

BATCH = 500
CUSTOMERS = 1500


@dataclass(frozen=True)
class Installation:
    """A Splynx database with customers, and a ledger that knows them."""

    server: Server
    ledger: str

    def settings(self, connections: int = 1) -> MysqlSettings:
        """Of the database: with one connection, as a limit has one, too."""
        at = self.server
        password = SecretStr(at.password)
        return MysqlSettings(
            host=at.host, port=at.port, user=at.user, password=password, name=at.name, pool_size=connections
        )

    def table(self, name: str) -> str:
        """Qualified; `ledger.` stands for the ledger's schema."""
        return f"`{self.ledger}`.`{name.removeprefix('ledger.')}`" if name.startswith("ledger.") else f"`{name}`"


@dataclass(frozen=True)
class Share:
    """What one of several sinks beside each other writes: a partition, and customers that are no other's."""

    partition: int = 0
    of: int = 1

    @property
    def run_id(self) -> str:
        """Of what it writes."""
        return f"bench{self.partition}" if self.partition else "bench"

    def numbers(self, batch: int) -> range:
        """The payments of one of its batches."""
        first = batch * BATCH * self.of + self.partition
        return range(first, first + BATCH * self.of, self.of)


WHOLE = Share()


class Sink:
    """The sink's own parts, from a message to the commit."""

    def __init__(self, db: Database, intake: Intake, writer: Writer) -> None:
        self.db, self._intake, self._writer = db, intake, writer

    def take(self, messages: Sequence[Message]) -> list[Delivery]:
        """Messages decoded."""
        return self._intake.take(messages)

    async def write(self, messages: Sequence[Message]) -> None:
        """Messages decoded and written."""
        await self._writer.write(self.take(messages))

    async def statements(self) -> int:
        """How many the server counted on the pool's one connection."""
        return int((await self.db.fetch("SHOW SESSION STATUS LIKE 'Questions'"))[0]["Value"])


def payment_id(number: int) -> int:
    return number + 1


def account_of(number: int) -> int:
    """Of payments that differ modulo 4 never the same."""
    return number * 7 % CUSTOMERS + 1


def records_of(number: int) -> int:
    return 2 if number // 4 % 8 == 0 else 1


def batches_of(settings: Settings, count: int, share: Share = WHOLE) -> Iterator[list[Message]]:
    """Batches of messages as the topic gives them; `count` of them, read when they are asked for."""
    produce(settings, (number for batch in range(count) for number in share.numbers(batch)), share.partition)
    yield from read_batches(settings, count, share)


def read_batches(settings: Settings, count: int, share: Share = WHOLE) -> Iterator[list[Message]]:
    """The first `count` batches of a share that lie on the topic already."""
    topic = Topics(settings.instance).splynx(PAYMENT.name)
    consumer = make_consumer(settings.kafka, f"{settings.instance}.bench")
    consumer.assign([TopicPartition(topic, share.partition, 0)])
    for _ in range(count):
        found: list[Message] = []
        while len(found) < BATCH:
            found += consumer.consume(BATCH - len(found), 10)
        yield found
    consumer.close()


def produce(settings: Settings, numbers: Iterable[int], partition: int = 0) -> None:
    """Put a bundle for each number onto the topic of payments."""
    topic = Topics(settings.instance).splynx(PAYMENT.name)
    producer = AckedProducer(make_producer(settings.kafka))
    with make_registry(settings.registry) as registry:
        codec = Codec(registry, f"{topic}-value", bundle_schema(PAYMENT))
        for number in numbers:
            id, reversals = payment_id(number), [a_reversal(id=number + 1)] * (records_of(number) - 1)
            paid = a_payment(
                id=id,
                account_id=account_of(number),
                amount=1000 + number,
                payment_datetime=NOON + timedelta(minutes=number),
                description=f"Payment at the desk, slip {number}",
                reference=f"REF-{number:07}",
                reversed_payments=reversals,
            )
            bundle = stamped(PAYMENT.name, id, map_payment(paid, RULES))
            value = codec.encode(bundle_to_avro(bundle))
            producer.produce(topic, partition=partition, key=str(id).encode(), value=value)
    producer.flush()


@asynccontextmanager
async def installation(at: Addresses, *, one_schema: bool = False) -> AsyncIterator[Installation]:
    """An installed Splynx with `CUSTOMERS` customers whose Splynx ids are their Sonar ids; dropped after the block.

    `one_schema`: the ledger's tables lie beside Splynx's own, for a writer that knows one schema only.
    """
    mark = secrets.token_hex(4)
    server = Server(at.mariadb_host, at.mariadb_port, at.mariadb_user, at.mariadb_password, f"splynx_{mark}")
    made = Installation(server, server.name if one_schema else f"crossfade_{mark}")
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
        cursor.execute(f"CREATE DATABASE IF NOT EXISTS `{at.ledger}` CHARACTER SET utf8mb4")
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


async def sink_on(stack: AsyncExitStack, at: Installation, settings: Settings, share: Share = WHOLE) -> Sink:
    """As `run_sink` makes it, of a process that has begun as `crossfade` does."""
    gc.freeze()
    collect_seldom()
    topics = Topics(settings.instance)
    registry = stack.enter_context(make_registry(settings.registry))
    db = await stack.enter_async_context(Database(at.settings()))
    ledger = Ledger(at.ledger, share.run_id)
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
        writer.tokens[share.partition] = await ledger.take(tx, share.partition, share.run_id)
    intake = Intake({topic: PAYMENT}, {topic: Codec(registry, f"{topic}-value", bundle_schema(PAYMENT))})
    return Sink(db, intake, writer)
