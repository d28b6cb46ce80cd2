"""Local days of the invented ISP."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from sandbox.world.calendar import Calendar, zone_named

CHICAGO = Calendar(ZoneInfo("America/Chicago"), date(2026, 11, 24))


@pytest.mark.parametrize(
    ("spelled", "key"),
    [
        ("AMERICACHICAGO", "America/Chicago"),
        ("AMERICAPORTAUPRINCE", "America/Port-au-Prince"),
        ("ETCGMTPLUS1", "Etc/GMT+1"),
        ("UTC", "UTC"),
    ],
)
def test_a_zone_is_found_by_its_enum_spelling(spelled: str, key: str) -> None:
    assert zone_named(spelled).key == key


def test_an_unknown_zone_is_an_error() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        zone_named("AMERICANOWHERE")


def test_today_is_the_operators_day() -> None:
    assert Calendar.at(datetime(2026, 11, 24, 3, tzinfo=UTC), CHICAGO.zone).today == date(2026, 11, 23)


def test_half_past_one_happens_twice_when_clocks_go_back() -> None:
    fold = CHICAGO.last_fold()
    assert fold == date(2026, 11, 1)
    first, second = CHICAGO.instant(fold, time(1, 30)), CHICAGO.instant(fold, time(1, 30), fold=1)
    assert (second - first).total_seconds() == 3600


def test_a_zone_without_summer_time_has_no_fold() -> None:
    assert Calendar(ZoneInfo("America/Phoenix"), date(2026, 11, 24)).last_fold() is None


def test_the_last_second_of_a_day_is_still_that_day() -> None:
    assert CHICAGO.local_day(CHICAGO.second(date(2026, 7, 1), 86_399)) == date(2026, 7, 1)
