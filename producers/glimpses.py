"""What re-read roots showed of look-ups, kept until a look for changes has shown these as they are since.

A look-up may change to and fro between two looks. To both it is as it was noted, and nothing fans out; yet a root that
was read between them shows what was for a while. That root is read again.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, NamedTuple

from msgspec import UNSET

from producers.demands import Demands
from producers.followed import Followed
from producers.index import Index
from producers.layout import Branch
from producers.versions import number_of
from schemas.aggregate import Aggregate

SHOWN_LATE = timedelta(seconds=15)
"""So much later than a change is made a look may show it first."""
_MOST = 50_000
"""Rows of which is kept that roots showed them: an account shows dozens, a payment two. Some 15 MB."""
_UNKNOWN = 1000
"""Roots of an aggregate of which nobody knows what they showed: each is held against every look-up."""
_ANY = ""
"""A type that no row has: of a root that shows nobody knows what."""


class Carried(NamedTuple):
    """A row that an answer shows below a root (`version` None: it has none), or where one may have been hidden.

    `id` None: whichever row of the type, of which a list may have shown more.
    """

    type_name: str
    id: int | None
    version: str | None
    hidden: bool


class _Look(NamedTuple):
    """It showed each row as it was at some time between these."""

    begun: datetime
    ended: datetime


class _Blind(NamedTuple):
    """Not before `since`, not after `until`. A look that ended at `shown` showed what was another then, and still."""

    since: datetime
    until: datetime
    shown: datetime | None = None


_Place = tuple[str, str, int | None]
"""Aggregate, type and id."""
_Shown = tuple[int, int | None] | dict[int, int | None]
"""By root the version that it showed as a number; None: it showed none, or may have hidden it.

Most places have one root, and as a pair that takes a quarter of what a dictionary does.
"""


class Glimpses:
    """By root what it showed when it was last read again. Of look-ups of which each change counts none are kept."""

    def __init__(self, demands: Demands) -> None:
        self._demands = demands
        self._seen: dict[_Place, _Shown] = {}
        self._places: dict[tuple[str, int], tuple[datetime, datetime, tuple[_Place, ...]]] = {}
        """By aggregate and root, those that were noted longest ago first: read not before, and not after, these."""
        self._rows = 0
        self._blind: dict[str, _Blind] = {}
        """By aggregate, the time in which roots of it were read of which nothing is kept."""
        self._told: dict[_Place, int] = {}
        """Versions in which look-ups were shown to those of which nothing is kept."""
        self._doubted: set[tuple[str, int]] = set()
        self._looks: dict[str, deque[_Look]] = {}
        """By aggregate the looks at what its roots show: the last that is long past, and later ones."""
        self._settled: dict[str, datetime] = {}
        """By aggregate: what its roots showed when they were read before this, looks have shown as it is since."""

    def restore(
        self, aggregates: Iterable[Aggregate], index: Index, sequence: int, at: datetime, now: datetime
    ) -> None:
        """Roots that were read from a sequence on, up to `now`, showed nobody knows what: after an end.

        `at`: where looks begin, so that nothing that they show counts as changed before the reading.
        """
        for one in aggregates:
            roots = index.published_since(one.root.name, sequence) if watched(one) else ()
            if len(roots) > _UNKNOWN:
                self.blind(one.name, at, now)
            for root in roots[-_UNKNOWN:]:
                self.note(one.name, root, [Carried(_ANY, None, None, hidden=True)], at, now)

    def note(self, aggregate: str, root: int, carried: Iterable[Carried], since: datetime, until: datetime) -> None:
        """A root was read, not before and not after these by Sonar's clock: what changed earlier was shown as it is."""
        self._forget(aggregate, root)
        versions = {(aggregate, one.type_name, one.id): one for one in carried}
        if not versions:
            return
        for place, one in versions.items():
            shown = None if one.hidden or one.version is None else number_of(one.version)
            others = self._seen.get(place)
            if isinstance(others, dict):
                others[root] = shown
            else:
                self._seen[place] = (root, shown) if others is None else {**_by_root(others), root: shown}
        self._places[aggregate, root] = since, until, tuple(versions)
        self._rows += len(versions)
        while self._rows > _MOST:
            name, oldest = next(iter(self._places))
            first, last, _ = self._places[name, oldest]
            self.blind(name, first, last)
            self._forget(name, oldest)

    def blind(self, aggregate: str, since: datetime, until: datetime) -> None:
        """Roots were read, not before and not after these, and of what they showed nothing is kept."""
        before = self._blind.get(aggregate)
        if before is not None:
            since, until = min(before.since, since), max(before.until, until)
        self._blind[aggregate] = _Blind(since, until)

    def is_unsure(self, followed: Followed, row: dict[str, Any]) -> bool:
        """Whether a look-up may have been another while such were read, and is shown so for the first time since."""
        name, look_up = followed.aggregate.name, followed.look_up
        if look_up is None or name not in self._blind:
            return False
        blind, changed = self._blind[name], datetime.fromisoformat(row["updated_at"])
        if changed < blind.since or (blind.shown is not None and changed > blind.shown):
            return False
        place, version = (name, look_up.type_name, int(row["id"])), number_of(row["_version"])
        before, self._told[place] = self._told.get(place), version
        return before != version

    def doubt(self, followed: Followed, row: dict[str, Any], since: datetime) -> None:
        """Read those again that showed a look-up otherwise than a look for changes shows it, as it was noted."""
        if followed.look_up is not None and followed.look_up.fields:
            name = followed.aggregate.name
            for root in self._differing(name, followed.look_up.type_name, row):
                self._demands.add(followed.aggregate, root, since)
                self._doubted.add((name, root))

    @property
    def in_doubt(self) -> bool:
        """Whether one of those is still to be read."""
        self._doubted = {one for one in self._doubted if self._demands.is_open(*one)}
        return bool(self._doubted)

    def _differing(self, aggregate: str, type_name: str, row: dict[str, Any]) -> list[int]:
        """Roots that showed a row otherwise than it is now, or may have missed it because of what it was."""
        id, version, changed = int(row["id"]), number_of(row["_version"]), datetime.fromisoformat(row["updated_at"])
        shown = _by_root(self._seen.get((aggregate, type_name, id), {}))
        unsure = {root for root, one in shown.items() if one is None}
        for place in ((aggregate, type_name, None), (aggregate, _ANY, None)):
            unsure.update(_by_root(self._seen.get(place, {})).keys() - shown.keys())
        found = {root for root, one in shown.items() if one is not None and one != version}
        return sorted(found.union(root for root in unsure if self._places[aggregate, root][0] <= changed))

    def looked(self, begun: datetime, ended: datetime, names: AbstractSet[str]) -> None:
        """A look was made at what roots of these aggregates show, between these: forget what that settles.

        A row that was another when a root was read, and is not when a look shows the changes of that time, was back
        before that look ended: so the look settles the matter that shows the changes of *that* time.
        """
        long_past = begun - SHOWN_LATE
        for name in names:
            looks = self._looks.setdefault(name, deque())
            looks.append(_Look(begun, ended))
            while len(looks) > 1 and looks[1].ended <= long_past:
                looks.popleft()
            if looks[0].ended <= long_past:
                self._settled[name] = looks[0].begun - SHOWN_LATE
        settled = {name: self._settled[name] for name in names if name in self._settled}
        if settled:
            newest = max(settled.values())
            past = takewhile(lambda one: one[1][1] < newest, self._places.items())
            gone = [place for place, (_, at, _) in past if place[0] in settled and at < settled[place[0]]]
            for name, root in gone:
                self._forget(name, root)
        for name, blind in [(name, one) for name, one in self._blind.items() if name in names]:
            if name in settled and blind.until < settled[name]:
                del self._blind[name]
                self._told = {place: version for place, version in self._told.items() if place[0] != name}
            elif blind.shown is None and blind.until <= long_past:
                self._blind[name] = blind._replace(shown=ended)

    def settled(self, names: AbstractSet[str]) -> datetime | None:
        """What roots of all these showed when they were read before this counts no more; None: all of it counts."""
        return min((self._settled[name] for name in names), default=None) if names <= self._settled.keys() else None

    def _forget(self, aggregate: str, root: int) -> None:
        *_, places = self._places.pop((aggregate, root), (None, None, ()))
        self._rows -= len(places)
        for place in places:
            shown = self._seen[place]
            if isinstance(shown, dict):
                del shown[root]
            if len(shown) == 0 or isinstance(shown, tuple):
                del self._seen[place]


def _by_root(shown: _Shown) -> dict[int, int | None]:
    return shown if isinstance(shown, dict) else {shown[0]: shown[1]}


def watched(aggregate: Aggregate) -> frozenset[str]:
    """Types of look-ups that may be as they were noted although they have changed."""
    return frozenset(one.type_name for one in aggregate.looks_up if one.fields)


def carried(row: Any, branches: Sequence[Branch], types: frozenset[str]) -> list[Carried]:
    """What a flattened row shows of rows of these types, and where it shows none though it refers to one."""
    found: list[Carried] = []
    for branch in branches:
        value, is_one = getattr(row, branch.name), branch.type_name in types
        value = None if value is UNSET else value
        if branch.many and is_one and value is not None:
            found.append(Carried(branch.type_name, None, None, hidden=True))
        elif value is None and is_one:
            found += _hidden(row, branch)
        for one in value or () if branch.many else (value,) if value else ():
            if is_one:
                found.append(Carried(branch.type_name, one.id, getattr(one, "_version", None), hidden=False))
            found += carried(one, branch.branches, types)
    return found


def _hidden(row: Any, branch: Branch) -> Iterable[Carried]:
    if getattr(row, f"{branch.field}_type", branch.type_name) != branch.type_name:
        return
    id = getattr(row, f"{branch.field}_id", UNSET)
    if id is UNSET:
        yield Carried(branch.type_name, None, None, hidden=True)
    elif id is not None:
        yield Carried(branch.type_name, int(id), None, hidden=True)
