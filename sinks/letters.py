"""Dead letters of the sink: acknowledged by the broker before anything is committed, and not without end."""

import asyncio
from typing import NamedTuple

from plumbing import metrics
from plumbing.dead_letters import DeadLetterBudget, Spending, connect_headers
from plumbing.errors import SyncError
from plumbing.kafka import AckedProducer
from schemas.topics import Topics

_WINDOW = 1000
_ACK_SECONDS = 5.0
"""Rows of Splynx are locked meanwhile. Later the batch is tried again, and what is on its way is not sent twice."""
STAGE = "sink"


class _Place(NamedTuple):
    topic: str
    partition: int
    offset: int


class DeadLetters:
    """Writes to the sink's dead letter topic, with Kafka Connect's headers.

    `budget`: messages with a letter among any `window` of one partition; one more stops the partition.
    """

    def __init__(self, producer: AckedProducer, topics: Topics, budget: int, window: int = _WINDOW) -> None:
        self._producer = producer
        self._topic = topics.dead_letters(STAGE)
        self._spending = Spending(DeadLetterBudget(window, budget))
        self._told: set[tuple[_Place, str, str]] = set()

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
        """Hand one over, unless it was already: a batch may be tried more than once.

        `value` is left empty where the bytes may hold a secret.

        Raises:
            TooManyDeadLetters: the budget of this partition is spent.
        """
        at = _Place(topic, partition, offset)
        if (at, record, error.code) in self._told:
            return
        self._spending.spend(at)
        self._producer.produce(
            self._topic,
            partition=0,
            key=key,
            value=value,
            headers=connect_headers(
                at,
                stage="TASK_PUT",
                code=error.code,
                reason=str(error),
                more={"crossfade.entity": entity, "crossfade.record": record},
            ),
        )
        self._told.add((at, record, error.code))
        metrics.DEAD_LETTERS.labels(STAGE, entity, error.code).inc()

    async def flush(self) -> None:
        """Wait for the broker's acknowledgement of all of them.

        Raises:
            NotAcknowledged: not within a few seconds; a later call waits for the same letters.
            DeliveryFailed.
        """
        if self._told:
            await asyncio.to_thread(self._producer.flush, _ACK_SECONDS)

    def forget(self) -> None:
        """The batch is committed: none of its letters comes again."""
        self._told.clear()
