"""What the topics hold of one aggregate: its events, its bundles, and the dead letters about them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import orjson
from confluent_kafka import Message
from confluent_kafka.schema_registry import SchemaRegistryClient

from console.letter_sources import headers_of, place_of
from plumbing.avro import Codec, Undecodable, make_registry
from plumbing.clock import from_epoch_ms
from plumbing.dead_letters import CODE, REASON
from plumbing.reading import read_whole
from plumbing.settings import Settings
from schemas.aggregate import Aggregate
from schemas.avro import bundle_schema, envelope_schema, key_schema
from schemas.catalogue import TARGETS
from schemas.envelope import key_of
from schemas.records import OnCreate
from schemas.shapes import members
from schemas.topics import Topics

_HEADER_BYTES = 5
HIDDEN = "(hidden)"


@dataclass(frozen=True)
class Letter:
    """A dead letter. Where the record lay is unknown for those of capture: it never came onto a topic."""

    stage: str
    code: str
    reason: str
    at: str
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    record: str | None = None


@dataclass(frozen=True)
class History:
    """In the order of partitions and offsets. Values are None unless they were asked for."""

    events: list[dict[str, Any]]
    bundles: list[dict[str, Any]]
    dead_letters: list[Letter]


def read_history(settings: Settings, aggregate: Aggregate, sonar_id: int, *, values: bool) -> History:
    """Read the topics of an aggregate to their present ends and keep what is about one id.

    Raises:
        SyncError: Kafka or the registry cannot be read, or the topics do not exist.
    """
    topics = Topics(settings.instance)
    with make_registry(settings.registry) as registry:
        events = list(_events(settings, registry, topics, aggregate, sonar_id, values))
        bundles = list(_bundles(settings, registry, topics, aggregate, sonar_id, values)) if aggregate.targets else []
    places = {(one["topic"], one["partition"], one["offset"]) for one in [*events, *bundles]}
    # A bundle may be compacted away while its letter stays: then the letter's record names it.
    keys = {key for one in bundles for held in (one["records"] or {}).values() for key in held or ()} | {str(sonar_id)}
    entities = {target.entity for target in aggregate.targets}
    letters = [
        letter
        for stage in ("capture", "process", "sink")
        for message in read_whole(settings.kafka, topics.dead_letters(stage), f"{settings.instance}.trace")
        if (letter := _letter(stage, message, aggregate, sonar_id, entities, keys, places)) is not None
    ]
    return History(events, bundles, letters)


def _events(
    settings: Settings, registry: SchemaRegistryClient, topics: Topics, aggregate: Aggregate, id: int, values: bool
) -> Iterator[dict[str, Any]]:
    topic = topics.sonar(aggregate.name)
    codec = Codec(registry, f"{topic}-value", envelope_schema(aggregate))
    for message in _about(settings, registry, topic, aggregate, id):
        try:
            envelope = codec.decode(message.value())
        except Undecodable:
            yield {**_place(message), "op": None, "sequence": None}
            continue
        source = envelope["source"]
        yield {
            **_place(message),
            "op": envelope["op"],
            "sequence": int(source["sequence"]),
            "snapshot": source["snapshot"] == "true",
            "changed_at": from_epoch_ms(source["ts_ms"]).isoformat(),
            "read_at": from_epoch_ms(envelope["ts_ms"]).isoformat(),
            "owner_id": source["owner_id"],
            "run_id": source["run_id"],
            "values": envelope["after"] if values else None,
        }


def _bundles(
    settings: Settings, registry: SchemaRegistryClient, topics: Topics, aggregate: Aggregate, id: int, values: bool
) -> Iterator[dict[str, Any]]:
    topic = topics.splynx(aggregate.name)
    codec = Codec(registry, f"{topic}-value", bundle_schema(aggregate))
    for message in _about(settings, registry, topic, aggregate, id):
        try:
            bundle = codec.decode(message.value())
        except Undecodable:
            yield {**_place(message), "sequence": None, "records": None}
            continue
        yield {
            **_place(message),
            "sequence": int(bundle["sequence"]),
            "hash": bundle["hash"],
            "rules_version": bundle["rules_version"],
            "rules_generation": bundle["rules_generation"],
            "deleted": bundle["deleted"],
            "reason": bundle["reason"],
            "notes": bundle["notes"],
            "origin": {part: bundle[f"origin_{part}"] for part in ("topic", "partition", "offset")},
            "records": {
                target.entity: None if bundle[target.entity] is None else [one["key"] for one in bundle[target.entity]]
                for target in aggregate.targets
            },
            "values": shown(aggregate, bundle) if values else None,
        }


def shown(aggregate: Aggregate, bundle: dict[str, Any]) -> dict[str, Any]:
    """`{entity: records}` of a bundle to be printed; what is sent on creation only (a password) never is."""
    result = {}
    for target in aggregate.targets:
        secret, rows = secret_members(target.entity), bundle[target.entity]
        result[target.entity] = rows and [
            {name: HIDDEN if name in secret else value for name, value in row.items()} for row in rows
        ]
    return result


def secret_members(entity: str) -> set[str]:
    """The members of a record that are sent on creation only, and printed for nobody."""
    found = members(TARGETS[entity].record)
    return {one.name for one in found if any(isinstance(mark, OnCreate) for mark in one.metadata)}


def _about(
    settings: Settings, registry: SchemaRegistryClient, topic: str, aggregate: Aggregate, id: int
) -> Iterator[Message]:
    """The messages with the aggregate's key, whatever version of the key's schema they were written with."""
    key = Codec(registry, f"{topic}-key", key_schema(aggregate)).encode(key_of(aggregate.name, id))[_HEADER_BYTES:]
    for message in read_whole(settings.kafka, topic, f"{settings.instance}.trace"):
        found = message.key()
        if isinstance(found, bytes) and found[_HEADER_BYTES:] == key:
            yield message


def _place(message: Message) -> dict[str, Any]:
    return {"topic": message.topic(), "partition": message.partition(), "offset": message.offset()}


def _letter(
    stage: str,
    message: Message,
    aggregate: Aggregate,
    sonar_id: int,
    entities: set[str],
    keys: set[str],
    places: set[tuple[Any, Any, Any]],
) -> Letter | None:
    at = from_epoch_ms(message.timestamp()[1]).isoformat()
    if stage == "capture":
        told = orjson.loads(cast("bytes", message.value()))
        if (told["aggregate"], told["sonar_id"]) != (aggregate.name, sonar_id):
            return None
        return Letter(stage, told["code"], told["reason"], at)
    headers = headers_of(message)
    place = place_of(headers)
    record = headers.get("crossfade.record") or None
    if place not in places and not (headers.get("crossfade.entity") in entities and record in keys):
        return None
    return Letter(stage, headers[CODE], headers[REASON], at, *place, record)
