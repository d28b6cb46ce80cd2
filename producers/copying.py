"""Of which aggregates a snapshot reads pages beside looks for changes."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime


class Copying:
    """A page may show what was for a while between two looks, and is no more: looks have to know of it."""

    def __init__(self) -> None:
        self._pages: dict[str, tuple[datetime, datetime]] = {}
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def page(self, aggregate: str, clock: Callable[[], datetime]) -> Iterator[None]:
        """A page of an aggregate's roots, from before it is asked for until it has come; `clock` is Sonar's."""
        now = clock()
        self._pages.setdefault(aggregate, (now, now))
        self._under_way[aggregate] += 1
        try:
            yield
        finally:
            self._under_way[aggregate] -= 1
            self._pages[aggregate] = self._pages[aggregate][0], clock()

    def take(self) -> Mapping[str, tuple[datetime, datetime]]:
        """`{aggregate: from when to when pages of it were read}`, that came after the last call, or are to come."""
        taken = self._pages
        self._pages = {name: at for name, at in taken.items() if self._under_way[name]}
        return taken
