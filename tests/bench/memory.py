"""How much memory each process of Crossfade takes for a whole migration, as the kernel remembers its highest (VmHWM).

`memory_<accounts>`: 350 MB ÷ the largest process, of capture, processors, sink, the run that watches them, and
reconciliation. On a site of its own: servers, Sonar, Splynx and stages as `make up` and `crossfade run` start them.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from sandbox.local.site import Site, World
from tests.bench.entry import Entry

ALLOWED_MB = 350
SIZES = [int(size) for size in os.environ.get("MEMORY_ACCOUNTS", "2000,20000").split(",")]
COMMANDS = {
    "run": ["run", "--until", "caught-up", "--apply"],
    "reconcile": ["reconcile"],
    "audit": ["status", "--audit"],
}
_STAGE = re.compile(r"-m console (\w+)")
_LOOK_SECONDS = 0.5


def measure(folder: Path) -> list[Entry]:
    """One entry per size of ISP."""
    return [_migration(folder / str(accounts), accounts) for accounts in SIZES]


def _migration(folder: Path, accounts: int) -> Entry:
    with site(folder, accounts) as made:
        environment = os.environ | {"CROSSFADE_CONFIG": str(made.state / "crossfade.yaml")}
        watched(["topics", "--apply"], environment, {})
        highest: dict[str, float] = {}
        seconds = {}
        for name, words in COMMANDS.items():
            began = time.monotonic()
            watched(words, environment, highest)
            seconds[name] = round(time.monotonic() - began)
    largest = max(highest.values())
    figures: dict[str, float] = {f"{name}_mb": round(size) for name, size in sorted(highest.items())}
    figures |= {f"{name}_seconds": took for name, took in seconds.items()}
    return Entry(f"memory_{accounts}", round(ALLOWED_MB / largest, 3), 1.0, 0.0, figures)


@contextmanager
def site(folder: Path, accounts: int) -> Iterator[Site]:
    """A site with an invented ISP of so many accounts, stopped after the block."""
    made = Site(folder, World(accounts))
    made.start()
    try:
        yield made
    finally:
        made.stop()


def watched(words: list[str], environment: dict[str, str], highest: dict[str, float]) -> None:
    """Run a command of `crossfade` to its end; `highest` learns the most that it and its children took, in MB."""
    process = subprocess.Popen([sys.executable, "-m", "console", *words], env=environment, stdout=subprocess.DEVNULL)
    try:
        while process.poll() is None:
            _look(process.pid, highest)
            time.sleep(_LOOK_SECONDS)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(90)
    # 3: a difference. 5: something is parked. Neither says anything of memory.
    assert process.returncode in {0, 3, 5}, f"crossfade {' '.join(words)} ended with {process.returncode}"


def _look(pid: int, highest: dict[str, float]) -> None:
    try:
        for one in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            found = _STAGE.search(" ".join(one.cmdline()))
            if found is not None:
                highest[found[1]] = max(highest.get(found[1], 0.0), memory_mb(one.pid))
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        return  # it ended while we looked


def memory_mb(pid: int, kind: str = "VmHWM") -> float:
    """What a process takes, in MB: the most it ever did, or ("VmRSS") now."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(rf"{kind}:\s+(\d+) kB", status)
    return int(found[1]) * 1024 / 1e6 if found is not None else 0.0
