"""Partitions agree with Java's producer, and no acknowledgement is believed that the broker did not give."""

import time
from typing import Any

import pytest
from aiokafka.partitioner import murmur2 as of_aiokafka
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from plumbing.errors import DependencyUnreachable
from plumbing.kafka import (
    AckedProducer,
    DeliveryFailed,
    client_config,
    make_producer,
    partition_of,
    reach_broker,
    topic_ids,
    until_shown,
    watermarks,
)
from plumbing.murmur import murmur2
from plumbing.settings import KafkaSettings, Tls

MOCK = {"test.mock.num.brokers": 1, "bootstrap.servers": "", "security.protocol": "PLAINTEXT"}


@pytest.mark.parametrize(
    ("key", "digest"),
    [
        # The vectors of Kafka's own UtilsTest.testMurmur2.
        pytest.param("21", -973932308, id="two digits"),
        pytest.param("foobar", -790332482, id="a word"),
        pytest.param("a-little-bit-long-string", -985981536, id="24 bytes"),
        pytest.param("a-little-bit-longer-string", -1486304829, id="26 bytes"),
        pytest.param("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971, id="48 bytes"),
    ],
)
def test_a_key_lands_where_javas_producer_puts_it(key: str, digest: int) -> None:
    assert partition_of(key, 1_000_003) == (digest & 0x7FFFFFFF) % 1_000_003


def test_every_length_of_a_key_is_hashed_as_aiokafka_does_it() -> None:
    key = bytes(range(248, 256)) + bytes(range(12))
    for length in range(len(key) + 1):
        assert murmur2(key[:length]) == of_aiokafka(key[:length])  # type: ignore[no-untyped-call]


def test_an_id_and_its_text_share_a_partition() -> None:
    assert [partition_of(n, 12) for n in range(50)] == [partition_of(str(n), 12) for n in range(50)]


def test_a_flush_returns_after_the_broker_acknowledged() -> None:
    acked: list[int] = []
    producer = AckedProducer(Producer(MOCK))
    producer.produce("t", partition=0, key=b"k", value=b"v", on_ack=lambda message: acked.append(message.offset() or 0))
    producer.flush()
    assert acked == [0]


def test_a_refused_message_stops_whoever_wants_to_move_a_cursor() -> None:
    producer = AckedProducer(Producer(MOCK | {"message.timeout.ms": 1500, "allow.auto.create.topics": False}))
    producer.produce("t", partition=4_000, key=b"k", value=b"v")
    with pytest.raises(DeliveryFailed, match="refused"):
        producer.flush()


def test_many_messages_wait_for_room_in_a_small_buffer() -> None:
    producer = Producer(MOCK | {"queue.buffering.max.messages": 100})
    acked = AckedProducer(producer)
    messages = [(b"%d" % number, b"v") for number in range(1_500)]
    acked.produce_all("many", messages, partition=0)
    acked.flush()
    (broker,) = producer.list_topics("many").brokers.values()  # the cluster lives in the producer
    consumer = Consumer({"bootstrap.servers": f"{broker.host}:{broker.port}", "group.id": "g"})
    try:
        assert watermarks(consumer, "many", 0) == (0, 1_500)
    finally:
        consumer.close()


def test_an_unreachable_broker_is_not_an_acknowledgement() -> None:
    producer = AckedProducer(Producer({"bootstrap.servers": "127.0.0.1:1", "log_level": 0}))
    producer.produce("t", partition=0, key=b"k", value=b"v")
    with pytest.raises(DeliveryFailed, match="not acknowledged"):
        producer.flush(0.2)
    with pytest.raises(DeliveryFailed):
        producer.flush(0.1)


@pytest.mark.parametrize(
    ("bootstrap", "why"),
    [
        pytest.param("127.0.0.1:1,127.0.0.1:2", "Connection refused", id="nobody listens"),
        pytest.param("nowhere.invalid:9092", "Failed to resolve", id="no such name"),
    ],
)
def test_a_broker_that_is_away_is_told_once_with_its_address_and_why(
    bootstrap: str, why: str, capfd: pytest.CaptureFixture[str]
) -> None:
    begun = time.monotonic()
    with pytest.raises(DependencyUnreachable) as caught:
        reach_broker(KafkaSettings(bootstrap=bootstrap), 1)
    assert time.monotonic() - begun < 4
    assert f"{bootstrap} (kafka.bootstrap in the settings)" in str(caught.value)
    assert why in str(caught.value)
    assert capfd.readouterr() == ("", "")  # librdkafka would write a line at each try


def test_who_asks_for_the_ids_of_topics_is_told_that_the_broker_is_away() -> None:
    with pytest.raises(DependencyUnreachable, match="ids of topics: _TIMED_OUT"):
        topic_ids(KafkaSettings(bootstrap="127.0.0.1:1"), ["t"], 0.2)


def test_a_new_topic_is_waited_for_until_brokers_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = [{}, {"a": 3, "b": 0}, {"a": 3, "b": 1, "other": 1}]
    monkeypatch.setattr("plumbing.kafka.reach_broker", lambda _: shown.pop(0) if len(shown) > 1 else shown[0])
    kafka = KafkaSettings(bootstrap="127.0.0.1:1")
    until_shown(kafka, ["a", "b"])
    assert len(shown) == 1
    with pytest.raises(DependencyUnreachable, match="topic c "):
        until_shown(kafka, ["a", "c"], seconds=0.1)


def test_producers_wait_for_all_replicas() -> None:
    kafka = KafkaSettings(bootstrap="127.0.0.1:1")
    make_producer(kafka)
    with pytest.raises(Exception, match="acks"):
        make_producer(kafka, acks=1)  # librdkafka refuses an idempotent producer that does not wait


def test_tls_and_sasl_reach_the_client() -> None:
    kafka = KafkaSettings.model_validate(
        {
            "bootstrap": "kafka.example.net:9093",
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_username": "crossfade",
            "sasl_password": "invented",
            "tls": Tls(enabled=True, verify=False),
        }
    )
    config = client_config(kafka)
    assert config["security.protocol"] == "SASL_SSL"
    assert config["sasl.password"] == "invented"
    assert config["enable.ssl.certificate.verification"] is False


def test_sasl_without_a_log_in_is_refused_at_start() -> None:
    with pytest.raises(ValueError, match="sasl_mechanism"):
        KafkaSettings(bootstrap="127.0.0.1:1", security_protocol="SASL_SSL")


class Unled:
    """A consumer whose broker finds the partition's leader only after `tries` questions."""

    def __init__(self, tries: int, code: int = KafkaError.NOT_LEADER_FOR_PARTITION) -> None:
        self._tries, self._code, self.asked = tries, code, 0

    def get_watermark_offsets(self, place: TopicPartition, timeout: float) -> tuple[int, int]:
        self.asked += 1
        if self.asked <= self._tries:
            raise KafkaException(KafkaError(self._code))
        return 3, 17


def test_ends_are_asked_for_again_while_a_partition_has_no_leader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plumbing.kafka._LEADER_PAUSES", (0.0, 0.0))
    consumer: Any = Unled(2)
    assert watermarks(consumer, "t", 0) == (3, 17)
    never: Any = Unled(9)
    with pytest.raises(DependencyUnreachable, match="NOT_LEADER_FOR_PARTITION"):
        watermarks(never, "t", 0)
    assert never.asked == 3
    away: Any = Unled(1, KafkaError._ALL_BROKERS_DOWN)
    with pytest.raises(DependencyUnreachable):
        watermarks(away, "t", 0)
    assert away.asked == 1, "a broker that is away would be waited for once for each try"
