"""The brake: many records gone at once look like a mistake or a lost permission, so the sink stops and asks."""

from collections import deque
from collections.abc import Iterable, Sequence

from sinks.errors import BrakeApplied
from sinks.plan import Known, Step, Verb

_WINDOW = 1000


class Brake:
    """Counts, over the last bundles, how many of the records they owned are gone, per target entity.

    `approved` names entities whose withdrawal is meant.
    """

    def __init__(self, share: float, at_least: int, approved: Iterable[str] = ()) -> None:
        self._share = share
        self._at_least = at_least
        self._approved = frozenset(approved)
        self._seen: dict[str, deque[tuple[int, int]]] = {}

    def check(self, bundles: Sequence[tuple[Sequence[Known], Sequence[Step]]]) -> None:
        """Look at a batch of `(what the ledger has, what is to be done)` before anything of it is written.

        Raises:
            BrakeApplied: the share and the least number are both passed; the batch is not counted.
        """
        fresh: dict[str, list[tuple[int, int]]] = {}
        for known, steps in bundles:
            owned: dict[str, int] = {}
            gone: dict[str, int] = {}
            for row in known:
                if row.state == "live":
                    owned[row.entity] = owned.get(row.entity, 0) + 1
            for step in steps:
                if step.verb is Verb.GONE:
                    gone[step.target.entity] = gone.get(step.target.entity, 0) + 1
            for entity, count in owned.items():
                fresh.setdefault(entity, []).append((count, gone.get(entity, 0)))
        for entity, counts in fresh.items():
            window = [*self._seen.get(entity, ()), *counts]
            owned_all, gone_all = sum(one[0] for one in window), sum(one[1] for one in window)
            too_many = gone_all >= self._at_least and gone_all > self._share * owned_all
            if too_many and entity not in self._approved:
                raise BrakeApplied(f"{gone_all} of {owned_all} records of {entity} would be withdrawn")
        for entity, counts in fresh.items():
            self._seen.setdefault(entity, deque(maxlen=_WINDOW)).extend(counts)
