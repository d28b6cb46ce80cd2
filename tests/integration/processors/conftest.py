"""A small ISP on the topics, the live engine as a process, and what both engines left there."""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from confluent_kafka import TopicPartition
from pydantic import BaseModel, SecretStr

from plumbing.avro import Codec, make_registry
from plumbing.kafka import AckedProducer, committed_offsets, end_offsets, make_consumer, make_producer
from plumbing.settings import Settings
from sandbox.local.ports import free_ports
from schemas.avro import bundle_from_avro, bundle_schema
from schemas.bundle import StampedBundle
from schemas.catalogue import AGGREGATES, aggregate
from tests.integration.capture.conftest import Site, make_site
from tests.prepared import Forked, Prepared

__all__ = ["make_site"]

MAPPED = [one.name for one in AGGREGATES if one.mapper is not None]
RULES = Path(__file__).with_name("rules.yaml")


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """A small ISP whose snapshot lies on the topics."""
    made = make_site(30)
    shutil.copy(RULES, made.settings.rules)
    made.capture()
    return made


def bundles(site: Site, name: str) -> list[StampedBundle]:
    """Every bundle of an aggregate on its topic."""
    topic = site.topics.splynx(name)
    with make_registry(site.settings.registry) as registry:
        codec = Codec(registry, f"{topic}-value", bundle_schema(aggregate(name)))
        values = [message.value() for message in site.messages(topic)]
    return [bundle_from_avro(codec.decode(value)) for value in values if isinstance(value, bytes)]


def by_origin(site: Site, name: str) -> dict[tuple[int, int], str]:
    """`{(partition, offset) of the event: hash of its bundle}`."""
    return {(one.origin.partition, one.origin.offset): one.hash for one in bundles(site, name)}


def caught_up(site: Site) -> bool:
    """Every mapped event's offset is committed."""
    consumer = make_consumer(site.settings.kafka, site.topics.process_group)
    try:
        for name in MAPPED:
            topic, count = site.topics.sonar(name), site.settings.kafka.partitions
            committed = committed_offsets(consumer, topic, count)
            for partition, (low, high) in end_offsets(consumer, topic, count).items():
                if high > low and committed.get(partition, low) < high:
                    return False
    finally:
        consumer.close()
    return True


def with_secrets(value: Any) -> Any:
    """Settings as JSON, secrets in clear: the file is for a child process of the test."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, BaseModel):
        return {name: with_secrets(getattr(value, name)) for name in type(value).model_fields}
    return str(value) if isinstance(value, Path) else value


class Worker:
    """A Faust worker as a process."""

    def __init__(self, settings: Settings, folder: Path, prepared: Prepared) -> None:
        self._settings, self._folder, self._prepared = settings, folder, prepared
        # One port for its whole life: by it Kafka knows that a worker which starts again is the one that was killed.
        (self._port,) = free_ports(1)
        self.log, self.out = folder / "worker.log", folder / "worker.json"
        self.process: Forked | None = None

    def start(self, patch: str | None = None, **changes: Any) -> None:
        """Start it (again), with `patch` of `patched_main`; keys of `process` go to the settings."""
        process = self._settings.process.model_copy(update=changes)
        http = self._settings.http.model_copy(update={"process_port": self._port})
        made = {"http": http, "state_dir": self._folder / "state", "process": process}
        config = self._folder / "settings.json"
        config.write_text(json.dumps(with_secrets(self._settings.model_copy(update=made))))
        program, arguments = "console", ["process", "--json", "--config", str(config)]
        if patch is not None:
            program, arguments = "tests.integration.processors.patched_main", [patch, str(config)]
        self.out.unlink(missing_ok=True)
        self.process = self._prepared.start(program, arguments, os.environ, out=self.out, err=self.log)

    def ended(self, seconds: float = 90) -> int:
        """The exit code of a worker that ends by itself."""
        assert self.process is not None
        return self.process.wait(seconds)

    def end(self, sign: signal.Signals) -> int:
        """Send a signal and wait for the end."""
        assert self.process is not None
        if self.process.poll() is None:
            os.kill(self.process.pid, sign)
        return self.process.wait(60)

    def wait(self, condition: Callable[[], bool], seconds: float = 90) -> None:
        """Wait until the condition holds; a worker that ended on its way fails the test with its log."""
        assert self.process is not None
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            assert time.monotonic() < deadline, self.log.read_text()[-3000:]
            time.sleep(0.3)


@pytest.fixture
def worker_at(site: Site, tmp_path: Path, prepared: Prepared) -> Iterator[Callable[[str], Worker]]:
    """Makes a worker that finds the registry at an address; it is stopped whatever happens."""
    made: list[Worker] = []

    def make(registry_url: str) -> Worker:
        registry = site.settings.registry.model_copy(update={"url": registry_url})
        made.append(Worker(site.settings.model_copy(update={"registry": registry}), tmp_path, prepared))
        return made[-1]

    yield make
    for one in made:
        if one.process is not None:
            one.end(signal.SIGKILL)


@pytest.fixture
def worker(site: Site, worker_at: Callable[[str], Worker]) -> Worker:
    """A worker."""
    return worker_at(site.settings.registry.url)


def events(site: Site, name: str) -> set[tuple[int, int]]:
    """`(partition, offset)` of every event."""
    return {(message.partition() or 0, message.offset() or 0) for message in site.messages(site.topics.sonar(name))}


def dead(site: Site) -> set[tuple[str, int, int]]:
    """Coordinates that the dead letters of the processors name."""
    found = set()
    for message in site.messages(site.topics.dead_letters("process")):
        pairs = cast("list[tuple[str, bytes]]", message.headers())
        headers = {name: value.decode() for name, value in pairs}
        found.add(
            (
                headers["__connect.errors.topic"],
                int(headers["__connect.errors.partition"]),
                int(headers["__connect.errors.offset"]),
            )
        )
    return found


def poison(site: Site, values: list[bytes | None], name: str = "payment") -> list[tuple[str, int, int]]:
    """Put values that are no events on partition 0 of an aggregate's topic; returns where they lie."""
    topic, placed = site.topics.sonar(name), list[tuple[str, int, int]]()
    producer = AckedProducer(make_producer(site.settings.kafka))
    for value in values:
        producer.produce(
            topic,
            partition=0,
            key=b"k",
            value=value,
            on_ack=lambda message: placed.append((topic, 0, message.offset() or 0)),
        )
    producer.flush()
    return placed


def committed(site: Site, name: str) -> dict[int, int]:
    """`{partition: committed offset}` of the group."""
    consumer = make_consumer(site.settings.kafka, site.topics.process_group)
    try:
        return committed_offsets(consumer, site.topics.sonar(name), site.settings.kafka.partitions)
    finally:
        consumer.close()


def rewind(site: Site) -> None:
    """Let the group begin again."""
    consumer = make_consumer(site.settings.kafka, site.topics.process_group)
    try:
        consumer.commit(
            offsets=[
                TopicPartition(site.topics.sonar(name), partition, 0)
                for name in MAPPED
                for partition in range(site.settings.kafka.partitions)
            ],
            asynchronous=False,
        )
    finally:
        consumer.close()
