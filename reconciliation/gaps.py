"""The auditor: every event has its bundle or its dead letter, every bundle its outcome, and the ledger the newest.

Proved by folding the topics by key, not from counters that the same loops keep.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from plumbing.reading import Place
from reconciliation.outcomes import Outcomes

DEAD_LETTERED = "dead_lettered"
NO_OUTCOME = "has no outcome"
NOT_PROCESSED = "has neither a bundle nor a dead letter"

Key = tuple[str, int]
"""Aggregate and Sonar id."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """One consumed message of a `splynx.*` topic; `sequence` is None where it is no bundle."""

    place: Place
    aggregate: str
    sonar_id: int = 0
    sequence: int | None = None
    generation: int = 0
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One message of a `sonar.*` topic; `sequence` is None where it is no event.

    `may_be_compacted`: it is so old that its bundle may have made way for a newer one of its key.
    """

    place: Place
    aggregate: str
    sonar_id: int = 0
    sequence: int | None = None
    may_be_compacted: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """What the ledger has of an aggregate."""

    sequence: int
    generation: int
    hash: str


@dataclass(frozen=True)
class Gap:
    """A message that is not accounted for."""

    place: Place
    aggregate: str
    sonar_id: int
    problem: str


class SinkAudit:
    """Takes every consumed bundle, then is asked for what the ledger does not account for."""

    def __init__(self, outcomes: Outcomes) -> None:
        self._outcomes = outcomes
        self.gaps: list[Gap] = []
        self.newest: dict[Key, Bundle] = {}
        """The newest bundle of each aggregate that is to be in the ledger."""

    def see(self, one: Bundle) -> None:
        """Check that a message has exactly one outcome, and remember the newest."""
        found = self._outcomes.of(one.place)
        if len(found) != 1:
            problem = NO_OUTCOME if not found else f"has {len(found)} outcomes"
            self.gaps.append(Gap(one.place, one.aggregate, one.sonar_id, problem))
        if one.sequence is None or (found and found[0] == DEAD_LETTERED):
            return
        key = one.aggregate, one.sonar_id
        known = self.newest.get(key)
        if known is None or _rank(one) >= _rank(known):
            self.newest[key] = one

    def compare(self, keys: Iterable[Key], ledger: Mapping[Key, Held]) -> None:
        """Hold the newest bundles of these aggregates against the ledger's rows of them."""
        for key in keys:
            problem = _problem(self.newest[key], ledger.get(key))
            if problem is not None:
                self.gaps.append(Gap(self.newest[key].place, *key, problem))


class ProcessAudit:
    """Takes every bundle and dead letter, then every event up to what the processors have committed."""

    def __init__(self) -> None:
        self._covered: dict[tuple[str, int], bytearray] = {}
        self._newest: dict[Key, int] = {}
        self.gaps: list[Gap] = []

    def cover(self, origin: Place) -> Self:
        """An event has its bundle or its dead letter."""
        # One byte for each offset: a set of them would take a hundred.
        marks = self._covered.setdefault((origin.topic, origin.partition), bytearray())
        if len(marks) <= origin.offset:
            marks.extend(bytes(origin.offset + 1 - len(marks)))
        marks[origin.offset] = 1
        return self

    def see_bundle(self, key: Key, sequence: int, origin: Place) -> None:
        """A bundle on its topic."""
        self.cover(origin)
        self._newest[key] = max(sequence, self._newest.get(key, sequence))

    def see_event(self, one: Event) -> None:
        """Check that an event is accounted for, by its own bundle or letter or, when it is old, by a newer bundle."""
        marks = self._covered.get((one.place.topic, one.place.partition), b"")
        if one.place.offset < len(marks) and marks[one.place.offset]:
            return
        newest = self._newest.get((one.aggregate, one.sonar_id))
        overtaken = one.sequence is not None and newest is not None and newest >= one.sequence
        if not (overtaken and one.may_be_compacted):
            self.gaps.append(Gap(one.place, one.aggregate, one.sonar_id, NOT_PROCESSED))


def _rank(one: Bundle) -> tuple[int, int]:
    return one.sequence or 0, one.generation


def _problem(one: Bundle, held: Held | None) -> str | None:
    if held is None:
        return "is the newest of its aggregate, and the ledger has none"
    # A higher one came while the topics were read: its own message says whether it is right. A bundle of older rules
    # than the ledger's is superseded, whatever its sequence.
    if held.sequence < (one.sequence or 0) and held.generation <= one.generation:
        return "is the newest of its aggregate, and the ledger has an older one"
    if (held.sequence, held.generation) == (one.sequence, one.generation) and held.hash != one.hash:
        return "is the newest of its aggregate, and the ledger has another hash"
    return None
