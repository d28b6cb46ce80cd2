"""One page of rows: filtered, sorted, counted and cut as the arguments of a collection or nested connection say."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple

from sandbox.sonar.alternatives import Test
from sandbox.sonar.declarations import ObjectType
from sandbox.sonar.filters import Filters
from sandbox.sonar.keyset import order_of, positions, stretches
from sandbox.sonar.refusals import QueryRefused
from sandbox.sonar.rows import Row
from sandbox.sonar.store import Store

DEFAULT_PAGE_SIZE = 100
"""Rows per page when no paginator is sent. The real figure is not documented, which is why clients must send one."""


class Page(NamedTuple):
    """`rows` of page number `page`; `total` counts all that match, None when nobody asked for it."""

    rows: Sequence[Row]
    page: int
    per_page: int
    total: int | None


class Listing:
    """A bound request for rows of one type; `of` answers it for related ids, `whole` for the collection."""

    def __init__(
        self,
        store: Store,
        kind: ObjectType,
        arguments: Mapping[str, Any],
        *,
        counted: bool,
        largest_page: int | None = None,
        same_attribute_or: bool = False,
    ) -> None:
        """`counted`: whether the total is needed. `largest_page`: what the server silently clamps page sizes to.

        Raises:
            QueryRefused: an argument cannot be obeyed.
        """
        self._store, self._kind, self._arguments, self._counted = store, kind, arguments, counted
        self._table = store.tables[kind.name]
        shows_archived = bool(arguments.get("include_archived"))
        test = Filters(store, shows_archived, same_attribute_or).everything(kind, arguments)
        self.test = _visible(test) if "archived_at" in kind.columns and not shows_archived else test
        paginator = arguments.get("paginator") or {}
        self._page = paginator.get("page", 1)
        asked = paginator.get("records_per_page", DEFAULT_PAGE_SIZE)
        if self._page < 1 or asked < 1:
            raise QueryRefused("The paginator counts pages and records from 1.")
        self._per_page = asked if largest_page is None else min(asked, largest_page)
        self._sorter = [one for one in arguments.get("sorter") or () if one is not None]
        for one in self._sorter:
            if one["attribute"] not in kind.columns:
                raise QueryRefused(f"Attribute [{one['attribute']}] does not exist on {kind.name}.")

    def of(self, ids: Sequence[int]) -> Page:
        """The page among related rows, given by ascending ids."""
        rows = self._table.rows
        if self.test is None and not self._sorter:
            start = (self._page - 1) * self._per_page
            chosen = [rows[id] for id in ids[start : start + self._per_page]]
            return Page(chosen, self._page, self._per_page, len(ids))
        return self._cut(self._sorted(self._passing([rows[id] for id in ids])))

    def whole(self) -> Page:
        """The page of the collection."""
        if (few := self._few()) is not None:
            return self.of(few)
        served = order_of(self._sorter)
        if served is None:
            return self._cut(self._sorted(self._passing(self._by_id())))
        return self._along(*served)

    def matching(self) -> list[Row]:
        """All rows of the collection that pass, by id: what aggregations count."""
        few = self._few()
        return self._passing(self._by_id() if few is None else [self._table.rows[id] for id in few])

    def passing(self, ids: Iterable[int]) -> list[Row]:
        """All related rows that pass."""
        return self._passing([self._table.rows[id] for id in ids])

    def _along(self, order: str, descending: bool) -> Page:
        ids, rows = self._table.orders[order].ids(), self._table.rows
        found = stretches(order, self._arguments.get("search"))
        spans = positions(self._table.orders[order], found.parts)
        places: Iterator[int]
        if descending:
            spans = [span[::-1] for span in reversed(spans)]
        start = (self._page - 1) * self._per_page
        if found.exact and self._only_search():
            if len(spans) == 1:
                places = iter(spans[0][start : start + self._per_page])
            else:
                places = islice(chain.from_iterable(spans), start, start + self._per_page)
            chosen = [rows[ids[at]] for at in places]
            return Page(chosen, self._page, self._per_page, sum(len(span) for span in spans))
        candidates = (rows[ids[at]] for span in spans for at in span)
        passing = candidates if self.test is None else filter(self.test, candidates)
        if self._counted:
            return self._cut(list(passing))
        return Page(list(islice(passing, start, start + self._per_page)), self._page, self._per_page, None)

    def _only_search(self) -> bool:
        """Whether `search` is the only thing that decides, so that the keyset's stretches say it all."""
        if "archived_at" in self._kind.columns and not self._arguments.get("include_archived"):
            return False
        others = (*self._kind.columns, "general_search", "reverse_relation_filters")
        return all(self._arguments.get(name) is None for name in others)

    def _few(self) -> Sequence[int] | None:
        """Ids among which all matches are, when an equality argument leads to them by an index."""
        if (id := self._arguments.get("id")) is not None:
            return [id] if id in self._table.rows else []
        for via in self._table.pointers:
            if (key := self._arguments.get(via)) is not None:
                return self._store.pointing(self._kind.name, via, key)
        return None

    def _by_id(self) -> list[Row]:
        rows = self._table.rows
        return [rows[id] for id in self._table.orders["id"].ids()]

    def _passing(self, rows: list[Row]) -> list[Row]:
        return rows if self.test is None else list(filter(self.test, rows))

    def _sorted(self, rows: list[Row]) -> list[Row]:
        """Sorted by the first sorter first; rows that tie stay in the order of their ids, nulls come first."""
        for one in reversed(self._sorter):
            rows = sorted(rows, key=_sort_key(self._kind, one["attribute"]), reverse=one["direction"] == "DESC")
        return rows

    def _cut(self, rows: Sequence[Row]) -> Page:
        start = (self._page - 1) * self._per_page
        return Page(rows[start : start + self._per_page], self._page, self._per_page, len(rows))


def _visible(test: Test | None) -> Test:
    """Archived rows fail, whatever else is asked."""
    if test is None:
        return lambda row: row.archived_at is None  # type: ignore[attr-defined]
    return lambda row: row.archived_at is None and test(row)  # type: ignore[attr-defined]


def _sort_key(kind: ObjectType, attribute: str) -> Callable[[Row], Any]:
    scalar = kind.columns[attribute].scalar
    read: Callable[[Any], Any] = float if scalar in ("Latitude", "Longitude") else _folded

    def key(row: Row) -> tuple[bool, Any]:
        value = getattr(row, attribute)
        return (False, 0) if value is None else (True, read(value))

    return key


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value
