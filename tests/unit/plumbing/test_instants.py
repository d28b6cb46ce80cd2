"""Instants by their parts: as the library reads them, or not at all."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbing.clock import epoch_ms
from plumbing.instants import utc_ms

INSTANTS = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


@given(at=INSTANTS)
def test_whole_seconds_in_utc_are_what_the_library_says(at: datetime) -> None:
    at = at.replace(microsecond=0)
    for text in (at.isoformat(), at.isoformat().replace("+00:00", "Z")):
        assert utc_ms(text) == epoch_ms(at)


@given(at=INSTANTS, offset=st.integers(1, 23 * 60))
def test_what_is_written_in_another_way_is_left_to_others(at: datetime, offset: int) -> None:
    there = at.astimezone(timezone(timedelta(minutes=offset)))
    for text in (there.isoformat(), at.replace(microsecond=1).isoformat(), f"{at:%Y-%m-%d}"):
        with pytest.raises((ValueError, LookupError)):
            utc_ms(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "2024-02-30T00:00:00Z", "2024-W05-1T00:00:00Z", "20240101__T00:00:00Z", "2024-01-01T24:00:00Z",
        "2024-01-01T00:00:60Z", "2024-01-01 00:00:00Z", "2024-01-01T00:00:00", "２０２４-01-01T00:00:00Z",
    ],
)  # fmt: skip
def test_what_is_no_such_instant_is_refused(text: str) -> None:
    with pytest.raises((ValueError, LookupError)):
        utc_ms(text)
