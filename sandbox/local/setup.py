"""Set up a bare clone on Debian: `python3 -m sandbox.local.setup`. The standard library only: nothing is there yet.

Says first what it will install and how large that is, then does only what is missing. A stamp, keyed by what the result
depends on, makes a second run cost next to nothing.
"""

import argparse
import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.local.debian import InstallFailed, install, missing_packages

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
REQUIREMENTS = ROOT / "requirements" / "dev.txt"
PROJECT = ROOT / "pyproject.toml"

VENV_SIZE = "about 350 MB"


@dataclass(frozen=True)
class Jars:
    """Programs that Maven fetches: `goals` of `pom` into `folder`."""

    what: str
    size: str
    pom: Path
    folder: Path
    goals: Sequence[str]

    @property
    def key(self) -> str:
        """What they depend on."""
        return _digest(self.pom.read_bytes())

    @property
    def are_due(self) -> bool:
        """Whether they are missing, or of another pom."""
        return _stamp(self.folder) != self.key


SERVERS = Jars(
    what="Kafka and Apicurio Registry",
    size="about 160 MB",
    pom=ROOT / "deploy" / "local" / "pom.xml",
    folder=ROOT / ".local" / "lib",
    goals=["dependency:copy-dependencies@kafka", "dependency:unpack@registry"],
)
PEER = Jars(
    what="Kafka Connect and Debezium's JDBC sink",
    size="about 100 MB",
    pom=ROOT / "deploy" / "local" / "peer.xml",
    folder=ROOT / ".local" / "peer",
    goals=["dependency:copy-dependencies@connect", "dependency:unpack@plugin"],
)


class SetupFailed(RuntimeError):
    """One message that says what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Set up; 0 done, 2 something must be installed by hand, 4 a download failed."""
    parser = argparse.ArgumentParser(prog="python3 -m sandbox.local.setup", description=__doc__)
    parser.add_argument("--plan", action="store_true", help="say what would be installed, and do nothing")
    parser.add_argument("--peer", action="store_true", help="also what `make bench-peers` measures against")
    options = parser.parse_args(arguments)
    try:
        _set_up([SERVERS, PEER] if options.peer else [SERVERS], plan_only=options.plan)
    except InstallFailed as exc:
        print(exc, file=sys.stderr)
        return 2
    except SetupFailed as exc:
        print(exc, file=sys.stderr)
        return 4
    return 0


def _set_up(libraries: Sequence[Jars], *, plan_only: bool) -> None:
    (ROOT / ".local").mkdir(exist_ok=True)
    with (ROOT / ".local" / "setup.lock").open("w") as lock:
        # Two `make` at once would install over each other; the second finds everything done.
        fcntl.flock(lock, fcntl.LOCK_EX)
        _install_what_is_missing(libraries, plan_only=plan_only)


def _install_what_is_missing(libraries: Sequence[Jars], *, plan_only: bool) -> None:
    packages = missing_packages(venv_exists=(VENV / "bin" / "python").exists())
    venv_is_due = _stamp(VENV) != venv_key()
    jars_due = [one for one in libraries if one.are_due]
    plan = [
        *(f"Debian package {package.name} ({package.size}): {package.purpose}" for package in packages),
        *([f"Python packages of requirements/dev.txt into .venv ({VENV_SIZE})"] if venv_is_due else []),
        *(f"{one.what} through Maven into .local/{one.folder.name} ({one.size})" for one in jars_due),
    ]
    if not plan:
        if plan_only:
            print("Everything is installed.")
        return
    print("To be installed:", *(f"  - {line}" for line in plan), sep="\n", flush=True)
    if plan_only:
        return
    if packages:
        install(packages)
    if venv_is_due:
        _make_venv()
    for one in jars_due:
        _fetch(one)
    print("Set up.", flush=True)


def venv_key() -> str:
    """What the virtual environment depends on: interpreter, pinned requirements, our own metadata."""
    version = ".".join(map(str, sys.version_info[:2]))
    return _digest(version.encode(), REQUIREMENTS.read_bytes(), PROJECT.read_bytes())


def _make_venv() -> None:
    python = VENV / "bin" / "python"
    if not python.exists():
        print("Making .venv ...", flush=True)
        _run([sys.executable, "-m", "venv", str(VENV)], "The virtual environment could not be made.")
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    print("Installing the pinned Python packages ...", flush=True)
    _run(
        [*pip, "install", "--require-hashes", "--requirement", str(REQUIREMENTS)],
        "pip could not install requirements/dev.txt. Is its package index reachable?",
    )
    # No isolation, no dependencies: everything it needs is pinned above.
    _run(
        [*pip, "install", "--no-build-isolation", "--no-deps", "--editable", str(ROOT)],
        "pip could not install the project itself.",
    )
    _write_stamp(VENV, venv_key())


def _fetch(jars: Jars) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise SetupFailed("Maven (mvn) is not on the PATH, though its package is installed.")
    print(f"Fetching {jars.what} ...", flush=True)
    # Beside the old ones, then moved: a half-fetched folder is never taken for a whole one.
    part = jars.folder.with_name(f"{jars.folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    _run(
        [maven, "-q", "-B", "--color", "never", "-f", str(jars.pom), f"-Dlibrary={part}", *jars.goals],
        f"Maven could not fetch {jars.what}. Is its repository reachable?",
    )
    shutil.rmtree(jars.folder, ignore_errors=True)
    part.rename(jars.folder)
    _write_stamp(jars.folder, jars.key)


def _run(command: list[str], failure: str) -> None:
    # Kept back until something fails: Maven writes colour codes even when it is quiet.
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise SetupFailed(f"{done.stdout}{done.stderr}\n{failure}")


def _digest(*parts: bytes) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(hashlib.sha256(part).digest())
    return total.hexdigest()


def _stamp(folder: Path) -> str | None:
    try:
        return (folder / ".crossfade-stamp").read_text()
    except FileNotFoundError:
        return None


def _write_stamp(folder: Path, key: str) -> None:
    (folder / ".crossfade-stamp").write_text(key)


if __name__ == "__main__":
    sys.exit(main())
