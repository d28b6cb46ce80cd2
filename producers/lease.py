"""The lease: who owns the one partition of the lease topic in the capture group may read Sonar and publish."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import monotonic
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException

from plumbing import metrics
from plumbing.errors import Action, DependencyUnreachable, ExitCode, SyncError
from plumbing.kafka import make_consumer
from plumbing.settings import KafkaSettings
from schemas.topics import Topics

_SESSION_SECONDS = 15.0


class LeaseHeld(SyncError):
    """Another capture process of this instance is at work."""

    code = "capture.lease_held"
    action = Action.HALT
    exit_code = ExitCode.TRY_LATER
    remedy = (
        "Let the other process do it (`crossfade snapshot --only AGGREGATE --apply` hands it the order), or stop it"
        " first."
    )


class LeaseLost(SyncError):
    """This process no longer holds the lease: it was away for too long, or Kafka was. Nothing more is published."""

    code = "capture.lease_lost"
    action = Action.RETRY
    exit_code = ExitCode.UNREACHABLE
    remedy = (
        "See that Kafka answers, then start capture again, which a supervisor does by itself: it waits for Kafka, and"
        " resumes from its cursors."
    )


class Lease:
    """Membership in the capture group. Enter it, `acquire`, and `check` before anything is published or saved.

    Its beats have a thread of their own: they go on where all others wait for a slow broker, or a page is decoded.
    """

    def __init__(self, kafka: KafkaSettings, topics: Topics) -> None:
        # Sticky, so that a second process that joins waits, instead of taking the partition from the first.
        self._consumer = make_consumer(
            kafka,
            topics.capture_group,
            **{
                "partition.assignment.strategy": "cooperative-sticky",
                "session.timeout.ms": int(_SESSION_SECONDS * 1000),
                "heartbeat.interval.ms": 3000,
            },
        )
        self._topic = topics.lease
        self._held_at: float | None = None
        self._lost = False
        self._thread = ThreadPoolExecutor(1, "lease")
        self._ended = Event()

    def __enter__(self) -> Self:
        self._consumer.subscribe([self._topic])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.shutdown()  # after the beat that is under way: a consumer that is polled must not be closed
        metrics.LEASE_HELD.set(0)
        self._consumer.close()

    @property
    def held(self) -> bool:
        """Whether this process holds the lease, seen within the session time-out."""
        return not self._lost and self._held_at is not None and monotonic() - self._held_at < _SESSION_SECONDS

    async def acquire(self, stop: asyncio.Event, patience_seconds: float | None) -> bool:
        """Wait for the lease, and keep it from then on; False when `stop` came first.

        Raises:
            LeaseHeld: another process has held it for all of `patience_seconds` (None: wait for ever).
        """
        began, loop = monotonic(), asyncio.get_running_loop()
        while not stop.is_set():
            if await loop.run_in_executor(self._thread, self._beat):
                metrics.LEASE_HELD.set(1)
                self._thread.submit(self._keep)
                return True
            if patience_seconds is not None and monotonic() - began > patience_seconds:
                raise LeaseHeld("another capture process holds the lease of this instance")
        return False

    def check(self) -> None:
        """Raises:
        LeaseLost: somebody else may be publishing by now.
        """
        if not self.held:
            raise LeaseLost("the lease of capture is lost")

    def _keep(self) -> None:
        try:
            while not self._ended.is_set() and self._beat():  # each beat takes a moment of its own
                pass
        finally:
            # Never taken back silently: what another holder did in between is not known here.
            self._lost = True
            metrics.LEASE_HELD.set(0)

    def _beat(self) -> bool:
        try:
            self._consumer.poll(0.3)
            at = monotonic()  # before it is asked for: who is stopped in between does not hold it from when it wakes
            owned = any(one.topic == self._topic for one in self._consumer.assignment())
        except KafkaException as exc:
            raise DependencyUnreachable(f"Kafka does not answer: {exc.args[0].name()}") from exc
        if owned and self._held_at is not None and at - self._held_at > _SESSION_SECONDS:
            # Stopped or cut off for longer than a session: the group may have moved on, whatever this client believes.
            return False
        if owned:
            self._held_at = at
        return owned
