"""What a processor publishes: bundles to the partition they came from, dead letters acknowledged before going on."""

from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import Self

from prometheus_client import Counter as Counted

from plumbing import metrics
from plumbing.dead_letters import DeadLetterBudget, Spending
from plumbing.kafka import AckedProducer
from plumbing.settings import Settings
from processors.letters import STAGE, headers_of, known_letters
from processors.transform import Coordinates, DeadLetter, Produced
from schemas.catalogue import AGGREGATES
from schemas.topics import Topics

metrics.preset(
    metrics.MESSAGES,
    [STAGE],
    [one.name for one in AGGREGATES if one.mapper is not None],
    ["produced", "dead_lettered"],
)


# To find a counter by its labels costs more than to count: what each message counts is found once.
@cache
def _produced(aggregate: str) -> Counted:
    return metrics.MESSAGES.labels(STAGE, aggregate, "produced")


@cache
def _noted(aggregate: str, note: str) -> Counted:
    return metrics.MAPPING_NOTES.labels(aggregate, note)


@dataclass(frozen=True)
class Summary:
    """What a run did: `{aggregate: messages}`."""

    produced: Counter[str] = field(default_factory=Counter)
    dead_lettered: Counter[str] = field(default_factory=Counter)


class Output:
    """Publishes results, and sums up which; both engines use it."""

    def __init__(self, producer: AckedProducer, topics: Topics, spending: Spending, rules_version: str) -> None:
        self._producer, self._topics, self._spending = producer, topics, spending
        self._rules_version = rules_version
        self.summary = Summary()

    @classmethod
    def open(cls, settings: Settings, producer: AckedProducer, rules_version: str) -> Self:
        """With what earlier processes have spent of the budget under these rules.

        Raises:
            TopicMissing: a topic of ours does not exist.
            DependencyUnreachable: the broker does not answer.
        """
        process = settings.process
        budget = DeadLetterBudget(process.dead_letter_window, process.dead_letter_budget)
        spending = Spending(budget, known_letters(settings, rules_version))
        return cls(producer, Topics(settings.instance), spending, rules_version)

    def publish(self, at: Coordinates, key: bytes | None, result: Produced | DeadLetter) -> None:
        """Hand a bundle over, or see a dead letter acknowledged.

        Raises:
            DeliveryFailed: the broker did not take a message.
            NotAcknowledged: the letter is on its way; publish it again.
            TooManyDeadLetters: the budget of the partition is spent; this letter was not written.
        """
        if isinstance(result, Produced):
            self._producer.produce(
                self._topics.splynx(at.aggregate), partition=at.partition, key=key or b"", value=result.value
            )
            self._spending.passed(at)
            self.summary.produced[at.aggregate] += 1
            _produced(at.aggregate).inc()
            for note in result.notes:
                _noted(at.aggregate, note).inc()
            return
        self._spending.spend(at)
        self._producer.produce(
            self._topics.dead_letters(STAGE),
            partition=0,
            key=f"{at.topic}:{at.partition}:{at.offset}".encode(),
            value=b"",
            headers=headers_of(result, self._rules_version),
        )
        self._producer.flush()  # acknowledged before the loop goes on
        self.summary.dead_lettered[at.aggregate] += 1
        metrics.MESSAGES.labels(STAGE, at.aggregate, "dead_lettered").inc()
        metrics.DEAD_LETTERS.labels(STAGE, at.aggregate, result.code).inc()
        metrics.ERRORS.labels(STAGE, result.code).inc()

    def flush(self, timeout_seconds: float = 120) -> None:
        """Wait until everything is acknowledged.

        Raises:
            DeliveryFailed: the broker did not take a message.
            NotAcknowledged: not within `timeout_seconds`.
        """
        self._producer.flush(timeout_seconds)
