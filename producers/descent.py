"""From rows down to the roots that carry them, by Sonar's filters: page by page, so that nothing large is held."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from producers import documents
from producers.documents import Thin
from schemas.aggregate import Hop

_TOGETHER = 150
"""Ids in one search."""

Search = list[dict[str, Any]]


@dataclass
class _Level:
    """A search that is under way, and the steps from what it finds down to the roots."""

    thin: Thin
    search: Callable[[int], Search]
    """Made anew above the last id of each page."""
    rest: tuple[Hop, ...]
    last: int = 0


class Descent:
    """One search after the other, the deepest first. Ask its `question`, and let it `take` what that finds.

    A root to which several ways lead is found by each of them.
    """

    def __init__(self, archived: Collection[str]) -> None:
        """`archived`: collections that are asked for archived rows too."""
        self._archived = archived
        self._levels: list[_Level] = []

    def along(self, way: Sequence[Hop], ids: Iterable[int]) -> "Descent":
        """Also down a way, of at least one step, from the rows with these ids."""
        (hop, *rest), all_ids = way, list(ids)
        thin = Thin(hop.collection, archived=hop.collection in self._archived, by_id=True)
        for at in range(0, len(all_ids), _TOGETHER):
            search = partial(documents.referring, hop, all_ids[at : at + _TOGETHER])
            self._levels.append(_Level(thin, search, tuple(rest)))
        return self

    def over(self, thin: Thin, search: Callable[[int], Search]) -> "Descent":
        """Also by a search among the roots themselves; it is made anew above the last id of each page."""
        self._levels.append(_Level(thin, search, ()))
        return self

    @property
    def question(self) -> tuple[Thin, Search] | None:
        """What is to be asked next; None: every root has been found."""
        while self._levels:
            level = self._levels[-1]
            if search := level.search(level.last):
                return level.thin, search
            self._levels.pop()  # nothing is left to look for; and a search for nothing would find everything
        return None

    def take(self, thin: Thin, ids: Sequence[int], *, ended: bool) -> list[int]:
        """Take the ids that the question found, the last page of them if `ended`; those of roots are returned.

        `thin`: as it was asked in the end, perhaps without a count.
        """
        level = self._levels[-1]
        level.thin = thin
        if ended:
            self._levels.pop()
        else:
            level.last = ids[-1]
        if not level.rest:
            return list(ids)
        self.along(level.rest, ids)
        return []
