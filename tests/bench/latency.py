"""How soon a change is on its topic: `capture_latency`, 1 s ÷ (p99 less the second between two looks).

A Sonar of which a hundred rows change each second (payments, accounts, and contacts, whose accounts are read again),
`crossfade follow` as a process of its own, its snapshot half a minute behind it, and a consumer of the topics. A change
counts from when Sonar has told that it is made, and so shows it, until the consumer has the first event that carries
it. Noise: one half against the other.
"""

import json
import re
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
from confluent_kafka import TopicPartition

from plumbing.kafka import end_offsets, make_consumer
from plumbing.settings import Settings
from producers.glimpses import SHOWN_LATE
from sandbox.local.sandboxes import SonarSandbox
from sandbox.local.stack import Addresses
from schemas.topics import Topics
from tests.bench.entry import Entry
from tests.bench.follower import following
from tests.bench.servers import instance

ACCOUNTS = 2_000
CHANGES_PER_SECOND = 100
SECONDS = 60
ALLOWED_SECONDS = 1.0
_AT_A_TIME = 10
_BETWEEN_LOOKS = 1.0
"""What the settings of a bench's instance say (`servers.instance`)."""
_READ = ("account", "payment")
_MARK = re.compile(rb"bench [pac]\d+\.")
_PATIENCE_SECONDS = 300.0


def measure(at: Addresses, folder: Path) -> list[Entry]:
    """The entry `capture_latency`."""
    sonar = SonarSandbox(folder, accounts=ACCOUNTS, requests_per_minute=0, name="sonar-latency")
    sonar.start()
    try:
        with instance(at, folder, sonar) as settings:
            made, seen, cpu = _follow(settings, sonar, folder)
    finally:
        sonar.stop()
    took = [seen[mark] - when for mark, when in made.items()]
    halves = [_p99(took[: len(took) // 2]), _p99(took[len(took) // 2 :])]
    p99 = _p99(took)
    beyond = max(p99 - _BETWEEN_LOOKS, 0.001)
    figures = {
        "changes": len(took),
        "changes_per_second": round(len(took) / (max(made.values()) - min(made.values()))),
        "p50_seconds": round(sorted(took)[len(took) // 2], 2),
        "p99_seconds": round(p99, 2),
        "longest_seconds": round(max(took), 2),
        "cpu_seconds_per_second": round(cpu, 2),
    }
    noise = round(abs(halves[0] / halves[1] - 1), 3)
    return [Entry("capture_latency", round(ALLOWED_SECONDS / beyond, 2), 1.0, noise, figures)]


def _p99(took: Sequence[float]) -> float:
    return sorted(took)[len(took) * 99 // 100]


def _changes() -> Iterator[dict[str, Any]]:
    """Each row once, so that the event of each change is known by its mark: three payments, an account, a contact."""
    for number in range(1, CHANGES_PER_SECOND * SECONDS // 5 + 1):
        for payment in range(3 * number - 2, 3 * number + 1):
            yield _change("Payment", payment, "description", "p")
        yield _change("Account", number, "name", "a")
        yield _change("Contact", number, "name", "c")


def _change(type_name: str, id: int, column: str, kind: str) -> dict[str, Any]:
    return {"action": "update", "type": type_name, "id": id, "columns": {column: f"bench {kind}{id}."}}


def _follow(
    settings: Settings, sonar: SonarSandbox, folder: Path
) -> tuple[dict[bytes, float], dict[bytes, float], float]:
    """When each change was made and when it was seen, by its mark; and how busy the follower was meanwhile."""
    with following(settings, folder) as follower:
        follower.await_watermark(_PATIENCE_SECONDS)
        time.sleep(2 * SHOWN_LATE.total_seconds())  # until then looks hold what the snapshot read against look-ups
        seen: dict[bytes, float] = {}
        ready, ended = threading.Event(), threading.Event()
        consuming = threading.Thread(target=_consume, args=(settings, seen, ready, ended))
        consuming.start()
        try:
            assert ready.wait(60)
            process, began = psutil.Process(follower.pid), time.monotonic()
            before = sum(process.cpu_times()[:2])
            made = _make(sonar.control)
            cpu = (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - began)
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while not made.keys() <= seen.keys():
                assert time.monotonic() < deadline, f"{len(made.keys() - seen.keys())} changes never came"
                time.sleep(0.2)
        finally:
            ended.set()
            consuming.join()
        return made, seen, cpu


def _make(control: str) -> dict[bytes, float]:
    """Change rows at the rate, a few at a time."""
    made: dict[bytes, float] = {}
    pending = list(_changes())
    began = time.monotonic()
    for place in range(0, len(pending), _AT_A_TIME):
        due = began + place / CHANGES_PER_SECOND
        time.sleep(max(0.0, due - time.monotonic()))
        part = pending[place : place + _AT_A_TIME]
        request = urllib.request.Request(f"{control}/store", data=json.dumps(part).encode())
        urllib.request.urlopen(request, timeout=30).close()
        when = time.monotonic()
        made |= {next(iter(one["columns"].values())).encode(): when for one in part}
    return made


def _consume(settings: Settings, seen: dict[bytes, float], ready: threading.Event, ended: threading.Event) -> None:
    """Note when each mark is first seen, from the present ends of the topics on."""
    topics, partitions = Topics(settings.instance), settings.kafka.partitions
    consumer = make_consumer(settings.kafka, f"{settings.instance}.bench.events", **{"fetch.wait.max.ms": 10})
    try:
        ends = {
            (topics.sonar(name), partition): high
            for name in _READ
            for partition, (_, high) in end_offsets(consumer, topics.sonar(name), partitions).items()
        }
        consumer.assign([TopicPartition(topic, partition, high) for (topic, partition), high in ends.items()])
        ready.set()
        while not ended.is_set():
            for message in consumer.consume(500, 0.05):
                when = time.monotonic()
                for mark in _MARK.findall(message.value() or b""):
                    seen.setdefault(mark, when)
    finally:
        consumer.close()
