"""Chooses accounts for oddities and gives them, one account one oddity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sandbox.world.drafts import Account, Address
from sandbox.world.people import Drafter

OLD_SHARE = 0.6
"""The first 60 % of the drafts are at least two years old: their payments may lie anywhere in the history."""


class Planter:
    """Gives one draft after another an oddity; `old` hands out accounts whose history reaches back far enough."""

    def __init__(self, drafter: Drafter, drafts: list[Account]) -> None:
        self.drafter, self.drafts = drafter, drafts
        rng = drafter.rng
        split = int(len(drafts) * OLD_SHARE)
        self._old = rng.sample(range(split), split)
        self._young = rng.sample(range(split, len(drafts)), len(drafts) - split)

    def old(self) -> int | None:
        """Index of an old account that nobody took yet, None when there is none."""
        return self._old.pop() if self._old else None

    def any(self) -> int | None:
        """Index of an account that nobody took yet, a young one while there are some."""
        return self._young.pop() if self._young else self.old()

    def plant(self, oddities: Sequence[Oddity]) -> None:
        """Plant all oddities as far as the accounts suffice: 60 accounts are enough for each."""
        for oddity in oddities:
            hosts = [self.old() if oddity.old else self.any() for _ in range(oddity.accounts)]
            indexes = sorted(host for host in hosts if host is not None)
            if len(indexes) == oddity.accounts:
                oddity.plant(self, indexes)

    def activate(self, draft: Account) -> Account:
        """Make an account an ordinary paying one."""
        if draft.status in ("lead", "pending", "disconnected", "inactive"):
            draft.status, draft.archived = "active", None
        draft.delinquent = draft.status in ("walled", "suspended")
        evening = self.drafter.calendar.instant(self.drafter.calendar.yesterday, time(21))
        draft.activated = draft.activated or max(draft.created, min(draft.created + timedelta(days=1), evening))
        if not any(address.type == "PHYSICAL" for address in draft.addresses):
            day = self.drafter.calendar.local_day(draft.activated)
            draft.addresses.insert(0, self.drafter.address("PHYSICAL", day))
        return draft

    def ago(self, days: int, at: time = time(13, 5, 7)) -> datetime:
        return self.drafter.calendar.instant(self.drafter.calendar.today - timedelta(days=days), at)

    def physical(self, draft: Account) -> Address:
        """The account's serviceable address, made where it had none."""
        self.activate(draft)
        return next(address for address in draft.addresses if address.type == "PHYSICAL")


@dataclass(frozen=True)
class Oddity:
    """How many accounts an oddity needs, and whether their history must reach back two years."""

    plant: Callable[[Planter, list[int]], None]
    accounts: int = 1
    old: bool = False
