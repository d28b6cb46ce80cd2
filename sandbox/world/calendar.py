"""Local days of the invented ISP. Instants leave this module as aware UTC with whole seconds, as Sonar keeps them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

HISTORY_DAYS = 548
"""How far payments reach back: 18 months."""


@cache
def zone_named(timezone: str) -> ZoneInfo:
    """The zone behind a name of Sonar's `Timezone` enum, which is the IANA name in capitals without separators.

    Raises:
        ValueError: no zone has that name.
    """
    for name in sorted(available_timezones()):
        if re.sub(r"[^A-Z0-9]", "", name.upper().replace("+", "PLUS")) == timezone:
            return ZoneInfo(name)
    raise ValueError(f"no time zone is spelled {timezone!r}")


@dataclass(frozen=True)
class Calendar:
    """The ISP's zone and the local day on which its history ends; `today` itself has no history."""

    zone: ZoneInfo
    today: date

    @classmethod
    def at(cls, now: datetime, zone: ZoneInfo) -> Calendar:
        return cls(zone, now.astimezone(zone).date())

    @property
    def yesterday(self) -> date:
        return self.today - timedelta(days=1)

    @property
    def history_start(self) -> date:
        return self.today - timedelta(days=HISTORY_DAYS)

    def instant(self, day: date, at: time = time(12), *, fold: int = 0) -> datetime:
        """The UTC instant of a local wall-clock time; `fold=1` is its second occurrence."""
        return datetime.combine(day, at.replace(fold=fold), self.zone).astimezone(UTC)

    def second(self, day: date, second_of_day: int) -> datetime:
        """The instant `second_of_day` seconds into a local day; never crosses its end except where a clock jumps."""
        return self.instant(day, time(second_of_day // 3600, second_of_day // 60 % 60, second_of_day % 60))

    def local_day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def last_fold(self) -> date | None:
        """The newest day of the history on which 01:30 happens twice; None where clocks never go back."""
        day = self.yesterday
        while day >= self.history_start:
            if self.instant(day, time(1, 30)) != self.instant(day, time(1, 30), fold=1):
                return day
            day -= timedelta(days=1)
        return None
