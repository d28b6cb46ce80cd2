"""Dead letters of any stage: Kafka Connect's headers, and how many a partition may have before they are an outage."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from plumbing.errors import Action, ExitCode, SyncError

TOPIC = "__connect.errors.topic"
PARTITION = "__connect.errors.partition"
OFFSET = "__connect.errors.offset"
CODE = "__connect.errors.exception.class.name"
REASON = "__connect.errors.exception.message"


class Place(Protocol):
    """Where a message lies."""

    @property
    def topic(self) -> str:
        """Its topic."""
        ...

    @property
    def partition(self) -> int:
        """Its partition."""
        ...

    @property
    def offset(self) -> int:
        """Its offset there."""
        ...


def connect_headers(at: Place, *, stage: str, code: str, reason: str, more: Mapping[str, str]) -> dict[str, bytes]:
    """The headers of a letter, by names that known tools show. `stage` is one of Kafka Connect's."""
    fields = {
        TOPIC: at.topic,
        PARTITION: str(at.partition),
        OFFSET: str(at.offset),
        "__connect.errors.stage": stage,
        CODE: code,
        REASON: reason,
        **more,
    }
    return {name: text.encode() for name, text in fields.items()}


class TooManyDeadLetters(SyncError):
    """A flood of dead letters: the set-up is wrong, not the records."""

    code = "dead_letters.too_many"
    action = Action.HALT
    exit_code = ExitCode.USAGE
    remedy = (
        "Read the newest dead letters and mend the rules or the mapper, then start the stage again; a restart alone"
        " gives nothing back. If they are right to be set aside, raise the stage's dead_letter_budget."
    )


@dataclass(frozen=True)
class DeadLetterBudget:
    """At most `allowed` dead letters among any `window` messages in a row of one partition."""

    window: int
    allowed: int

    def __post_init__(self) -> None:
        if self.window < 1 or self.allowed < 0:
            raise ValueError("a window holds at least one message, and a budget is not negative")


class Spending:
    """What each partition has spent of the budget.

    Counted by offsets: no clock and no restart gives anything back, a letter written twice counts once, and a message
    that passes after all no longer counts.
    """

    def __init__(self, budget: DeadLetterBudget, known: Iterable[tuple[str, int, int]] = ()) -> None:
        """`known`: `(topic, partition, offset)` of the letters that earlier processes wrote."""
        self._budget = budget
        self._letters: dict[tuple[str, int], set[int]] = {}
        for topic, partition, offset in known:
            self._within(topic, partition, offset).add(offset)

    def spend(self, at: Place) -> None:
        """Count one letter.

        Raises:
            TooManyDeadLetters: the budget of this partition is spent.
        """
        letters = self._within(at.topic, at.partition, at.offset)
        if sum(offset < at.offset for offset in letters) >= self._budget.allowed:
            raise TooManyDeadLetters(
                f"{self._budget.allowed} dead letters among {self._budget.window} messages"
                f" of {at.topic} [{at.partition}], and one more at {at.offset}"
            )
        letters.add(at.offset)

    def passed(self, at: Place) -> None:
        """A message passed: if it was a letter before, it is one no more."""
        letters = self._letters.get((at.topic, at.partition))
        if letters:
            letters.discard(at.offset)

    def _within(self, topic: str, partition: int, offset: int) -> set[int]:
        """The partition's letters without those that the window, ending at `offset`, has left behind."""
        kept = {one for one in self._letters.get((topic, partition), ()) if one > offset - self._budget.window}
        self._letters[topic, partition] = kept
        return kept
