"""How near the live processor comes to what Faust and the mapping allow, on accounts.

`faust`: the stage's rate ÷ 1/(1/forward-only agent + 1/pure decode, map and encode). A worker's time is that from
the first of its messages to the last, by their own timestamps, so that its start does not count.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from confluent_kafka import Message

from plumbing.garbage import collect_seldom
from plumbing.kafka import AckedProducer, end_offsets, make_consumer, make_producer
from plumbing.reading import read_whole
from plumbing.settings import Settings
from processors.context import load_context
from processors.transform import Coordinates, Produced, transform
from producers.capture import run_capture
from producers.orders import Order
from sandbox.local.sandboxes import SonarSandbox
from sandbox.local.stack import Addresses
from schemas.topics import Topics
from tests.bench.entry import Entry, Round, noise, ratio
from tests.bench.servers import instance
from tests.integration.processors.conftest import with_secrets

ACCOUNTS = int(os.environ.get("ACCOUNTS", "2000"))
EVENTS = 10_000
GOAL = 0.8
TURNS = 3
READ = ("system_setting", "billing_setting", "account")
_PATIENCE_SECONDS = 120


async def measure(at: Addresses, folder: Path) -> list[Entry]:
    """The entry `faust`."""
    messages = await captured(at, folder)
    measured, forwards, pures = [], [], []
    for _ in range(TURNS):
        first = _worker(at, folder, messages, forward=True), pure(at, folder, messages)
        ours = _worker(at, folder, messages, forward=False)
        again = _worker(at, folder, messages, forward=True), pure(at, folder, messages)
        measured.append(Round(sum(first), ours, sum(again)))
        forwards += [first[0], again[0]]
        pures += [first[1], again[1]]
    figures = {
        "events": EVENTS,
        "events_per_second": round(EVENTS / min(one.ours for one in measured)),
        "forward_only_per_second": round(EVENTS / min(forwards)),
        "pure_per_second": round(EVENTS / min(pures)),
    }
    return [Entry("faust", ratio(measured), GOAL, noise(measured), figures)]


async def captured(at: Addresses, folder: Path) -> dict[str, list[Message]]:
    """What capture publishes of the settings and the accounts of an ISP."""
    sonar = SonarSandbox(folder, accounts=ACCOUNTS, requests_per_minute=0, name="sonar-faust")
    sonar.start()
    try:
        with instance(at, folder, sonar) as settings:
            await run_capture(settings, order=Order(tuple(READ)), follow=False)
            topics, group = Topics(settings.instance), f"{settings.instance}.bench"
            return {name: list(read_whole(settings.kafka, topics.sonar(name), group)) for name in READ}
    finally:
        sonar.stop()


def publish(settings: Settings, messages: dict[str, list[Message]]) -> None:
    """The same settings and `EVENTS` account events on the topics of another instance."""
    topics, producer = Topics(settings.instance), AckedProducer(make_producer(settings.kafka))
    for name, found in messages.items():
        for place in range(EVENTS if name == "account" else len(found)):
            one = found[place % len(found)]
            key, value = _bytes(one.key()), _bytes(one.value())
            producer.produce(topics.sonar(name), partition=one.partition() or 0, key=key, value=value)
    producer.flush()


def _bytes(value: Any) -> bytes:
    assert isinstance(value, bytes)
    return value


def pure(at: Addresses, folder: Path, messages: dict[str, list[Message]]) -> float:
    """Seconds to decode, map and encode all events, and nothing else."""
    collect_seldom()
    with instance(at, folder) as settings:
        publish(settings, {name: messages[name] for name in READ[:2]} | {"account": messages["account"][:1]})
        context = load_context(settings, AckedProducer(make_producer(settings.kafka)), wait_seconds=30)
        values = [_bytes(one.value()) for one in messages["account"]]
        began = time.perf_counter()
        for place in range(EVENTS):
            at_place = Coordinates("account", "t", 0, place)
            made = transform(at_place, values[place % len(values)], context.codecs, context.rules)
            assert isinstance(made, Produced)
        seconds = time.perf_counter() - began
        context.close()
        return seconds


def _worker(at: Addresses, folder: Path, messages: dict[str, list[Message]], *, forward: bool) -> float:
    """Seconds that a worker took for all events."""
    with instance(at, folder) as settings:
        publish(settings, messages)
        config = folder / "worker.json"
        config.write_text(json.dumps(with_secrets(settings)))
        module = ["tests.bench.forward", str(config)] if forward else ["console", "process", "--config", str(config)]
        with (folder / "worker.log").open("wb") as log:
            process = subprocess.Popen([sys.executable, "-m", *module], stdout=log, stderr=log)
        try:
            _written(settings, process, folder / "worker.log")
            return span(settings)
        finally:
            process.terminate()
            process.wait(60)


def _written(settings: Settings, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until a worker has written all."""
    topic, partitions = Topics(settings.instance).splynx("account"), settings.kafka.partitions
    consumer = make_consumer(settings.kafka, f"{settings.instance}.bench")
    try:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while sum(high for _, high in end_offsets(consumer, topic, partitions).values()) < EVENTS:
            assert process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            time.sleep(0.3)
    finally:
        consumer.close()


def span(settings: Settings) -> float:
    """Seconds between the first of the bundles of accounts and the last, as their producer stamped them."""
    topic = Topics(settings.instance).splynx("account")
    times = [one.timestamp()[1] for one in read_whole(settings.kafka, topic, f"{settings.instance}.bench")]
    assert len(times) >= EVENTS
    return (max(times) - min(times)) / 1000
