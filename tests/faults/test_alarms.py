"""Each fault of the sinks and the processors says what an operator is rung by, and that is heard."""

import importlib
import inspect
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from plumbing import metrics
from tests.faults.alarms import (
    ENDS,
    RESTARTED,
    STARTS,
    Alarm,
    Starts,
    assert_rang,
    conflicts,
    dead_letters,
    hearing,
    paused,
    rings,
)

ROOT = Path(__file__).parents[2]
NUMBERS = {*range(4, 20), *range(27, 35), 36, 38, 39, 41}
"""Faults that the sinks and the processors meet, capture perhaps as well; its tests are left out."""
ALERTS = {
    rule["alert"]: " ".join(rule["expr"].split())
    for group in yaml.safe_load((ROOT / "deploy/prometheus/rules.yml").read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
}
NO_PROCESS = {
    "killed at more steps, or more often, than the real ones of test_processes.py": (
        "test_a_sink_killed_between_its_commit_and_the_offsets_changes_nothing_again",
        "test_a_sink_killed_between_a_post_and_its_answer_makes_no_twin",
        "test_a_sink_killed_while_blocked_customers_pay_over_rest_leaves_them_blocked",
        "test_any_run_of_a_random_history_is_taken_back_column_by_column",
        "test_any_run_that_paid_over_rest_is_taken_back_to_the_deposit",
        "test_a_processor_that_dies_and_waits_gives_each_event_its_result",
    ),
    "ended by an error, or with a code, that the test names": (
        "test_a_broker_that_takes_no_dead_letter_for_a_while_loses_none",
        "test_a_worker_with_a_partition_that_stops_ends_and_one_that_is_slow_does_not",
        "test_a_sink_with_a_partition_that_gives_nothing_says_so_and_the_next_one_gets_it",
    ),
    "the same, each time that it is started": (
        "test_a_sink_that_is_at_work_when_the_cutover_comes_writes_nothing_more",
        "test_a_topic_that_lost_what_is_not_yet_written_stops_the_sink",
        "test_a_splynx_from_yesterday_is_noticed_and_a_rebuilt_ledger_brings_it_up_to_date",
        "test_mistaken_rules_that_empty_a_target_type_stop_the_sink",
        "test_a_mistake_in_the_settings_ends_before_a_row_is_written",
        "test_a_processor_whose_topic_lost_messages_makes_nothing_of_what_comes_behind_them",
    ),
}
"""Why no process tells a test's restarts: what it starts is none, but stands for one (`tests.faults.alarms.Starts`)."""


def faults() -> Iterator[tuple[str, Any, list[Any]]]:
    """Every test of a fault, and its marks."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        if path.name.startswith("test_capture"):
            continue
        module = importlib.import_module(f"tests.faults.{path.stem}")
        for name, one in vars(module).items():
            marks = list(getattr(one, "pytestmark", ())) if name.startswith("test_") else []
            if any(mark.name == "fault" and mark.args[0] in NUMBERS for mark in marks):
                yield name, one, marks


def alarms_of(marks: list[Any]) -> list[Alarm]:
    """Of a test's marks."""
    return [one for mark in marks if mark.name == "rings" for one in mark.args]


def test_each_says_what_rings_or_why_nothing_has_to() -> None:
    found = {name: marks for name, _, marks in faults()}
    assert len(found) > 40
    assert [name for name, marks in found.items() if not any(one.name == "rings" for one in marks)] == []


def test_what_rings_is_an_alert_that_looks_at_that_series() -> None:
    alarms = [one for _, _, marks in faults() for one in alarms_of(marks)]
    for one in alarms:
        assert one.series, one
        assert one.series in ALERTS[one.alert], one
        assert one.least == 1 or f">= {one.least}" in ALERTS[one.alert], one


def test_a_restart_is_told_by_a_process_or_the_test_is_known_to_have_none() -> None:
    told = {
        name: "processes" in inspect.signature(test).parameters
        for name, test, marks in faults()
        if any(one.series == STARTS for one in alarms_of(marks))
    }
    known = {name for names in NO_PROCESS.values() for name in names}
    assert {name for name, by_a_process in told.items() if not by_a_process} == known
    assert sum(told.values()) > 3


@pytest.mark.parametrize(
    ("expected", "rang"),
    [
        pytest.param(paused(), True, id="a stage that waited"),
        pytest.param(paused("mysql.gone"), False, id="for something else"),
        pytest.param(dead_letters("process"), True, id="a letter"),
        pytest.param(dead_letters(), False, id="a letter of another stage"),
        pytest.param(conflicts(), False, id="nothing"),
        pytest.param(paused("mysql.gone", seeds=lambda seed: seed != 3), True, id="not with this seed"),
        pytest.param(RESTARTED, True, id="another process in place of one that ended"),
        pytest.param(ENDS, False, id="one that ended twice"),
    ],
)
def test_what_rang_is_heard_though_it_has_healed(expected: Alarm, rang: bool) -> None:
    test = SimpleNamespace(iter_markers=lambda _: [rings(expected).mark])
    with hearing() as heard:
        metrics.STAGE_PAUSED.labels("sink", "splynx.unreachable").set(1)
        metrics.STAGE_PAUSED.labels("sink", "splynx.unreachable").set(0)
        metrics.DEAD_LETTERS.labels("process", "account", "avro.undecodable").inc()
        metrics.CONFLICTS.labels("customer").set(0)
        processes = Starts("sink")
        for ends in (True, True, False, False):
            with suppress(KeyError), processes.process():
                if ends:
                    raise KeyError
    if rang:
        assert_rang(cast("pytest.Function", test), heard, 3)
    else:
        with pytest.raises(AssertionError, match=expected.alert):
            assert_rang(cast("pytest.Function", test), heard, 3)
