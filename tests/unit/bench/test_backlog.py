"""What the measurement of memory before a backlog counts as flat, and that it counts only stages that work."""

from itertools import islice
from typing import Any

import pytest

from tests.bench import backlog
from tests.bench.backlog import Course, entries, like

WORKED = backlog.EVENTS


def test_a_stage_that_stays_where_it_was_is_flat() -> None:
    one = Course([20, 180, 200, 200, 201, 200, 200, 199, 200], highest=210, events=WORKED)
    size, flat = entries({"sink": one}, {})
    assert (size.ratio, flat.ratio) == (1.667, 1.1)
    assert size.is_met
    assert flat.is_met


def test_a_stage_that_grows_with_what_it_gets_through_is_not() -> None:
    growing = Course([200 + 10 * look for look in range(30)], highest=330, events=WORKED)
    size, flat = entries({"process": Course([100] * 9, 100, events=WORKED), "sink": growing}, {})
    assert size.is_met
    assert not flat.is_met
    assert size.figures["sink_growth"] == 1.69


def test_the_largest_stage_counts() -> None:
    (size, _) = entries({"process": Course([9], 400, events=WORKED), "sink": Course([9], 100, events=WORKED)}, {})
    assert not size.is_met


def test_a_stage_that_stood_still_is_no_measurement() -> None:
    with pytest.raises(AssertionError, match="batch got through 3 events only"):
        entries({"batch": Course([9, 9, 9], 9, events=3)}, {})


def test_each_event_of_the_backlog_is_of_another_payment_of_a_known_account() -> None:
    known: list[dict[str, Any]] = [
        {"after": {"id": id, "account_id": id, "sonar_unique_id": "x"}, "source": {"sonar_id": id}} for id in (1, 2)
    ]
    made = list(islice(like(known), 5))
    assert len({one["after"]["id"] for one in made}) == len({one["after"]["sonar_unique_id"] for one in made}) == 5
    assert [one["source"]["sonar_id"] for one in made] == [one["after"]["id"] for one in made]
    assert [one["after"]["account_id"] for one in made] == [1, 2, 1, 2, 1]
    assert known[0]["after"]["id"] == 1
