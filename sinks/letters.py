"""Dead letters of the sink: acknowledged by the broker before anything is committed, and not without end."""

import asyncio
import time
from collections import defaultdict, deque

from plumbing import metrics
from plumbing.errors import SyncError
from plumbing.kafka import AckedProducer
from schemas.topics import Topics
from sinks.errors import TooManyDeadLetters

_HOUR = 3600.0


class DeadLetters:
    """Writes to the sink's dead letter topic, with Kafka Connect's headers.

    `budget`: so many per partition and hour; one more stops the partition.
    """

    def __init__(self, producer: AckedProducer, topics: Topics, budget: int) -> None:
        self._producer = producer
        self._topic = topics.dead_letters("sink")
        self._budget = budget
        self._sent: dict[int, deque[float]] = defaultdict(deque)

    def add(
        self,
        *,
        topic: str,
        partition: int,
        offset: int,
        entity: str,
        error: SyncError,
        key: bytes = b"",
        value: bytes = b"",
        record: str = "",
    ) -> None:
        """Hand one over. `value` is left empty where the bytes may hold a secret.

        Raises:
            TooManyDeadLetters: the budget of this partition is spent.
        """
        now = time.monotonic()
        sent = self._sent[partition]
        while sent and sent[0] < now - _HOUR:
            sent.popleft()
        if len(sent) >= self._budget:
            raise TooManyDeadLetters(f"more than {self._budget} dead letters within an hour in partition {partition}")
        sent.append(now)
        headers = {
            "__connect.errors.topic": topic,
            "__connect.errors.partition": str(partition),
            "__connect.errors.offset": str(offset),
            "__connect.errors.stage": "TASK_PUT",
            "__connect.errors.exception.class.name": error.code,
            "__connect.errors.exception.message": str(error),
            "crossfade.entity": entity,
            "crossfade.record": record,
        }
        self._producer.produce(
            self._topic,
            partition=0,
            key=key,
            value=value,
            headers={name: text.encode() for name, text in headers.items()},
        )
        metrics.DEAD_LETTERS.labels("sink", entity, error.code).inc()

    async def flush(self) -> None:
        """Wait for the broker's acknowledgement of all of them.

        Raises:
            DeliveryFailed.
        """
        await asyncio.to_thread(self._producer.flush)
