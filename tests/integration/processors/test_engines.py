"""Both engines make the same bundles of the same events, lose none when killed, and set poison aside."""

import json
import os
import shutil
import signal
import subprocess
import sys
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
from processors.batch import process_batch
from schemas.avro import bundle_from_avro, bundle_schema
from schemas.bundle import StampedBundle
from schemas.catalogue import AGGREGATES, aggregate
from tests.integration.capture.conftest import Site

MAPPED = [one.name for one in AGGREGATES if one.mapper is not None]
RULES = Path(__file__).with_name("rules.yaml")


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """A small ISP whose snapshot lies on the topics."""
    made = make_site(60)
    shutil.copy(RULES, made.settings.rules)
    made.capture(snapshot="force")
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

    def __init__(self, settings: Settings, folder: Path) -> None:
        changed = settings.model_copy(
            update={
                "http": settings.http.model_copy(update={"process_port": 0}),
                "state_dir": folder / "state",
            }
        )
        self.config = folder / "settings.json"
        self.config.write_text(json.dumps(with_secrets(changed)))
        self.log = folder / "worker.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it (again)."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.integration.processors.worker_main", str(self.config)],
                stdout=log,
                stderr=log,
            )

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
def worker(site: Site, tmp_path: Path) -> Iterator[Worker]:
    """A worker that is stopped whatever happens."""
    made = Worker(site.settings, tmp_path)
    yield made
    if made.process is not None:
        made.end(signal.SIGKILL)


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


def test_each_event_becomes_one_bundle_in_its_own_partition(site: Site) -> None:
    process_batch(site.settings, until_end=True)
    for name in MAPPED:
        assert set(by_origin(site, name)) == events(site, name)
        for message in site.messages(site.topics.splynx(name)):
            assert message.key() is not None
    assert dead(site) == set()


def test_the_live_engine_makes_the_bundles_of_the_batch_engine(site: Site, worker: Worker) -> None:
    process_batch(site.settings, until_end=True)
    batch = {name: by_origin(site, name) for name in MAPPED}
    rewind(site)
    worker.start()
    worker.wait(lambda: caught_up(site))
    assert worker.end(signal.SIGTERM) == 0
    for name in MAPPED:
        found = [(one.origin.partition, one.origin.offset) for one in bundles(site, name)]
        assert len(found) == 2 * len(batch[name])
        assert by_origin(site, name) == batch[name]


@pytest.mark.fault("4")
def test_a_killed_worker_loses_nothing_that_it_committed(site: Site, worker: Worker) -> None:
    worker.start()
    worker.wait(lambda: any(site.messages(site.topics.splynx("account"))))
    worker.end(signal.SIGKILL)
    worker.start()
    worker.wait(lambda: caught_up(site))
    worker.end(signal.SIGKILL)
    for name in MAPPED:
        assert set(by_origin(site, name)) == events(site, name)


@pytest.mark.fault("13")
def test_poison_is_set_aside_and_the_others_flow(site: Site, worker: Worker) -> None:
    topic = site.topics.sonar("payment")
    producer = AckedProducer(make_producer(site.settings.kafka))
    poison = [None, b"", b"\x09\x00\x00\x00\x01xyz", b"\x00\x7f\xff\xff\xff\x02"]
    placed: list[tuple[str, int, int]] = []
    for value in poison:
        producer.produce(
            topic,
            partition=0,
            key=b"k",
            value=value,
            on_ack=lambda message: placed.append((topic, 0, message.offset() or 0)),
        )
    producer.flush()
    worker.start()
    worker.wait(lambda: caught_up(site))
    assert worker.end(signal.SIGTERM) == 0
    assert dead(site) == set(placed)
    good = events(site, "payment") - {(0, offset) for _, _, offset in placed}
    assert set(by_origin(site, "payment")) == good


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
