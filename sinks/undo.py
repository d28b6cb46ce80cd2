"""From the journal's before-images to what each record returns to. Pure functions.

Of a record that several of the chosen entries are about, the earliest image of each column counts. A row that we made
is withdrawn as its delete policy says. An undoing is journalled like any other change, its action marked: so it can be
undone as well, and what it undid can be undone again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from schemas.aggregate import DeletePolicy, Target
from schemas.ledger import GONE, LIVE, ORPHANED
from sinks.plan import CLOSED, Document, Known
from sinks.receipts import revision_of

UNDO, REDO = "undo-", "redo-"
UNDONE = "undone already"
WITHDRAWN = "withdrawn already"
AS_WANTED = (UNDONE, WITHDRAWN)
"""Begins why a record is left of which nothing is to be undone: an undoing did it, or the writes themselves."""
EXTRA = "additional_attributes"
_EXPONENT = 4
"""Of the column `payments.amount`."""


@dataclass(frozen=True)
class Entry:
    """A row of the journal. `before`: `{column: value}`, None for a row that was made; `undoes`: see the table."""

    id: int
    run_id: str
    action: str
    before: Mapping[str, Any] | None
    undoes: int | None = None
    batch: int = 0

    @property
    def kind(self) -> str:
        """create, change, gone, compensate or revive, whoever did it."""
        return self.action.removeprefix(UNDO).removeprefix(REDO)

    @property
    def made_it(self) -> bool:
        """Whether it made the row, or the payment that came back a row of its own."""
        return self.kind in {"create", "revive"} or (self.kind == "change" and self.before is None)

    @property
    def is_half(self) -> bool:
        """Whether it is the first half of an undoing that died: who repeats that goes on with it."""
        return self.undoes is None and self.action.startswith((UNDO, REDO))

    @property
    def withdrew_it(self) -> bool:
        """Whether the record was not live afterwards."""
        return self.kind in {"gone", "compensate"}


class Way(Enum):
    """What is done with a record."""

    RESTORE = "restore"
    WITHDRAW = "withdraw"
    LEFT = "left"


@dataclass(frozen=True)
class Undo:
    """What a record returns to: `before` for the columns that it names, live unless it is withdrawn."""

    way: Way
    before: Mapping[str, Any] = field(default_factory=dict)
    mark: str = UNDO
    undoes: int | None = None
    """The first entry that it takes back."""
    was_gone: bool = False
    """It was withdrawn before the writes that are undone, and is so again."""
    why: str = ""
    """Why it is left as it is."""

    @property
    def opens(self) -> bool:
        """Whether it may open what was closed. Splynx opens a service only once its customer is open."""
        return self.way is Way.RESTORE and self.before.get("status") not in (None, CLOSED)


def left(why: str) -> Undo:
    """Nothing is done."""
    return Undo(Way.LEFT, why=why)


class Stack:
    """The writes of one record that are in effect, as its entries leave them: an undoing takes the last ones away."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.writes: list[Entry] = []
        self.taken: dict[int, list[Entry]] = {}
        """`{undoing: the writes that it took away}`, of those that stand."""
        self.given_back: dict[int, list[Entry]] = {}
        """`{undoing of an undoing: the writes that are in effect again}`."""
        self.left_by: dict[int, list[Entry]] = {}
        """`{undoing: the writes that it left}`."""
        self.last_undoing = ""
        for one in entries:
            if one.undoes is None:
                self.writes.append(one)
                continue
            self.last_undoing = one.run_id
            if one.undoes in self.taken:
                self.given_back[one.id] = self.taken.pop(one.undoes)
                self.writes += self.given_back[one.id]
            else:
                place = next((n for n, write in enumerate(self.writes) if write.id >= one.undoes), len(self.writes))
                self.taken[one.id] = self.writes[place:]
                del self.writes[place:]
                self.left_by[one.id] = list(self.writes)


def undo_of(entries: Sequence[Entry], chosen: Collection[int], known: Known | None) -> Undo:
    """What the chosen ones of a record's entries come to, undone. `entries`: all of the record, in their order."""
    stack = Stack(entries)
    mine = [one for one in entries if one.id in chosen]
    writes = {one.id for one in mine if one.undoes is None}
    writes |= {write.id for one in mine for write in stack.given_back.get(one.id, ())}
    first = next((one for one in stack.writes if one.id in writes), None)
    if known is None:
        return left("the ledger does not know it any more")
    if first is not None:
        place = stack.writes.index(first)
        lasting = _lasting(stack.writes[place:], writes)
        if others := [one for one in lasting if one.id not in writes and not one.is_half]:
            return left(f"written again by {_named(others[-1], mine)}: undo that first")
        if first.made_it:
            if known.state != LIVE:
                return left(WITHDRAWN)
            return Undo(Way.WITHDRAW, _earliest(stack.writes[place:]), undoes=first.id)
        # Nothing that is in effect came before it: perhaps what made the row was undone, and that withdrew it.
        earlier = stack.writes[:place] or [one for one in entries if one.id < first.id]
        was_gone = bool(earlier) and earlier[-1].withdrew_it
        return Undo(Way.RESTORE, _earliest(stack.writes[place:]), undoes=first.id, was_gone=was_gone)
    # An undoing whose writes are chosen too has done already what is asked for.
    standing = [
        one for one in mine if one.id in stack.taken and not {write.id for write in stack.taken[one.id]} & writes
    ]
    if not standing:
        return left(f"{UNDONE} by run {stack.last_undoing}")
    undoing = standing[-1]
    if stack.writes != stack.left_by[undoing.id]:
        if len(stack.writes) < len(stack.left_by[undoing.id]):
            return left(f"undone further by run {stack.last_undoing}: undo that first")
        return left(f"written again by run {stack.writes[-1].run_id}: undo that first")
    way = Way.WITHDRAW if undoing.made_it else Way.RESTORE
    return Undo(way, undoing.before or {}, REDO, undoes=undoing.id)


def _named(other: Entry, chosen: Sequence[Entry]) -> str:
    """The run that wrote an entry; its batch where the chosen ones are of that run, too, which cannot come first."""
    if any(one.run_id == other.run_id for one in chosen):
        return f"batch {other.run_id}/{other.batch}"
    return f"run {other.run_id}"


def _lasting(writes: Sequence[Entry], chosen: Collection[int]) -> list[Entry]:
    """The writes without what others made of a record that was gone, and withdrew again: that is as if never done.

    Who made and withdrew it has nothing left to undo, so nobody could be told to undo that first.
    """
    kept: list[Entry] = []
    place = 0
    while place < len(writes):
        end = place
        if place and writes[place].made_it:
            end = next((n + 1 for n, one in enumerate(writes) if n > place and one.withdrew_it), place)
        if end == place or any(one.id in chosen for one in writes[place:end]):
            kept.append(writes[place])
            end = place + 1
        place = end
    return kept


def _earliest(writes: Sequence[Entry]) -> dict[str, Any]:
    """Of each column the earliest image."""
    before: dict[str, Any] = {}
    for one in reversed(writes):
        image = dict(one.before or {})
        extra = {**before.get(EXTRA, {}), **image.pop(EXTRA, {})}
        before |= image
        if extra:
            before[EXTRA] = extra
    return before


def payment_of(undo: Undo, known: Known) -> Document:
    """The document of a payment as it was: what was written last, with the columns of its before-image."""
    row = undo.before
    if not row:
        return known.document
    kept = ("date", "real_create_datetime", "comment", "field_1", "field_2", "field_3", "field_4", "field_5", "memo")
    receipt, _ = revision_of(str(row["receipt_number"]))
    return {
        **known.document,
        # An image of a payment that went over REST holds what REST shows.
        **{name: str(row[name]) for name in kept if row.get(name) is not None},
        "payment_type": int(row["payment_type"]),
        "receipt_number": receipt,
        "exponent": _EXPONENT,
        "amount_minor": _minor(row["amount"]),
        "remind_minor": _minor(row.get("remind_amount", 0)),
    }


def charged_by(image: Mapping[str, Any]) -> int:
    """The customer, in Splynx's numbers, whom a payment was written for when its before-image was taken."""
    return int(image.get("charged", image["customer_id"]))


def written_for(entries: Sequence[Entry], known: Known | None, account: int, customer: int | None) -> set[int]:
    """The ids of those of a record's entries that were written for an account, `customer` in Splynx's numbers.

    An image tells whom the record was for before its entry, and the ledger whom it was for last: a payment may have
    moved to another account. What names no customer is its owner's.
    """
    last = known.document.get("customer_id") if known is not None else None
    ours = not isinstance(last, Mapping) or last["key"] == str(account)
    found, mine = set[int](), False
    later: Entry | None = None
    for one in reversed(entries):
        image = one.before or {}
        was_ours = charged_by(image) == customer if "customer_id" in image else ours
        if not (one.withdrew_it and _is_same_write(one, later)):
            # What is withdrawn is withdrawn where it was.
            mine = was_ours if one.withdrew_it else ours
        if mine:
            found.add(one.id)
        ours, later = was_ours, one
    return found


def _is_same_write(one: Entry, later: Entry | None) -> bool:
    """Whether the entry behind it goes on with it: over REST a payment that moves is taken back, and made elsewhere."""
    return later is not None and (one.run_id, one.batch) == (later.run_id, later.batch)


def _minor(amount: Any) -> int:
    whole, _, part = str(amount).partition(".")
    return int(f"{whole}{part:0<{_EXPONENT}.{_EXPONENT}}")


def state_after(undo: Undo, target: Target) -> str:
    """The state of the crosswalk's row."""
    if undo.way is Way.RESTORE and not undo.was_gone:
        return LIVE
    return ORPHANED if target.delete is DeletePolicy.KEEP else GONE


def action_of(undo: Undo, known: Known, *, money: bool) -> str:
    """What the journal calls it."""
    if undo.way is Way.WITHDRAW or undo.was_gone:
        return undo.mark + ("compensate" if money else "gone")
    return undo.mark + ("change" if known.state == LIVE else "revive")
