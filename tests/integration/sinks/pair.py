"""An instance with real topics and a Splynx of its own, and bundles with every member for it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pymysql
import yaml
from confluent_kafka import Message, TopicPartition

from plumbing.avro import Codec, make_registry
from plumbing.errors import DependencyUnreachable
from plumbing.kafka import AckedProducer, end_offsets, make_consumer, make_producer, partition_of
from plumbing.settings import Settings, load_settings
from sandbox import choices
from sandbox.local.sandboxes import SplynxSandbox
from sandbox.local.stack import Addresses
from schemas.avro import bundle_schema, bundle_to_avro, key_schema
from schemas.bundle import Bundle, Origin, StampedBundle, bundle_hash
from schemas.catalogue import AGGREGATES
from schemas.entities.customer.target import Customer, CustomerBilling, CustomerInfo, InternetService
from schemas.entities.payment import SplynxPayment
from schemas.entities.service.tariff import InternetTariff
from schemas.records import Ref, SplynxRecord
from schemas.topics import Topics
from sinks.runner import SinkSummary, run_sink
from tests.conftest import MariaDbAccess
from tests.integration import behind
from tests.integration.instance import prepare
from tests.modes import ledger_alone
from tests.slice import SLICE

PARTITIONS = 2


@dataclass
class Pair:
    """One instance with its topics and its Splynx."""

    config: Path
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
        reason: str | None = None,
    ) -> None:
        """Put a bundle on its topic, as a processor does."""
        bundle = Bundle(records=records, reason=reason)
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
        return behind.rows(self.mariadb, self.splynx, sql)

    async def sink(self, *, approve: tuple[str, ...] = ()) -> SinkSummary:
        """Run the sink until its committed offsets reach the topics' ends."""
        stop = asyncio.Event()
        running = asyncio.create_task(run_sink(self.settings, apply=True, stop=stop, approve=approve))
        try:
            async with asyncio.timeout(150):
                while not running.done() and (  # noqa: ASYNC110
                    missing := await asyncio.to_thread(self._missing)
                ):
                    await asyncio.sleep(0.3)
        except TimeoutError:
            raise AssertionError(f"the sink did not get to the end of its topics: {missing}") from None
        finally:
            stop.set()
        return await running

    def _missing(self) -> str:
        """What the ledger lacks of the topics, and what waits that could be written."""
        consumer = make_consumer(self.settings.kafka, f"{self.settings.instance}.test")
        try:
            ends = {
                (topic, partition): high
                for topic in (self.topics.splynx(one.name) for one in AGGREGATES if one.targets)
                for partition, (_, high) in end_offsets(consumer, topic, PARTITIONS).items()
                if high
            }
        except DependencyUnreachable:
            return "leaders of new topics are still being elected"
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
            intents = self.rows("SELECT * FROM {ledger}.intents WHERE state = 'open'")
        except pymysql.err.ProgrammingError:
            return "the ledger is not made yet"
        behind = {place: f"{done.get(place, 0)} of {end}" for place, end in ends.items() if done.get(place, 0) < end}
        return f"{woken=} {behind=} {intents=}" if woken or behind else ""

    def run(self, sql: str) -> None:
        """Change something behind the sink's back."""
        behind.run(self.mariadb, self.splynx, sql)

    def back_up(self) -> behind.Backup:
        """Every row of Splynx's schema."""
        return behind.back_up(self.mariadb, self.splynx)

    def restore(self, backup: behind.Backup) -> None:
        """Splynx as it was."""
        behind.restore(self.mariadb, self.splynx, backup)

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


def service(number: int, customer: int, **more: object) -> InternetService:
    """A service of an account, every member given."""
    values: dict[str, object] = {
        "key": str(number), "customer_id": Ref(entity="customer", key=str(customer)), "tariff_id": 1,
        "status": "active", "description": "Fiber 100", "quantity": 1, "unit_price": "60.0000", "period": "-1",
        "start_date": date(2026, 1, 2), "end_date": "0000-00-00", "discount": "0", "discount_type": "fixed",
        "discount_value": "0.0000", "discount_start_date": "0000-00-00", "discount_end_date": "0000-00-00",
        "discount_text": "", "login": f"s{customer}-{number}", "taking_ipv4": "0", "sonar_unique_id": "",
        "sonar_start_date": "2026-01-02", "sonar_package": "", "sonar_service": "",
    }  # fmt: skip
    return InternetService.model_validate(values | more)


def tariff(number: int, **more: object) -> dict[str, list[SplynxRecord]]:
    """The bundle of a plan, every member given."""
    values: dict[str, object] = {
        "key": str(number), "title": f"Fiber {number}", "service_name": f"Fiber {number}", "price": "60.0000",
        "speed_download": 100_000, "speed_upload": 20_000, "with_vat": False, "tax_id": 0, "partners_ids": [1],
        "available_for_locations": [1], "customer_categories": ["person", "company"], "billing_types": ["recurring"],
        "available_for_services": True, "sonar_technology": "FIBER", "sonar_unique_id": "",
    }  # fmt: skip
    return {"internet_tariff": [InternetTariff.model_validate(values | more)]}


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


def load(pair: Pair) -> None:
    """Three accounts with a payment each, the payments first."""
    for number in (1, 2, 3):
        pair.send("payment", 10 + number, payment(10 + number, number, 100 * number), sequence=1, owner=number)
        pair.send("account", number, account(number), sequence=2, owner=number)


def going_on(task: asyncio.Task[SinkSummary]) -> Callable[[], None]:
    """A check that fails when a sink of this process has ended."""

    def still_running() -> None:
        assert not task.done(), task.exception()

    return still_running


async def until(pair: Pair, sql: str, *still_running: Callable[[], None]) -> None:
    """Wait until a query finds something, as long as each of the sinks goes on."""
    try:
        async with asyncio.timeout(120):
            while not _finds(pair, sql):
                for check in still_running:
                    check()
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise AssertionError(f"nothing was found by {sql}") from None


def _finds(pair: Pair, sql: str) -> bool:
    try:
        return bool(pair.rows(sql))
    except pymysql.err.ProgrammingError:
        return False  # the ledger is not made yet


@asynccontextmanager
async def opened(
    splynx_sandbox: SplynxSandbox,
    mariadb: MariaDbAccess,
    stack: Addresses,
    instance: str,
    folder: Path,
    *,
    by_sql: bool = True,
) -> AsyncIterator[Pair]:
    """Topics made, subjects registered, guards confirmed by the sandbox's own keys.

    Without `by_sql` nobody has Splynx's database, and the ledger is that of somebody who sees nothing else.
    """
    with ledger_alone(mariadb, splynx_sandbox) if not by_sql else nullcontext(None) as login:
        config = _config(splynx_sandbox, mariadb, stack, instance, folder, login)
        settings = load_settings(config)
        topics = Topics(instance)
        registry = make_registry(settings.registry)
        await asyncio.to_thread(prepare, settings, SLICE)
        written = [one for one in AGGREGATES if one.targets]
        yield Pair(
            config,
            settings,
            splynx_sandbox,
            mariadb,
            AckedProducer(make_producer(settings.kafka)),
            {o.name: Codec(registry, f"{topics.splynx(o.name)}-value", bundle_schema(o)) for o in written},
            {o.name: Codec(registry, f"{topics.splynx(o.name)}-key", key_schema(o)) for o in written},
        )
        registry.__exit__(None, None, None)  # type: ignore[no-untyped-call] # closes its connections


def _config(
    splynx: SplynxSandbox,
    mariadb: MariaDbAccess,
    stack: Addresses,
    instance: str,
    folder: Path,
    login: dict[str, str] | None,
) -> Path:
    """The settings file, with its rules and guards beside it. `login`: of the ledger, where it lies elsewhere."""
    (folder / "guards.yaml").write_text(yaml.safe_dump(choices.guards()))
    (folder / "rules.yaml").write_text(yaml.safe_dump(choices.rules()))
    config = folder / "crossfade.yaml"
    at = {"host": mariadb.host, "port": mariadb.port}
    beside = {"user": splynx.writer, "password": splynx.writer_password}
    config.write_text(
        yaml.safe_dump(
        {
            "instance": instance,
            "sonar": {"url": "http://sonar.example.com", "token": "t"},
            "splynx": {
                "url": splynx.url, "key": splynx.key, "secret": splynx.secret,
                "disposable": True, "requests_per_second": 500, "settle_seconds": 1, "timeout_seconds": 5,
                "db": None if login else at | beside | {"name": splynx.database},
            },
            "ledger": at | (login or beside) | {"name": splynx.ledger},
            "kafka": {"bootstrap": stack.kafka_bootstrap, "partitions": PARTITIONS, "replication_factor": 1},
            "registry": {"url": stack.registry_url},
            "rules": "rules.yaml",
            "guards": "guards.yaml",
            "http": {"sink_port": 0},
        }
        )
    )  # fmt: skip
    return config
