"""The whole sink: bundles on real topics, a registry, a Splynx stand-in; dry first, then applied, then again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pymysql
import pytest
import yaml
from confluent_kafka import Message, TopicPartition
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource  # type: ignore[attr-defined]
from confluent_kafka.cimpl import NewTopic
from confluent_kafka.schema_registry import Schema
from pydantic import SecretStr

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
from sinks.errors import AdoptionNeeded, BrakeApplied, ForeignTarget, GuardsViolated, HistoryLost, RebuildInterrupted
from sinks.guards import SWITCHES
from sinks.rebuild import run_rebuild
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
        generation: int = 1,
    ) -> None:
        """Put a bundle on its topic, as a processor does."""
        bundle = Bundle(records=records)
        stamped = StampedBundle(
            aggregate=name, sonar_id=sonar_id, owner_id=owner, bundle=bundle, sequence=sequence, rules_version="v",
            rules_generation=generation, origin=Origin(self.topics.sonar(name), 0, 0), source_ts_ms=0, read_ts_ms=0,
            run_id="r", hash=bundle_hash(bundle),
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
        """Whether the ledger has every message, and nothing waits that could be written."""
        consumer = make_consumer(self.settings.kafka, f"{self.settings.instance}.test")
        try:
            ends = {
                (topic, partition): high
                for topic in (self.topics.splynx(one.name) for one in AGGREGATES if one.targets)
                for partition, (_, high) in end_offsets(consumer, topic, PARTITIONS).items()
                if high
            }
        except DependencyUnreachable:
            return False  # leaders of new topics are still being elected
        finally:
            consumer.close()
        try:
            done = {
                (row["topic"], row["partition_no"]): row["next_offset"]
                for row in self.rows("SELECT topic, partition_no, next_offset FROM {ledger}.checkpoint")
            }
            woken = self.rows(
                "SELECT 1 FROM {ledger}.held h LEFT JOIN {ledger}.crosswalk c ON c.entity = h.waits_entity"
                " AND c.record_key = h.waits_key WHERE h.state = 'ready' OR c.entity IS NOT NULL AND h.state = 'parked'"
            )
        except pymysql.err.ProgrammingError:
            return False  # the ledger is not made yet
        return not woken and all(done.get(place, 0) >= end for place, end in ends.items())

    def run(self, sql: str) -> None:
        """Change something behind the sink's back."""
        with self.mariadb.connect(self.splynx.database) as connection, connection.cursor() as cursor:
            cursor.execute(sql.replace("{ledger}", f"`{self.splynx.ledger}`"))

    def back_up(self) -> dict[str, list[tuple[object, ...]]]:
        """Every row of Splynx's schema."""
        found = {}
        with self.mariadb.connect(self.splynx.database) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW TABLES")
            for (table,) in cursor.fetchall():
                cursor.execute(f"SELECT * FROM `{table}`")
                found[table] = list(cursor.fetchall())
        return found

    def restore(self, backup: dict[str, list[tuple[object, ...]]]) -> None:
        """Splynx as it was."""
        with self.mariadb.connect(self.splynx.database) as connection, connection.cursor() as cursor:
            cursor.execute("SET foreign_key_checks = 0")
            cursor.execute("SET sql_mode = ''")  # zero dates
            for table, rows in backup.items():
                cursor.execute(f"SELECT COUNT(*) FROM `{table}`")
                if cursor.fetchall() == ((0,),) and not rows:
                    continue
                cursor.execute(f"DELETE FROM `{table}`")
                if rows:
                    marks = ", ".join(["%s"] * len(rows[0]))
                    cursor.executemany(f"INSERT INTO `{table}` VALUES ({marks})", rows)

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


def payment(number: int, customer: int, minor: int, *, reversal: int | None = None) -> dict[str, list[SplynxRecord]]:
    """The bundle of a payment, or of one of its reversals alone."""
    mark = "" if reversal is None else f"-R{reversal}"
    kind = f"Payment:{number}" if reversal is None else f"ReversedPayment:{reversal}"
    values = {
        "key": f"{number}{mark}", "customer_id": Ref(entity="customer", key=str(customer)), "payment_type": 1,
        "receipt_number": f"SP{number}{mark}", "date": date(2026, 3, 4),
        "real_create_datetime": "2026-03-04 05:06:07", "amount_minor": minor, "remind_minor": max(minor, 0),
        "exponent": 2, "comment": "", "field_1": "", "field_2": "",
        "field_3": "", "field_4": f"sonar:{kind}", "field_5": "", "memo": "", "reverses": None,
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
    hidden = pair.rows("SELECT name, is_unique, searchable FROM customers_fields WHERE hidden = '1' ORDER BY name DESC")
    assert hidden[0] == {"name": "sonar_id", "is_unique": "1", "searchable": "1"}
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


CHAIN = "SELECT receipt_number, amount FROM payments WHERE deleted = '0' ORDER BY receipt_number"


def _lose_ledger(pair: Pair) -> None:
    with pair.mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE `{pair.splynx.ledger}`")
        cursor.execute(f"CREATE DATABASE `{pair.splynx.ledger}` CHARACTER SET utf8mb4")


@pytest.mark.fault(39)
async def test_a_lost_ledger_halts_and_a_rebuild_heals_it(pair: Pair) -> None:
    _load(pair)
    await pair.sink()
    reversed_one = payment(11, 1, 100)["payment"] + payment(11, 1, -40, reversal=7)["payment"]
    pair.send("payment", 11, {"payment": reversed_one}, sequence=3, owner=1)
    pair.send("payment", 12, {"payment": []}, sequence=3, owner=2)  # compensated: it must stay so
    await pair.sink()
    chain = pair.rows(CHAIN)
    assert [row["receipt_number"] for row in chain] == ["SP11", "SP11-R7", "SP12", "SP12-X", "SP13"]
    _lose_ledger(pair)
    with pytest.raises(AdoptionNeeded, match="3 of customer, 4 of payment") as caught:
        await run_sink(pair.settings, apply=True, stop=asyncio.Event())
    assert "ledger rebuild" in caught.value.next_step
    seen = await run_rebuild(pair.settings, apply=False)
    assert (seen.applied, seen.adopted["customer"]) == (False, 3)
    done = await run_rebuild(pair.settings, apply=True)
    assert done.adopted == seen.adopted
    pair.send("payment", 13, {"payment": []}, sequence=4, owner=3)  # withdrawn only after the rebuild
    await pair.sink()
    assert pair.rows(CHAIN) == [*chain, {"receipt_number": "SP13-X", "amount": Decimal(-3)}]
    assert pair.rows("SELECT COUNT(*) AS n FROM customers")[0]["n"] == 3
    for money in ("SUM(deposit) AS money FROM customer_billing", "SUM(total) AS money FROM billing_transactions"):
        assert pair.rows(f"SELECT {money}")[0]["money"] == Decimal("0.6")


@pytest.mark.fault(39)
async def test_a_restored_splynx_halts_and_a_rebuild_brings_it_up_to_date(pair: Pair) -> None:
    pair.send("account", 1, account(1), sequence=2, owner=1)
    pair.send("payment", 11, payment(11, 1, 100), sequence=2, owner=1)
    await pair.sink()
    yesterday = pair.back_up()
    pair.send("account", 1, account(1, name="Renamed today"), sequence=3, owner=1)
    pair.send("account", 2, account(2), sequence=3, owner=2)
    pair.send("payment", 12, payment(12, 2, 200), sequence=3, owner=2)
    pair.send("payment", 11, payment(11, 1, 150), sequence=3, owner=1)
    await pair.sink()
    pair.restore(yesterday)
    with pytest.raises(ForeignTarget) as caught:
        await run_sink(pair.settings, apply=True, stop=asyncio.Event())
    assert "ledger rebuild" in caught.value.next_step
    await run_rebuild(pair.settings, apply=True)
    await pair.sink()
    assert [row["name"] for row in pair.rows("SELECT name FROM customers ORDER BY id")] == [
        "Renamed today", "Anna Example",
    ]  # fmt: skip
    assert pair.rows(CHAIN) == [
        {"receipt_number": "SP11", "amount": Decimal("1.5")}, {"receipt_number": "SP12", "amount": Decimal(2)},
    ]  # fmt: skip
    money = [row["deposit"] for row in pair.rows("SELECT deposit FROM customer_billing ORDER BY customer_id")]
    assert money == [Decimal("1.5"), Decimal(2)]


@pytest.mark.fault(34)
@pytest.mark.fault(39)
async def test_the_ledger_of_another_splynx_halts(pair: Pair, start_splynx: Callable[..., SplynxSandbox]) -> None:
    await pair.sink()
    other, db = start_splynx(), pair.settings.splynx.db
    assert db is not None
    pair.run(f"GRANT SELECT, INSERT, UPDATE ON `{other.database}`.* TO '{pair.splynx.writer}'@'%'")
    settings = pair.settings.model_copy(
        update={
            "splynx": pair.settings.splynx.model_copy(
                update={
                    "url": other.url, "key": other.key, "secret": SecretStr(other.secret),
                    "db": db.model_copy(update={"name": other.database}),
                }
            )
        }
    )  # fmt: skip
    with pytest.raises(ForeignTarget):
        await run_sink(settings, apply=True, stop=asyncio.Event())


async def test_a_rebuild_that_was_interrupted_keeps_the_sink_from_starting(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.send("account", 1, account(1), sequence=2, owner=1)
    await pair.sink()

    async def away(*_: object) -> None:
        raise DependencyUnreachable("away")

    with monkeypatch.context() as broken:
        broken.setattr("sinks.rebuild.adopt", away)
        with pytest.raises(DependencyUnreachable):
            await run_rebuild(pair.settings, apply=True)
    pair.run("INSERT INTO {ledger}.crosswalk VALUES ('customer','9','account',9,9,'',0,'live',0,'{}',NOW())")
    with pytest.raises(RebuildInterrupted):
        await run_sink(pair.settings, apply=True, stop=asyncio.Event())
    await run_rebuild(pair.settings, apply=True)
    await pair.sink()
    assert pair.rows("SELECT COUNT(*) AS n FROM customers")[0]["n"] == 1


@pytest.fixture
async def braked(pair: Pair) -> Pair:
    """Rules that empty a target type were deployed, and the brake is on."""
    for number in range(1, 26):
        pair.send("account", number, account(number), sequence=2, owner=number)
        pair.send("payment", number, payment(number, number, 100), sequence=3, owner=number)
    await pair.sink()
    for number in range(1, 26):
        pair.send("payment", number, {"payment": []}, sequence=4, owner=number, generation=2)
    with pytest.raises(BrakeApplied, match="records of payment would be withdrawn"):
        await pair.sink()
    with pytest.raises(BrakeApplied, match="records of payment would be withdrawn"):  # a restart is no answer
        await run_sink(pair.settings, apply=True, stop=asyncio.Event())
    assert pair.rows("SELECT COUNT(*) AS n FROM payments WHERE amount < 0")[0]["n"] < 20
    return pair


@pytest.mark.fault(41)
async def test_what_the_brake_stopped_is_done_when_it_is_meant(braked: Pair) -> None:
    await braked.sink(approve=("payment",))
    assert braked.rows("SELECT SUM(deposit) AS money FROM customer_billing")[0]["money"] == 0


@pytest.mark.fault(41)
async def test_what_the_brake_stopped_is_left_out_when_the_rules_were_mended(braked: Pair) -> None:
    for number in range(1, 26):
        braked.send("payment", number, payment(number, number, 100), sequence=4, owner=number, generation=3)
    await braked.sink(approve=("mended",))
    assert braked.rows("SELECT SUM(deposit) AS money FROM customer_billing")[0]["money"] == 25


@pytest.mark.fault(9)
async def test_a_checkpoint_beyond_the_topic_halts(pair: Pair) -> None:
    pair.send("account", 1, account(1), sequence=2, owner=1)
    await pair.sink()
    with pair.mariadb.connect(pair.splynx.ledger) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE checkpoint SET next_offset = next_offset + 100")
    with pytest.raises(HistoryLost):
        await asyncio.wait_for(run_sink(pair.settings, apply=True, stop=asyncio.Event()), 60)


@pytest.mark.fault(9)
async def test_a_checkpoint_below_what_the_topic_keeps_halts(pair: Pair) -> None:
    for sequence in (2, 3, 4):
        pair.send("account", 1, account(1), sequence=sequence, owner=1)
    await pair.sink()
    pair.run("UPDATE {ledger}.checkpoint SET next_offset = 1 WHERE next_offset = 3")
    place = TopicPartition(pair.topics.splynx("account"), partition_of(1, PARTITIONS), 2)
    admin = make_admin(pair.settings.kafka)
    policy = ConfigEntry("cleanup.policy", "delete", incremental_operation=AlterConfigOpType.SET)
    cut = ConfigResource(ConfigResource.Type.TOPIC, place.topic, incremental_configs=[policy])
    for future in admin.incremental_alter_configs([cut]).values():
        future.result(30)
    for future in admin.delete_records([place]).values():
        future.result(30)
    with pytest.raises(HistoryLost, match="goes on from 1, but holds 2 to 3") as caught:
        await asyncio.wait_for(run_sink(pair.settings, apply=True, stop=asyncio.Event()), 60)
    assert "ledger rebuild" in caught.value.next_step


@pytest.mark.fault(8)
async def test_two_sinks_share_the_partitions_and_neither_waits_for_itself(pair: Pair) -> None:
    stop = asyncio.Event()
    one = asyncio.create_task(run_sink(pair.settings, apply=True, stop=stop))
    await _until(pair, "SELECT 1 FROM {ledger}.fence GROUP BY owner HAVING COUNT(*) = 2", one)
    two = asyncio.create_task(run_sink(pair.settings, apply=True, stop=stop))
    await _until(pair, "SELECT 1 FROM {ledger}.fence HAVING MIN(token) = 2", one, two)
    for number in range(1, 9):
        pair.send("account", number, account(number), sequence=2, owner=number)
    await _until(pair, "SELECT 1 FROM {ledger}.aggregates HAVING COUNT(*) = 8", one, two)
    stop.set()
    done = await asyncio.gather(one, two)
    assert sorted(summary.consumed for summary in done)[0] > 0
    assert pair.rows("SELECT COUNT(*) AS n FROM customers")[0]["n"] == 8


async def _until(pair: Pair, sql: str, *running: asyncio.Task[SinkSummary]) -> None:
    """Wait until a query finds something; a sink that has ended meanwhile is an error."""
    while True:
        assert not any(task.done() for task in running), [task.exception() for task in running if task.done()]
        try:
            if pair.rows(sql):
                return
        except pymysql.err.ProgrammingError:
            pass  # the ledger is not made yet
        await asyncio.sleep(0.2)


def test_every_target_has_a_path_that_the_sink_can_write() -> None:
    written: Callable[[str], bool] = lambda name: bool(TARGETS[name].endpoint)  # noqa: E731
    assert all(written(name) for name in TARGETS)
    assert {target.entity for one in AGGREGATES for target in aggregate(one.name).targets} == set(TARGETS)
