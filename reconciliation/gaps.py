"""The auditor: every event has its bundle or its dead letter, every bundle its outcome, and the ledger the newest.

Proved by folding the topics by key, not from counters that the same loops keep.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from plumbing.reading import Place
from reconciliation.folding import Bundle, Fold, Key
from reconciliation.outcomes import Outcomes

DEAD_LETTERED = "dead_lettered"
NO_OUTCOME = "has no outcome"
NOT_PROCESSED = "has neither a bundle nor a dead letter"
NO_STATE = "is neither written nor held"
Record = tuple[str, str]
"""Entity and key."""
NAMED = 1000
"""Gaps that an audit names."""


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


class Gaps:
    """The first gaps that an audit meets, and how many more there are: a ledger that was lost has one per message."""

    def __init__(self) -> None:
        self.named: list[Gap] = []
        self.omitted = 0

    def add(self, place: Place, aggregate: str, sonar_id: int, problem: str) -> None:
        """One more."""
        if len(self.named) < NAMED:
            self.named.append(Gap(place, aggregate, sonar_id, problem))
        else:
            self.omitted += 1


class SinkAudit:
    """Takes every consumed bundle, then is asked for what the ledger does not account for.

    `newest`: holds the newest bundle of each aggregate that is to be in the ledger.
    """

    def __init__(self, outcomes: Outcomes, newest: Fold) -> None:
        self._outcomes, self._newest = outcomes, newest
        self.gaps = Gaps()

    def see(self, one: Bundle) -> None:
        """Check that a message has exactly one outcome, and remember the newest."""
        found = self._outcomes.of(one.place)
        if len(found) != 1:
            problem = NO_OUTCOME if not found else f"has {len(found)} outcomes"
            self.gaps.add(one.place, one.aggregate, one.sonar_id, problem)
        if one.sequence is not None and DEAD_LETTERED not in found[:1]:
            self._newest.add(one)

    def newest(self, size: int) -> Iterator[list[Bundle]]:
        """What is to be compared, so many at a time, those of each part of one aggregate."""
        return self._newest.parts(size)

    def compare(self, newest: Iterable[Bundle], ledger: Mapping[Key, Held], states: Collection[Record]) -> None:
        """Hold the newest bundles of some aggregates against the ledger's rows of them.

        `states`: those of their records that the ledger has as written, withdrawn or held, as they were read before
        `ledger`: what changes an aggregate meanwhile is seen.
        """
        for one in newest:
            key = one.aggregate, one.sonar_id
            held = ledger.get(key)
            problem = _problem(one, held)
            if problem is not None:
                self.gaps.add(one.place, *key, problem)
            elif held is not None and (held.sequence, held.hash) == (one.sequence, one.hash):
                for record in records_of(one):
                    if record not in states:
                        self.gaps.add(one.place, *key, f"{' '.join(record)} {NO_STATE}")


class ProcessAudit:
    """Takes every bundle and dead letter, then every event up to what the processors have committed."""

    def __init__(self, newest: Fold) -> None:
        self._covered: dict[tuple[str, int], bytearray] = {}
        self._newest = newest
        self.gaps = Gaps()

    def cover(self, origin: Place) -> Self:
        """An event has its bundle or its dead letter."""
        # One byte for each offset: a set of them would take a hundred.
        marks = self._covered.setdefault((origin.topic, origin.partition), bytearray())
        if len(marks) <= origin.offset:
            marks.extend(bytes(origin.offset + 1 - len(marks)))
        marks[origin.offset] = 1
        return self

    def see_bundle(self, one: Bundle, origin: Place) -> None:
        """A bundle on its topic."""
        self.cover(origin)
        self._newest.add(one)

    def see_event(self, one: Event) -> None:
        """Check that an event is accounted for, by its own bundle or letter or, when it is old, by a newer bundle."""
        marks = self._covered.get((one.place.topic, one.place.partition), b"")
        if one.place.offset < len(marks) and marks[one.place.offset]:
            return
        if one.sequence is not None and one.may_be_compacted:
            newest = self._newest.sequence_of((one.aggregate, one.sonar_id))
            if newest is not None and newest >= one.sequence:
                return
        self.gaps.add(one.place, one.aggregate, one.sonar_id, NOT_PROCESSED)


def records_of(one: Bundle) -> Iterator[Record]:
    """What an aggregate owns by its bundle."""
    return ((entity, key) for entity, keys in one.records.items() for key in keys)


def _problem(one: Bundle, held: Held | None) -> str | None:
    if held is None:
        return "is the newest of its aggregate, and the ledger has none"
    # A higher one came while the topics were read: its own message says whether it is right. A bundle of older rules
    # than the ledger's is superseded, whatever its sequence.
    if held.sequence < (one.sequence or 0) and held.generation <= one.generation:
        return "is the newest of its aggregate, and the ledger has an older one"
    if held.sequence == one.sequence and held.generation <= one.generation and held.hash != one.hash:
        return "is the newest of its aggregate, and the ledger has another hash"
    return None
