"""How far the sink is behind: in messages, and in seconds since the oldest message that is not yet committed."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Consumer, KafkaException, Message

from plumbing import metrics
from schemas.aggregate import Aggregate

STAGE = "sink"


class Lag:
    """Sets both gauges. Seconds are computed when they are asked for, so that they rise while a batch waits."""

    def __init__(self, aggregates: Mapping[str, Aggregate]) -> None:
        """`aggregates`: `{topic: aggregate}`."""
        self._entity = {topic: one.name for topic, one in aggregates.items()}
        self._since: dict[str, float | None] = dict.fromkeys(self._entity.values())
        for entity in self._since:
            metrics.LAG_SECONDS.labels(STAGE, entity).set_function(partial(self.seconds, entity))

    def seconds(self, entity: str) -> float:
        """Age of the oldest message known that is not committed; 0 when there is none."""
        since = self._since[entity]
        return 0.0 if since is None else max(0.0, time.time() - since)

    def begin(self, messages: Sequence[Message]) -> None:
        """These were read and are not yet committed; earlier ones are."""
        oldest: dict[str, float] = {}
        for message in messages:
            kind, at_ms = message.timestamp()
            if kind != TIMESTAMP_NOT_AVAILABLE:
                entity = self._entity[str(message.topic())]
                oldest[entity] = min(oldest.get(entity, at_ms / 1000), at_ms / 1000)
        self._since |= oldest

    def measure(self, consumer: Consumer) -> None:
        """All that was read is committed; what is left lies between the positions and the ends."""
        left: Counter[str] = Counter()
        try:
            for place in consumer.position(consumer.assignment()):
                _, high = consumer.get_watermark_offsets(place, cached=True)
                if place.offset >= 0 and high >= 0:
                    left[self._entity[place.topic]] += max(0, high - place.offset)
        except KafkaException:
            return
        for entity in self._since:
            metrics.LAG_MESSAGES.labels(STAGE, entity).set(left[entity])
            if not left[entity]:
                self._since[entity] = None
