"""What a processor needs besides the message: codecs, and the rules together with Sonar's settings."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient

from plumbing.avro import Codec, make_registry
from plumbing.errors import Action, ConfigurationError, ExitCode, SyncError
from plumbing.kafka import AckedProducer, end_offsets, make_consumer
from plumbing.settings import Settings
from processors.transform import Codecs
from schemas.avro import bundle_schema, envelope_schema
from schemas.catalogue import AGGREGATES, aggregate
from schemas.envelope import event_of
from schemas.rules import Rules, RulesFile, SourceFacts, compile_rules, load_rules
from schemas.topics import Topics

MAPPED = tuple(one for one in AGGREGATES if one.mapper is not None)
"""Aggregates that become bundles."""

_SETTINGS = ("system_setting", "billing_setting")


class SettingsNotCaptured(SyncError):
    """Sonar's settings are not on their topics yet; without currency and zone nothing can be mapped."""

    code = "processors.settings_not_captured"
    action = Action.RETRY
    exit_code = ExitCode.TRY_LATER
    remedy = "Start `crossfade follow` or `crossfade snapshot`; processors go on by themselves."


@dataclass(frozen=True)
class Context:
    """All that mapping depends on."""

    rules: Rules
    facts: SourceFacts
    codecs: dict[str, Codecs]
    registry: SchemaRegistryClient
    """Codecs ask it for schemas they have not met; open until `close`."""

    def close(self) -> None:
        """Close the registry's connections."""
        self.registry.__exit__(None, None, None)  # type: ignore[no-untyped-call]


def make_codecs(settings: Settings, registry: SchemaRegistryClient) -> dict[str, Codecs]:
    """`{aggregate: codecs}` of everything that is mapped.

    Raises:
        ConfigurationError: a subject is not registered.
        DependencyUnreachable: the registry does not answer.
    """
    topics = Topics(settings.instance)
    return {
        one.name: Codecs(
            events=Codec(registry, f"{topics.sonar(one.name)}-value", envelope_schema(one)),
            bundles=Codec(registry, f"{topics.splynx(one.name)}-value", bundle_schema(one)),
        )
        for one in MAPPED
    }


def load_context(settings: Settings, producer: AckedProducer, *, wait_seconds: float = 0) -> Context:
    """Read the rules file and Sonar's settings, and give the pair its generation.

    Raises:
        ConfigurationError: the rules are wrong, or do not fit Sonar's settings.
        SettingsNotCaptured: Sonar's settings did not appear within `wait_seconds`.
        DependencyUnreachable: Kafka or the registry does not answer.
    """
    file = load_rules(settings.rules)
    deadline = time.monotonic() + wait_seconds
    while (facts := read_facts(settings)) is None:
        if time.monotonic() >= deadline:
            raise SettingsNotCaptured("Sonar's system and billing settings are not on their topics yet")
        time.sleep(0.5)
    rules = with_generation(settings, file, facts, producer)
    registry = make_registry(settings.registry)
    return Context(rules, facts, make_codecs(settings, registry), registry)


def read_facts(settings: Settings) -> SourceFacts | None:
    """What Sonar's settings say now; None while capture has not published both."""
    topics = Topics(settings.instance)
    found: dict[str, dict[str, Any]] = {}
    with make_registry(settings.registry) as registry:
        for name in _SETTINGS:
            declared = aggregate(name)
            topic = topics.sonar(name)
            codec = Codec(registry, f"{topic}-value", envelope_schema(declared))
            newest = -1
            for value in read_all(settings, topic):
                event = event_of(codec.decode(value))
                if event.after is not None and event.sequence > newest:
                    newest, found[name] = event.sequence, event.after
    if len(found) < len(_SETTINGS):
        return None
    return SourceFacts.from_settings(found["system_setting"], found["billing_setting"])


def with_generation(settings: Settings, file: RulesFile, facts: SourceFacts, producer: AckedProducer) -> Rules:
    """The compiled rules with their generation: the newest one when the version is the same, else a new one."""
    key = settings.process.hmac_key.get_secret_value().encode()
    rules = compile_rules(file, facts, key)
    topic = Topics(settings.instance).rules
    known = [orjson.loads(value) for value in read_all(settings, topic) if value is not None]
    newest = max(known, key=lambda one: int(one["generation"]), default=None)
    if newest is not None and newest["version"] == rules.version:
        return compile_rules(file, facts, key, int(newest["generation"]))
    generation = 1 if newest is None else int(newest["generation"]) + 1
    value = {"generation": generation, "version": rules.version, "at": datetime.now(UTC).isoformat()}
    producer.produce(topic, partition=0, key=str(generation).encode(), value=orjson.dumps(value))
    producer.flush()
    return compile_rules(file, facts, key, generation)


def read_all(settings: Settings, topic: str) -> list[bytes | None]:
    """The values of a small topic, all partitions, as it is now.

    Raises:
        ConfigurationError: the topic does not exist.
        DependencyUnreachable: the broker does not answer.
    """
    consumer = make_consumer(settings.kafka, f"{Topics(settings.instance).process_group}.reader")
    try:
        return _read_all(consumer, topic)
    finally:
        consumer.close()


def _read_all(consumer: Consumer, topic: str) -> list[bytes | None]:
    found = consumer.list_topics(topic, timeout=30).topics[topic]
    if found.error is not None or not found.partitions:
        raise ConfigurationError(f"topic {topic} does not exist", remedy="Run `crossfade topics --apply`.")
    ends = end_offsets(consumer, topic, len(found.partitions))
    waiting = {partition for partition, (low, high) in ends.items() if high > low}
    consumer.assign([TopicPartition(topic, partition, ends[partition][0]) for partition in waiting])
    values: list[bytes | None] = []
    while waiting:
        message = consumer.poll(10)
        if message is None:
            raise SettingsNotCaptured(f"{topic} was not read to its end within 10 s")
        if message.error() is not None:
            raise KafkaException(message.error())
        value, offset, partition = message.value(), message.offset(), message.partition()
        assert offset is not None
        assert partition is not None
        values.append(value)
        if offset + 1 >= ends[partition][1]:
            waiting.discard(partition)
    return values
