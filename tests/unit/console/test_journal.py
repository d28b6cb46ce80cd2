"""How fast the before-images grow is told once they cover a day."""

from dataclasses import asdict

import pytest

from console.journal import per_day, size_text
from sinks.tables.journal import JournalSize


@pytest.mark.parametrize(
    ("newest", "rate"),
    [
        pytest.param("2026-03-14T00:00:00Z", 12.0, id="ten days"),
        pytest.param("2026-03-04T06:00:00Z", None, id="a first load, which is no rate"),
        pytest.param(None, None, id="none yet"),
    ],
)
def test_its_growth_is_told_once_it_covers_a_day(newest: str | None, rate: float | None) -> None:
    size = JournalSize(5000, 120, None if newest is None else "2026-03-04T00:00:00Z", newest)
    assert per_day(size) == rate
    text = size_text(asdict(size) | {"megabytes_per_day": rate, "calls": 70})
    assert ("about 12.0 MB a day" in text) is (rate is not None)
    assert "70 calls over REST" in text
    assert "crossfade ledger prune" in text
