"""What becomes of each field of a row that somebody may have edited in Splynx. Pure functions.

Three values are compared: `base`, as it was written last; `source`, as Sonar has it now; `target`, as Splynx has it
now. Where `target` is still `base` nobody edited it. Where it is `source` both sides agree. Else it is a conflict,
which the field's owner and the policy decide (mapping 8.18a), or somebody by name.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from schemas.aggregate import Target
from schemas.ledger import AGREED, KEPT, OVERWRITTEN, TAKEN, UNSETTLED
from schemas.ownership import Ownership, stays_on_adoption
from schemas.records import FieldOwner

BY_LOCK, BY_POLICY = "locked", "policy"
"""What decided, where nobody did by name."""
MISSING: Any = object()
"""Of a value that a side does not show."""


class Side(Enum):
    """Whose value is taken."""

    SOURCE = "source"
    TARGET = "target"


@dataclass(frozen=True)
class Standing:
    """The last conflict about a field, while Splynx's value stays: undecided, or because somebody said so."""

    id: int
    state: str
    base: Any
    source: Any
    target: Any


@dataclass(frozen=True)
class Decision:
    """What somebody decided about a conflict. It holds while Splynx has the value that was looked at."""

    side: Side
    target: Any
    by: str


@dataclass(frozen=True)
class Told:
    """A conflict as it is to stand in the ledger. `row`: the one that it goes on from; None for a new one."""

    field: str
    base: Any
    source: Any
    target: Any
    state: str
    by: str | None = None
    row: int | None = None


@dataclass
class Merged:
    """What is not written of a record, and what is told of it."""

    left: set[str] = field(default_factory=set)
    told: list[Told] = field(default_factory=list)


Same = Callable[[Any, Any], bool]
_NOTHING: Mapping[str, Any] = {}


_LEFT = Told("", None, None, None, KEPT)
"""A field stays as it is in Splynx, and nothing new is to be told of it."""


def merge(
    target: Target,
    ownership: Ownership,
    *,
    base: Mapping[str, Any],
    source: Mapping[str, Any],
    current: Mapping[str, Any],
    standing: Mapping[str, Standing] = _NOTHING,
    decided: Mapping[str, Decision] = _NOTHING,
    unasked: Collection[str] = (),
    same: Same,
) -> Merged:
    """Compare the fields of a row that was written before, each `{field: value}`. What a side does not show is no edit.

    Where no `base` is known (a row that was adopted) nobody can tell an edit from a change in Sonar, which is written;
    but for the fields `unasked`, and those that stay on adoption: a difference waits until somebody decides.
    """
    merged = Merged()
    staying = stays_on_adoption(target)
    for name, ours in source.items():
        owner = ownership.owner(target, name)
        known = standing.get(name)
        before = known.base if known is not None else base.get(name, MISSING)
        theirs = current.get(name, MISSING)
        if owner is FieldOwner.TARGET:
            merged.left.add(name)
            if known is not None:  # the rules gave the field away since: nothing is left to decide
                merged.told.append(Told(name, before, ours, known.target, AGREED, BY_POLICY, known.id))
            continue
        if theirs is MISSING:
            continue
        if (before is MISSING and name in {*unasked, *staying}) or (
            known is not None and known.base is None and name in staying
        ):
            told = _adopted(name, ours, theirs, known, decided.get(name), same)
            if told is _LEFT or (told is not None and told.state in (UNSETTLED, KEPT)):
                merged.left.add(name)
            if told is not None and told is not _LEFT:
                merged.told.append(told)
            continue
        if before is MISSING:
            continue
        told = _told(name, before, ours, theirs, owner, ownership, target, known, decided.get(name), same)
        if told is _LEFT:
            merged.left.add(name)
        elif told is not None:
            if told.state in (UNSETTLED, KEPT):
                merged.left.add(name)
            merged.told.append(told)
    return merged


def _adopted(
    name: str, ours: Any, theirs: Any, known: Standing | None, decision: Decision | None, same: Same
) -> Told | None:
    """What is told of a field that nobody wrote yet. It stays but for what was decided."""
    row = known.id if known is not None else None
    if same(ours, theirs):
        return Told(name, None, ours, theirs, AGREED, None, row) if known is not None else None
    if decision is not None and same(decision.target, theirs):
        state = TAKEN if decision.side is Side.SOURCE else KEPT
        return Told(name, None, ours, theirs, state, decision.by, row)
    if known is not None and same(ours, known.source) and (known.state == KEPT or same(theirs, known.target)):
        return _LEFT
    return Told(name, None, ours, theirs, UNSETTLED, None, row if known is None or known.state != KEPT else None)


def _told(
    name: str,
    before: Any,
    ours: Any,
    theirs: Any,
    owner: FieldOwner,
    ownership: Ownership,
    target: Target,
    known: Standing | None,
    decision: Decision | None,
    same: Same,
) -> Told | None:
    row = known.id if known is not None else None
    if same(ours, theirs):
        return Told(name, before, ours, theirs, AGREED, None, row) if known is not None else None
    if known is not None and known.state == KEPT and same(ours, known.source):
        return _LEFT  # as it was decided, whatever was typed there since
    if same(before, theirs):
        # Nobody edited it, or somebody took the edit back: what Sonar has is written.
        return Told(name, before, ours, theirs, AGREED, None, row) if known is not None else None
    if known is not None and known.state == KEPT:
        row = None  # Sonar has another value since: a conflict of its own
    if decision is not None and same(decision.target, theirs):
        state = TAKEN if decision.side is Side.SOURCE else KEPT
        return Told(name, before, ours, theirs, state, decision.by, row)
    if owner is FieldOwner.LOCKED:
        return Told(name, before, ours, theirs, OVERWRITTEN, BY_LOCK, row)
    if owner is FieldOwner.SHARED and same(before, ours):
        return _LEFT  # only Splynx's changed
    policy = ownership.policy_of(target, name)
    if policy == "overwrite":
        return Told(name, before, ours, theirs, OVERWRITTEN, BY_POLICY, row)
    if policy == "keep":
        return Told(name, before, ours, theirs, KEPT, BY_POLICY, row)
    return Told(name, before, ours, theirs, UNSETTLED, None, row)


EXTRA = "additional_attributes"


def flat(body: Mapping[str, Any]) -> dict[str, Any]:
    """`{field: value}` of a request, additional fields among them.

    One that is called as a main attribute goes by `additional_attributes.NAME`.
    """
    found = {name: value for name, value in body.items() if name != EXTRA}
    return found | {_beside(name, body): value for name, value in body.get(EXTRA, {}).items()}


def shown(body: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """The same fields as a row has them. Splynx lists only additional fields with a value: others are empty."""
    found = {name: row[name] for name in body if name != EXTRA and name in row}
    extra = row.get(EXTRA)
    if isinstance(extra, Mapping):
        found |= {_beside(name, body): extra.get(name, "") for name in body.get(EXTRA, {})}
    return found


def came_through(sent: Iterable[Mapping[str, Any]], row: Mapping[str, Any], same: Same) -> set[str]:
    """Fields of which a row has what a call of ours asked for whose answer was lost: nobody edited those.

    `sent`: the requests of such calls since the row was written for certain.
    """
    found: set[str] = set()
    for one in sent:
        there = shown(one, row)
        found |= {name for name, value in flat(one).items() if name in there and same(value, there[name])}
    return found


def without(body: Mapping[str, Any], left: Collection[str]) -> dict[str, Any]:
    """A request without the fields that stay as they are."""
    main = {name: value for name, value in body.items() if name != EXTRA and name not in left}
    extra = {name: value for name, value in body.get(EXTRA, {}).items() if _beside(name, body) not in left}
    return main | ({EXTRA: extra} if extra else {})


def _beside(name: str, main: Collection[str]) -> str:
    return f"{EXTRA}.{name}" if name in main else name
