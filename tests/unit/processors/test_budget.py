"""Budgets, lag and stillness, on a clock that is moved by hand."""

import pytest

from plumbing.errors import Action
from processors.transform import Coordinates, DeadLetter, DeadLetterBudget, TooManyDeadLetters, dead_letter_headers
from processors.watchdog import Progress, lag_of

AT = Coordinates("payment", "sonar.main.payment", 3, 17)


class Clock:
    """Seconds that pass only when told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_flood_of_dead_letters_stops_its_partition_and_no_other() -> None:
    budget = DeadLetterBudget(2, clock=Clock())
    budget.spend(AT)
    budget.spend(AT)
    budget.spend(Coordinates("payment", AT.topic, 4, 1))
    with pytest.raises(TooManyDeadLetters) as caught:
        budget.spend(AT)
    assert caught.value.action is Action.HALT


def test_a_budget_comes_back_with_time() -> None:
    clock = Clock()
    budget = DeadLetterBudget(1, window_seconds=60, clock=clock)
    budget.spend(AT)
    clock.now = 61
    budget.spend(AT)


def test_a_budget_of_nothing_stops_at_the_first() -> None:
    with pytest.raises(TooManyDeadLetters):
        DeadLetterBudget(0).spend(AT)


def test_a_dead_letter_holds_coordinates_code_and_reason_only() -> None:
    headers = dead_letter_headers(DeadLetter(AT, "avro.undecodable", "cut off"))
    assert headers == {
        "__connect.errors.topic": b"sonar.main.payment",
        "__connect.errors.partition": b"3",
        "__connect.errors.offset": b"17",
        "__connect.errors.stage": b"TRANSFORMATION",
        "__connect.errors.exception.class.name": b"avro.undecodable",
        "__connect.errors.exception.message": b"cut off",
        "crossfade.entity": b"payment",
    }


def test_a_partition_with_a_backlog_that_does_not_move_is_stuck() -> None:
    clock = Clock()
    progress = Progress(10, clock)
    ends = {0: (0, 5), 1: (0, 5), 2: (0, 5)}
    assert progress.stuck("t", ends, {0: 1, 1: 1, 2: 5}) == []
    clock.now = 11
    assert progress.stuck("t", ends, {0: 1, 1: 2, 2: 5}) == [0]


def test_lag_counts_what_lies_between_commit_and_end() -> None:
    assert lag_of({0: (2, 10), 1: (0, 4)}, {0: 7}) == 3 + 4
