"""A watermark is awaited that covers what was read, by Sonar's clock, and then every stage."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from console import reconcile
from plumbing.settings import Settings
from schemas.watermark import Watermark

READ = datetime(2024, 5, 1, 12, tzinfo=UTC)
LAG = timedelta(seconds=60)
ENDS = {"splynx.main.account": {0: 7}}


def a_watermark(source_time: datetime) -> Watermark:
    return Watermark(
        source_time=source_time, deletes_time=None, read_started=source_time + LAG, sequence=1, snapshot_complete=True,
        offsets={},
    )  # fmt: skip


class Stages:
    """How far prepared stages are."""

    watermarks_there: tuple[Watermark, ...] = ()
    processors, sinks = True, True

    def __init__(self, _: Settings) -> None:
        """Connects to nothing."""

    def watermarks(self) -> list[Watermark]:
        return list(self.watermarks_there)

    def processors_passed(self, watermark: Watermark) -> bool:
        assert watermark.source_time >= READ
        return self.processors

    def bundle_ends(self) -> Mapping[str, Mapping[int, int]]:
        return ENDS

    def sinks_passed(self, ends: Mapping[str, Mapping[int, int]]) -> bool:
        assert ends == ENDS
        return self.sinks

    def close(self) -> None:
        """Nothing to close."""


@pytest.mark.parametrize(
    ("there", "processors", "sinks", "passed"),
    [
        pytest.param([a_watermark(READ)], True, True, True, id="covered, and every stage is past it"),
        pytest.param([], True, True, False, id="no watermark"),
        pytest.param([a_watermark(READ - LAG / 2)], True, True, False, id="published later, but trailing"),
        pytest.param([a_watermark(READ - LAG), a_watermark(READ + LAG)], True, True, True, id="the first that covers"),
        pytest.param([a_watermark(READ)], False, True, False, id="processors are behind"),
        pytest.param([a_watermark(READ)], True, False, False, id="sinks are behind"),
    ],
)
def test_every_stage_must_have_passed_a_watermark_that_covers_the_read(
    monkeypatch: pytest.MonkeyPatch, there: list[Watermark], processors: bool, sinks: bool, passed: bool
) -> None:
    prepared = type("Prepared", (Stages,), {"watermarks_there": there, "processors": processors, "sinks": sinks})
    monkeypatch.setattr(reconcile, "Progress", prepared)
    monkeypatch.setattr(reconcile, "_LOOK_SECONDS", 0.01)
    settings = Settings.model_construct()
    assert reconcile.wait_for_stages(settings, READ, 0.05, threading.Event()) is passed


def test_nobody_waits_once_it_is_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "Progress", Stages)
    stop = threading.Event()
    stop.set()
    assert not reconcile.wait_for_stages(Settings.model_construct(), READ, 3600, stop)
