"""Making an instance's topics and subjects, for tests that do not go through `crossfade topics`."""

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from confluent_kafka.cimpl import NewTopic
from confluent_kafka.schema_registry import Schema

from plumbing.avro import make_registry
from plumbing.kafka import make_admin, reach_broker, until_shown
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


def make_anew(kafka: KafkaSettings, topic: str, partitions: int, **config: str) -> None:
    """Delete a topic, and create it again once the broker no longer shows it."""
    admin = make_admin(kafka)  # its futures end with it
    admin.delete_topics([topic])[topic].result(30)
    end = time.monotonic() + 30
    while topic in reach_broker(kafka):
        assert time.monotonic() < end, f"Kafka has deleted topic {topic} and still shows it"
        time.sleep(0.1)
    make_topics(kafka, NewTopic(topic, partitions, 1, config=config))


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
