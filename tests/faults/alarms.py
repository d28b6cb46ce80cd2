"""What an operator is rung by: which alerts ring at a fault, as far as the process that meets it sees that.

A test says with `@rings(...)` what must ring, or with `@rings(heals="why")` that it takes nobody. An alert is called as
in `deploy/prometheus/rules.yml`, where it also says for how long; what is heard here is the series that it looks at.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from prometheus_client import Counter, Gauge

from plumbing.metrics import REGISTRY


def alarm(name: str, **labels: str) -> float:
    """The value of a metric of this process, 0 when it was never set."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


@dataclass(frozen=True)
class Alarm:
    """An alert, and the series that makes it ring: without one it could be said, and not heard.

    `seeds`: with which seeds it must ring. `least`: from which value on it does.
    """

    alert: str
    series: str
    labels: Mapping[str, str] = field(default_factory=dict)
    seeds: Callable[[int], bool] = lambda _: True
    least: int = 1

    def rang(self, heard: "Heard") -> bool:
        """Whether it did."""
        return any(
            value >= self.least and name == self.series and self.labels.items() <= dict(labels).items()
            for (name, labels), value in heard.items()
        )


STARTS = "process_start_time_seconds"
_CHANGES = Counter(STARTS, "How often a process of a stage has begun anew.", ["stage"], registry=None)
"""As Prometheus counts it, of the series of that name, which each process tells of itself."""


def started_again(stage: str) -> None:
    """A process of a stage has begun at another time than the one before."""
    _CHANGES.labels(stage).inc()


class Starts:
    """Of what stands for the processes of a stage, one after the other, in a test that starts none."""

    def __init__(self, stage: str) -> None:
        self._stage, self._ended = stage, False

    @contextmanager
    def process(self) -> Iterator[None]:
        """One of them, from its start on; what leaves it ends it. Whoever supervises it starts the next one then."""
        if self._ended:
            started_again(self._stage)
        self._ended = True
        yield
        self._ended = False

    def forget(self) -> None:
        """What ended before is another test's affair."""
        self._ended = False


def restarted(seeds: Callable[[int], bool] = lambda _: True) -> Alarm:
    """A process has ended, and another was started in its place."""
    return Alarm("CrossfadeRestarted", STARTS, seeds=seeds)


RESTARTED = restarted()
ENDS = Alarm("CrossfadeKeepsRestarting", STARTS, least=3)
"""It ends with an error, and does so again whenever a supervisor starts it; the test names the error."""


def paused(code: str = "", stage: str = "sink", seeds: Callable[[int], bool] = lambda _: True) -> Alarm:
    """A stage waits. Without a code, for whatever it depends on."""
    labels = {"stage": stage} | ({"code": code} if code else {})
    return Alarm("CrossfadePaused", "crossfade_stage_paused", labels, seeds)


def dead_letters(stage: str = "sink", seeds: Callable[[int], bool] = lambda _: True) -> Alarm:
    """Something was set aside."""
    return Alarm("CrossfadeDeadLetters", "crossfade_dead_letters", {"stage": stage}, seeds)


def conflicts(**labels: str) -> Alarm:
    """Somebody's edit waits for a decision."""
    return Alarm("CrossfadeConflicts", "crossfade_conflicts", labels)


FOUND = Alarm("CrossfadeDifferencesFound", "crossfade_findings")
"""By a reconciliation (`tests.faults.reconciled`)."""


def rings(*alarms: Alarm, heals: str = "") -> pytest.MarkDecorator:
    """What must ring at a fault; or why nobody has to be rung."""
    if bool(alarms) == bool(heals):
        raise ValueError("either something rings, or it heals by itself")
    return pytest.mark.rings(*alarms, heals=heals)


Heard = Mapping[tuple[str, frozenset[tuple[str, str]]], float]
"""`{(metric without _total, labels): the highest value of a gauge, or by how much a counter rose}`"""


@contextmanager
def hearing() -> Iterator[Heard]:
    """Hear every gauge that is set, and every counter that rises: what has healed by the end is no more to be seen."""
    heard: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    gauge, counter = Gauge.set, Counter.inc

    def place(metric: Any) -> tuple[str, frozenset[tuple[str, str]]]:
        return metric._name, frozenset(zip(metric._labelnames, metric._labelvalues, strict=True))

    def setting(self: Any, value: float) -> None:
        heard[place(self)] = max(value, heard.get(place(self), value))
        gauge(self, value)

    def rising(self: Any, amount: float = 1, *args: Any) -> None:
        heard[place(self)] = heard.get(place(self), 0.0) + amount
        counter(self, amount, *args)

    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(Gauge, "set", setting)
        patches.setattr(Counter, "inc", rising)
        yield heard


def assert_rang(test: pytest.Function, heard: Heard, seed: int) -> None:
    """What its test says must ring has rung.

    Raises:
        AssertionError: names the alert that has not.
    """
    for mark in test.iter_markers("rings"):
        silent = [one.alert for one in mark.args if one.seeds(seed) and not one.rang(heard)]
        assert not silent, f"nobody was rung by {', '.join(silent)}"
