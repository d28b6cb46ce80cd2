"""One budget for all processes of an instance: who asks joins one group, and shares of the budget are partitions."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from time import monotonic
from types import TracebackType
from typing import Self

from confluent_kafka import Consumer, KafkaException

from plumbing.errors import Action, DependencyUnreachable, ExitCode, SyncError
from plumbing.kafka import make_consumer
from plumbing.settings import KafkaSettings

Part = Callable[[], Awaitable[float]]
"""Tells which part of a budget is this process's own just now: above 0, and at most 1."""
_PATIENCE_SECONDS = 60.0
_LOOK_SECONDS = 0.05
_BEAT_SECONDS = 0.1
_KAFKA_SECONDS = 2.0


class NoShare(SyncError):
    """All shares of the budget of requests to Sonar are other processes' own."""

    code = "sonar.no_share"
    action = Action.RETRY
    exit_code = ExitCode.TRY_LATER
    remedy = "Let other commands that ask Sonar end (each has a share of its requests while it runs), then try again."


class Share:
    """What part of a budget is this process's own. Enter it; it joins when it is first asked for its part.

    The partitions of a topic without messages are the shares, and Kafka's group protocol gives each member its part of
    them: all to one that is alone, half to each of two. Nobody has what another has not given back, or lost by being
    silent for a session.

    Where Kafka does not answer, or has no such topic, the part is the whole: capture needs both, so it is not at work.
    """

    def __init__(self, kafka: KafkaSettings, topic: str) -> None:
        self._kafka, self._topic = kafka, topic
        self._part = 0.0
        self._failure: KafkaException | None = None
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    async def part(self) -> float:
        """The part of now, above 0 and at most 1; waits while others have not given one up.

        Raises:
            NoShare: for a minute none was given.
            DependencyUnreachable: Kafka has thrown this process out for good.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._keep, name="share", daemon=True)
            self._thread.start()
        began = monotonic()
        while not (part := self._part):
            if (exc := self._failure) is not None:
                raise DependencyUnreachable(f"Kafka gives no share of the requests: {exc.args[0].name()}") from exc
            if monotonic() - began > _PATIENCE_SECONDS:
                raise NoShare("other processes have all shares of the requests to Sonar")
            await asyncio.sleep(_LOOK_SECONDS)
        return part

    def _keep(self) -> None:
        # Sticky, so that who is at work goes on with what stays its own while another joins. Its members are told of
        # one who joins by the answer to a beat.
        consumer = make_consumer(
            self._kafka,
            self._topic,
            **{
                "partition.assignment.strategy": "cooperative-sticky",
                "session.timeout.ms": 10_000,
                "heartbeat.interval.ms": 500,
                "log_level": 2,  # that Kafka is away is told by who needs it
            },
        )
        try:
            while not self._ended.is_set() and not (shares := self._shares(consumer)):
                self._part = 1.0
                self._ended.wait(_KAFKA_SECONDS)
            if not self._ended.is_set():
                self._part = 0.0
                consumer.subscribe([self._topic])
            while not self._ended.is_set():
                consumer.poll(_BEAT_SECONDS)
                own = consumer.assignment()
                if len(own) / shares != self._part:
                    consumer.pause(own)  # there is nothing to fetch
                    self._part = len(own) / shares
        except KafkaException as exc:
            self._failure = exc
        finally:
            self._part = 0.0
            consumer.close()

    def _shares(self, consumer: Consumer) -> int:
        """How many there are; 0 where Kafka does not tell."""
        try:
            return len(consumer.list_topics(self._topic, timeout=_KAFKA_SECONDS).topics[self._topic].partitions)
        except KafkaException:
            return 0


async def whole() -> float:
    """The part of who has a budget for itself."""
    return 1.0
