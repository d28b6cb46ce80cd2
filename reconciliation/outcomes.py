"""What the ledger says became of each consumed offset: ranges, and the exceptions from them."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from clients.mysql import Database
from plumbing.reading import Place

Range = tuple[int, int, str]
"""First offset, last offset, outcome."""


@dataclass(frozen=True)
class Outcomes:
    """The ledger's outcomes: ranges by topic and partition, and their exceptions."""

    ranges: Mapping[tuple[str, int], Sequence[Range]]
    exceptions: Mapping[Place, str]

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
    exceptions: dict[Place, str] = {}
    last = ("", -1, -1)
    while rows := await ledger.fetch(
        "SELECT topic, partition_no, topic_offset, outcome FROM exceptions"
        " WHERE (topic, partition_no, topic_offset) > (%s, %s, %s)"
        " ORDER BY topic, partition_no, topic_offset LIMIT 10000",
        last,
    ):
        for row in rows:
            last = row["topic"], int(row["partition_no"]), int(row["topic_offset"])
            exceptions[Place(*last)] = str(row["outcome"])
    return Outcomes(ranges, exceptions)
