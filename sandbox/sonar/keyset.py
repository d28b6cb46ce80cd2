"""Which stretch of a maintained order a request asks for, so that following it page by page scans nothing twice.

A crawler's keyset, `updated_at > t` OR (`updated_at = t` AND `id > i`), is one stretch that begins right after (t, i).
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sandbox.sonar.ordering import Order
from sandbox.sonar.rows import ORDERED

_FIRST, _LAST = -(2**64), 2**64
"""Below and above every id."""

Key = tuple[Any, int]


class Stretch(NamedTuple):
    """From `low` (included) up to `high` (not included); None is open."""

    low: Key | None
    high: Key | None


class Stretches(NamedTuple):
    """Disjoint stretches in ascending order. `exact`: every row in them passes the search, and no other does."""

    parts: tuple[Stretch, ...]
    exact: bool


EVERYTHING = Stretches((Stretch(None, None),), exact=True)


def stretches(order: str, searches: Iterable[Mapping[str, Any]] | None) -> Stretches:
    """The stretches of `order` (one of `ORDERED`) in which rows that pass `searches` can lie."""
    branches = [one for one in searches or () if one is not None]
    if not branches:
        return EVERYTHING
    found = [_branch(order, one) for one in branches]
    return Stretches(_joined([stretch for stretch, _ in found]), all(exact for _, exact in found))


def positions(order: Order, parts: Iterable[Stretch]) -> list[range]:
    """Where stretches lie in a maintained order."""
    return [
        range(
            0 if part.low is None else order.place(*part.low),
            len(order.ids()) if part.high is None else order.place(*part.high),
        )
        for part in parts
    ]


def order_of(sorter: Iterable[Mapping[str, Any]] | None) -> tuple[str, bool] | None:
    """(order, descending) when a maintained order serves the sorter, else None. Without a sorter rows come by id."""
    wanted = [(one["attribute"], one["direction"] == "DESC") for one in sorter or () if one is not None]
    if not wanted:
        return "id", False
    attribute, descending = wanted[0]
    if attribute not in ORDERED:
        return None
    if attribute == "id" or wanted[1:2] == [("id", descending)]:
        return attribute, descending
    # By the time alone: ties are ours to order, and ascending ids are what they have everywhere else.
    return (attribute, False) if len(wanted) == 1 and not descending else None


def _branch(order: str, search: Mapping[str, Any]) -> tuple[Stretch, bool]:
    low: Key | None = None
    high: Key | None = None
    member = "integer_fields" if order == "id" else "datetime_fields"
    others = [
        one
        for name, ones in search.items()
        for one in ones or ()
        if one is not None and not (name == member and one["attribute"] == order)
    ]
    exact, ids = True, []
    for one in search.get(member) or ():
        if one is None or one["attribute"] != order:
            continue
        below, above = _bounds(one["operator"], one["search_value"])
        exact = exact and one["operator"] != "NEQ"
        low, high = _higher(low, below), _lower(high, above)
    pinned = low is not None and high is not None and low[0] == high[0]
    for one in others:
        if (
            pinned
            and one in (search.get("integer_fields") or ())
            and one["attribute"] == "id"
            and one["operator"] != "NEQ"
        ):
            ids.append(one)
        else:
            exact = False
    for one in ids:
        assert low is not None
        below, above = _id_bounds(low[0], one["operator"], one["search_value"])
        low, high = _higher(low, below), _lower(high, above)
    return Stretch(low, high), exact


def _bounds(operator: str, value: Any) -> tuple[Key | None, Key | None]:
    before, after = (value, _FIRST), (value, _LAST)
    return {
        "GT": (after, None),
        "GTE": (before, None),
        "LT": (None, before),
        "LTE": (None, after),
        "EQ": (before, after),
        "NEQ": (None, None),
    }[operator]


def _id_bounds(value: Any, operator: str, id: int) -> tuple[Key | None, Key | None]:
    at, after = (value, id), (value, id + 1)
    return {"GT": (after, None), "GTE": (at, None), "LT": (None, at), "LTE": (None, after), "EQ": (at, after)}[operator]


def _higher(one: Key | None, other: Key | None) -> Key | None:
    if one is None or other is None:
        return one or other
    return max(one, other)


def _lower(one: Key | None, other: Key | None) -> Key | None:
    if one is None or other is None:
        return one or other
    return min(one, other)


def _joined(parts: list[Stretch]) -> tuple[Stretch, ...]:
    """Overlapping and touching stretches made one; empty ones left out."""
    bounded = [part for part in parts if part.low is None or part.high is None or part.low < part.high]
    bounded.sort(key=lambda part: (part.low is not None, part.low or (0, 0)))
    joined: list[Stretch] = []
    for part in bounded:
        last = joined[-1] if joined else None
        if last is None or (last.high is not None and part.low is not None and part.low > last.high):
            joined.append(part)
        elif last.high is not None and (part.high is None or part.high > last.high):
            joined[-1] = Stretch(last.low, part.high)
    return tuple(joined)
