"""A few hundred random histories, and each naive strategy seen to miss something. `make model-check` runs 20,000."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from tests.model.check import Step, check, history
from tests.model.strategies import NAIVE, OURS, TOLD, Strategy

HISTORIES = 200
PARTS = 8
PATIENCE = 60
"""Histories within which a naive strategy has to miss something."""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What goes wrong is meant to: the log would be all there is to see."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize("part", range(PARTS))
def test_no_state_is_missed(part: int) -> None:
    for seed in range(part, HISTORIES, PARTS):
        assert check(seed, history(seed)) is None, f"python -m tests.model --seed {seed} shows the shortest history"


@pytest.mark.parametrize("strategy", NAIVE, ids=lambda one: one.name)
def test_a_naive_strategy_misses_something(strategy: Strategy) -> None:
    assert any(check(seed, history(seed, strategy), strategy) is not None for seed in range(PATIENCE)), strategy.name


def test_without_sweeps_nothing_is_missed_that_a_poller_is_told_of() -> None:
    assert [seed for seed in range(PATIENCE) if check(seed, history(seed, TOLD), TOLD) is not None] == []


def test_it_is_the_overlap_that_lets_a_clock_go_back_and_hide_nothing() -> None:
    steps = [Step("update", "jump", seed) for seed in range(30)]
    (without,) = (one for one in NAIVE if one.name == "no overlap")
    assert check(0, steps, TOLD) is None
    assert check(0, steps, without) is not None


def test_a_history_is_the_same_each_time() -> None:
    assert history(7) == history(7)
    assert check(7, history(7), OURS) == check(7, history(7), OURS)
