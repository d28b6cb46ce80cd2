"""Each fault of the sinks and the processors says what an operator is rung by."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from plumbing import metrics
from tests.faults.alarms import Alarm, assert_rang, conflicts, dead_letters, hearing, paused, rings

ROOT = Path(__file__).parents[2]
NUMBERS = {*range(4, 20), *range(27, 35), 36, 38, 39, 41}
"""Faults that the sinks and the processors meet, capture perhaps as well; its tests are left out."""
ALERTS = {
    rule["alert"]: " ".join(rule["expr"].split())
    for group in yaml.safe_load((ROOT / "deploy/prometheus/rules.yml").read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
}


def faults() -> Iterator[tuple[str, list[Any]]]:
    """Every test of a fault, and its marks."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        if path.name.startswith("test_capture"):
            continue
        module = importlib.import_module(f"tests.faults.{path.stem}")
        for name, one in vars(module).items():
            marks = list(getattr(one, "pytestmark", ())) if name.startswith("test_") else []
            if any(mark.name == "fault" and mark.args[0] in NUMBERS for mark in marks):
                yield name, marks


def test_each_says_what_rings_or_why_nothing_has_to() -> None:
    found = dict(faults())
    assert len(found) > 40
    assert [name for name, marks in found.items() if not any(one.name == "rings" for one in marks)] == []


def test_what_rings_is_an_alert_that_looks_at_that_series() -> None:
    alarms = [one for _, marks in faults() for mark in marks if mark.name == "rings" for one in mark.args]
    for one in alarms:
        assert one.series in ALERTS[one.alert], one


@pytest.mark.parametrize(
    ("expected", "rang"),
    [
        pytest.param(paused(), True, id="a stage that waited"),
        pytest.param(paused("mysql.gone"), False, id="for something else"),
        pytest.param(dead_letters("process"), True, id="a letter"),
        pytest.param(dead_letters(), False, id="a letter of another stage"),
        pytest.param(conflicts(), False, id="nothing"),
        pytest.param(paused("mysql.gone", seeds=lambda seed: seed != 3), True, id="not with this seed"),
        pytest.param(Alarm("CrossfadeRestarted"), True, id="what only Prometheus sees"),
    ],
)
def test_what_rang_is_heard_though_it_has_healed(expected: Alarm, rang: bool) -> None:
    test = SimpleNamespace(iter_markers=lambda _: [rings(expected).mark])
    with hearing() as heard:
        metrics.STAGE_PAUSED.labels("sink", "splynx.unreachable").set(1)
        metrics.STAGE_PAUSED.labels("sink", "splynx.unreachable").set(0)
        metrics.DEAD_LETTERS.labels("process", "account", "avro.undecodable").inc()
        metrics.CONFLICTS.labels("customer").set(0)
    if rang:
        assert_rang(cast("pytest.Function", test), heard, 3)
    else:
        with pytest.raises(AssertionError, match=expected.alert):
            assert_rang(cast("pytest.Function", test), heard, 3)
