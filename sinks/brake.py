"""The brake: many records gone, or cleared of one value, look like a mistake: the sink stops and asks."""

from collections import deque
from collections.abc import Iterable, Sequence

from sinks.bodies import NOTHING
from sinks.errors import BrakeApplied
from sinks.plan import Document, Known, Step, Verb

_WINDOW = 1000
_WHOLE = ""
"""Stands for the record itself where else a field is named."""

Target = tuple[str, str]
"""Entity, and the field, or `_WHOLE`."""


class Brake:
    """Counts, over the last bundles, what they owned and how much of that is gone, per target entity and field.

    `approved` names entities whose withdrawal is meant.
    """

    def __init__(self, share: float, at_least: int, approved: Iterable[str] = ()) -> None:
        self._share = share
        self._at_least = at_least
        self._approved = frozenset(approved)
        self._seen: dict[Target, deque[tuple[int, int]]] = {}
        self._checked: dict[Target, list[tuple[int, int]]] = {}

    def check(self, bundles: Sequence[tuple[Sequence[Known], Sequence[Step]]]) -> None:
        """Look at a batch of `(what the ledger has, what is to be done)` before anything of it is written.

        It counts for later ones once it is `written`: one that is tried again would be taken for many.

        Raises:
            BrakeApplied: the share and the least number are both passed.
        """
        fresh: dict[Target, list[tuple[int, int]]] = {}
        for known, steps in bundles:
            for target, counts in _counted(known, steps).items():
                fresh.setdefault(target, []).append(counts)
        for target, before in self._checked.items():
            # What an earlier try of the batch has withdrawn is not to be withdrawn any more.
            fresh[target] = max(fresh.get(target, []), before, key=lambda counts_of: sum(gone for _, gone in counts_of))
        for (entity, field), counts_of in fresh.items():
            window = [*self._seen.get((entity, field), ()), *counts_of]
            owned, gone = sum(one[0] for one in window), sum(one[1] for one in window)
            too_many = gone >= self._at_least and gone > self._share * owned
            if too_many and entity not in self._approved:
                what = "would be withdrawn" if field == _WHOLE else f"would lose their {field}"
                raise BrakeApplied(entity, f"{gone} of {owned} records of {entity} {what}")
        self._checked = fresh

    def written(self) -> None:
        """The batch that was checked last is written."""
        for target, counts_of in self._checked.items():
            self._seen.setdefault(target, deque(maxlen=_WINDOW)).extend(counts_of)
        self._checked = {}


def _counted(known: Sequence[Known], steps: Sequence[Step]) -> dict[Target, tuple[int, int]]:
    """`{(entity, field): (records that have it, records that would no longer)}` of one bundle."""
    counts: dict[Target, tuple[int, int]] = {}

    def count(target: Target, owned: int, gone: int) -> None:
        before = counts.get(target, (0, 0))
        counts[target] = (before[0] + owned, before[1] + gone)

    for row in known:
        if row.state == "live":
            count((row.entity, _WHOLE), 1, 0)
    for step in steps:
        entity = step.target.entity
        if step.verb is Verb.GONE:
            count((entity, _WHOLE), 0, 1)
        elif step.known is not None and step.known.state == "live" and step.document is not None:
            for field in _filled(step.known.document) & step.document.keys():
                count((entity, field), 1, field not in _filled({field: step.document[field]}))
    return counts


def _filled(document: Document) -> set[str]:
    """Fields that hold a text, a reference or a list. Numbers and switches come and go and are left out."""
    return {
        name
        for name, value in document.items()
        if (isinstance(value, str) and value not in NOTHING)
        or (isinstance(value, list) and value)
        or (isinstance(value, dict) and any(value.values()))
    }
