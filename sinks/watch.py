"""A partition that has messages and gives none: the client goes on without it, and only a look from beside can tell."""

from collections.abc import Iterable

from confluent_kafka import Consumer, TopicPartition

from plumbing.errors import SyncError
from plumbing.kafka import watermarks
from plumbing.standstill import Standstill
from sinks.errors import Stuck

_EVERY_SECONDS = 15.0


class Watch:
    """Looks at the partitions of one consumer, at moments at which nothing comes from any of them.

    While messages come, one of many partitions may rightly wait for its turn, however long the others are worked at:
    only the time in which the consumer waited in vain counts.
    """

    def __init__(self, lookup: Consumer, patience_seconds: float) -> None:
        """`lookup`: a client of its own, which asks for ends."""
        self._lookup = lookup
        self._waited = self._looked = 0.0
        """Seconds waited in vain so far, and as many as there were at the last look."""
        self._standstill = Standstill(patience_seconds, lambda: self._waited)
        self._starts: dict[tuple[str, int], int] = {}

    def begin(self, places: Iterable[TopicPartition]) -> None:
        """Partitions that came, each with the offset at which it begins."""
        self._starts = {(one.topic, one.partition): one.offset for one in places}
        self.forget()

    def forget(self) -> None:
        """What was, was waiting for something."""
        self._standstill.forget()

    def look(self, consumer: Consumer, waited: float) -> None:
        """Look, now and then. `waited`: how many seconds a poll took that gave nothing.

        Raises:
            Stuck: a partition gives nothing, though it has something.
        """
        self._waited += waited
        if self._waited - self._looked < _EVERY_SECONDS:
            return
        self._looked = self._waited
        ends: dict[str, dict[int, tuple[int, int]]] = {}
        at: dict[str, dict[int, int]] = {}
        try:
            for one in consumer.position(consumer.assignment()):
                ends.setdefault(one.topic, {})[one.partition] = watermarks(self._lookup, one.topic, one.partition)
                # Before its first message a partition has no position, but begins somewhere.
                begun = one.offset if one.offset >= 0 else self._starts.get((one.topic, one.partition), 0)
                at.setdefault(one.topic, {})[one.partition] = begun
        except SyncError:
            self.forget()  # Kafka is away: nothing can come
            return
        for topic, bounds in ends.items():
            if found := self._standstill.stuck(topic, bounds, at[topic]):
                raise Stuck(topic, found)
