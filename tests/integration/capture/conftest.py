"""A Sonar sandbox, and the topics and subjects of one instance on real servers."""

import asyncio
import json
import time
import urllib.request
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Message, TopicPartition

from console.topics import apply_plan, make_plan
from plumbing.avro import Codec, make_registry
from plumbing.kafka import end_offsets, make_consumer
from plumbing.settings import Settings
from producers.capture import run_capture
from producers.summary import CaptureSummary
from sandbox.local.sandboxes import SonarSandbox
from schemas.avro import envelope_schema
from schemas.catalogue import aggregate, with_topics
from schemas.envelope import Event, event_of
from schemas.shapes import Kind, Member
from schemas.topics import Topics
from tests.integration.instance import prepare
from tests.slice import BEYOND_THE_SLICE
from tests.unit.producers.folding import as_published, columns

PARTITIONS = 3
TYPES = {"company": "Company", "account": "Account", "payment": "Payment", "account_group": "AccountGroup"}


class Site:
    """One instance: its settings, its Sonar, and what capture has published."""

    def __init__(self, settings: Settings, sonar: SonarSandbox) -> None:
        self.settings, self.sonar = settings, sonar
        self.topics = Topics(settings.instance)

    def control(self, path: str, body: Any = None, method: str | None = None) -> Any:
        """Ask the sandbox's control room."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.sonar.control}/{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def change(self, action: str, type: str, **arguments: Any) -> int:
        """Change one row in Sonar; returns its id."""
        (id,) = self.control("store", {"action": action, "type": type, **arguments})["ids"]
        return int(id)

    def messages(self, topic: str) -> list[Message]:
        """Every message of a topic, in the order of partitions and offsets."""
        consumer = make_consumer(self.settings.kafka, f"{self.settings.instance}.test")
        found: list[Message] = []
        try:
            partitions = len(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
            ends = end_offsets(consumer, topic, partitions)
            consumer.assign([TopicPartition(topic, partition, low) for partition, (low, _) in ends.items()])
            while len(found) < sum(high - low for low, high in ends.values()):
                message = consumer.poll(10)
                assert message is not None
                assert message.error() is None
                found.append(message)
        finally:
            consumer.close()
        return sorted(found, key=lambda one: (one.partition(), one.offset()))

    def events(self, name: str) -> list[Event]:
        """Every event of an aggregate."""
        topic = self.topics.sonar(name)
        with make_registry(self.settings.registry) as registry:
            codec = Codec(registry, f"{topic}-value", envelope_schema(aggregate(name)))
            return [event_of(codec.decode(message.value())) for message in self.messages(topic)]

    def folded(self, name: str) -> dict[int, Event]:
        """The newest event of each key, deletes left out."""
        newest: dict[int, Event] = {}
        for event in self.events(name):
            known = newest.get(event.sonar_id)
            if known is None or event.sequence >= known.sequence:
                newest[event.sonar_id] = event
        return {id: event for id, event in newest.items() if event.op != "d"}

    def capture(self, **options: Any) -> CaptureSummary:
        """Run capture to its end: the snapshot and one poll, unless told otherwise."""
        return asyncio.run(run_capture(self.settings, **{"follow": False, **options}))


@pytest.fixture
def make_site(
    instance: str,
    kafka_bootstrap: str,
    registry_url: str,
    start_sonar: Callable[..., SonarSandbox],
    tmp_path: Path,
) -> Callable[..., Site]:
    """Makes the instance over a Sonar with `accounts` accounts, or a given one; other keys go to its settings.

    With several `copies` of each topic they are made as the command makes them.
    """

    def make(accounts: int = 20, sonar: SonarSandbox | None = None, *, copies: int = 1, **sonar_settings: Any) -> Site:
        sonar = sonar or start_sonar(accounts=accounts)
        settings = Settings(
            instance=instance,
            sonar={
                "url": sonar.url,
                "token": sonar.token,
                "requests_per_minute": 6000,
                "poll_seconds": 0.2,
                "safety_lag_seconds": 2,
                "leave_out": BEYOND_THE_SLICE,
                **sonar_settings,
            },
            splynx={
                "url": "http://127.0.0.1:1",
                "key": "k",
                "secret": "s",
                "db": {"host": "127.0.0.1", "user": "u", "password": "p", "name": "n"},
            },
            kafka={"bootstrap": kafka_bootstrap, "partitions": PARTITIONS, "replication_factor": copies},
            registry={"url": registry_url},
            rules=tmp_path / "rules.yaml",
            guards=tmp_path / "guards.yaml",
            http={"capture_port": 0},
            process={"hmac_key": "a key for the tests of capture"},
        )
        if copies == 1:
            prepare(settings, with_topics(settings.sonar.leave_out))
        else:
            apply_plan(settings, make_plan(settings))
        return Site(settings, sonar)

    return make


def assert_topics_equal_sonar(site: Site) -> None:
    """No row is missing and none is left over, and each column of the row itself is as Sonar has it."""
    for name, type_name in TYPES.items():
        folded = site.folded(name)
        assert len(folded) == site.control(f"store/{type_name}")["count"], name
        for id, event in folded.items():
            row = site.control(f"store/{type_name}/{id}")
            assert event.after is not None
            for member, column in columns(aggregate(name).root.record):
                assert event.after[member.name] == _as_published(member, row.get(column)), (name, id, member.name)


def _as_published(member: Member, value: Any) -> Any:
    """A column as events have it, of what the control room tells of it."""
    parse = {Kind.INSTANT: datetime.fromisoformat, Kind.DAY: date.fromisoformat}.get(member.kind)
    return as_published(member, value if parse is None or value is None else parse(value))


def wait_until(condition: Callable[[], bool], seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.2)


def plain(site: Site) -> dict[str, Any]:
    """The settings as a file holds them, secrets included."""
    document: dict[str, Any] = json.loads(site.settings.model_dump_json(exclude_none=True))
    document["sonar"]["token"] = site.sonar.token
    document["splynx"]["secret"] = "s"
    document["splynx"]["db"]["password"] = "p"
    document["process"]["hmac_key"] = site.settings.process.hmac_key.get_secret_value()
    return document
