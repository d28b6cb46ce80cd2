"""Lag of the processors, measured from outside Faust, and the end of a worker that stands still."""

import faulthandler
import os
import sys
import threading

from confluent_kafka import Consumer

from plumbing import metrics
from plumbing.clock import epoch_ms, utc_now
from plumbing.errors import SyncError
from plumbing.kafka import committed_offsets, end_offsets
from plumbing.lag import lag_of, make_lag_consumer, oldest_waiting_ms
from plumbing.logs import get_logger
from plumbing.settings import Settings
from plumbing.standstill import Standstill
from processors.history import HistoryLost, check_retained
from processors.letters import STAGE
from schemas.topics import Topics

log = get_logger("process")

EXIT_STUCK = 70
_EVERY_SECONDS = 5.0


class Waits:
    """What waits for a dependency, and for which one: a worker that waits does not stand still."""

    def __init__(self) -> None:
        self._codes: dict[str, str] = {}

    def begin(self, what: str, code: str) -> None:
        """`what` (a topic, or `commit`) waits because of the error `code`."""
        self._codes[what] = code
        metrics.STAGE_PAUSED.labels(STAGE, code).set(1)

    def end(self, what: str) -> None:
        """It goes on."""
        code = self._codes.pop(what, None)
        if code is not None and code not in self._codes.values():
            metrics.STAGE_PAUSED.labels(STAGE, code).set(0)

    def now(self) -> dict[str, str]:
        """`{what waits: code}`."""
        return dict(self._codes)


class Watchdog(threading.Thread):
    """Sets the lag metrics; writes all tracebacks and ends the process when a partition stands still."""

    def __init__(self, settings: Settings, aggregates: list[str], waits: Waits, stop: threading.Event) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._settings, self._waits, self._stopped = settings, waits, stop
        metrics.preset(metrics.LAG_MESSAGES, [STAGE], aggregates)
        metrics.preset(metrics.LAG_SECONDS, [STAGE], aggregates)
        self._topics = {name: Topics(settings.instance).sonar(name) for name in aggregates}
        self._standstill = Standstill(settings.process.stuck_seconds)

    def run(self) -> None:
        """Look every few seconds until stopped."""
        consumer = make_lag_consumer(self._settings.kafka, Topics(self._settings.instance).process_group)
        try:
            while not self._stopped.wait(_EVERY_SECONDS):
                try:
                    self.look(consumer)
                except HistoryLost as exc:
                    log.error("process.halted", code=exc.code, reason=str(exc), next_step=exc.next_step)
                    os._exit(EXIT_STUCK)
                except SyncError as exc:
                    log.warning("process.lag_unknown", code=exc.code)
                    self._standstill.forget()  # Kafka is away for the worker, too
        finally:
            consumer.close()

    def look(self, consumer: Consumer) -> None:
        """Measure every topic once.

        Raises:
            HistoryLost: retention overtook the group.
            DependencyUnreachable: the broker does not answer.
        """
        behind, partitions = 0, self._settings.kafka.partitions
        waits = self._waits.now()
        if waits:
            self._standstill.forget()
        for name, topic in self._topics.items():
            check_retained(consumer, [topic], partitions)
            ends = end_offsets(consumer, topic, partitions)
            committed = committed_offsets(consumer, topic, partitions)
            lag = lag_of(ends, committed)
            behind += lag
            oldest = oldest_waiting_ms(consumer, topic, ends, committed)
            seconds = max(0, epoch_ms(utc_now()) - oldest) / 1000 if oldest is not None else 0.0
            metrics.LAG_MESSAGES.labels(STAGE, name).set(lag)
            metrics.LAG_SECONDS.labels(STAGE, name).set(seconds)
            if not waits and (stuck := self._standstill.stuck(topic, ends, committed)):
                log.error("process.stuck", topic=topic, partitions=stuck)
                faulthandler.dump_traceback(file=sys.stderr, all_threads=True)
                os._exit(EXIT_STUCK)
        if not behind:
            metrics.LAST_SUCCESS.labels(STAGE).set(utc_now().timestamp())
