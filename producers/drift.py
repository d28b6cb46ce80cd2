"""Drift: Sonar's schema looked at again and again, what has changed in it told, and what that means for capture."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog

from clients.sonar import SonarClient
from clients.sonar_schema import VALUE, Outline
from plumbing import metrics
from plumbing.clock import utc_now
from plumbing.errors import SyncError
from producers.cursors import Cursors
from producers.needs import QUERY, SchemaUnfit, concerned
from producers.source import Source, read_source
from schemas.aggregate import Aggregate

log = structlog.get_logger()

SCHEMA_EVENT = "schema-event"
EFFECTS = ("halt", "null", "unreadable", "used", "passes", "unused")
"""halt: an aggregate stands still. null: a declared field is gone. unreadable: it may not be read. used: a declared
field is there (again). passes: values are of another kind, and each is held against the declaration. unused: nobody
declares it."""
_CURSOR = "schema"
_REMEMBERED = 50
_SOON_SECONDS = 60.0

metrics.preset(metrics.SCHEMA_EVENTS, EFFECTS)


class SchemaEvent(NamedTuple):
    """One change of Sonar's schema, and what it means."""

    change: str
    """`gone`, `new` or `retyped`."""
    name: str
    """`Account.name`, `Account` (a type), `payments` (a collection), `Status.ACTIVE` (a value)."""
    effect: str
    aggregates: tuple[str, ...]
    """Those that declare it."""


class Change(NamedTuple):
    """What follows from a look that found something."""

    source: Source
    again: tuple[str, ...]
    """Aggregates that have to be read again: a field is there again that was null in their events."""


class Drift:
    """Remembers in the cursors how Sonar's schema was, so that nothing is told twice, and what changed while away."""

    def __init__(
        self,
        client: SonarClient,
        aggregates: Sequence[Aggregate],
        cursors: Cursors,
        source: Source,
        tell: Callable[[Mapping[str, Any]], None],
        *,
        first: int,
        every: timedelta,
        carried: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`tell` hands a record to the notifications; `first`, `carried` as in `read_source`."""
        self._client, self._aggregates, self._cursors, self._tell = client, aggregates, cursors, tell
        self._first, self._every, self._carried, self._clock = first, every, carried, clock
        self.source = source
        self._due = clock() + every.total_seconds()
        self._unkept: dict[str, Any] | None = None
        """What is to be remembered once what follows from it is under way."""
        self._doubted: bool | None = None
        """Sonar refused a document. True: a look is due because of that; False: it was taken, and showed nothing."""

    @property
    def is_due(self) -> bool:
        """Whether to look now."""
        return self._doubted is True or self._clock() >= self._due

    @property
    def events(self) -> list[dict[str, Any]]:
        """The newest changes, oldest first, each with `at`."""
        return list((self._unkept or self._cursors.get(_CURSOR) or {}).get("events", ()))

    def doubt(self) -> bool:
        """Sonar refused a document of ours: look at once. False where a look has just shown nothing new."""
        if self._doubted is False:
            return False
        self._doubted = True
        return True

    def believe(self) -> None:
        """Sonar answers what we ask."""
        self._doubted = None

    async def begin(self) -> Change | None:
        """Compare what was read at start with what an earlier process remembered; None: nothing has changed."""
        return await self._compare(self.source)

    async def look(self) -> Change | None:
        """Read the schema again; None: nothing has changed.

        Raises:
            SchemaUnfit: there is nothing left that can be read.
            SyncError: from the client; it is due again soon.
        """
        try:
            known = None if self._doubted else self.source
            found = await read_source(self._client, self._aggregates, self._first, known, self._carried)
            change = await self._compare(found)
        except SchemaUnfit:
            self._due, self._doubted = self._clock() + self._every.total_seconds(), False
            raise
        except SyncError:
            self._due = self._clock() + _SOON_SECONDS
            raise
        self._due = self._clock() + self._every.total_seconds()
        self._doubted = False if change is None and self._doubted else None
        return change

    async def keep(self) -> None:
        """Remember the schema as it is now, once what a change asks for is ordered: a kill before tells it again."""
        if self._unkept is not None:
            await self._cursors.save(_CURSOR, self._unkept)
            self._unkept = None

    async def _compare(self, found: Source) -> Change | None:
        before = self._cursors.get(_CURSOR)
        # A type that no relation of ours leads to any more is no type that has gone.
        left = found.schema.outline((before or {}).get("outline", {}).keys() - found.outline.keys())
        now = _State.of(found, left)
        known = now if before is None else _State(*(before.get(name, {}) for name in _State._fields))
        now = now.after(known)
        events = list(events_of(self._aggregates, known, now))
        self.source = found
        self._count()
        if before is not None and known == now:
            return None
        at = utc_now().isoformat()
        for one in events:
            metrics.SCHEMA_EVENTS.labels(one.effect).inc()
            level = log.error if one.effect in ("halt", "unreadable") else log.warning
            level("capture.schema_changed", **one._asdict())
            self._tell({"type": SCHEMA_EVENT, "at": at, **one._asdict()})
        again = {name for one in events if one.effect == "used" for name in one.aggregates}
        again = {name for name in again if name not in known.unfit and name not in found.unfit}
        # What came back while an aggregate stood still is null in all that was published before it did.
        again |= {name for name in known.unfit if name not in now.unfit and known.null_in(name) - now.null_in(name)}
        told = [*(before or {}).get("events", ()), *({"at": at, **one._asdict()} for one in events)]
        self._unkept = {**now._asdict(), "events": told[-_REMEMBERED:]}
        self._count()
        return Change(found, tuple(sorted(again)))

    def _count(self) -> None:
        source = self.source
        for effect, count in (
            ("halt", len(source.unfit)), ("null", len(source.lacking)), ("unreadable", len(source.unreadable))
        ):  # fmt: skip
            metrics.SCHEMA_LACKING.labels(effect).set(count)
        for one in self.events:
            metrics.SCHEMA_CHANGED.labels(one["effect"]).set(datetime.fromisoformat(one["at"]).timestamp())


class _State(NamedTuple):
    outline: Outline
    unfit: Mapping[str, Sequence[str]]
    missing: Mapping[str, Sequence[str]]
    denied: Mapping[str, Sequence[str]]
    nulls: Mapping[str, Sequence[str]]
    """`{aggregate: fields that are null on its topic}`, of those that stand still as it was when they began to."""

    @classmethod
    def of(cls, source: Source, left: Outline) -> "_State":
        denied = {name: sorted(fields) for name, fields in source.denied.items()}
        nulls = {
            name: sorted([*source.missing.get(name, ()), *denied.get(name, ())])
            for name in sorted(source.missing.keys() | denied.keys())
        }
        return cls({**source.outline, **left}, source.unfit, source.missing, denied, nulls)

    def after(self, known: "_State") -> "_State":
        """This one, as it follows an earlier one: of what stands still nothing is published."""
        kept = {name: fields for name, fields in known.nulls.items() if name in self.unfit}
        return self._replace(nulls={**self.nulls, **kept})

    def null_in(self, aggregate: str) -> set[str]:
        """What is null on an aggregate's topic."""
        return set(self.nulls.get(aggregate, ()))


def events_of(aggregates: Sequence[Aggregate], before: _State, after: _State) -> Iterator[SchemaEvent]:
    """What has changed in Sonar's schema, and in what the token may read of it."""
    users = concerned(aggregates, before.outline)
    for key, names in concerned(aggregates, after.outline).items():
        users[key] = users.get(key, set()) | names
    for change, type_name, field in differences(before.outline, after.outline):
        shapes = {one.outline.get(type_name, {}).get(field or "") for one in (before, after)}
        names = users.get((type_name, None if VALUE in shapes else field), set())
        name = field if type_name == QUERY and field is not None else ".".join(filter(None, (type_name, field)))
        if not names:
            effect = "unused"
        elif VALUE in shapes:
            effect = "passes" if change == "new" else "unused"  # a value that no row has any more is no loss
        elif any(_halts(name, change, field, after.unfit[one]) for one in names & (after.unfit.keys() - before.unfit)):
            effect = "halt"
        elif change == "gone" or _lacks(after, name):
            effect = "null"
        else:
            effect = "used" if change == "new" or _lacks(before, name) else "passes"
        yield SchemaEvent(change, name, effect, tuple(sorted(names)))
    for aggregate in sorted(before.denied.keys() | after.denied.keys()):
        was, now = set(before.denied.get(aggregate, ())), set(after.denied.get(aggregate, ()))
        for field in sorted(was ^ now):
            if aggregate not in before.unfit and aggregate not in after.unfit:
                change, effect = ("gone", "unreadable") if field in now else ("new", "used")
                yield SchemaEvent(change, f"{aggregate}.{field}", effect, (aggregate,))


def differences(before: Outline, after: Outline) -> Iterator[tuple[str, str, str | None]]:
    """`(gone, new or retyped; type; field)`; field None: the whole type.

    A new type is told by the new field that leads to it.
    """
    for type_name, old in sorted(before.items()):
        new = after.get(type_name)
        if new is None:
            yield "gone", type_name, None
            continue
        for field in sorted(old.keys() | new.keys()):
            if field not in new:
                yield "gone", type_name, field
            elif field not in old:
                yield "new", type_name, field
            elif old[field] != new[field]:
                yield "retyped", type_name, field


def _lacks(state: _State, name: str) -> bool:
    return any(name in lacks for lacks in state.missing.values())


def _halts(name: str, change: str, field: str | None, lacks: Sequence[str]) -> bool:
    """Whether an aggregate that lacks this stands still because of one change of the schema."""
    return name in lacks or change == "retyped" or (change == "gone" and field is None)
