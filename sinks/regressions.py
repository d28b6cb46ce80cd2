"""Older bundles that lie behind newer ones on their topic: the newest one is published again.

A processor that stood still while another took over its partitions publishes what it had in hand when it goes on. The
ledger drops that by its sequence, but compaction keeps the last bundle of a key, and a sink that begins with an empty
ledger would write it.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from plumbing import metrics
from plumbing.kafka import AckedProducer, watermarks
from plumbing.logs import get_logger
from plumbing.reading import read_spans, value_of
from schemas.ledger import ROLLED_BACK
from sinks.jobs import Delivery
from sinks.plan import AggregateState, Outcome
from sinks.store import AggregateKey
from sinks.stream import Stream

log = get_logger("sink")

_OVERTAKEN = (Outcome.STALE, Outcome.SUPERSEDED)
_MOST = 2_000
"""Kept in mind. More at once are a replay of every event, in which the newest one of each record is still to come."""

Version = tuple[int, int]
"""Sequence and generation: of two bundles the higher one counts."""


class Regressions:
    """Aggregates whose last bundle, as far as it was consumed, was overtaken by one before it."""

    def __init__(self) -> None:
        self._keys: dict[tuple[str, int], dict[int, bytes]] = {}

    def __len__(self) -> int:
        return sum(len(keys) for keys in self._keys.values())

    def note(
        self,
        deliveries: Sequence[Delivery],
        outcomes: Mapping[tuple[str, int, int], tuple[Outcome, str]],
        states: Mapping[AggregateKey, AggregateState],
    ) -> None:
        """Take note of a batch that was written.

        `outcomes`: of what needed no work. `states`: what the ledger had. What was taken back is left alone: its bundle
        would come again, and with that be written again.
        """
        if not len(self) and all(outcome not in _OVERTAKEN for outcome, _ in outcomes.values()):
            return  # nearly always
        last = {
            (one.topic, one.partition, one.bundle.sonar_id): one
            for one in deliveries
            if one.bundle is not None and not _is_taken_back(states.get((one.aggregate.name, one.bundle.sonar_id)))
        }
        for (topic, partition, sonar_id), one in last.items():
            keys = self._keys.setdefault((topic, partition), {})
            if one.at not in outcomes or outcomes[one.at][0] not in _OVERTAKEN:
                keys.pop(sonar_id, None)
            elif len(self) < _MOST:
                keys[sonar_id] = one.key

    def places(self) -> dict[tuple[str, int], dict[int, bytes]]:
        """`{(topic, partition): {Sonar id: key of the message}}`."""
        return {place: dict(keys) for place, keys in self._keys.items() if keys}

    def forget(self) -> None:
        """They were seen to."""
        self._keys.clear()


def _is_taken_back(state: AggregateState | None) -> bool:
    return state is not None and state.outcome == ROLLED_BACK


@dataclass
class _Seen:
    """What a partition has of one aggregate."""

    newest: Version = (-1, -1)
    last: Version = (-1, -1)
    message: tuple[bytes, bytes] = field(default=(b"", b""))
    """Key and value of the newest one."""


async def publish_again(stream: Stream, bus: AckedProducer, regressions: Regressions) -> int:
    """Publish the newest bundle again where the last one of its key is older; how many.

    Who stands still in here can do what this mends: then the sink reads that too, and it is mended the next time.

    Raises:
        DependencyUnreachable: Kafka or the registry does not answer.
        DeliveryFailed: the broker did not take a message.
    """
    return await asyncio.to_thread(_publish_again, stream, bus, regressions) if len(regressions) else 0


def _publish_again(stream: Stream, bus: AckedProducer, regressions: Regressions) -> int:
    places = regressions.places()
    keys = {place: frozenset(wanted.values()) for place, wanted in places.items()}
    found: dict[tuple[str, int, int], _Seen] = {}
    consumer = stream.bystander("regressions")
    try:
        spans = {place: watermarks(consumer, *place) for place in places}
        for at, message in read_spans(consumer, spans):
            place, key, value = (at.topic, at.partition), message.key(), value_of(message)
            if not isinstance(key, bytes) or value is None or key not in keys[place]:
                continue
            bundle = stream.intake.delivery(*place, at.offset, key, value).bundle
            if bundle is None or bundle.sonar_id not in places[place]:
                continue
            seen = found.setdefault((at.topic, at.partition, bundle.sonar_id), _Seen())
            seen.last = (bundle.sequence, bundle.rules_generation)
            if seen.last >= seen.newest:
                seen.newest, seen.message = seen.last, (key, value)
    finally:
        consumer.close()
    counts = Counter[str]()
    for (topic, partition, _), seen in found.items():
        if seen.last != seen.newest:
            key, value = seen.message
            bus.produce(topic, partition=partition, key=key, value=value)
            counts[topic] += 1
    bus.flush()
    regressions.forget()
    for topic, count in counts.items():
        metrics.PUBLISHED_AGAIN.labels(topic).inc(count)
        log.warning("sink.newest_published_again", topic=topic, bundles=count)
    return counts.total()
