"""Ids that somebody names, such as `17,40-60`: kept as ranges, however many there are."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from plumbing.errors import ConfigurationError

_PART = re.compile(r"(\d{1,18})(?:-(\d{1,18}))?")
_SHOWN = 20


@dataclass(frozen=True)
class Ids:
    """A set of ids. `ranges`: first and last of each, ascending; no two of them touch."""

    ranges: tuple[tuple[int, int], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what an operator wrote.

        Raises:
            ConfigurationError: it is not ids and ranges of ids with commas between.
        """
        found = []
        for part in text.split(","):
            match = _PART.fullmatch(part.strip())
            if match is None:
                raise ConfigurationError(
                    f"{part.strip()[:40]!r} is no id and no range of ids", remedy="Write them like 17,40-60."
                )
            low, high = int(match[1]), int(match[2] or match[1])
            if low < 1 or high < low:
                raise ConfigurationError(
                    f"the range {part.strip()} holds no id", remedy="Ids begin at 1, and a range at its lower end."
                )
            found.append((low, high))
        return cls(_joined(found))

    @classmethod
    def of(cls, ids: Iterable[int]) -> Self:
        """These ids, in any order."""
        return cls(_joined([(id, id) for id in ids]))

    def __str__(self) -> str:
        return ",".join(_text(one) for one in self.ranges)

    def __len__(self) -> int:
        return sum(high - low + 1 for low, high in self.ranges)

    def __or__(self, other: "Ids") -> "Ids":
        return Ids(_joined([*self.ranges, *other.ranges]))

    def within(self, above: int, to: int) -> "Ids":
        """Those above one id and up to another."""
        cut = ((max(low, above + 1), min(high, to)) for low, high in self.ranges)
        return Ids(tuple((low, high) for low, high in cut if low <= high))

    def above(self, id: int) -> "Ids":
        """Those above an id."""
        return self.within(id, self.ranges[-1][1]) if self.ranges else self

    def without(self, ids: Iterable[int]) -> "Ids":
        """Those that are none of `ids`, which are ascending."""
        return Ids(tuple(self._gaps(ids)))

    def _gaps(self, ids: Iterable[int]) -> Iterator[tuple[int, int]]:
        last = 0
        for id in ids:
            yield from self.within(last, id - 1).ranges
            last = id
        yield from self.above(last).ranges

    def shown(self) -> str:
        """For people: the first of them, and how many more."""
        text = ", ".join(_text(one) for one in self.ranges[:_SHOWN])
        more = len(Ids(self.ranges[_SHOWN:]))
        return f"{text} and {more} more" if more else text


def _text(one: tuple[int, int]) -> str:
    low, high = one
    return str(low) if low == high else f"{low}-{high}"


def _joined(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)
