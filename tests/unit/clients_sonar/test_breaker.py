"""The breaker before Sonar: open after many failures, tried by one at a time, closed by the first answer."""

import pytest

from clients.sonar_breaker import Breaker, SonarResting
from plumbing import metrics


class Bench:
    """A breaker that opens after three failures, and its clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.breaker = Breaker(3, clock=lambda: self.now, jitter=lambda: 0.5)

    def ask(self, answered: bool | None) -> None:
        self.breaker.enter()
        self.breaker.leave(answered)

    def fail(self, times: int) -> None:
        for _ in range(times):
            self.ask(False)


def is_open() -> bool:
    return bool(metrics.SONAR_BREAKER._value.get())


def test_failures_in_a_row_open_it_and_nothing_is_asked() -> None:
    bench = Bench()
    bench.fail(2)
    assert not is_open()
    bench.fail(1)
    assert is_open()
    with pytest.raises(SonarResting, match="3 times in a row; asked again in 5 s"):
        bench.ask(True)


def test_an_answer_between_failures_begins_the_count_anew() -> None:
    bench = Bench()
    bench.fail(2)
    bench.ask(True)
    bench.fail(2)
    assert not is_open()


def test_what_says_nothing_about_sonar_counts_for_nothing() -> None:
    bench = Bench()
    bench.fail(2)
    for _ in range(5):
        bench.ask(None)
    assert not is_open()
    bench.fail(1)
    assert is_open()


def test_after_the_wait_one_tries_and_the_others_wait_for_what_it_finds() -> None:
    bench = Bench()
    bench.fail(3)
    bench.now = 5.0
    bench.breaker.enter()
    with pytest.raises(SonarResting):
        bench.breaker.enter()
    bench.breaker.leave(True)
    assert not is_open()
    bench.ask(True)
    bench.ask(True)


def test_one_that_tried_and_gave_up_lets_another_try() -> None:
    bench = Bench()
    bench.fail(3)
    bench.now = 5.0
    bench.ask(None)
    bench.ask(True)
    assert not is_open()


def test_the_wait_doubles_up_to_a_minute_and_is_short_again_after_an_answer() -> None:
    bench = Bench()
    bench.fail(3)
    waits = []
    for _ in range(6):
        begun = bench.now
        while True:
            try:
                bench.ask(False)
            except SonarResting:
                bench.now += 1
            else:
                break
        waits.append(bench.now - begun)
    assert waits == [5, 10, 20, 40, 60, 60]
    bench.now += 60
    bench.ask(True)
    bench.fail(3)
    with pytest.raises(SonarResting, match="again in 5 s"):
        bench.ask(True)
