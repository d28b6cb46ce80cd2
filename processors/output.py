"""What a processor publishes: bundles to the partition they came from, dead letters acknowledged before going on."""

from plumbing import metrics
from plumbing.kafka import AckedProducer
from processors.transform import Coordinates, DeadLetter, DeadLetterBudget, Produced, dead_letter_headers
from schemas.catalogue import AGGREGATES
from schemas.topics import Topics

STAGE = "process"

metrics.preset(
    metrics.MESSAGES,
    [STAGE],
    [one.name for one in AGGREGATES if one.mapper is not None],
    ["produced", "dead_lettered"],
)


class Output:
    """Publishes results; both engines use it."""

    def __init__(self, producer: AckedProducer, topics: Topics, budget: DeadLetterBudget) -> None:
        self._producer, self._topics, self._budget = producer, topics, budget

    def publish(self, at: Coordinates, key: bytes | None, result: Produced | DeadLetter) -> None:
        """Hand a bundle over, or see a dead letter acknowledged.

        Raises:
            DeliveryFailed: the broker did not take a message.
            TooManyDeadLetters: the budget of the partition is spent; this letter was not written.
        """
        if isinstance(result, Produced):
            self._producer.produce(
                self._topics.splynx(at.aggregate), partition=at.partition, key=key or b"", value=result.value
            )
            metrics.MESSAGES.labels(STAGE, at.aggregate, "produced").inc()
            return
        self._budget.spend(at)
        self._producer.produce(
            self._topics.dead_letters(STAGE),
            partition=0,
            key=f"{at.topic}:{at.partition}:{at.offset}".encode(),
            value=b"",
            headers=dead_letter_headers(result),
        )
        self._producer.flush()  # acknowledged before the loop goes on
        metrics.MESSAGES.labels(STAGE, at.aggregate, "dead_lettered").inc()
        metrics.DEAD_LETTERS.labels(STAGE, at.aggregate, result.code).inc()
        metrics.ERRORS.labels(STAGE, result.code).inc()

    def flush(self) -> None:
        """Wait until everything is acknowledged.

        Raises:
            DeliveryFailed: the broker did not take a message.
        """
        self._producer.flush()
