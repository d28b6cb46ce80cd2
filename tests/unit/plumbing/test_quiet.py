"""Quiet hours are read strictly, and told by the clock on the operator's wall."""

from datetime import datetime
from itertools import pairwise

import pytest

from plumbing.quiet import quiet_hours
from plumbing.settings import SonarSettings

CHICAGO = "America/Chicago"


@pytest.mark.parametrize(
    ("texts", "now", "until"),
    [
        pytest.param(["02:00-04:30"], "2026-07-01T07:00:00Z", "2026-07-01T09:30:00Z", id="it begins"),
        pytest.param(["02:00-04:30"], "2026-07-01T06:59:59Z", None, id="before"),
        pytest.param(["02:00-04:30"], "2026-07-01T09:30:00Z", None, id="it is over"),
        pytest.param(["22:00-02:00"], "2026-07-01T06:00:00Z", "2026-07-01T07:00:00Z", id="begun yesterday"),
        pytest.param(["22:00-00:00"], "2026-07-01T04:59:00Z", "2026-07-01T05:00:00Z", id="up to midnight"),
        pytest.param(["sun 02:00-04:00"], "2026-07-05T07:30:00Z", "2026-07-05T09:00:00Z", id="its day"),
        pytest.param(["sun 02:00-04:00"], "2026-07-06T07:30:00Z", None, id="the day after"),
        pytest.param(["sat 22:00-02:00"], "2026-07-05T06:00:00Z", "2026-07-05T07:00:00Z", id="the night after its day"),
        pytest.param(
            ["22:00-00:00", "00:00-01:00"], "2026-07-01T04:00:00Z", "2026-07-01T06:00:00Z", id="one after the other"
        ),
        pytest.param(["01:00-03:00"], "2026-11-01T07:30:00Z", "2026-11-01T09:00:00Z", id="the hour that comes twice"),
        pytest.param(["02:15-02:45"], "2026-03-08T08:20:00Z", "2026-03-08T08:45:00Z", id="the hour that never comes"),
        pytest.param([], "2026-07-01T07:00:00Z", None, id="none"),
    ],
)
def test_a_time_is_quiet_until_its_windows_end(texts: list[str], now: str, until: str | None) -> None:
    expected = datetime.fromisoformat(until) if until is not None else None
    assert quiet_hours(texts, CHICAGO).until(datetime.fromisoformat(now)) == expected


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        pytest.param(["2:00-4:00"], "no window", id="a short hour"),
        pytest.param(["02:00-04:00 "], "no window", id="a space"),
        pytest.param(["25:00-26:00"], "no clock shows", id="no hour"),
        pytest.param(["mon,fry 02:00-04:00"], "names fry", id="no day"),
        pytest.param(["02:00-02:00"], "ends when it begins", id="nothing"),
        pytest.param(["02:00-04:00", "sun 03:00-05:00"], "overlaps", id="two at once"),
        pytest.param(["sun 22:00-02:00", "mon 01:00-03:00"], "overlaps", id="two at once after midnight"),
        pytest.param(["00:00-12:00", "12:00-00:00"], "no time at all", id="always"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(texts: list[str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        quiet_hours(texts, CHICAGO)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param({"quiet_hours": ["02:00-04:00"]}, "need quiet_zone", id="no clock"),
        pytest.param({"quiet_hours": ["02:00-04:00"], "quiet_zone": "Chicago"}, "time zone", id="no zone of the world"),
        pytest.param({"quiet_hours": ["02:00"], "quiet_zone": CHICAGO}, "no window", id="no window"),
    ],
)
def test_settings_with_wrong_quiet_hours_are_refused(given: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        SonarSettings(url="https://sonar.example.com", token="t", **given)


def test_every_minute_of_a_week_outside_is_left() -> None:
    hours = quiet_hours(["sat,sun 22:00-01:00", "12:00-12:30"], "UTC")
    minutes = sum(len(one.minutes()) for one in hours.windows)
    assert minutes == 2 * 180 + 7 * 30
    assert all(one < other for one, other in pairwise(sorted({m for w in hours.windows for m in w.minutes()})))
