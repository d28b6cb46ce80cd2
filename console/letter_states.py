"""A dead letter, and whether it still matters: nothing newer of its record has passed since. Pure functions."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sinks.tables.dismissals import Dismissal

OPEN = "open"
SUPERSEDED = "superseded"
PASSED = "passed"
DISMISSED = "dismissed"
"""States of a letter: it still matters; something newer of its record took its place; the same passed after all; an
operator decided that it stays where it is."""
Place = tuple[str, int, int]
"""Topic, partition, offset."""
Root = tuple[str, int]
"""Aggregate and Sonar id."""


@dataclass(frozen=True)
class Letter:
    """A message or a record that a stage set aside. Those of capture never came onto a topic, and have no place."""

    id: str
    """`stage:offset of the letter`; of several about one message or record, of the newest."""
    stage: str
    code: str
    reason: str
    at: str
    entity: str
    """An aggregate, or a kind of Splynx record."""
    record: str | None = None
    place: Place | None = None
    root: Root | None = None
    sequence: int | None = None
    """Of its event; None where that cannot be read."""
    times: int = 1
    state: str = OPEN
    dismissal: Dismissal | None = None

    @property
    def what(self) -> tuple[Any, ...]:
        """What it is about."""
        if self.record is not None:
            return (self.stage, self.entity, self.record)
        return (self.stage, self.place or self.root)

    @property
    def mark(self) -> str:
        """What no other letter has, even when its topic is made anew."""
        return f"{self.id} {self.at}"[:64]

    def document(self) -> dict[str, Any]:
        """As JSON; nothing in it is personal."""
        topic, partition, offset = self.place or (None, None, None)
        name, sonar_id = self.root or (None, None)
        return {
            "id": self.id,
            "stage": self.stage,
            "state": self.state,
            "code": self.code,
            "reason": self.reason,
            "at": self.at,
            "times": self.times,
            "entity": self.entity,
            "record": self.record,
            "aggregate": name,
            "sonar_id": sonar_id,
            "sequence": self.sequence,
            "topic": topic,
            "partition": partition,
            "offset": offset,
            "dismissal": None if self.dismissal is None else asdict(self.dismissal),
        }


@dataclass(frozen=True)
class Applied:
    """The newest bundle that the ledger has of a root: its sequence, and where it lies."""

    sequence: int
    partition: int
    offset: int


@dataclass(frozen=True)
class Held:
    """A record that the ledger holds as dead or dismissed: where its bundle lies, and the sequence of that."""

    place: Place
    sequence: int


@dataclass(frozen=True)
class Facts:
    """What tells whether letters still matter."""

    applied: Mapping[Root, Applied] = field(default_factory=dict)
    dead: Mapping[tuple[str, str], Held] = field(default_factory=dict)
    """`{(entity, record): …}`."""
    owners: Mapping[tuple[str, str], Root] = field(default_factory=dict)
    """`{(entity, record): whose it is}` of what was written or is held."""
    written: Collection[tuple[str, str]] = ()
    """Records that are in Splynx, entity and key."""
    seen: Mapping[Root, int] = field(default_factory=dict)
    """`{root: sequence of its newest readable event}`, where the ledger alone does not tell."""
    consumed: Mapping[tuple[str, int], int] = field(default_factory=dict)
    """`{(topic, partition): where the sink goes on}`."""
    behind: Mapping[Place, int] = field(default_factory=dict)
    """`{place of a message: sequence of the newest bundle of its root that the sink has consumed since}`, of those that
    the ledger alone does not tell of."""
    dismissed: Mapping[str, Dismissal] = field(default_factory=dict)
    """`{mark of a letter: who decided that it stays}`."""


def collapsed(letters: Iterable[Letter]) -> list[Letter]:
    """Of several letters about one message or record the newest, which knows how many there were."""
    newest: dict[tuple[Any, ...], Letter] = {}
    for one in letters:
        before = newest.pop(one.what, None)
        newest[one.what] = replace(one, times=one.times + (before.times if before else 0))
    return list(newest.values())


def settled(letters: Sequence[Letter], facts: Facts) -> list[Letter]:
    """The letters with their states, and those about records with their roots."""
    newest: dict[Root, int] = {}
    for one in letters:
        if one.root is not None and one.sequence is not None:
            newest[one.root] = max(newest.get(one.root, one.sequence), one.sequence)
    found = [
        _of_message(one, facts, newest) if one.record is None else _of_record(one, (one.entity, one.record), facts)
        for one in letters
    ]
    return [
        replace(one, state=DISMISSED, dismissal=facts.dismissed[one.mark])
        if one.state == OPEN and one.mark in facts.dismissed
        else one
        for one in found
    ]


def _of_record(one: Letter, record: tuple[str, str], facts: Facts) -> Letter:
    root, held = facts.owners.get(record), facts.dead.get(record)
    one = replace(one, root=root, sequence=held.sequence if held is not None else None)
    if held is not None:
        return replace(one, state=OPEN if held.place == one.place else SUPERSEDED)
    return replace(one, state=PASSED if record in facts.written else SUPERSEDED)  # nothing asks for it any more


def _of_message(one: Letter, facts: Facts, newest: Mapping[Root, int]) -> Letter:
    if one.root is None:
        return one  # nobody knows whose it was, so nothing tells that it is mended
    applied, seen = facts.applied.get(one.root), facts.seen.get(one.root, -1)
    if one.stage == "sink":
        done = applied is not None and _is_settled(one, applied, facts)
    elif one.sequence is None:  # unreadable: what came after it is newer
        done = applied is not None and 0 <= seen <= applied.sequence
    else:
        reached = seen if applied is None else applied.sequence
        if reached == one.sequence and one.stage == "process":
            return replace(one, state=PASSED)
        done = max(reached, newest[one.root]) > one.sequence
    return replace(one, state=SUPERSEDED) if done else one


def may_be_settled(one: Letter, facts: Facts) -> bool:
    """Whether only its topic tells if a bundle that could not be read has come again: of the sink, and still open."""
    applied = facts.applied.get(one.root) if one.root is not None else None
    return one.stage == "sink" and one.record is None and applied is not None and not _is_settled(one, applied, facts)


def _is_settled(one: Letter, applied: Applied, facts: Facts) -> bool:
    """Whether what was applied came after a bundle that could not be read, or came again and was the same."""
    again = one.place is not None and facts.behind.get(one.place) == applied.sequence
    return again or _is_later(applied, one.place)


def _is_later(applied: Applied, place: Place | None) -> bool:
    """Whether what was applied lies behind a place on its partition."""
    return place is not None and applied.partition == place[1] and applied.offset > place[2]
