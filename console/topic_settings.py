"""How topics are to be kept, and what of it Kafka has otherwise: retention, compaction, copies that acknowledge."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from plumbing.errors import ConfigurationError, DependencyRefused, DependencyUnreachable
from schemas.topics import TopicSpec

IN_SYNC = "min.insync.replicas"
_COPIES = 2
_SECONDS = 30


@dataclass(frozen=True)
class Differing:
    """One setting of one topic that Kafka has otherwise than it must be. `setting` is Kafka's own name."""

    topic: str
    setting: str
    has: str
    wanted: str


def settings_of(spec: TopicSpec, copies: int) -> dict[str, str]:
    """`{Kafka's name: value}` of a topic with so many copies.

    With two copies and more an event counts as acknowledged when two brokers have it: Kafka's default of one would
    let the only broker that has it be lost, and the cursor that was saved behind it with no event before.
    """
    return {**spec.config, IN_SYNC: str(min(_COPIES, copies))}


def differing(admin: AdminClient, specs: Collection[TopicSpec]) -> tuple[Differing, ...]:
    """What these topics, all of which exist, have otherwise. What a cluster does not tell of is not compared.

    Raises:
        DependencyRefused, DependencyUnreachable: Kafka does not let this user see it, or does not answer.
    """
    if not specs:
        return ()
    try:
        shown = admin.list_topics(timeout=_SECONDS).topics
    except KafkaException as exc:
        raise DependencyUnreachable(f"Kafka does not tell of its topics: {exc.args[0].name()}") from exc
    resources = [ConfigResource(ResourceType.TOPIC, spec.name) for spec in specs]
    told = admin.describe_configs(resources, request_timeout=_SECONDS)
    found = []
    for spec, resource in zip(specs, resources, strict=True):
        has = {name: entry.value for name, entry in _answer(told[resource], spec.name, "DESCRIBE_CONFIGS").items()}
        copies = min(len(one.replicas) for one in shown[spec.name].partitions.values())
        for setting, wanted in settings_of(spec, copies).items():
            if setting in has and not _fits(setting, has[setting], wanted):
                found.append(Differing(spec.name, setting, has[setting], wanted))
    return tuple(found)


def put_right(admin: AdminClient, found: Iterable[Differing]) -> None:
    """Set what differs; other settings of the topics stay as they are.

    Raises:
        ConfigurationError: the broker refuses a value.
        DependencyRefused, DependencyUnreachable: Kafka does not let this user do it, or does not answer.
    """
    of_topics: dict[str, list[Differing]] = {}
    for one in found:
        of_topics.setdefault(one.topic, []).append(one)
    told = admin.incremental_alter_configs([_changes(*one) for one in of_topics.items()], request_timeout=_SECONDS)
    for resource, future in told.items():
        _answer(future, resource.name, "ALTER_CONFIGS")


def _changes(topic: str, found: Sequence[Differing]) -> ConfigResource:
    entries = [ConfigEntry(one.setting, one.wanted, incremental_operation=AlterConfigOpType.SET) for one in found]
    return ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)


def _fits(setting: str, has: str, wanted: str) -> bool:
    """More brokers that must have an event than we ask for are the operator's to ask for."""
    return int(has) >= int(wanted) if setting == IN_SYNC else has == wanted


def _answer(future: "Future[Mapping[str, Any] | None]", topic: str, right: str) -> Mapping[str, Any]:
    try:
        return future.result(_SECONDS) or {}
    except KafkaException as exc:
        error = exc.args[0]
        if error.code() in {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED}:
            raise DependencyRefused(
                f"Kafka does not let this user use {right} on topic {topic}", remedy=f"Give it {right} on the topics."
            ) from exc
        if error.retriable() or error.code() in {KafkaError._TIMED_OUT, KafkaError._TRANSPORT}:
            raise DependencyUnreachable(f"Kafka does not answer for topic {topic}: {error.name()}") from exc
        raise ConfigurationError(
            f"the broker refuses a setting of topic {topic}: {error.str()}",
            remedy="See what the cluster allows; kafka.sonar_retention_days is how long events are kept.",
        ) from exc
