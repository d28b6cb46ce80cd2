"""Lag of the processors, measured from outside Faust, and the end of a worker that stands still."""

import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping

from plumbing import metrics
from plumbing.clock import utc_now
from plumbing.errors import SyncError
from plumbing.kafka import committed_offsets, end_offsets, make_consumer
from plumbing.logs import get_logger
from plumbing.settings import Settings
from schemas.topics import Topics

log = get_logger("process")

EXIT_STUCK = 70
_EVERY_SECONDS = 5.0


class Progress:
    """Tells whether partitions with a backlog move."""

    def __init__(self, patience_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience, self._clock = patience_seconds, clock
        self._seen: dict[tuple[str, int], tuple[int, float]] = {}

    def stuck(self, topic: str, ends: Mapping[int, tuple[int, int]], committed: Mapping[int, int]) -> list[int]:
        """Partitions that have a backlog and have not moved for as long as patience lasts."""
        found = []
        for partition, (low, high) in ends.items():
            at = committed.get(partition, low)
            before = self._seen.get((topic, partition))
            if before is None or before[0] != at or at >= high:
                self._seen[(topic, partition)] = (at, self._clock())
            elif self._clock() - before[1] > self._patience:
                found.append(partition)
        return found


def lag_of(ends: Mapping[int, tuple[int, int]], committed: Mapping[int, int]) -> int:
    """Messages between the committed offsets and the ends."""
    return sum(max(high - committed.get(partition, low), 0) for partition, (low, high) in ends.items())


class Watchdog(threading.Thread):
    """Sets the lag metrics; writes all tracebacks and ends the process when a partition stands still."""

    def __init__(self, settings: Settings, aggregates: list[str], stop: threading.Event) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._settings, self._aggregates, self._stopped = settings, aggregates, stop
        self._progress = Progress(settings.process.stuck_seconds)

    def run(self) -> None:
        """Look every few seconds until stopped."""
        topics = Topics(self._settings.instance)
        consumer = make_consumer(self._settings.kafka, topics.process_group)
        try:
            while not self._stopped.wait(_EVERY_SECONDS):
                try:
                    for name in self._aggregates:
                        topic = topics.sonar(name)
                        ends = end_offsets(consumer, topic, self._settings.kafka.partitions)
                        committed = committed_offsets(consumer, topic, self._settings.kafka.partitions)
                        metrics.LAG_MESSAGES.labels("process", name).set(lag_of(ends, committed))
                        if not lag_of(ends, committed):
                            metrics.LAST_SUCCESS.labels("process").set(utc_now().timestamp())
                        if stuck := self._progress.stuck(topic, ends, committed):
                            log.error("process.stuck", topic=topic, partitions=stuck)
                            faulthandler.dump_traceback(file=sys.stderr, all_threads=True)
                            os._exit(EXIT_STUCK)
                except SyncError as exc:
                    log.warning("process.lag_unknown", code=exc.code)
        finally:
            consumer.close()
