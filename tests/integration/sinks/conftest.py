"""A writer over a real Splynx stand-in, a real MariaDB and a real Kafka."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest
from confluent_kafka.cimpl import NewTopic
from pydantic import SecretStr

from clients.mysql import Database
from clients.splynx import SplynxClient
from plumbing.kafka import AckedProducer, make_producer
from plumbing.settings import KafkaSettings, MysqlSettings, SplynxSettings
from sandbox.local.sandboxes import SplynxSandbox
from sandbox.local.stack import Addresses
from schemas.ownership import DECLARED, Ownership
from schemas.topics import Topics
from schemas.write_paths import WritePaths
from sinks.brake import Brake
from sinks.healing import Healing
from sinks.letters import DeadLetters
from sinks.payments import Payments
from sinks.rest import RestRecords
from sinks.rest_documents import RestDocuments
from sinks.startup import define_fields
from sinks.store import Ledger
from sinks.writer import Writer
from tests.conftest import MariaDbAccess
from tests.integration import behind
from tests.integration.instance import make_topics
from tests.integration.sinks.pair import Pair, opened
from tests.integration.sinks.records import AGGREGATES, TARGETS
from tests.modes import ledger_alone

DEPOSITS = (
    "SELECT b.customer_id, b.deposit, (SELECT COALESCE(SUM(IF(t.type = 'credit', t.total, -t.total)), 0)"
    " FROM billing_transactions t WHERE t.customer_id = b.customer_id AND t.deleted = '0') AS ledger_sum"
    " FROM customer_billing b ORDER BY b.customer_id"
)


@dataclass
class Site:
    """Everything around a writer."""

    client: SplynxClient
    db: Database
    ledger: Ledger
    sandbox: SplynxSandbox
    mariadb: MariaDbAccess
    make_writer: Callable[..., Writer]
    by_sql: bool
    """Whether rows and ledger commit together; else the ledger lies elsewhere, and money goes over REST."""

    def healing(self) -> Healing:
        """As a writer's successor has it."""
        rest = RestRecords(self.client, self.db, self.ledger, TARGETS)
        return Healing(self.client, self.db, self.ledger, rest, TARGETS)

    async def own(self, writer: Writer) -> Writer:
        """Make `writer` the owner of partition 0."""
        async with self.db.transaction() as tx:
            writer.tokens[0] = await self.ledger.take(tx, 0, "test")
        return writer

    def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """Rows of Splynx's schema, as root; `{ledger}` names the ledger's."""
        return behind.rows(self.mariadb, self.sandbox, sql, *values)

    def run(self, sql: str, *values: object) -> None:
        """Change something behind the writer's back."""
        behind.run(self.mariadb, self.sandbox, sql, *values)

    def deposits(self) -> dict[int, Decimal]:
        """`{customer: deposit}`, each of which is the sum of the customer's ledger rows."""
        rows = self.rows(DEPOSITS)
        assert all(row["deposit"] == row["ledger_sum"] for row in rows), rows
        return {row["customer_id"]: row["deposit"] for row in rows}

    def arm(self, kind: str, **more: object) -> None:
        """Have the next matching request meet a fault."""
        answer = httpx2.post(f"{self.sandbox.control}/faults", json={"kind": kind} | more)
        assert answer.status_code == 204, answer.text


@pytest.fixture
async def site(
    splynx_sandbox: SplynxSandbox, mariadb: MariaDbAccess, kafka_bootstrap: str, instance: str, by_sql: bool
) -> AsyncIterator[Site]:
    """An empty Splynx with the fields we need, a ledger, and a topic for dead letters."""
    settings = SplynxSettings(
        url=splynx_sandbox.url,
        key=splynx_sandbox.key,
        secret=SecretStr(splynx_sandbox.secret),
        requests_per_second=1000,
        timeout_seconds=3,
        settle_seconds=2,
    )
    kafka = KafkaSettings(bootstrap=kafka_bootstrap, replication_factor=1)
    topics = Topics(instance)
    make_topics(kafka, NewTopic(topics.dead_letters("sink"), 1, 1))
    async with AsyncExitStack() as stack:
        login = {"user": splynx_sandbox.writer, "password": splynx_sandbox.writer_password}
        if not by_sql:
            login = stack.enter_context(ledger_alone(mariadb, splynx_sandbox))
        name = splynx_sandbox.database if by_sql else splynx_sandbox.ledger
        at = MysqlSettings.model_validate({"host": mariadb.host, "port": mariadb.port, "name": name} | login)
        client = await stack.enter_async_context(SplynxClient(settings))
        db = await stack.enter_async_context(Database(at))
        ledger = Ledger(splynx_sandbox.ledger, "run")
        async with db.session() as tx:
            await ledger.create(tx)
            payments = await Payments.of(tx) if by_sql else None
        await define_fields(client, list(TARGETS.values()), apply=True)

        by_mode = WritePaths(sql=by_sql)

        def make_writer(
            *,
            disposable: bool = True,
            parked_hours: float = 24,
            payments: Payments | None = payments,
            ways: WritePaths = by_mode,
            letters: DeadLetters | None = None,
            ownership: Ownership = DECLARED,
        ) -> Writer:
            rest = RestRecords(client, db, ledger, TARGETS, ownership=ownership)
            return Writer(
                db=db,
                ledger=ledger,
                rest=rest,
                documents=RestDocuments(client, db, ledger, rest, TARGETS),
                ways=ways,
                payments=payments,
                letters=letters or DeadLetters(AckedProducer(make_producer(kafka)), topics, 100),
                aggregates=AGGREGATES,
                targets=TARGETS,
                brake=Brake(0.2, 20),
                disposable=disposable,
                concurrency=4,
                parked_hours=parked_hours,
            )

        yield Site(client, db, ledger, splynx_sandbox, mariadb, make_writer, by_sql)


@pytest.fixture
async def pair(
    splynx_sandbox: SplynxSandbox,
    mariadb: MariaDbAccess,
    stack: Addresses,
    instance: str,
    tmp_path: Path,
    by_sql: bool,
) -> AsyncIterator[Pair]:
    """An instance with its topics, and a Splynx of its own."""
    async with opened(splynx_sandbox, mariadb, stack, instance, tmp_path, by_sql=by_sql) as pair:
        yield pair
