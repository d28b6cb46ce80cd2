"""What a flood of dead letters is, counted by offsets; and what a letter holds."""

import pytest

from plumbing.dead_letters import DeadLetterBudget, Spending, TooManyDeadLetters
from plumbing.errors import Action
from processors.letters import headers_of
from processors.transform import Coordinates, DeadLetter

TOPIC = "sonar.main.payment"


def at(offset: int, partition: int = 3) -> Coordinates:
    return Coordinates("payment", TOPIC, partition, offset)


def test_a_flood_of_dead_letters_stops_its_partition_and_no_other() -> None:
    spending = Spending(DeadLetterBudget(window=100, allowed=2))
    spending.spend(at(10))
    spending.spend(at(11))
    spending.spend(at(11, partition=4))
    with pytest.raises(TooManyDeadLetters) as caught:
        spending.spend(at(12))
    assert caught.value.action is Action.HALT
    assert "restart" in caught.value.next_step


def test_letters_that_the_window_has_left_behind_count_no_more() -> None:
    spending = Spending(DeadLetterBudget(window=100, allowed=1))
    spending.spend(at(10))
    with pytest.raises(TooManyDeadLetters):
        spending.spend(at(109))
    spending.spend(at(110))


def test_a_restart_gives_nothing_back() -> None:
    with pytest.raises(TooManyDeadLetters):
        Spending(DeadLetterBudget(100, 1), [(TOPIC, 3, 10)]).spend(at(11))


def test_letters_far_behind_are_not_kept_in_mind() -> None:
    spending = Spending(DeadLetterBudget(10, 5), ((TOPIC, 3, offset) for offset in range(0, 1000, 2)))
    spending.spend(at(1100))
    assert spending._letters == {(TOPIC, 3): {1100}}


def test_a_letter_that_is_written_twice_counts_once() -> None:
    spending = Spending(DeadLetterBudget(100, 1))
    spending.spend(at(10))
    spending.spend(at(10))


def test_a_letter_whose_message_passes_after_all_no_longer_counts() -> None:
    spending = Spending(DeadLetterBudget(100, 1), [(TOPIC, 3, 10)])
    spending.passed(at(10))
    spending.spend(at(11))


def test_a_replay_from_before_the_letters_does_not_count_those_that_lie_ahead() -> None:
    spending = Spending(DeadLetterBudget(100, 1), [(TOPIC, 3, 10)])
    spending.spend(at(5))


def test_a_budget_of_nothing_stops_at_the_first() -> None:
    with pytest.raises(TooManyDeadLetters):
        Spending(DeadLetterBudget(1, 0)).spend(at(0))


@pytest.mark.parametrize(("window", "allowed"), [pytest.param(0, 1, id="no window"), pytest.param(1, -1, id="below")])
def test_a_budget_checks_itself(window: int, allowed: int) -> None:
    with pytest.raises(ValueError, match="window"):
        DeadLetterBudget(window, allowed)


def test_a_dead_letter_holds_coordinates_code_and_reason_only() -> None:
    assert headers_of(DeadLetter(at(17), "avro.undecodable", "cut off"), "v1") == {
        "__connect.errors.topic": b"sonar.main.payment",
        "__connect.errors.partition": b"3",
        "__connect.errors.offset": b"17",
        "__connect.errors.stage": b"TRANSFORMATION",
        "__connect.errors.exception.class.name": b"avro.undecodable",
        "__connect.errors.exception.message": b"cut off",
        "crossfade.entity": b"payment",
        "crossfade.rules_version": b"v1",
    }
