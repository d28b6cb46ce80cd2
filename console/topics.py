"""Topics and subjects of an instance: what is missing, and creating it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from plumbing.avro import make_registry
from plumbing.errors import ConfigurationError, DependencyUnreachable
from plumbing.kafka import make_admin
from plumbing.settings import Settings
from schemas.avro import subjects
from schemas.catalogue import AGGREGATES
from schemas.topics import Topics, TopicSpec

COMPATIBILITY = "FULL_TRANSITIVE"


@dataclass(frozen=True)
class Plan:
    """What `crossfade topics --apply` would do."""

    create: tuple[TopicSpec, ...]
    register: tuple[tuple[str, dict[str, Any]], ...]

    @property
    def empty(self) -> bool:
        """Nothing is missing."""
        return not (self.create or self.register)


def missing_topics(wanted: Sequence[TopicSpec], existing: Mapping[str, int]) -> tuple[TopicSpec, ...]:
    """The topics to create. `existing`: `{topic: partitions}`.

    Raises:
        ConfigurationError: a topic exists with another partition count; records of one account would part ways.
    """
    for spec in wanted:
        if existing.get(spec.name, spec.partitions) != spec.partitions:
            raise ConfigurationError(
                f"topic {spec.name} has {existing[spec.name]} partitions, the settings say {spec.partitions}",
                remedy="Set kafka.partitions to what the topics have; the count is fixed at creation.",
            )
    return tuple(spec for spec in wanted if spec.name not in existing)


def make_plan(settings: Settings) -> Plan:
    """Compare the cluster and the registry with what must be.

    Raises:
        ConfigurationError: a topic has the wrong number of partitions.
        DependencyUnreachable: Kafka or the registry does not answer.
    """
    topics = Topics(settings.instance)
    wanted = topics.specs(
        AGGREGATES, partitions=settings.kafka.partitions, retention_days=settings.kafka.sonar_retention_days
    )
    create = missing_topics(wanted, _existing(make_admin(settings.kafka)))
    with make_registry(settings.registry) as registry:
        register = tuple(one for one in subjects(topics) if not _registered(registry, *one))
    return Plan(create, register)


def apply_plan(settings: Settings, plan: Plan) -> None:
    """Create the topics and register the subjects. Safe to repeat.

    Raises:
        ConfigurationError: the registry refuses a schema as incompatible, or the broker a topic.
        DependencyUnreachable: Kafka or the registry does not answer.
    """
    if plan.create:
        admin = make_admin(settings.kafka)
        futures = admin.create_topics(
            [
                NewTopic(one.name, one.partitions, settings.kafka.replication_factor, config=dict(one.config))
                for one in plan.create
            ],
            operation_timeout=30,
        )
        for name, future in futures.items():
            try:
                future.result(60)
            except KafkaException as exc:
                raise ConfigurationError(f"the broker refuses topic {name}: {exc.args[0].str()}") from exc
    with make_registry(settings.registry) as registry:
        for subject, schema in plan.register:
            try:
                registry.register_schema(subject, Schema(json.dumps(schema), "AVRO"))
                registry.set_compatibility(subject, COMPATIBILITY)
            except SchemaRegistryError as exc:
                if exc.http_status_code == 409:
                    raise ConfigurationError(
                        f"the registry refuses {subject}: its schema does not fit what was registered before",
                        remedy="Use a new instance name, or go back to the release that wrote the topics.",
                    ) from exc
                raise DependencyUnreachable(f"the schema registry refused {subject}") from exc


def _existing(admin: AdminClient) -> dict[str, int]:
    try:
        found = admin.list_topics(timeout=15).topics
    except KafkaException as exc:
        raise DependencyUnreachable(f"Kafka does not answer: {exc.args[0].name()}") from exc
    return {name: len(topic.partitions) for name, topic in found.items()}


def _registered(registry: SchemaRegistryClient, subject: str, schema: dict[str, Any]) -> bool:
    try:
        registry.lookup_schema(subject, Schema(json.dumps(schema), "AVRO"))
    except SchemaRegistryError as exc:
        if exc.http_status_code == 404:
            return False
        raise DependencyUnreachable("the schema registry does not answer") from exc
    except OSError as exc:
        raise DependencyUnreachable("the schema registry does not answer") from exc
    return True
