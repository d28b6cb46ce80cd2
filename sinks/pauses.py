"""Topics that stand still while a guard of Splynx does not hold. What it does not concern goes on."""

from collections.abc import Collection, Mapping, Sequence

import structlog
from confluent_kafka import Consumer, Message, TopicPartition

from plumbing import metrics
from schemas.aggregate import Aggregate
from sinks.errors import GuardsViolated
from sinks.guards import Violation
from sinks.lag import STAGE

log = structlog.get_logger("sink")


class Pauses:
    """Which aggregates wait, and why. Changes are logged once, each with the place in Splynx's pages."""

    def __init__(self, aggregates: Mapping[str, Aggregate]) -> None:
        """`aggregates`: `{topic: aggregate}`."""
        self._topics = {topic: one.name for topic, one in aggregates.items()}
        self._violations: dict[tuple[str, str], Violation] = {}

    @property
    def aggregates(self) -> frozenset[str]:
        """Names of those that wait."""
        return frozenset[str]().union(*(one.pauses for one in self._violations.values()))

    @property
    def shut(self) -> frozenset[str]:
        """Names of those of which Splynx does not even show anything."""
        return frozenset[str]().union(*(one.pauses for one in self._violations.values() if one.is_shut))

    @property
    def why(self) -> str:
        """Names of the guards; empty when all hold."""
        return ", ".join(sorted({one.name for one in self._violations.values()}))

    def heed(self, violations: Sequence[Violation]) -> None:
        """These guards do not hold now, and all others do."""
        found = {(one.name, one.problem): one for one in violations}
        for key, one in found.items():
            if key not in self._violations:
                log.warning(
                    "sink.guard_violated", guard=one.name, problem=one.problem, next_step=one.remedy,
                    waiting=sorted(one.pauses),
                )  # fmt: skip
        for key in self._violations.keys() - found.keys():
            log.warning("sink.guard_holds_again", guard=key[0])
        self._violations = found
        metrics.STAGE_PAUSED.labels(STAGE, GuardsViolated.code).set(int(bool(self.aggregates)))

    def put_on(self, consumer: Consumer, places: Sequence[TopicPartition]) -> None:
        """Stop the partitions that wait, and let the others go on. `places`: what is assigned."""
        waiting = [one for one in places if self._topics[one.topic] in self.aggregates]
        consumer.resume([one for one in places if self._topics[one.topic] not in self.aggregates])
        consumer.pause(waiting)

    def rewind(self, consumer: Consumer, messages: Collection[Message]) -> None:
        """Messages that were read and not written are read again."""
        first: dict[tuple[str, int], int] = {}
        for one in messages:
            place = (str(one.topic()), int(one.partition() or 0))
            first[place] = min(first.get(place, one.offset() or 0), one.offset() or 0)
        for (topic, partition), offset in first.items():
            consumer.seek(TopicPartition(topic, partition, offset))

    def held_back(self, messages: Collection[Message]) -> list[Message]:
        """Those of the messages that wait."""
        return [one for one in messages if self._topics[str(one.topic())] in self.aggregates]

    def check(self, messages: Collection[Message]) -> None:
        """Raises GuardsViolated when one of these messages waits."""
        if waiting := {self._topics[str(one.topic())] for one in self.held_back(messages)}:
            raise GuardsViolated(f"{', '.join(sorted(waiting))} wait for the guards {self.why}")
