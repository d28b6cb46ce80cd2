"""The auditor: every bundle on the topics has one outcome, and the ledger holds the newest of each aggregate.

Proved by folding the topics by key, not from counters that the sink's own loop keeps.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import TopicPartition

from clients.mysql import Database
from plumbing.avro import Codec, Undecodable, make_registry
from plumbing.errors import DependencyUnreachable
from plumbing.kafka import end_offsets, make_consumer
from plumbing.settings import Settings
from schemas.avro import bundle_schema
from schemas.catalogue import AGGREGATES
from schemas.topics import Topics

DEAD_LETTERED = "dead_lettered"


@dataclass(frozen=True)
class Place:
    """Where a message lies."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True)
class Seen:
    """One consumed bundle of a topic; `sequence` is None where the message is no bundle."""

    place: Place
    aggregate: str
    sonar_id: int = 0
    sequence: int | None = None
    generation: int = 0
    hash: str = ""


@dataclass(frozen=True)
class Held:
    """What the ledger has of an aggregate."""

    sequence: int
    generation: int
    hash: str


@dataclass(frozen=True)
class Gap:
    """A message that the ledger does not account for."""

    place: Place
    aggregate: str
    sonar_id: int
    problem: str


@dataclass(frozen=True)
class Outcomes:
    """The ledger's outcomes: ranges `(first, last, outcome)` by topic and partition, and their exceptions."""

    ranges: Mapping[tuple[str, int], Sequence[tuple[int, int, str]]]
    exceptions: Mapping[Place, str]

    def of(self, place: Place) -> list[str]:
        """The outcomes of one offset: exactly one when all is well."""
        ranges = self.ranges.get((place.topic, place.partition), ())
        found = [outcome for first, last, outcome in ranges if first <= place.offset <= last]
        return [self.exceptions.get(place, outcome) for outcome in found]


def audit(seen: Iterable[Seen], ledger: Mapping[tuple[str, int], Held], outcomes: Outcomes) -> list[Gap]:
    """The messages without exactly one outcome, and the aggregates whose newest bundle is not the ledger's."""
    gaps: list[Gap] = []
    newest: dict[tuple[str, int], Seen] = {}
    for one in seen:
        found = outcomes.of(one.place)
        if len(found) != 1:
            problem = "has no outcome" if not found else f"has {len(found)} outcomes"
            gaps.append(Gap(one.place, one.aggregate, one.sonar_id, problem))
        if one.sequence is None or (found and found[0] == DEAD_LETTERED):
            continue
        key = one.aggregate, one.sonar_id
        if key not in newest or _rank(one) >= _rank(newest[key]):
            newest[key] = one
    for key, one in sorted(newest.items()):
        lacking = _problem(one, ledger.get(key))
        if lacking is not None:
            gaps.append(Gap(one.place, *key, lacking))
    return gaps


def _rank(one: Seen) -> tuple[int, int]:
    return one.sequence or 0, one.generation


def _problem(one: Seen, held: Held | None) -> str | None:
    if held is None:
        return "is the newest of its aggregate, and the ledger has none"
    if held.sequence != one.sequence:
        return "is the newest of its aggregate, and the ledger has another sequence"
    if held.generation == one.generation and held.hash != one.hash:
        return "is the newest of its aggregate, and the ledger has another hash"
    return None


async def run_audit(settings: Settings) -> list[Gap]:
    """Audit everything that the sinks have consumed.

    Raises:
        SyncError: Kafka, the registry or the ledger cannot be read.
    """
    async with Database(settings.ledger_db) as db:
        checkpoint = {
            (row["topic"], int(row["partition_no"])): int(row["next_offset"])
            for row in await db.fetch("SELECT topic, partition_no, next_offset FROM checkpoint")
        }
        # Topics before the ledger: what the sink does meanwhile lies behind these checkpoints.
        seen = read_bundles(settings, checkpoint)
        ledger = {
            (row["aggregate"], int(row["sonar_id"])): Held(int(row["sequence"]), int(row["generation"]), row["hash"])
            for row in await db.fetch("SELECT aggregate, sonar_id, sequence, generation, hash FROM aggregates")
        }
        ranges: dict[tuple[str, int], list[tuple[int, int, str]]] = {}
        for row in await db.fetch("SELECT topic, partition_no, first_offset, last_offset, outcome FROM outcomes"):
            span = int(row["first_offset"]), int(row["last_offset"]), str(row["outcome"])
            ranges.setdefault((row["topic"], int(row["partition_no"])), []).append(span)
        exceptions = {
            Place(row["topic"], int(row["partition_no"]), int(row["topic_offset"])): str(row["outcome"])
            for row in await db.fetch("SELECT topic, partition_no, topic_offset, outcome FROM exceptions")
        }
    return audit(seen, ledger, Outcomes(ranges, exceptions))


def read_bundles(settings: Settings, checkpoint: Mapping[tuple[str, int], int]) -> list[Seen]:
    """Every bundle that is kept before the sinks' checkpoints, in the order of offsets."""
    topics = Topics(settings.instance)
    # A partition that is left waits this long in the broker before the next one is answered.
    consumer = make_consumer(settings.kafka, f"{topics.sink_group}-audit", **{"fetch.wait.max.ms": 10})
    found: list[Seen] = []
    try:
        with make_registry(settings.registry) as registry:
            for one in AGGREGATES:
                if not one.targets:
                    continue
                topic = topics.splynx(one.name)
                codec = Codec(registry, f"{topic}-value", bundle_schema(one))
                for partition, (low, high) in end_offsets(consumer, topic, settings.kafka.partitions).items():
                    until = min(high, checkpoint.get((topic, partition), 0))
                    consumer.assign([TopicPartition(topic, partition, low)])
                    # Compaction leaves holes, so the end is a position and not a count.
                    while low < until:
                        message = consumer.poll(10)
                        if message is None or message.error() is not None:
                            raise DependencyUnreachable(f"{topic} cannot be read to its end")
                        offset, value = message.offset(), message.value()
                        assert offset is not None
                        low = offset + 1
                        if offset < until:
                            raw = value if isinstance(value, bytes) else None
                            found.append(_seen(Place(topic, partition, offset), one.name, codec, raw))
    finally:
        consumer.close()
    return found


def _seen(place: Place, aggregate: str, codec: Codec, raw: bytes | None) -> Seen:
    try:
        value = codec.decode(raw)
    except Undecodable:
        return Seen(place, aggregate)
    return Seen(
        place, aggregate, value["sonar_id"], int(value["sequence"]), int(value["rules_generation"]), value["hash"]
    )
