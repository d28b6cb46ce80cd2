"""What the ledger says became of each consumed offset: ranges, and the exceptions from them."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from clients.mysql import Database
from plumbing.reading import Place

Range = tuple[int, int, str]
"""First offset, last offset, outcome."""


class Exceptions:
    """Outcomes of single offsets: nine bytes each, for years of changes leave millions of them."""

    def __init__(self, told: Iterable[tuple[Place, str]] = ()) -> None:
        """`told`: of each partition in the order of offsets."""
        self._kept: dict[tuple[str, int], tuple[array[int], bytearray]] = {}
        self._names: list[str] = []
        for place, outcome in told:
            self.add(place, outcome)

    def add(self, place: Place, outcome: str) -> None:
        """One more, behind the others of its partition."""
        if outcome not in self._names:
            self._names.append(outcome)
        offsets, names = self._kept.setdefault((place.topic, place.partition), (array("q"), bytearray()))
        offsets.append(place.offset)
        names.append(self._names.index(outcome))

    def get(self, place: Place, usual: str) -> str:
        """The outcome of an offset; `usual` of one that is no exception."""
        offsets, names = self._kept.get((place.topic, place.partition), (array("q"), bytearray()))
        at = bisect_left(offsets, place.offset)
        return self._names[names[at]] if at < len(offsets) and offsets[at] == place.offset else usual


@dataclass(frozen=True)
class Outcomes:
    """The ledger's outcomes: ranges by topic and partition, and their exceptions."""

    ranges: Mapping[tuple[str, int], Sequence[Range]]
    exceptions: Exceptions

    def of(self, place: Place) -> list[str]:
        """The outcomes of one offset: exactly one when all is well."""
        ranges, reach = self._sorted.get((place.topic, place.partition), ([], []))
        found = []
        at = bisect_right(ranges, place.offset, key=lambda one: one[0]) - 1
        while at >= 0 and reach[at] >= place.offset:
            first, last, outcome = ranges[at]
            if first <= place.offset <= last:
                found.append(self.exceptions.get(place, outcome))
            at -= 1
        return found

    @cached_property
    def _sorted(self) -> dict[tuple[str, int], tuple[list[Range], list[int]]]:
        """Ranges in order, and how far each or one before it reaches: ranges that overlap are found, too."""
        result = {}
        for where, ranges in self.ranges.items():
            ordered, reach = sorted(ranges), list[int]()
            for _, last, _ in ordered:
                reach.append(max(last, reach[-1] if reach else last))
            result[where] = ordered, reach
        return result


async def read_outcomes(ledger: Database) -> Outcomes:
    """All that the ledger holds."""
    ranges: dict[tuple[str, int], list[Range]] = {}
    for row in await ledger.fetch("SELECT topic, partition_no, first_offset, last_offset, outcome FROM outcomes"):
        span = int(row["first_offset"]), int(row["last_offset"]), str(row["outcome"])
        ranges.setdefault((row["topic"], int(row["partition_no"])), []).append(span)
    exceptions = Exceptions()
    last = ("", -1, -1)
    while rows := await ledger.fetch(
        "SELECT topic, partition_no, topic_offset, outcome FROM exceptions"
        " WHERE (topic, partition_no, topic_offset) > (%s, %s, %s)"
        " ORDER BY topic, partition_no, topic_offset LIMIT 10000",
        last,
    ):
        for row in rows:
            last = row["topic"], int(row["partition_no"]), int(row["topic_offset"])
            exceptions.add(Place(*last), str(row["outcome"]))
    return Outcomes(ranges, exceptions)
