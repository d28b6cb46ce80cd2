"""When and how often something happened to the accounts that the ISP has had until yesterday."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from random import Random

from sandbox.sonar.store import Row, Store
from sandbox.world.calendar import Calendar

OPENS, CLOSES = 8 * 3600, 18 * 3600
"""Seconds of the local day between which people work."""


class Past:
    """Draws instants between an account's first full day and the end of yesterday.

    `long`: back to the first day of each account, else through the eighteen months of its payments.
    """

    def __init__(self, store: Store, calendar: Calendar, rng: Random, *, long: bool) -> None:
        self.store, self.calendar, self.rng, self.long = store, calendar, rng, long
        self.end = calendar.instant(calendar.yesterday, time(23, 30))

    def accounts(self) -> Iterator[tuple[Row, date]]:
        """(account, the first day on which something may have happened to it), the oldest account first."""
        for _, row in sorted(self.store.table("Account").items()):
            first = self.calendar.local_day(row["created_at"]) + timedelta(days=1)
            if not self.long:
                first = max(first, self.calendar.history_start)
            if first <= self.calendar.yesterday:
                yield row, first

    def how_often(self, mean: float) -> int:
        """A count that is `mean` on average."""
        whole = int(mean)
        return int(self.rng.random() * (2 * whole + 1)) + (self.rng.random() < mean - whole)

    def moments(self, first: date, mean: float) -> Iterator[datetime]:
        """As many instants of working days as `how_often` says."""
        for _ in range(self.how_often(mean)):
            day = first + timedelta(days=self.rng.randrange((self.calendar.yesterday - first).days + 1))
            yield self.calendar.second(day, self.rng.randrange(OPENS, CLOSES))

    def later(self, at: datetime, hours: float) -> datetime:
        """Up to so many hours after `at`, and not after yesterday."""
        return min(at + timedelta(seconds=self.rng.randint(60, max(61, int(hours * 3600)))), max(self.end, at))


def sites_at(store: Store, at: datetime) -> list[int]:
    """The network sites that stood at an instant."""
    return [id for id, row in sorted(store.table("NetworkSite").items()) if row["created_at"] <= at]


def contacts_by_account(store: Store) -> Mapping[int, list[Row]]:
    """`{account id: its contacts}`, those with an address to write to first."""
    found: dict[int, list[Row]] = defaultdict(list)
    for _, row in sorted(store.table("Contact").items()):
        if row["contactable_type"] == "Account":
            found[row["contactable_id"]].append(row)
    for rows in found.values():
        rows.sort(key=lambda row: row["email_address"] is None)
    return found
