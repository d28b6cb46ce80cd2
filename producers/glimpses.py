"""What re-read roots showed of look-ups, kept until a look for changes has shown these as they are since.

A look-up may change to and fro between two looks. To both it is as it was noted, and nothing fans out; yet a root that
was read between them shows what was for a while. That root is read again.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from itertools import islice, takewhile
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
    copied: datetime | None
    """When a snapshot read last: its requests are made beside looks, so that their sequences do not tell when."""
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
        self._told: dict[_Place, tuple[int, datetime]] = {}
        """Versions in which look-ups were shown to those of which nothing is kept, and when these were made."""
        self._doubted: set[tuple[str, int]] = set()
        self._numbers: deque[tuple[datetime, int]] = deque()
        """When looks began, and the sequence of what was asked for next."""
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
                self._blind_from(one.name, at, now)
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
            self._blind_from(name, first, last)
            self._forget(name, oldest)

    def copied(self, aggregate: str, since: datetime, until: datetime) -> None:
        """A snapshot read roots, not before and not after these, and of what they showed nothing is kept."""
        self._blind_from(aggregate, since, until, copied=until)

    def _blind_from(self, name: str, since: datetime, until: datetime, copied: datetime | None = None) -> None:
        before = self._blind.get(name)
        if before is not None:
            since, until, copied = min(before.since, since), max(before.until, until), copied or before.copied
        self._blind[name] = _Blind(since, until, copied)

    def is_unsure(self, followed: Followed, row: dict[str, Any]) -> bool:
        """Whether a look-up may have been another while such were read, and is shown so for the first time since."""
        name, look_up = followed.aggregate.name, followed.look_up
        if look_up is None or name not in self._blind:
            return False
        blind, changed = self._blind[name], datetime.fromisoformat(row["updated_at"])
        if changed < blind.since or (blind.shown is not None and changed > blind.shown):
            return False
        place, told = (name, look_up.type_name, int(row["id"])), (number_of(row["_version"]), changed)
        before, self._told[place] = self._told.get(place), told
        return before != told

    def unsure_from(self, aggregate: str) -> int:
        """From which sequence on roots were read that may show an unsure look-up otherwise; 0: nobody knows.

        A request of following is made while a look is, or behind it: none that was made before a look began showed
        anything after that.
        """
        blind = self._blind[aggregate]
        if blind.copied is not None and blind.copied >= blind.since:
            return 0
        return max((number for at, number in self._numbers if at < blind.since), default=0)

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

    def looked(self, begun: datetime, ended: datetime, names: AbstractSet[str], sequence: int) -> None:
        """A look was made at what roots of these aggregates show, between these: forget what that settles.

        `sequence`: of the first request that was made when it began, or later.

        A row that was another when a root was read, and is not when a look shows the changes of that time, was back
        before that look ended: so the look settles the matter that shows the changes of *that* time.
        """
        long_past = begun - SHOWN_LATE
        self._numbers.append((begun, sequence))
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
                continue
            if blind.shown is None and blind.until <= long_past:
                blind = blind._replace(shown=ended)
            # Where roots are always read of which nothing is kept, it has no end; yet what it began with is settled.
            self._blind[name] = blind._replace(since=max(blind.since, settled.get(name, blind.since)))
        self._told = {place: told for place, told in self._told.items() if self._is_open(place[0], told[1])}
        # What is kept now may be forgotten later for want of room.
        oldest = [since for since, *_ in islice(self._places.values(), 1)]
        earliest = min([begun, *oldest, *(blind.since for blind in self._blind.values())])
        while len(self._numbers) > 1 and self._numbers[1][0] < earliest:
            self._numbers.popleft()

    def _is_open(self, name: str, changed: datetime) -> bool:
        return name in self._blind and changed >= self._blind[name].since

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
