"""What the sink works on: a consumed message, a record to write, and what became of it."""

from collections import Counter
from dataclasses import dataclass, field

from plumbing.errors import Action, SyncError
from schemas.aggregate import Aggregate
from schemas.bundle import StampedBundle
from sinks.entries import Owner
from sinks.errors import Deferred
from sinks.plan import Outcome, Step
from sinks.store import Key


@dataclass(frozen=True)
class Delivery:
    """A consumed message: its bundle, or why it is none."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    aggregate: Aggregate
    bundle: StampedBundle | None
    error: SyncError | None = None

    @property
    def at(self) -> tuple[str, int, int]:
        """Topic, partition, offset."""
        return (self.topic, self.partition, self.offset)


@dataclass(frozen=True)
class Job:
    """One record to write, whose it is, and where its bundle lies."""

    step: Step
    owner: Owner
    topic: str
    offset: int

    @property
    def key(self) -> Key:
        """Entity and record key."""
        return (self.step.target.entity, self.step.key)


@dataclass(frozen=True)
class Result:
    """What became of a job; `error` says why it is held."""

    job: Job
    outcome: Outcome
    error: SyncError | None = None


@dataclass
class Counts:
    """`records[(entity, outcome)]` and `bundles[outcome]`, as they were counted by this process."""

    records: Counter[tuple[str, str]] = field(default_factory=Counter)
    bundles: Counter[str] = field(default_factory=Counter)


def held_outcome(error: SyncError) -> Outcome:
    """What a record's error makes of it."""
    if isinstance(error, Deferred):
        return Outcome.DEFERRED
    return Outcome.PARKED if error.action is Action.PARK else Outcome.DEAD_LETTERED
