"""Quiet hours: times of the operator's clock in which a system is not asked for anything."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FORM = re.compile(r"(?:(?P<days>[a-z,]+) )?(?P<begins>\d\d:\d\d)-(?P<ends>\d\d:\d\d)")
_MINUTES = 24 * 60
_WEEK = 7 * _MINUTES


@dataclass(frozen=True)
class Window:
    """From one time of the day to another, on some days of the week (0: Monday); it may end on the day after."""

    days: frozenset[int]
    begins: time
    ends: time

    def end_for(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """When the window ends that `now` lies in, in UTC; None: it lies in none."""
        today = now.astimezone(zone).date()
        for day in (today, today - timedelta(days=1)):
            until = day if self.begins < self.ends else day + timedelta(days=1)
            if day.weekday() in self.days and _at(day, self.begins, zone) <= now < _at(until, self.ends, zone):
                return _at(until, self.ends, zone)
        return None

    def minutes(self) -> list[int]:
        """The minutes of a week that it covers, by the clock on the wall."""
        begins, ends = (one.hour * 60 + one.minute for one in (self.begins, self.ends))
        length = (ends - begins) % _MINUTES
        return [(day * _MINUTES + begins + minute) % _WEEK for day in self.days for minute in range(length)]


@dataclass(frozen=True)
class QuietHours:
    """All windows, and the zone of their clock."""

    windows: tuple[Window, ...]
    zone: ZoneInfo

    def until(self, now: datetime) -> datetime | None:
        """When it is over, windows that follow on one another being one; None: `now` is no quiet time."""
        end: datetime | None = None
        while found := next(filter(None, (one.end_for(end or now, self.zone) for one in self.windows)), None):
            end = found
        return end


def quiet_hours(texts: Sequence[str], zone: str) -> QuietHours:
    """Windows such as `02:00-04:30` (each day) or `sat,sun 22:00-01:00`, by the clock of `zone`.

    Raises:
        ValueError: one cannot be read, two of them overlap, nothing is left beside them, or nobody knows the zone.
    """
    taken: set[int] = set()
    windows = []
    for text in texts:
        window = _window(text)
        minutes = set(window.minutes())
        if minutes & taken:
            raise ValueError(f"{text!r} overlaps with another window")
        taken |= minutes
        windows.append(window)
    if len(taken) == _WEEK:
        raise ValueError("the windows leave no time at all")
    try:
        return QuietHours(tuple(windows), ZoneInfo(zone))
    except (LookupError, ValueError, OSError) as exc:
        raise ValueError(f"nobody knows the time zone {zone!r}") from exc


def _window(text: str) -> Window:
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no window: write 02:00-04:30, or sat,sun 22:00-01:00")
    days = found["days"].split(",") if found["days"] else list(_DAYS)
    if unknown := sorted(set(days) - set(_DAYS)):
        raise ValueError(f"{text!r} names {', '.join(unknown)}: days are {', '.join(_DAYS)}")
    try:
        begins, ends = time.fromisoformat(found["begins"]), time.fromisoformat(found["ends"])
    except ValueError as exc:
        raise ValueError(f"{text!r} holds a time that no clock shows") from exc
    if begins == ends:
        raise ValueError(f"{text!r} ends when it begins")
    return Window(frozenset(_DAYS.index(day) for day in days), begins, ends)


def _at(day: date, moment: time, zone: ZoneInfo) -> datetime:
    # As an instant: two local times of one zone are compared by the clock on the wall, which repeats an hour in autumn.
    return datetime.combine(day, moment, zone).astimezone(UTC)
