"""Dead letters that still matter: set aside before the sink, and nothing newer of the same record was written since."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

import orjson
from confluent_kafka import Consumer, Message, TopicPartition

from clients.mysql import Database
from plumbing.avro import Codec, Undecodable, make_registry
from plumbing.kafka import make_consumer
from plumbing.reading import read_whole
from plumbing.settings import Settings
from schemas.avro import envelope_schema
from schemas.catalogue import aggregate
from schemas.ledger import DEAD
from schemas.topics import Topics
from sinks.tables.aggregates import AppliedAggregates

_PATIENCE_SECONDS = 10.0
Place = tuple[str, int, int]
"""Topic, partition, offset."""


def headers_of(message: Message) -> dict[str, str]:
    """The headers of a dead letter as text."""
    found = cast("Sequence[tuple[str, bytes]]", message.headers() or ())
    return {name: value.decode() for name, value in found}


def place_of(headers: dict[str, str]) -> Place:
    """Where the record of a dead letter lies."""
    return (
        headers["__connect.errors.topic"],
        int(headers["__connect.errors.partition"]),
        int(headers["__connect.errors.offset"]),
    )


async def open_letters(settings: Settings) -> list[dict[str, Any]]:
    """`[{entity, state: dead, code, records}]` of capture and processors; the sink's own are in the ledger's `held`.

    Raises:
        SyncError: Kafka, the registry or the ledger cannot be read.
    """
    topics = Topics(settings.instance)
    found: dict[tuple[str, str], int] = {}
    # Of several letters about one record of Sonar the newest counts.
    refused = {
        (told["aggregate"], int(told["sonar_id"])): (int(told["sequence"]), told["code"])
        for message in read_whole(settings.kafka, topics.dead_letters("capture"), _group(settings))
        for told in [orjson.loads(cast("bytes", message.value()))]
    }
    written = await _written(settings, refused)
    for (name, sonar_id), (sequence, code) in refused.items():
        if written.get((name, sonar_id), -1) <= sequence:
            found[(name, code)] = found.get((name, code), 0) + 1
    letters = [
        headers_of(message) for message in read_whole(settings.kafka, topics.dead_letters("process"), _group(settings))
    ]
    by_place = {place_of(one): one for one in letters}
    if by_place:
        for place in await _not_superseded(settings, by_place):
            one = by_place[place]
            key = (one["crossfade.entity"], one["__connect.errors.exception.class.name"])
            found[key] = found.get(key, 0) + 1
    return [
        {"entity": entity, "state": DEAD, "code": code, "records": count}
        for (entity, code), count in sorted(found.items())
    ]


async def _not_superseded(settings: Settings, places: Iterable[Place]) -> list[Place]:
    newest: dict[tuple[str, int], tuple[int, Place]] = {}
    left: list[Place] = []
    for place, event in _events_at(settings, places):
        if event is None:
            left.append(place)  # nobody knows whose it was, so nothing tells that it is mended
            continue
        name, sonar_id, sequence = event
        if sequence >= newest.get((name, sonar_id), (0, place))[0]:
            newest[(name, sonar_id)] = (sequence, place)
    if newest:
        written = await _written(settings, newest)
        left += [place for key, (sequence, place) in newest.items() if written.get(key, -1) < sequence]
    return left


def _events_at(settings: Settings, places: Iterable[Place]) -> Iterator[tuple[Place, tuple[str, int, int] | None]]:
    """Aggregate, Sonar id and sequence of the event at each place; None where it cannot be read."""
    prefix = Topics(settings.instance).sonar("")
    codecs: dict[str, Codec] = {}
    consumer = make_consumer(settings.kafka, _group(settings))
    try:
        with make_registry(settings.registry) as registry:
            for place in sorted(places):
                topic = place[0]
                name = topic.removeprefix(prefix)
                if topic not in codecs:
                    codecs[topic] = Codec(registry, f"{topic}-value", envelope_schema(aggregate(name)))
                yield place, _event(consumer, place, name, codecs[topic])
    finally:
        consumer.close()


def _event(consumer: Consumer, place: Place, name: str, codec: Codec) -> tuple[str, int, int] | None:
    consumer.assign([TopicPartition(*place)])
    message = consumer.poll(_PATIENCE_SECONDS)
    if message is None or message.error() is not None or message.offset() != place[2]:
        return None
    try:
        source = codec.decode(message.value())["source"]
    except Undecodable:
        return None
    return name, source["sonar_id"], int(source["sequence"])


async def _written(settings: Settings, keys: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """`{(aggregate, Sonar id): sequence}` of what the ledger has; empty while there is none."""
    async with Database(settings.ledger_db) as db:
        there = await db.fetch(
            "SELECT 1 AS found FROM information_schema.tables WHERE table_schema = %s AND table_name = 'aggregates'",
            (db.name,),
        )
        if not there:
            return {}
        async with db.transaction() as tx:
            states = await AppliedAggregates(db.name, run_id="").states(tx, keys)
        return {key: state.sequence for key, state in states.items()}


def _group(settings: Settings) -> str:
    return f"{settings.instance}.letters"
