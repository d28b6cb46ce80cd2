"""How much memory capture takes at the shape of a real ISP, and whether it stays there: `memory_capture`.

350 MB ÷ the highest of `crossfade follow`, as the kernel remembers it (VmHWM): through the snapshot of an ISP with
10,158 accounts and all its history, through a minute of following while rows change, and after a new start, which
reads the index back. Noise: how much it grew while it followed. The invented ISP itself takes 3 GB and minutes to make.
"""

import json
import os
import time
import urllib.request
from pathlib import Path

from sandbox.local.sandboxes import SonarSandbox
from sandbox.local.stack import Addresses
from tests.bench.entry import Entry
from tests.bench.follower import following
from tests.bench.memory import ALLOWED_MB, memory_mb
from tests.bench.servers import instance

ACCOUNTS = int(os.environ.get("SHAPE_ACCOUNTS", "10158"))
_CHANGES_PER_SECOND = 20
_FOLLOWED_SECONDS = 60
_PATIENCE_SECONDS = 3_600.0


def measure(at: Addresses, folder: Path) -> list[Entry]:
    """The entry `memory_capture`."""
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
                at_rest = memory_mb(follower.pid, "VmRSS")
                _live(sonar.control)
                time.sleep(_FOLLOWED_SECONDS)
                figures["following_mb"] = round(memory_mb(follower.pid))
                growth = memory_mb(follower.pid, "VmRSS") / at_rest - 1
            with following(settings, folder) as follower:
                began = time.monotonic()
                follower.await_watermark(_PATIENCE_SECONDS)
                figures["start_seconds"] = round(time.monotonic() - began)
                figures["restarted_mb"] = round(memory_mb(follower.pid))
    finally:
        sonar.stop()
    highest = max(figures[name] for name in ("snapshot_mb", "following_mb", "restarted_mb"))
    return [Entry("memory_capture", round(ALLOWED_MB / highest, 3), 1.0, round(max(growth, 0.0), 3), figures)]


def _live(control: str) -> None:
    body = json.dumps({"action": "resume", "rate": _CHANGES_PER_SECOND}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{control}/world", data=body), timeout=30).close()
