"""A record that a rollback is about: what is done with it, what that changes in its row, and whom it waits for."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from schemas.aggregate import Target
from schemas.names import collated
from sinks.plan import Document, Step, Verb
from sinks.swaps import aside
from sinks.tables.crosswalk import Owned
from sinks.undo import Undo, Way, left
from sinks.undo_rows import names_in


@dataclass(frozen=True)
class Planned:
    """One record, what is done with it, and what that changes in its row."""

    target: Target
    key: str
    owned: Owned | None
    undo: Undo
    runs: tuple[str, ...]
    order: int
    """Of its last entry that is undone; the newest is undone first."""
    item: tuple[str, int | str] | None = None
    """Path and id of its row, where it goes over REST and was looked at."""
    current: Mapping[str, Any] = field(default_factory=dict)
    body: Document = field(default_factory=dict)
    """What the row is to have."""
    sent: Document = field(default_factory=dict)
    """The columns of it that would change, with their values."""
    ahead: Document = field(default_factory=dict)
    """Those that have it already, or stand aside, with what was written last."""
    waits: bool = False
    """It stands aside, for another record of its part has what it returns to."""

    @property
    def columns(self) -> list[str]:
        """Names of the columns that would change."""
        return sorted(names_in(self.sent))

    def leave(self, why: str) -> "Planned":
        """The same, left as it is."""
        return replace(self, undo=left(why), sent={}, ahead={})

    def because(self, why: str) -> "Planned":
        """The same, done, but not as it should be."""
        return replace(self, undo=replace(self.undo, why=why))

    def standing_aside(self) -> dict[str, str]:
        """What it has while it stands aside: whoever goes on after an interruption knows that nobody typed it."""
        if self.owned is None or self.owned.applied is None:
            return {}
        step = Step(Verb.CHANGE, self.target, self.key, "", None, self.owned.known)
        return aside(step, self.owned.applied)

    def told(self) -> "Planned":
        """The same with only so much of its row as tells what changes: a day has many rows."""
        return replace(self, body={}, current={name: self.current.get(name) for name in self.sent})


class HandedOn:
    """Values that Splynx takes once only, and that records of a part give up as they return to what they had."""

    def __init__(self, planned: Sequence[Planned]) -> None:
        self._given_up: dict[tuple[str, str, str], set[str]] = {}
        for one in planned:
            if one.owned is None or one.undo.way is not Way.RESTORE:
                continue
            for name in one.target.once:
                if name in one.undo.before and name in one.owned.known.document:
                    value = collated(str(one.owned.known.document[name]))
                    self._given_up.setdefault((one.target.entity, name, value), set()).add(one.key)

    def comes_free_for(self, one: Planned) -> bool:
        """Whether another record has what this one returns to, and gives it up."""
        return any(
            self._given_up.get((one.target.entity, name, collated(str(one.sent[name]))), set()) - {one.key}
            for name in one.target.once
            if name in one.sent
        )


def lane_of(one: Planned) -> Hashable:
    """Records that are undone in turn, for one may stand in the way of another: of one owner, and of one customer.

    So are those whose values Splynx takes once only, log-ins and names: one may return to what another gives up.
    """
    once = {*one.target.once, *one.target.natural_key}
    if not one.target.money and once & one.undo.before.keys():
        return one.target.entity
    if one.owned is None:
        return one.key
    customer = one.owned.known.document.get("customer_id")
    return (customer["entity"], customer["key"]) if isinstance(customer, Mapping) else one.owned.owner
