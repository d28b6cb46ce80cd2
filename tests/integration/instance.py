"""Making an instance's topics and subjects, for tests that do not go through `crossfade topics`."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from confluent_kafka.cimpl import NewTopic
from confluent_kafka.schema_registry import Schema

from plumbing.avro import make_registry
from plumbing.kafka import make_admin, until_shown
from plumbing.settings import KafkaSettings, Settings
from schemas.aggregate import Aggregate
from schemas.avro import subjects
from schemas.topics import Topics

_AT_A_TIME = 8
"""Registrations side by side: the registry waits for Kafka with each, and three seconds with all one by one."""


def make_topics(kafka: KafkaSettings, *new: NewTopic) -> None:
    """Create topics, and wait until the broker shows them: what asks for one earlier takes it for missing."""
    admin = make_admin(kafka)  # its futures end with it
    created = admin.create_topics(list(new))
    for future in created.values():
        future.result(30)
    until_shown(kafka, list(created))


def prepare(settings: Settings, aggregates: Sequence[Aggregate], **config: str) -> None:
    """Create the topics of these aggregates and register their subjects; `config` changes that of each topic."""
    topics = Topics(settings.instance)
    specs = topics.specs(aggregates, partitions=settings.kafka.partitions, retention_days=1)
    new = [NewTopic(one.name, one.partitions, 1, config={**one.config, **config}) for one in specs]
    with make_registry(settings.registry) as registry, ThreadPoolExecutor(_AT_A_TIME) as pool:
        made = pool.submit(make_topics, settings.kafka, *new)

        def register(one: tuple[str, dict[str, Any]]) -> None:
            subject, schema = one
            registry.register_schema(subject, Schema(json.dumps(schema), "AVRO"))

        list(pool.map(register, subjects(topics, aggregates)))  # raises what one of them raised
        made.result()
