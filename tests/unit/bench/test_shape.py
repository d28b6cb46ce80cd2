"""What the measurement of capture's memory at a real shape counts as flat."""

import pytest

from tests.bench.shape import entries

FIGURES = {"snapshot_mb": 300.0, "following_mb": 310.0, "restarted_mb": 280.0}


def test_capture_that_takes_now_more_and_now_less_is_flat() -> None:
    size, flat = entries([200.0, 210.0, 204.0, 203.0] * 60, FIGURES)
    assert (size.ratio, flat.ratio, flat.noise) == (1.129, 1.03, 0.0)
    assert size.is_met
    assert flat.is_met


def test_capture_that_grows_minute_by_minute_is_not() -> None:
    _, flat = entries([200.0 + look / 20 for look in range(240)], FIGURES)
    assert flat.figures["growth"] == 1.045
    assert not flat.is_met


def test_what_changes_within_one_minute_says_how_far_to_trust_it() -> None:
    _, flat = entries(([200.0] * 30 + [208.0] * 30) * 4, FIGURES)
    assert (flat.ratio, flat.noise) == (1.068, 0.038)
    _, flat = entries(([200.0] * 30 + [208.0] * 30) * 3 + [212.0] * 60, FIGURES)
    assert (flat.figures["growth"], flat.is_met) == (1.039, True)


def test_one_look_at_a_page_on_its_way_says_nothing() -> None:
    _, flat = entries([200.0] * 239 + [320.0], FIGURES)
    assert flat.is_met


def test_what_was_watched_for_a_minute_only_is_no_measurement() -> None:
    with pytest.raises(AssertionError, match="60 looks only"):
        entries([200.0] * 60, FIGURES)


def test_the_highest_of_all_times_counts() -> None:
    size, _ = entries([200.0] * 240, FIGURES | {"restarted_mb": 351.0})
    assert not size.is_met
