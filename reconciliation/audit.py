"""Running the auditor over real topics and a real ledger."""

# ruff: noqa: S608 - the names in the SQL are our own; values are always passed beside it

import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from typing import Any, cast

from confluent_kafka import Consumer, Message

from clients.mysql import Database
from plumbing.avro import Codec, Undecodable, make_registry
from plumbing.kafka import committed_offsets, end_offsets, make_reader
from plumbing.reading import Place, Spans, read_spans, value_of
from plumbing.settings import Settings
from reconciliation.crosswalk import check_ledger, chunks, marks
from reconciliation.events import MAPPED
from reconciliation.folding import Bundle, Fold, Key
from reconciliation.gaps import Event, Gap, Held, ProcessAudit, Record, SinkAudit, records_of
from reconciliation.outcomes import read_outcomes
from schemas.avro import bundle_schema, envelope_schema
from schemas.catalogue import aggregate
from schemas.envelope import event_of
from schemas.topics import Topics

_STAGE, _AT_ONCE = "process", 500
NEWER, SAME = "a newer bundle of its aggregate was applied", "is written as well"


@dataclass(frozen=True)
class Audited:
    """What is not accounted for, by place, and how many more gaps there are than are named."""

    gaps: list[Gap]
    omitted: int


async def run_audit(settings: Settings) -> Audited:
    """Audit everything that processors and sinks have committed.

    Raises:
        SyncError: Kafka, the registry or the ledger cannot be read.
    """
    topics = Topics(settings.instance)
    async with Database(settings.ledger_db) as ledger:
        await check_ledger(ledger)
        checkpoint = {
            (row["topic"], int(row["partition_no"])): int(row["next_offset"])
            for row in await ledger.fetch("SELECT topic, partition_no, next_offset FROM checkpoint")
        }
        with ExitStack() as stack:
            sinks = SinkAudit(await read_outcomes(ledger), stack.enter_context(Fold()))
            processors = ProcessAudit(stack.enter_context(Fold()))
            registry = stack.enter_context(make_registry(settings.registry))
            consumer = make_reader(settings.kafka, topics.process_group)  # names the group whose offsets are asked
            stack.callback(consumer.close)
            # What is committed first, then what has to be there by then.
            committed = {
                topics.sonar(one.name): committed_offsets(consumer, topics.sonar(one.name), settings.kafka.partitions)
                for one in MAPPED
            }
            codecs = {
                topics.splynx(one.name): Codec(registry, f"{topics.splynx(one.name)}-value", bundle_schema(one))
                for one in MAPPED
            }
            _see_bundles(settings, consumer, codecs, checkpoint, sinks, processors)
            for _, message in read_spans(consumer, _ends(consumer, [topics.dead_letters(_STAGE)], 1)):
                processors.cover(_origin_of(message))
            events = {
                topics.sonar(one.name): Codec(registry, f"{topics.sonar(one.name)}-value", envelope_schema(one))
                for one in MAPPED
            }
            _see_events(settings, consumer, events, committed, processors)
            await _compare_with_ledger(ledger, sinks)
        twofold = await _in_two_states(ledger)
    named = [*sinks.gaps.named, *processors.gaps.named, *twofold]
    omitted = sinks.gaps.omitted + processors.gaps.omitted
    return Audited(sorted(named, key=lambda gap: (gap.place, gap.problem)), omitted)


def _see_bundles(
    settings: Settings,
    consumer: Consumer,
    codecs: Mapping[str, Codec],
    checkpoint: Mapping[tuple[str, int], int],
    sinks: SinkAudit,
    processors: ProcessAudit,
) -> None:
    spans = _ends(consumer, codecs, settings.kafka.partitions)
    names = {Topics(settings.instance).splynx(one.name): one.name for one in MAPPED}
    for place, message in read_spans(consumer, spans):
        name = names[place.topic]
        try:
            value = codecs[place.topic].decode(value_of(message))
        except Undecodable:
            seen = Bundle(place, name)
        else:
            origin = Place(value["origin_topic"], value["origin_partition"], value["origin_offset"])
            version = int(value["sequence"]), int(value["rules_generation"])
            seen = Bundle(place, name, value["sonar_id"], *version, value["hash"], _records_in(value, name))
            processors.see_bundle(seen, origin)
        if place.offset < checkpoint.get((place.topic, place.partition), 0):
            sinks.see(seen)


def _records_in(value: Mapping[str, Any], name: str) -> dict[str, list[str]]:
    return {one.entity: [row["key"] for row in value[one.entity] or ()] for one in aggregate(name).targets}


def _see_events(
    settings: Settings,
    consumer: Consumer,
    codecs: Mapping[str, Codec],
    committed: Mapping[str, Mapping[int, int]],
    processors: ProcessAudit,
) -> None:
    topics = Topics(settings.instance)
    names = {topics.sonar(one.name): one.name for one in MAPPED}
    spans = {
        (topic, partition): (low, min(high, committed[topic].get(partition, low)))
        for (topic, partition), (low, high) in _ends(consumer, codecs, settings.kafka.partitions).items()
    }
    specs = {spec.name: spec for spec in topics.specs(MAPPED, partitions=1, retention_days=1)}
    lags = {
        topics.sonar(one.name): int(specs[topics.splynx(one.name)].config["min.compaction.lag.ms"]) for one in MAPPED
    }
    now = int(time.time() * 1000)
    for place, message in read_spans(consumer, spans):
        name, written = names[place.topic], message.timestamp()[1]
        is_old = written < now - lags[place.topic]
        try:
            event = event_of(codecs[place.topic].decode(value_of(message)))
        except (Undecodable, KeyError, TypeError, ValueError):
            processors.see_event(Event(place, name))
        else:
            processors.see_event(Event(place, name, event.sonar_id, event.sequence, is_old))


def _ends(consumer: Consumer, topics: Iterable[str], count: int) -> Spans:
    return {
        (topic, partition): bounds
        for topic in topics
        for partition, bounds in end_offsets(consumer, topic, count).items()
    }


def _origin_of(message: Message) -> Place:
    """Where the event of a processor's dead letter lies (`processors`: Kafka Connect's headers)."""
    headers = dict(cast("list[tuple[str, bytes]]", message.headers() or []))
    topic, partition, offset = (
        headers[f"__connect.errors.{name}"].decode() for name in ("topic", "partition", "offset")
    )
    return Place(topic, int(partition), int(offset))


async def _compare_with_ledger(ledger: Database, sinks: SinkAudit) -> None:
    for part in sinks.newest(_AT_ONCE):
        name, states = part[0].aggregate, await _states(ledger, part)
        held: dict[Key, Held] = {
            (name, int(row["sonar_id"])): Held(int(row["sequence"]), int(row["generation"]), row["hash"])
            for row in await ledger.fetch(
                "SELECT sonar_id, sequence, generation, hash FROM aggregates"
                f" WHERE aggregate = %s AND sonar_id IN ({marks(part)})",
                [name, *(one.sonar_id for one in part)],
            )
        }
        sinks.compare(part, held, states)


async def _states(ledger: Database, part: Iterable[Bundle]) -> set[Record]:
    """Those of the records of some bundles that the ledger has as written, withdrawn or held."""
    keys: dict[str, list[str]] = {}
    for entity, key in chain.from_iterable(map(records_of, part)):
        keys.setdefault(entity, []).append(key)
    found: set[Record] = set()
    # What waits is written before it is forgotten, so that it is met in one of the two.
    for table in ("held", "crosswalk"):
        for entity, wanted in keys.items():
            for some in chunks(wanted, _AT_ONCE):
                rows = await ledger.fetch(
                    f"SELECT record_key FROM {table} WHERE entity = %s AND record_key IN ({marks(some)})",
                    [entity, *some],
                )
                found |= {(entity, row["record_key"]) for row in rows}
    return found


async def _in_two_states(ledger: Database) -> list[Gap]:
    """Held records whose aggregate or own row says that something as new, or newer, was written."""
    rows = await ledger.fetch(
        "SELECT h.*, a.sequence > h.sequence AS overtaken FROM held h"
        " JOIN aggregates a ON a.aggregate = h.aggregate AND a.sonar_id = h.sonar_id"
        " LEFT JOIN crosswalk c ON c.entity = h.entity AND c.record_key = h.record_key"
        " WHERE a.sequence > h.sequence"
        " OR (c.state = 'live' AND c.hash <> '' AND c.hash = h.hash AND c.sequence = h.sequence)"
        " ORDER BY h.topic, h.partition_no, h.topic_offset"
    )
    return [
        Gap(
            Place(row["topic"], int(row["partition_no"]), int(row["topic_offset"])),
            row["aggregate"],
            int(row["sonar_id"]),
            f"{row['entity']} {row['record_key']} is {row['state']}, and {NEWER if row['overtaken'] else SAME}",
        )
        for row in rows
    ]
