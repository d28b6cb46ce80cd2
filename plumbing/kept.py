"""Gauges of a command that has ended, told by a process that runs: nobody can scrape what is over in a minute."""

from collections.abc import Mapping
from pathlib import Path

import orjson
from prometheus_client import Gauge

from plumbing.metrics import FINDINGS, RECONCILED_SECONDS

RECONCILED: Mapping[str, Gauge] = {"findings": FINDINGS, "ended": RECONCILED_SECONDS}
"""What `crossfade reconcile` leaves behind."""


def keep(folder: Path, gauges: Mapping[str, Gauge] = RECONCILED) -> None:
    """Write the gauges as they are now into `folder`, whole or not at all."""
    values = {
        name: [[sample.labels, sample.value] for metric in gauge.collect() for sample in metric.samples]
        for name, gauge in gauges.items()
    }
    folder.mkdir(parents=True, exist_ok=True)
    part = _file(folder).with_suffix(".part")
    part.write_bytes(orjson.dumps(values))
    part.replace(_file(folder))


def recall(folder: Path, gauges: Mapping[str, Gauge] = RECONCILED) -> None:
    """Set the gauges to what was kept last; leaves them be where nothing was, or where it cannot be read."""
    try:
        values = orjson.loads(_file(folder).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return
    for name, gauge in gauges.items():
        for labels, value in values.get(name, ()):
            (gauge.labels(**labels) if labels else gauge).set(value)


def _file(folder: Path) -> Path:
    return folder / "reconciled.json"
