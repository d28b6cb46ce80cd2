"""The whole sink: bundles on real topics, a registry, a Splynx stand-in; dry first, then applied, then again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pymysql
import pytest
import yaml
from confluent_kafka import Message, TopicPartition
from confluent_kafka.cimpl import NewTopic
from confluent_kafka.schema_registry import Schema

from plumbing.avro import Codec, make_registry
from plumbing.errors import DependencyUnreachable
from plumbing.kafka import AckedProducer, end_offsets, make_admin, make_consumer, make_producer, partition_of
from plumbing.settings import Settings
from sandbox import choices
from sandbox.local.sandboxes import SplynxSandbox
from sandbox.splynx.settings import GUARDS
from schemas.avro import bundle_schema, bundle_to_avro, key_schema, subjects
from schemas.bundle import Bundle, Origin, StampedBundle, bundle_hash
from schemas.catalogue import AGGREGATES, TARGETS, aggregate
from schemas.entities.customer.target import Customer, CustomerBilling, CustomerInfo
from schemas.entities.payment import SplynxPayment
from schemas.records import Ref, SplynxRecord
from schemas.topics import Topics
from sinks.errors import AdoptionNeeded, BrakeApplied, ForeignTarget, GuardsViolated, HistoryLost
from sinks.guards import SWITCHES
from sinks.runner import SinkSummary, run_sink
from tests.integration.conftest import MariaDbAccess

pytestmark = pytest.mark.timeout(60)
PARTITIONS = 2


@dataclass
class Pair:
    """One instance with its topics and its Splynx."""

    settings: Settings
    splynx: SplynxSandbox
    mariadb: MariaDbAccess
    bus: AckedProducer
    codecs: dict[str, Codec]
    keys: dict[str, Codec]

    @property
    def topics(self) -> Topics:
        return Topics(self.settings.instance)

    def send(
        self,
        name: str,
        sonar_id: int,
        records: dict[str, list[SplynxRecord]],
        *,
        sequence: int,
        owner: int | None = None,
    ) -> None:
        """Put a bundle on its topic, as a processor does."""
        bundle = Bundle(records=records)
        stamped = StampedBundle(
            aggregate=name, sonar_id=sonar_id, owner_id=owner, bundle=bundle, sequence=sequence, rules_version="v",
            rules_generation=1, origin=Origin(self.topics.sonar(name), 0, 0), source_ts_ms=0, read_ts_ms=0, run_id="r",
            hash=bundle_hash(bundle),
        )  # fmt: skip
        self.raw(name, owner or sonar_id, self.codecs[name].encode(bundle_to_avro(stamped)))

    def raw(self, name: str, owner: int, value: bytes | None) -> None:
        """Put bytes on an aggregate's topic."""
        partition = partition_of(owner, PARTITIONS)
        self.bus.produce(self.topics.splynx(name), partition=partition, key=b"k", value=value)
        self.bus.flush()

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Rows of Splynx's schema, as root; `{ledger}` names the ledger's."""
        with (
            self.mariadb.connect(self.splynx.database) as connection,
            connection.cursor(pymysql.cursors.DictCursor) as cursor,
        ):
            cursor.execute(sql.replace("{ledger}", f"`{self.splynx.ledger}`"))
            return [dict(row) for row in cursor.fetchall()]

    async def sink(self, *, approve: tuple[str, ...] = ()) -> SinkSummary:
        """Run the sink until its committed offsets reach the topics' ends."""
        stop = asyncio.Event()
        running = asyncio.create_task(run_sink(self.settings, apply=True, stop=stop, approve=approve))
        try:
            while not running.done() and not await asyncio.to_thread(self._is_caught_up):  # noqa: ASYNC110
                await asyncio.sleep(0.3)
        finally:
            stop.set()
        return await running

    def _is_caught_up(self) -> bool:
        consumer = make_consumer(self.settings.kafka, self.topics.sink_group)
        try:
            for one in (one for one in AGGREGATES if one.targets):
                topic = self.topics.splynx(one.name)
                ends = end_offsets(consumer, topic, PARTITIONS)
                places = [TopicPartition(topic, partition) for partition, (_, high) in ends.items() if high]
                for place in consumer.committed(places, timeout=10):
                    if place.offset < ends[place.partition][1]:
                        return False
            return True
        except DependencyUnreachable:
            return False  # leaders of new topics are still being elected
        finally:
            consumer.close()

    def dead_letters(self) -> list[dict[str, bytes]]:
        """The headers of every dead letter."""
        consumer = make_consumer(self.settings.kafka, f"{self.settings.instance}.test")
        topic = self.topics.dead_letters("sink")
        found: list[dict[str, bytes]] = []
        try:
            low, high = end_offsets(consumer, topic, 1)[0]
            consumer.assign([TopicPartition(topic, 0, low)])
            while len(found) < high - low:
                message: Message | None = consumer.poll(10)
                assert message is not None
                headers = message.headers()
                found.append(dict(headers) if headers else {})  # type: ignore[arg-type]
        finally:
            consumer.close()
        return found


@pytest.fixture
async def pair(
    splynx_sandbox: SplynxSandbox,
    mariadb: MariaDbAccess,
    kafka_bootstrap: str,
    registry_url: str,
    instance: str,
    tmp_path: Path,
) -> AsyncIterator[Pair]:
    """Topics made, subjects registered, guards confirmed by the sandbox's own keys."""
    guards = [
        {"name": name, "key": "/".join(where), "expected": value}
        for name, (where, value) in zip(SWITCHES, GUARDS.items(), strict=True)
    ]
    (tmp_path / "guards.yaml").write_text(yaml.safe_dump({"guards": guards}))
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(choices.rules()))
    settings = Settings.model_validate(
        {
            "instance": instance,
            "sonar": {"url": "http://sonar.example.com", "token": "t"},
            "splynx": {
                "url": splynx_sandbox.url, "key": splynx_sandbox.key, "secret": splynx_sandbox.secret,
                "disposable": True, "requests_per_second": 500, "settle_seconds": 1, "timeout_seconds": 5,
                "db": {
                    "host": mariadb.host, "port": mariadb.port, "user": splynx_sandbox.writer,
                    "password": splynx_sandbox.writer_password, "name": splynx_sandbox.database,
                },
            },
            "ledger": {
                "host": mariadb.host, "port": mariadb.port, "user": splynx_sandbox.writer,
                "password": splynx_sandbox.writer_password, "name": splynx_sandbox.ledger,
            },
            "kafka": {"bootstrap": kafka_bootstrap, "partitions": PARTITIONS, "replication_factor": 1},
            "registry": {"url": registry_url},
            "rules": tmp_path / "rules.yaml",
            "guards": tmp_path / "guards.yaml",
            "http": {"sink_port": 0},
        }
    )  # fmt: skip
    topics = Topics(instance)
    registry = make_registry(settings.registry)
    for subject, schema in subjects(topics):
        registry.register_schema(subject, Schema(_json(schema), "AVRO"))
    admin = make_admin(settings.kafka)
    specs = topics.specs(AGGREGATES, partitions=PARTITIONS, retention_days=1)
    new = [NewTopic(one.name, one.partitions, 1, config=dict(one.config)) for one in specs]
    for future in admin.create_topics(new).values():
        future.result(30)
    written = [one for one in AGGREGATES if one.targets]
    yield Pair(
        settings,
        splynx_sandbox,
        mariadb,
        AckedProducer(make_producer(settings.kafka)),
        {o.name: Codec(registry, f"{topics.splynx(o.name)}-value", bundle_schema(o)) for o in written},
        {o.name: Codec(registry, f"{topics.splynx(o.name)}-key", key_schema(o)) for o in written},
    )
    registry.__exit__(None, None, None)  # type: ignore[no-untyped-call] # closes its connections


def _json(schema: object) -> str:
    import json

    return json.dumps(schema)


def account(number: int, **more: object) -> dict[str, list[SplynxRecord]]:
    """The bundle of an account, every member given."""
    values: dict[str, object] = {
        "key": str(number), "login": f"s{number}", "password": "a first password", "status": "active",
        "billing_type": "recurring", "partner_id": 1, "location_id": 1, "parent_id": 0, "name": "Anna Example",
        "category": "person", "email": f"anna{number}@example.com", "billing_email": "", "phone": "555-0100",
        "street_1": "1 Main St", "zip_code": "60601", "city": "Chicago", "subdivision_id": None, "gps": "",
        "date_add": date(2026, 1, 2), "conversion_date": None,
        "customer_labels": [Ref(entity="label", key="flag:delinquent")], "sonar_account_number": str(number),
        "sonar_status": "Active", "sonar_activation_date": "", "sonar_delinquent": "1", "sonar_contacts": "",
        "sonar_mailing_address": "", "sonar_parent": "", "sonar_portal_username": "", "sonar_billing": "", "custom": {},
    }  # fmt: skip
    billing: dict[str, object] = {
        "key": str(number), "enabled": "0", "make_invoices": "0", "type": 1, "billing_date": 1, "billing_due": 15,
        "payment_method": 1, "min_balance": "0.00", "request_auto_enable": "0", "reminder_enable": "0",
        "send_finance_notification": "0", "billing_person": "", "billing_street_1": "", "billing_zip_code": "",
        "billing_city": "", "sub_billing_mode": "independent",
    }  # fmt: skip
    info = {"key": str(number), "birthday": "", "passport": "", "company_id": "", "vat_id": "", "contact_person": "Bo"}
    return {
        "customer": [Customer.model_validate(values | more)],
        "customer_info": [CustomerInfo.model_validate(info)],
        "customer_billing": [CustomerBilling.model_validate(billing)],
    }


def payment(number: int, customer: int, minor: int) -> dict[str, list[SplynxRecord]]:
    """The bundle of a payment."""
    values = {
        "key": str(number), "customer_id": Ref(entity="customer", key=str(customer)), "payment_type": 1,
        "receipt_number": f"SP{number}", "date": date(2026, 3, 4), "real_create_datetime": "2026-03-04 05:06:07",
        "amount_minor": minor, "remind_minor": minor, "exponent": 2, "comment": "", "field_1": "", "field_2": "",
        "field_3": "", "field_4": f"sonar:Payment:{number}", "field_5": "", "memo": "", "reverses": None,
        "is_sent": "1",
    }  # fmt: skip
    fields = SplynxPayment.model_fields
    return {"payment": [SplynxPayment.model_validate({k: v for k, v in values.items() if k in fields})]}


def _load(pair: Pair) -> None:
    for number in (1, 2, 3):
        pair.send("payment", 10 + number, payment(10 + number, number, 100 * number), sequence=1, owner=number)
        pair.send("account", number, account(number), sequence=2, owner=number)


STATE = (
    "SELECT (SELECT COUNT(*) FROM customers) AS customers, (SELECT COUNT(*) FROM payments) AS payments,"
    " (SELECT SUM(deposit) FROM customer_billing) AS money, (SELECT COUNT(*) FROM {ledger}.journal) AS journal"
)


async def test_a_dry_run_counts_and_writes_nothing(pair: Pair) -> None:
    _load(pair)
    summary = await run_sink(pair.settings, apply=False, stop=asyncio.Event())
    assert summary.steps["customer"] == {"create": 3}
    assert summary.steps["payment"] == {"create": 3}
    assert "customers.sonar_id" in summary.fields
    assert pair.rows("SELECT COUNT(*) AS n FROM customers")[0]["n"] == 0
    tables = pair.rows(f"SELECT 1 FROM information_schema.tables WHERE table_schema = '{pair.splynx.ledger}'")
    assert tables == []


@pytest.mark.fault(5)
async def test_applied_once_and_a_redelivery_changes_no_row(pair: Pair) -> None:
    _load(pair)
    summary = await pair.sink()
    assert summary.held == {}
    assert summary.records["customer"]["applied"] == 3
    before = pair.rows(STATE)
    assert (before[0]["customers"], before[0]["payments"], float(before[0]["money"])) == (3, 3, 6.0)
    billing = pair.rows("SELECT enabled, make_invoices FROM customer_billing")
    assert billing == [{"enabled": "0", "make_invoices": "0"}] * 3
    # What a kill between the ledger's commit and Kafka's leaves behind: rows written, offsets not.
    admin = make_admin(pair.settings.kafka)
    for future in admin.delete_consumer_groups([pair.topics.sink_group]).values():
        future.result(30)
    again = await _until_assigned(pair)
    assert again.records == {}
    assert pair.rows(STATE) == before


async def _until_assigned(pair: Pair) -> SinkSummary:
    stop = asyncio.Event()
    running = asyncio.create_task(run_sink(pair.settings, apply=True, stop=stop))
    # One more bundle shows that the sink is at work and has passed whatever came before it.
    pair.send("account_group", 1, {"label": []}, sequence=1)
    while not running.done() and not pair.rows(  # noqa: ASYNC110
        "SELECT 1 FROM {ledger}.checkpoint WHERE topic LIKE '%account_group'"
    ):  # fmt: skip
        await asyncio.sleep(0.3)
    stop.set()
    return await running


@pytest.mark.fault(13)
async def test_poison_is_a_dead_letter_and_the_others_flow(pair: Pair) -> None:
    pair.raw("account", 1, b"\x07not avro")
    pair.raw("account", 1, None)
    pair.send("account", 1, account(1), sequence=2, owner=1)
    await pair.sink()
    letters = pair.dead_letters()
    assert [one["__connect.errors.exception.class.name"] for one in letters] == [b"avro.undecodable"] * 2
    assert pair.rows("SELECT COUNT(*) AS n FROM customers")[0]["n"] == 1
    outcomes = pair.rows("SELECT outcome, last_offset - first_offset + 1 AS n FROM {ledger}.outcomes")
    assert outcomes == [{"outcome": "dead_lettered", "n": 3}]
    assert pair.rows("SELECT topic_offset, outcome FROM {ledger}.exceptions") == [
        {"topic_offset": 2, "outcome": "applied"}
    ]


async def test_a_violated_guard_stops_everything_before_a_row_is_written(pair: Pair) -> None:
    _load(pair)
    name = next(iter(GUARDS))
    with pair.mariadb.connect(pair.splynx.database) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE config SET value = '1' WHERE module = %s AND path = %s AND `key` = %s", name)
    with pytest.raises(GuardsViolated):
        await run_sink(pair.settings, apply=True, stop=asyncio.Event())
    assert pair.rows("SELECT COUNT(*) AS n FROM customers")[0]["n"] == 0


@pytest.mark.fault(39)
async def test_a_lost_ledger_halts_and_is_rebuilt_with_approval(pair: Pair) -> None:
    pair.send("account", 1, account(1), sequence=2, owner=1)
    await pair.sink()
    with pair.mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE `{pair.splynx.ledger}`")
        cursor.execute(f"CREATE DATABASE `{pair.splynx.ledger}` CHARACTER SET utf8mb4")
    with pytest.raises(AdoptionNeeded):
        await run_sink(pair.settings, apply=True, stop=asyncio.Event())
    dry = await run_sink(pair.settings, apply=False, stop=asyncio.Event())
    assert dry.adoptions == {"customer": 1}
    stop = asyncio.Event()
    running = asyncio.create_task(run_sink(pair.settings, apply=True, stop=stop, approve=["adoption"]))
    while not running.done() and not _applied(pair):  # noqa: ASYNC110
        await asyncio.sleep(0.3)
    stop.set()
    await running
    assert pair.rows("SELECT COUNT(*) AS n FROM customers")[0]["n"] == 1


def _applied(pair: Pair) -> bool:
    found = pair.rows(
        f"SELECT 1 FROM information_schema.tables WHERE table_schema = '{pair.splynx.ledger}'"
        " AND table_name = 'aggregates'"
    )
    return bool(found) and bool(pair.rows("SELECT 1 FROM {ledger}.aggregates"))


@pytest.mark.fault(39)
async def test_a_restored_splynx_halts(pair: Pair) -> None:
    await pair.sink()
    with pair.mariadb.connect(pair.splynx.database) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE customers_fields SET title = 'Crossfade of yesterday' WHERE name = 'crossfade_epoch'")
    with pytest.raises(ForeignTarget):
        await run_sink(pair.settings, apply=True, stop=asyncio.Event())


@pytest.mark.fault(41)
async def test_the_brake_stops_a_rules_mistake_and_an_approval_releases_it(pair: Pair) -> None:
    for number in range(1, 26):
        pair.send("account", number, account(number), sequence=2, owner=number)
        pair.send("payment", number, payment(number, number, 100), sequence=3, owner=number)
    await pair.sink()
    for number in range(1, 26):
        pair.send("payment", number, {"payment": []}, sequence=4, owner=number)
    with pytest.raises(BrakeApplied):
        await pair.sink()
    gone = pair.rows("SELECT COUNT(*) AS n FROM payments WHERE amount < 0")[0]["n"]
    assert gone < 20
    await pair.sink(approve=("payment",))
    assert pair.rows("SELECT SUM(deposit) AS money FROM customer_billing")[0]["money"] == 0


@pytest.mark.fault(9)
async def test_a_checkpoint_beyond_the_topic_halts(pair: Pair) -> None:
    pair.send("account", 1, account(1), sequence=2, owner=1)
    await pair.sink()
    with pair.mariadb.connect(pair.splynx.ledger) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE checkpoint SET next_offset = next_offset + 100")
    with pytest.raises(HistoryLost):
        await asyncio.wait_for(run_sink(pair.settings, apply=True, stop=asyncio.Event()), 60)


def test_every_target_has_a_path_that_the_sink_can_write() -> None:
    written: Callable[[str], bool] = lambda name: bool(TARGETS[name].endpoint)  # noqa: E731
    assert all(written(name) for name in TARGETS)
    assert {target.entity for one in AGGREGATES for target in aggregate(one.name).targets} == set(TARGETS)
