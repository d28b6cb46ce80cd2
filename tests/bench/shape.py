"""How much memory capture takes at the shape of a real ISP, and whether it stays there.

`memory_capture`: 350 MB ÷ the highest of `crossfade follow`, as the kernel remembers it (VmHWM): through the snapshot
of an ISP with 10,158 accounts and all its history, through four minutes of following while rows change, and after a new
start, which reads the index back. `memory_capture_flat`: 1.03 and the noise ÷ how much more than in the first of those
minutes it takes in the last, each by its middle look (VmRSS); noise: how far the halves of the first lie apart. The
invented ISP itself takes 3 GB and minutes to make.
"""

import json
import os
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from sandbox.local.sandboxes import SonarSandbox
from sandbox.local.stack import Addresses
from tests.bench.entry import Entry
from tests.bench.follower import following
from tests.bench.memory import ALLOWED_MB, memory_mb
from tests.bench.servers import instance

ACCOUNTS = int(os.environ.get("SHAPE_ACCOUNTS", "10158"))
ALLOWED_GROWTH = 1.03
_CHANGES_PER_SECOND = 20
_MINUTES = int(os.environ.get("SHAPE_MINUTES", "4"))
_LOOKS = 60
"""In each minute."""
_PATIENCE_SECONDS = 3_600.0


def measure(at: Addresses, folder: Path) -> list[Entry]:
    """The entries `memory_capture` and `memory_capture_flat`."""
    sonar = SonarSandbox(folder, accounts=ACCOUNTS, requests_per_minute=0, name="sonar-shape", options=["--full"])
    sonar.timeout_seconds = 1_800.0
    began = time.monotonic()
    sonar.start()
    figures: dict[str, float] = {"sonar_seconds": round(time.monotonic() - began)}
    try:
        assert sonar.process.pid is not None
        figures["sonar_mb"] = round(memory_mb(sonar.process.pid))
        with instance(at, folder, sonar) as settings:
            with following(settings, folder) as follower:
                began = time.monotonic()
                follower.await_watermark(_PATIENCE_SECONDS)
                figures["snapshot_seconds"] = round(time.monotonic() - began)
                figures["snapshot_mb"] = round(memory_mb(follower.pid))
                _live(sonar.control)
                resident = _watched(follower.pid)
                figures["following_mb"] = round(memory_mb(follower.pid))
            with following(settings, folder) as follower:
                began = time.monotonic()
                follower.await_watermark(_PATIENCE_SECONDS)
                figures["start_seconds"] = round(time.monotonic() - began)
                figures["restarted_mb"] = round(memory_mb(follower.pid))
    finally:
        sonar.stop()
    return entries(resident, figures)


def entries(resident: Sequence[float], figures: Mapping[str, float]) -> list[Entry]:
    """What the figures, and looks at the process that followed (in MB, so many a minute), come to.

    Raises:
        AssertionError: these looks are of less than two minutes; nothing can grow.
    """
    assert len(resident) >= 2 * _LOOKS, f"{len(resident)} looks only"
    highest = max(figures[name] for name in ("snapshot_mb", "following_mb", "restarted_mb"))
    first, last = resident[:_LOOKS], resident[-_LOOKS:]
    growth = median(last) / median(first)
    noise = abs(median(first[: _LOOKS // 2]) / median(first[_LOOKS // 2 :]) - 1)
    told = {"growth": round(growth, 3), "first_mb": round(median(first)), "last_mb": round(median(last))}
    return [
        Entry("memory_capture", round(ALLOWED_MB / highest, 3), 1.0, 0.0, figures),
        Entry("memory_capture_flat", round((ALLOWED_GROWTH + noise) / growth, 3), 1.0, round(noise, 3), told),
    ]


def _watched(pid: int) -> list[float]:
    """What a process takes for some minutes, look by look, in MB."""
    resident = []
    for _ in range(_MINUTES * _LOOKS):
        resident.append(memory_mb(pid, "VmRSS"))
        time.sleep(60 / _LOOKS)
    return resident


def _live(control: str) -> None:
    body = json.dumps({"action": "resume", "rate": _CHANGES_PER_SECOND}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{control}/world", data=body), timeout=30).close()
