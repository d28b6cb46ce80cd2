"""Dead letters as they lie on their topics, with what topics and ledger tell of their records."""

# ruff: noqa: S608 - the names in the SQL are our own; values are always passed beside it

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain
from typing import cast

import orjson
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient

from clients.mysql import Database
from console.letter_states import Applied, Facts, Held, Letter, Place, Root
from plumbing.avro import Codec, Undecodable
from plumbing.clock import from_epoch_ms
from plumbing.dead_letters import CODE, OFFSET, PARTITION, REASON, TOPIC
from plumbing.errors import DependencyUnreachable
from plumbing.kafka import end_offsets, make_reader
from plumbing.reading import Spans, read_spans, read_whole, value_of
from plumbing.settings import Settings
from schemas.avro import bundle_schema, envelope_schema, key_schema
from schemas.catalogue import aggregate
from schemas.ledger import DEAD, DISMISSED, LIVE
from schemas.topics import Topics
from sinks.store import Ledger
from sinks.tables.base import chunks, marks

_PATIENCE_SECONDS = 10.0


def headers_of(message: Message) -> dict[str, str]:
    """The headers of a dead letter as text."""
    found = cast("Sequence[tuple[str, bytes]]", message.headers() or ())
    return {name: value.decode() for name, value in found}


def place_of(headers: Mapping[str, str]) -> Place:
    """Where the record of a dead letter lies."""
    return headers[TOPIC], int(headers[PARTITION]), int(headers[OFFSET])


def read_all(settings: Settings, registry: SchemaRegistryClient) -> Iterator[Letter]:
    """Every letter of every stage, oldest first within each; whether it matters is not known yet.

    Raises:
        SyncError: Kafka or the registry cannot be read.
    """
    yield from _of_capture(settings)
    yield from _of_processors(settings)
    yield from _of_sinks(settings, registry)


def _of_capture(settings: Settings) -> Iterator[Letter]:
    for message in read_whole(settings.kafka, Topics(settings.instance).dead_letters("capture"), group_of(settings)):
        told = orjson.loads(cast("bytes", message.value()))
        root = told["aggregate"], int(told["sonar_id"])
        yield Letter(
            f"capture:{message.offset()}", "capture", told["code"], told["reason"], told["at"], root[0], root=root,
            sequence=int(told["sequence"]),
        )  # fmt: skip


def _of_processors(settings: Settings) -> Iterator[Letter]:
    for message in read_whole(settings.kafka, Topics(settings.instance).dead_letters("process"), group_of(settings)):
        yield _letter("process", message)


def _of_sinks(settings: Settings, registry: SchemaRegistryClient) -> Iterator[Letter]:
    topics, keys = Topics(settings.instance), _Keys(registry)
    for message in read_whole(settings.kafka, topics.dead_letters("sink"), group_of(settings)):
        letter = _letter("sink", message)
        if letter.record is None and letter.place is not None:
            name = letter.place[0].removeprefix(topics.splynx(""))
            letter = replace(letter, root=keys.root_of(letter.place[0], name, message.key()))
        yield letter


def _letter(stage: str, message: Message) -> Letter:
    headers = headers_of(message)
    return Letter(
        f"{stage}:{message.offset()}", stage, headers[CODE], headers[REASON],
        from_epoch_ms(message.timestamp()[1]).isoformat(), headers["crossfade.entity"],
        headers.get("crossfade.record") or None, place_of(headers),
    )  # fmt: skip


class _Keys:
    """Tells from a message's key whose it is."""

    def __init__(self, registry: SchemaRegistryClient) -> None:
        self._registry = registry
        self._codecs: dict[str, Codec] = {}

    def root_of(self, topic: str, name: str, key: object) -> Root | None:
        """None: the key is none of ours."""
        if topic not in self._codecs:
            self._codecs[topic] = Codec(self._registry, f"{topic}-key", key_schema(aggregate(name)))
        try:
            return name, int(self._codecs[topic].decode(key if isinstance(key, bytes) else None)["id"])
        except Undecodable:
            return None


def with_events(settings: Settings, registry: SchemaRegistryClient, letters: Sequence[Letter]) -> list[Letter]:
    """The letters of the processors with root and sequence of their events."""
    prefix, keys = Topics(settings.instance).sonar(""), _Keys(registry)
    codecs: dict[str, Codec] = {}
    found = []
    with closing(make_reader(settings.kafka, group_of(settings))) as consumer:
        for one in letters:
            if one.stage != "process" or one.place is None:
                found.append(one)
                continue
            topic = one.place[0]
            name = topic.removeprefix(prefix)
            if topic not in codecs:
                codecs[topic] = Codec(registry, f"{topic}-value", envelope_schema(aggregate(name)))
            message = message_at(consumer, one.place)
            if message is None:
                found.append(one)
                continue
            try:
                source = codecs[topic].decode(message.value())["source"]
            except Undecodable:
                found.append(replace(one, root=keys.root_of(topic, name, message.key())))
            else:
                found.append(replace(one, root=(name, source["sonar_id"]), sequence=int(source["sequence"])))
    return found


def message_at(consumer: Consumer, place: Place) -> Message | None:
    """The message that lies at a place; None where it is no longer kept.

    Raises:
        DependencyUnreachable: the broker does not answer.
    """
    topic, partition, offset = place
    try:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=_PATIENCE_SECONDS)
    except KafkaException as exc:
        raise DependencyUnreachable(f"Kafka does not answer for {topic}: {exc.args[0].name()}") from exc
    if not low <= offset < high:  # else it would be waited for
        return None
    consumer.assign([TopicPartition(*place)])
    message = consumer.poll(_PATIENCE_SECONDS)
    if message is None or message.error() is not None or message.offset() != offset:
        return None
    return message


def newest_seen(settings: Settings, registry: SchemaRegistryClient, letters: Sequence[Letter]) -> dict[Root, int]:
    """`{root: sequence of its newest readable event}` where the ledger alone does not tell.

    Of what has no rows in Splynx; and of letters about unreadable messages, of what came after them.
    """
    topics = Topics(settings.instance)
    starts: dict[Root, int] = {}
    for one in letters:
        if one.root is None or one.stage == "sink":
            continue
        if not aggregate(one.root[0]).targets:
            starts[one.root] = 0
        elif one.sequence is None and one.place is not None:
            starts[one.root] = max(one.place[2] + 1, starts.get(one.root, 0))
    found: dict[Root, int] = {}
    with closing(make_reader(settings.kafka, group_of(settings))) as consumer:
        for name in sorted({name for name, _ in starts}):
            topic = topics.sonar(name)
            codec = Codec(registry, f"{topic}-value", envelope_schema(aggregate(name)))
            ends = end_offsets(consumer, topic, settings.kafka.partitions)
            for place, message in read_spans(consumer, {(topic, number): span for number, span in ends.items()}):
                try:
                    source = codec.decode(value_of(message))["source"]
                except Undecodable:
                    continue
                root = name, int(source["sonar_id"])
                if place.offset >= starts.get(root, place.offset + 1):
                    found[root] = max(found.get(root, -1), int(source["sequence"]))
    return found


def newest_behind(
    settings: Settings,
    registry: SchemaRegistryClient,
    letters: Sequence[Letter],
    consumed: Mapping[tuple[str, int], int],
) -> dict[Place, int]:
    """What `Facts.behind` holds, of letters about bundles: where one came again, the ledger keeps its first place."""
    waiting: dict[Root, list[Place]] = {}
    for one in letters:
        if one.root is not None and one.place is not None:
            waiting.setdefault(one.root, []).append(one.place)
    found: dict[Place, int] = {}
    with closing(make_reader(settings.kafka, group_of(settings))) as consumer:
        for name in sorted({name for name, _ in waiting}):
            topic = Topics(settings.instance).splynx(name)
            codec = Codec(registry, f"{topic}-value", bundle_schema(aggregate(name)))
            spans = {
                (topic, number): (low, min(high, consumed.get((topic, number), low)))
                for number, (low, high) in end_offsets(consumer, topic, settings.kafka.partitions).items()
            }
            for at, message in read_spans(consumer, _from_the_first(spans, waiting.values())):
                try:
                    bundle = codec.decode(value_of(message))
                except Undecodable:
                    continue
                for place in waiting.get((name, bundle["sonar_id"]), ()):
                    if place[:2] == (at.topic, at.partition) and place[2] < at.offset:
                        found[place] = max(found.get(place, -1), int(bundle["sequence"]))
    return found


def _from_the_first(spans: Spans, places: Iterable[Iterable[Place]]) -> Spans:
    """So much of the spans as lies behind these places, each of which is in one of them."""
    first: dict[tuple[str, int], int] = {}
    for topic, partition, offset in chain.from_iterable(places):
        first[topic, partition] = min(offset, first.get((topic, partition), offset))
    return {at: (max(low, first[at] + 1), until) for at, (low, until) in spans.items() if at in first}


async def read_facts(settings: Settings, letters: Sequence[Letter], seen: Mapping[Root, int]) -> Facts:
    """What the ledger has of the letters' roots and records; nothing while there is none."""
    async with Database(settings.ledger_db) as db:
        there = await db.fetch(
            "SELECT 1 AS found FROM information_schema.tables WHERE table_schema = %s AND table_name = 'aggregates'",
            (db.name,),
        )
        if not there:
            return Facts(seen=seen)
        owners: dict[tuple[str, str], Root] = {}
        dead: dict[tuple[str, str], Held] = {}
        written: set[tuple[str, str]] = set()
        for entity, keys in chunks((one.entity, one.record) for one in letters if one.record is not None):
            wanted = [entity, *keys]
            where = f"WHERE entity = %s AND record_key IN ({marks(keys)})"
            for row in await db.fetch(
                f"SELECT entity, record_key, aggregate, sonar_id, state FROM crosswalk {where}", wanted
            ):
                owners[row["entity"], row["record_key"]] = row["aggregate"], int(row["sonar_id"])
                if row["state"] == LIVE:
                    written.add((row["entity"], row["record_key"]))
            for row in await db.fetch(f"SELECT * FROM held {where}", wanted):
                record = row["entity"], row["record_key"]
                owners[record] = row["aggregate"], int(row["sonar_id"])
                if row["state"] in {DEAD, DISMISSED}:
                    place = row["topic"], int(row["partition_no"]), int(row["topic_offset"])
                    dead[record] = Held(place, int(row["sequence"]))
        applied: dict[Root, Applied] = {}
        roots = {one.root for one in letters if one.root is not None} | set(owners.values())
        for name, ids in chunks(roots):
            for row in await db.fetch(
                "SELECT sonar_id, sequence, partition_no, topic_offset FROM aggregates"
                f" WHERE aggregate = %s AND sonar_id IN ({marks(ids)})",
                [name, *ids],
            ):
                at = Applied(int(row["sequence"]), int(row["partition_no"]), int(row["topic_offset"]))
                applied[name, int(row["sonar_id"])] = at
        consumed = {
            (row["topic"], int(row["partition_no"])): int(row["next_offset"])
            for row in await db.fetch("SELECT topic, partition_no, next_offset FROM checkpoint")
        }
        ledger = Ledger(db.name, run_id="")
        async with db.session() as tx:
            there_too = await ledger.exists(tx, "dismissals")
            dismissed = await ledger.dismissed(tx, {one.mark for one in letters}) if there_too else {}
        return Facts(applied, dead, owners, written, seen, consumed, dismissed=dismissed)


def group_of(settings: Settings) -> str:
    """Names the client; nothing is committed."""
    return f"{settings.instance}.letters"
