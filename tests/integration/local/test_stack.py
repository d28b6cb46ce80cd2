"""The servers of the run are the real ones, and do what the rooms rely on."""

from collections.abc import Callable

import aiohttp
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic  # type: ignore[attr-defined]
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from plumbing.settings import KafkaSettings
from sandbox.local.sandboxes import SonarSandbox, SplynxSandbox
from tests.conftest import MariaDbAccess
from tests.integration.instance import make_topics


def a_schema(field: str) -> Schema:
    return Schema(f'{{"type":"record","name":"r","fields":[{{"name":"{field}","type":"string"}}]}}', "AVRO")


def test_the_broker_is_a_kafka_in_kraft_mode(kafka_bootstrap: str, instance: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    cluster = admin.describe_cluster(request_timeout=10).result()
    assert cluster.controller is not None
    broker = ConfigResource(ConfigResource.Type.BROKER, str(cluster.controller.id))
    settings = admin.describe_configs([broker])[broker].result(10)
    assert settings["process.roles"].value == "broker,controller"
    assert settings["auto.create.topics.enable"].value == "false"

    topic = f"sonar.{instance}.account"
    make_topics(KafkaSettings(bootstrap=kafka_bootstrap), NewTopic(topic, 6, 1, config={"cleanup.policy": "compact"}))
    assert len(admin.list_topics(topic, timeout=10).topics[topic].partitions) == 6


def test_what_is_produced_is_read_again_from_the_partition_it_was_sent_to(kafka_bootstrap: str, instance: str) -> None:
    topic = f"sonar.{instance}.payment"
    make_topics(KafkaSettings(bootstrap=kafka_bootstrap), NewTopic(topic, 3, 1))
    failed: list[object] = []
    producer = Producer({"bootstrap.servers": kafka_bootstrap, "enable.idempotence": True, "compression.type": "zstd"})
    producer.produce(topic, b"v", b"k", partition=2, on_delivery=lambda error, _message: failed.append(error))
    assert producer.flush(10) == 0
    assert failed == [None]

    consumer = Consumer(
        {"bootstrap.servers": kafka_bootstrap, "group.id": f"g-{instance}", "auto.offset.reset": "earliest"}
    )
    try:
        consumer.subscribe([topic])
        message = consumer.poll(20)
        assert message is not None
        assert (message.partition(), message.key(), message.value()) == (2, b"k", b"v")
    finally:
        consumer.close()


def test_nobody_gets_a_topic_by_asking_for_it(kafka_bootstrap: str, instance: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    topic = f"sonar.{instance}.nothing"
    # A metadata request of a producer or consumer is what creates a topic where that is allowed.
    assert admin.list_topics(topic, timeout=10).topics[topic].error is not None
    assert topic not in admin.list_topics(timeout=10).topics


def test_the_registry_refuses_a_schema_that_old_readers_cannot_read(registry_url: str, instance: str) -> None:
    subject = f"sonar.{instance}.account-value"
    with SchemaRegistryClient({"url": registry_url}) as client:
        client.register_schema(subject, a_schema("name"))
        client.set_compatibility(subject, "FULL_TRANSITIVE")
        with pytest.raises(SchemaRegistryError) as refused:
            client.register_schema(subject, a_schema("another"))
    assert refused.value.http_status_code == 409


def test_a_database_of_a_test_is_empty_and_takes_four_byte_characters(
    mariadb: MariaDbAccess, fresh_database: str
) -> None:
    with mariadb.connect(fresh_database) as connection, connection.cursor() as cursor:
        assert cursor.execute("SHOW TABLES") == 0
        cursor.execute("CREATE TABLE t (name varchar(10)) ENGINE=InnoDB")
        cursor.execute("INSERT INTO t (name) VALUES (%s)", ("😀",))
        cursor.execute("SELECT name, HEX(name) FROM t")
        assert cursor.fetchone() == ("😀", "F09F9880")


def test_the_database_server_asks_for_a_password(mariadb: MariaDbAccess) -> None:
    with pytest.raises(Exception, match="Access denied"):
        MariaDbAccess(mariadb.host, mariadb.port, mariadb.user, "").connect()


async def test_a_sonar_sandbox_answers_with_its_accounts(sonar_sandbox: SonarSandbox) -> None:
    query = {"query": "{ accounts { page_info { total_count } } }"}
    headers = {"Authorization": f"Bearer {sonar_sandbox.token}"}
    async with aiohttp.ClientSession() as http, http.post(sonar_sandbox.url, json=query, headers=headers) as answer:
        body = await answer.json()
    # Archived ones are left out.
    assert 0 < body["data"]["accounts"]["page_info"]["total_count"] <= 20


async def test_a_splynx_sandbox_answers_its_key_and_lets_the_writer_into_its_database(
    start_splynx: Callable[[], SplynxSandbox], mariadb: MariaDbAccess
) -> None:
    splynx = start_splynx()
    headers = {"Authorization": aiohttp.encode_basic_auth(splynx.key, splynx.secret)}
    url = f"{splynx.url}/api/2.0/admin/administration/partners"
    async with aiohttp.ClientSession() as http, http.get(url, headers=headers) as answer:
        assert answer.status == 200
    writer = MariaDbAccess(mariadb.host, mariadb.port, splynx.writer, splynx.writer_password)
    with writer.connect(splynx.database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM payments")
        assert cursor.fetchone() == (0,)
    with writer.connect(splynx.ledger) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (a int)")
        assert cursor.execute("SHOW TABLES") == 1
