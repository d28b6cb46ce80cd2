"""A partition that has messages and gives none: the client goes on without it, and only a look from beside can tell."""

import time
from collections.abc import Callable, Iterable

from confluent_kafka import Consumer, TopicPartition

from plumbing.errors import SyncError
from plumbing.kafka import watermarks
from plumbing.standstill import Standstill
from sinks.errors import Stuck

_EVERY_SECONDS = 15.0


class Watch:
    """Looks at the partitions of one consumer, at moments at which nothing comes from any of them.

    While messages come, one of many partitions may rightly wait for its turn.
    """

    def __init__(self, lookup: Consumer, patience_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`lookup`: a client of its own, which asks for ends."""
        self._lookup, self._clock = lookup, clock
        self._standstill = Standstill(patience_seconds, clock)
        self._starts: dict[tuple[str, int], int] = {}
        self._looked = clock()

    def begin(self, places: Iterable[TopicPartition]) -> None:
        """Partitions that came, each with the offset at which it begins."""
        self._starts = {(one.topic, one.partition): one.offset for one in places}
        self.forget()

    def forget(self) -> None:
        """What was, was waiting for something."""
        self._standstill.forget()

    def look(self, consumer: Consumer) -> None:
        """Look, now and then.

        Raises:
            Stuck: a partition gives nothing, though it has something.
        """
        if self._clock() - self._looked < _EVERY_SECONDS:
            return
        self._looked = self._clock()
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
