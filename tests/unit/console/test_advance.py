"""Progress on stderr: exact where Sonar counted, with the time left at the pace so far, and nothing unasked."""

from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.metrics_core import Metric
from pytest_httpserver import HTTPServer

from console import advance
from console.advance import Amount, Report, amounts, duration, metrics_of, told
from plumbing.settings import HttpSettings


def a_registry(read: int, total: int, **behind: int) -> CollectorRegistry:
    registry = CollectorRegistry()
    rows = Gauge("crossfade_snapshot_rows", "-", ["collection", "state"], registry=registry)
    rows.labels("accounts", "read").set(read)
    rows.labels("accounts", "total").set(total)
    lag = Gauge("crossfade_lag_messages", "-", ["stage", "entity"], registry=registry)
    for stage, left in behind.items():
        lag.labels(stage, "account").set(left)
        lag.labels(stage, "payment").set(1)
    return registry


def test_the_snapshot_is_measured_by_sonars_own_count_and_stages_by_what_waits() -> None:
    found = amounts(a_registry(30, 120, sink=9, process=4).collect())
    assert found == [Amount("snapshot", 90, 120), Amount("process", 5), Amount("sink", 10)]


def test_more_rows_than_were_counted_leave_nothing() -> None:
    assert amounts(a_registry(125, 120).collect()) == [Amount("snapshot", 0, 120)]


def test_a_line_tells_all_stages_and_what_is_finished_once_more() -> None:
    report = Report()
    report.line([Amount("snapshot", 100, 120), Amount("sink", 0)], now=0)
    assert report.line([Amount("snapshot", 60, 120), Amount("sink", 8)], now=4) == (
        "snapshot 60 of 120 rows (50 %), about 6 s left; sink 8 messages behind"
    )
    assert report.line([Amount("snapshot", 0, 120), Amount("sink", 0)], now=8) == (
        "snapshot 120 of 120 rows (100 %); sink 0 messages behind"
    )
    assert report.line([Amount("snapshot", 0, 120), Amount("sink", 0)], now=12) == ""


@pytest.mark.parametrize(("seconds", "text"), [(4.4, "4 s"), (61, "1 min 1 s"), (7300, "2 h 1 min")])
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_stage_that_does_not_answer_is_left_out(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/metrics").respond_with_data(
        'crossfade_snapshot_rows{collection="accounts",state="total"} 7\n'
    )
    http = HttpSettings(capture_port=httpserver.port, process_port=1, sink_port=0)
    assert amounts(metrics_of(http)()) == [Amount("snapshot", 7, 7)]


def test_nothing_is_told_unless_wanted_or_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    looks = iter(range(120))

    def read() -> Iterator[Metric]:
        yield from a_registry(next(looks), 120).collect()

    with told(read, None, said.append):
        assert next(looks) == 0
    assert said == []
    monkeypatch.setattr(advance, "_EVERY_SECONDS", 60)
    with told(read, True, said.append):
        assert said == []
    assert said == ["snapshot 1 of 120 rows (0 %)"]
