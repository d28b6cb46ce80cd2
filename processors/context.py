"""What a processor needs besides the message: codecs, and the rules together with Sonar's settings."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from confluent_kafka.schema_registry import SchemaRegistryClient

from plumbing.avro import Codec, Undecodable, make_registry
from plumbing.errors import Action, ConfigurationError, ExitCode, SyncError
from plumbing.kafka import AckedProducer
from plumbing.logs import get_logger
from plumbing.reading import read_whole
from plumbing.settings import Settings
from processors.transform import Codecs
from schemas.avro import bundle_schema, envelope_schema
from schemas.catalogue import AGGREGATES, aggregate
from schemas.envelope import event_of
from schemas.rules import Rules, RulesFile, SourceFacts, compile_rules, load_rules
from schemas.topics import Topics

log = get_logger("process")

MAPPED = tuple(one for one in AGGREGATES if one.mapper is not None)
"""Aggregates that become bundles."""

_SHORTEST_KEY = 16
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


def hmac_key(settings: Settings) -> bytes:
    """The operator's key, from which logins and passwords are made.

    Raises:
        ConfigurationError: there is none, or one that can be guessed: whoever has it knows every password.
    """
    key = settings.process.hmac_key.get_secret_value().encode()
    if len(key) < _SHORTEST_KEY:
        raise ConfigurationError(
            f"process.hmac_key has {len(key)} characters, and needs {_SHORTEST_KEY}",
            remedy="Set CROSSFADE_PROCESS__HMAC_KEY (`openssl rand -hex 32` makes one) and keep it: with another key"
            " every generated password changes.",
        )
    return key


def load_context(settings: Settings, producer: AckedProducer | None, *, wait_seconds: float = 0) -> Context:
    """Read the rules file and Sonar's settings, and give the pair its generation; told to everyone by `producer`.

    Raises:
        ConfigurationError: the rules are wrong, or do not fit Sonar's settings; the key for passwords is missing.
        TopicMissing: a topic of ours does not exist.
        SettingsNotCaptured: Sonar's settings did not appear within `wait_seconds`.
        DependencyUnreachable: Kafka or the registry does not answer.
    """
    file = load_rules(settings.rules)
    hmac_key(settings)  # before the wait, which may be long
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
            for message in read_whole(settings.kafka, topic, f"{topics.process_group}.settings"):
                try:
                    event = event_of(codec.decode(message.value()))
                except (Undecodable, KeyError, TypeError, ValueError):
                    continue  # poison is no setting; the newest good one counts
                if event.after is not None and event.sequence > newest:
                    newest, found[name] = event.sequence, event.after
    if len(found) < len(_SETTINGS):
        return None
    return SourceFacts.from_settings(found["system_setting"], found["billing_setting"])


def with_generation(settings: Settings, file: RulesFile, facts: SourceFacts, producer: AckedProducer | None) -> Rules:
    """The compiled rules with their generation: the newest one when the version is the same, else a new one."""
    key = hmac_key(settings)
    rules = compile_rules(file, facts, key)
    newest = newest_rules(settings)
    if newest is not None and newest.version == rules.version:
        return compile_rules(file, facts, key, newest.generation)
    generation = 1 if newest is None else newest.generation + 1
    if producer is not None:
        scope = file.scope.model_dump()
        value = {
            "generation": generation, "version": rules.version, "at": datetime.now(UTC).isoformat(), "scope": scope,
        }  # fmt: skip
        if newest is not None and newest.scope not in (None, scope):
            # What lies behind on the topics was mapped by the old scope, and is not read again by itself.
            log.warning("process.scope_changed", next_step="crossfade replay --entering shows what it takes in")
        topic = Topics(settings.instance).rules
        producer.produce(topic, partition=0, key=str(generation).encode(), value=orjson.dumps(value))
        producer.flush()
    return compile_rules(file, facts, key, generation)


@dataclass(frozen=True)
class KnownRules:
    """A version of the rules that somebody mapped with."""

    generation: int
    version: str
    scope: Mapping[str, Any] | None
    """The pilot as the rules file has it; None of rules of an earlier release."""


def newest_rules(settings: Settings) -> KnownRules | None:
    """Those of the newest generation; None before anything was mapped.

    Raises:
        TopicMissing: a topic of ours does not exist.
        DependencyUnreachable: the broker does not answer.
    """
    topics = Topics(settings.instance)
    values = (one.value() for one in read_whole(settings.kafka, topics.rules, f"{topics.process_group}.rules"))
    known = [orjson.loads(value) for value in values if value is not None]
    newest = max(known, key=lambda one: int(one["generation"]), default=None)
    return (
        None if newest is None else KnownRules(int(newest["generation"]), str(newest["version"]), newest.get("scope"))
    )
