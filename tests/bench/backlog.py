"""Whether a stage's memory stays as it is before a backlog of a million events: `memory_backlog`, `memory_flat`.

A small ISP is moved first. Then a million payments like its own, but each another one, go onto their topic as capture
writes them, and the stages meet them as processes of their own: the live processors for a while, the batch engine for
all that they left, the sink with all those bundles before it for a while, and the audit that folds all topics by key.
`memory_backlog`: 350 MB ÷ the most that one of them took (VmHWM). `memory_flat`: 1.1 ÷ how much more than in the first
third of its time a stage takes in the last third (VmRSS). About ten minutes.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from typing import Any

from plumbing.avro import Codec, make_registry
from plumbing.kafka import AckedProducer, committed_offsets, has_members, make_consumer, make_producer
from plumbing.reading import read_whole
from plumbing.settings import Settings, load_settings
from schemas.avro import envelope_schema, key_schema
from schemas.entities.payment import PAYMENT
from schemas.topics import Topics
from tests.bench.entry import Entry
from tests.bench.memory import ALLOWED_MB, COMMANDS, memory_mb, site, watched

EVENTS = int(os.environ.get("BACKLOG", "1000000"))
ACCOUNTS = 300
ALLOWED_GROWTH = 1.1
_WATCHED_SECONDS = 90.0
_LOOK_SECONDS = 0.5
_PATIENCE_SECONDS = 90.0
_FIRST_ID = 10_000_000
"""Above what the invented ISP has."""


@dataclass
class Course:
    """What a process took, look by look, in MB, and how many events it got through."""

    resident: list[float] = field(default_factory=list)
    highest: float = 0.0
    seconds: float = 0.0
    events: int = 0

    @property
    def growth(self) -> float:
        """The most in the last third ÷ the most in the first, which holds the start with its imports and buffers."""
        third = max(1, len(self.resident) // 3)
        return max(self.resident[-third:]) / max(self.resident[:third])


def measure(folder: Path) -> list[Entry]:
    """The entries `memory_backlog` and `memory_flat`."""
    with site(folder / "backlog", ACCOUNTS) as made:
        config = made.state / "crossfade.yaml"
        environment = os.environ | {"CROSSFADE_CONFIG": str(config)}
        watched(["topics", "--apply"], environment, {})
        watched(COMMANDS["run"], environment, {})
        settings = load_settings(config)
        topics = Topics(settings.instance)
        began = time.monotonic()
        _fill(settings, EVENTS)
        figures: dict[str, float] = {"events": EVENTS, "fill_seconds": round(time.monotonic() - began)}
        stages = {
            "process": (["process"], topics.process_group, topics.sonar(PAYMENT.name)),
            "batch": (["process", "--engine", "batch"], topics.process_group, topics.sonar(PAYMENT.name)),
            "sink": (["sink", "--apply"], topics.sink_group, topics.splynx(PAYMENT.name)),
        }
        courses: dict[str, Course] = {}
        for name, (words, group, topic) in stages.items():
            before = _taken(settings, group, topic)
            _wait_for_none(settings, group)
            courses[name] = _watch(words, environment, ends=name == "batch")
            courses[name].events = _taken(settings, group, topic) - before
        courses["audit"] = _watch(["status", "--audit"], environment, ends=True)
        courses["audit"].events = _taken(settings, topics.process_group, topics.sonar(PAYMENT.name))
    return entries(courses, figures)


def entries(courses: Mapping[str, Course], figures: Mapping[str, float]) -> list[Entry]:
    """What the stages' courses come to.

    Raises:
        AssertionError: a stage did not work its way through a good part of the backlog; it only looks flat.
    """
    for name, course in courses.items():
        assert course.events >= EVENTS / 20, f"{name} got through {course.events} events only"
    told = dict(figures)
    for name, course in courses.items():
        told |= {
            f"{name}_mb": round(course.highest),
            f"{name}_growth": round(course.growth, 3),
            f"{name}_events": course.events,
            f"{name}_seconds": round(course.seconds),
        }
    largest = max(one.highest for one in courses.values())
    growth = max(one.growth for one in courses.values())
    return [
        Entry("memory_backlog", round(ALLOWED_MB / largest, 3), 1.0, 0.0, told),
        Entry("memory_flat", round(ALLOWED_GROWTH / growth, 3), 1.0, 0.0, {"growth": round(growth, 3)}),
    ]


def like(values: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Events of ever new payments, in turn like each of these: what it pays, for whom, stays; who it is does not."""
    for number in count():
        value = values[number % len(values)]
        id = _FIRST_ID + number
        after = value["after"] | {"id": id, "sonar_unique_id": f"backlog-{id}"}
        yield value | {"after": after, "source": value["source"] | {"sonar_id": id}}


def _fill(settings: Settings, events: int) -> None:
    """Put so many payments onto the topic of payments, as capture writes them."""
    topic = Topics(settings.instance).sonar(PAYMENT.name)
    producer = AckedProducer(make_producer(settings.kafka))
    with make_registry(settings.registry) as registry:
        keys = Codec(registry, f"{topic}-key", key_schema(PAYMENT))
        codec = Codec(registry, f"{topic}-value", envelope_schema(PAYMENT))
        known = {}
        for message in read_whole(settings.kafka, topic, f"{settings.instance}.bench"):
            data = message.value()
            assert isinstance(data, bytes)
            decoded = codec.decode(data)
            # A reversal is a record of its own, with an id of its own.
            if decoded["after"] is not None and not decoded["after"]["reversed_payments"]:
                known[decoded["after"]["id"]] = (decoded, message.partition() or 0)
        values = [value for value, _ in known.values()]
        places = [place for _, place in known.values()]
        for number, value in enumerate(islice(like(values), events)):
            key = keys.encode({"id": value["after"]["id"]})
            producer.produce(topic, partition=places[number % len(places)], key=key, value=codec.encode(value))
    producer.flush()


def _taken(settings: Settings, group: str, topic: str) -> int:
    """How many events of a topic a group has behind it."""
    consumer = make_consumer(settings.kafka, group)  # asks, and never joins
    try:
        return sum(committed_offsets(consumer, topic, settings.kafka.partitions).values())
    finally:
        consumer.close()


def _wait_for_none(settings: Settings, group: str) -> None:
    """Until a group has no members: Kafka counts one that has ended for up to half a minute, and waiting looks flat."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while has_members(settings.kafka, group):
        assert time.monotonic() < deadline, f"{group} still has members"
        time.sleep(_LOOK_SECONDS)


def _watch(words: list[str], environment: dict[str, str], *, ends: bool) -> Course:
    """Look at a command of `crossfade` until it ends by itself (`ends`), or for as long as is watched."""
    course, began = Course(), time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "console", *words], env=environment, stdout=subprocess.DEVNULL)
    try:
        while process.poll() is None and (ends or time.monotonic() - began < _WATCHED_SECONDS):
            course.resident.append(memory_mb(process.pid, "VmRSS"))
            course.highest = max(course.highest, memory_mb(process.pid))
            time.sleep(_LOOK_SECONDS)
        assert (process.returncode == 0) is ends, f"crossfade {' '.join(words)} ended with {process.returncode}"
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(90)
    course.seconds = time.monotonic() - began
    return course
