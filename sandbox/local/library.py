"""Where the servers' programs lie: jars that `make setup` fetched, and what Debian installed."""

import os
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

MISSING = "Run `make setup`: it fetches what the local servers need."


class ProgramMissing(RuntimeError):
    """A program is not installed; the message says what to run."""


def library() -> Path:
    """The folder with `kafka/*.jar` and `registry/`. `CROSSFADE_LIBRARY` moves it (two checkouts may share one)."""
    folder = Path(os.environ.get("CROSSFADE_LIBRARY") or ROOT / ".local" / "lib")
    if not (folder / "kafka").is_dir():
        raise ProgramMissing(f"No Kafka under {folder}. {MISSING}")
    return folder


def program(name: str) -> str:
    """Its full path. Debian keeps servers in /usr/sbin, which is not on everybody's PATH.

    Raises:
        ProgramMissing: it is not installed.
    """
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin:/sbin")
    if found is None:
        raise ProgramMissing(f"{name} is not installed. {MISSING}")
    return found


def peer_library() -> Path:
    """The folder with `connect/*.jar` and `plugins/`: what `make bench-peers` measures against.

    Raises:
        ProgramMissing: it was not fetched.
    """
    folder = ROOT / ".local" / "peer"
    if not (folder / "connect").is_dir():
        raise ProgramMissing(f"No Kafka Connect under {folder}. Run `make bench-peers`: it fetches what it needs.")
    return folder
