"""What a command found is told by a process that still runs."""

from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge

from plumbing.kept import RECONCILED, keep, recall


def gauges() -> dict[str, Gauge]:
    """Like those of a reconciliation, in a process of their own."""
    registry = CollectorRegistry()
    return {
        "findings": Gauge("findings", "x", ["level", "entity"], registry=registry),
        "ended": Gauge("ended", "x", registry=registry),
    }


def test_another_process_tells_what_was_kept(tmp_path: Path) -> None:
    ours, theirs = gauges(), gauges()
    ours["findings"].labels("money", "payment").set(2)
    ours["ended"].set(1_700_000_000)
    keep(tmp_path / "made", ours)
    recall(tmp_path / "made", theirs)
    assert [
        (sample.labels, sample.value)
        for gauge in theirs.values()
        for metric in gauge.collect()
        for sample in metric.samples
    ] == [({"level": "money", "entity": "payment"}, 2.0), ({}, 1_700_000_000.0)]


def test_nothing_kept_and_half_a_file_change_nothing(tmp_path: Path) -> None:
    theirs = gauges()
    theirs["ended"].set(7)
    recall(tmp_path, theirs)
    (tmp_path / "reconciled.json").write_bytes(b'{"ended": [[')
    recall(tmp_path, theirs)
    assert next(iter(theirs["ended"].collect())).samples[0].value == 7


def test_what_a_reconciliation_leaves_behind_is_what_alerts_ask_for() -> None:
    names = {metric.name for gauge in RECONCILED.values() for metric in gauge.collect()}
    assert names == {"crossfade_findings", "crossfade_last_reconciliation_timestamp_seconds"}
