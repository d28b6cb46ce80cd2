"""The time left, at the pace so far."""

import pytest

from plumbing.pace import Pace


def test_the_time_left_follows_from_the_pace() -> None:
    pace = Pace()
    assert pace.seconds_left(100, now=0) is None
    assert pace.seconds_left(75, now=10) == pytest.approx(30)
    assert pace.seconds_left(110, now=20) is None
