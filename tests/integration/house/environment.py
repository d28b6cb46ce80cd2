"""The environment that the image is built as: the wheel, what requirements/runtime.txt pins, and nothing else.

Made without a network: the pinned distributions are linked from the environment that runs the tests.
"""

import importlib.metadata
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PINS = re.compile(r"^([a-z0-9-]+)==([^\s;\\]+)\s*(;[^\\]*)?", re.MULTILINE)


def build_wheel(folder: Path) -> Path:
    """The wheel, as the Dockerfile builds it."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


def make_environment(folder: Path, wheel: Path) -> Path:
    """A virtual environment under `folder` with the wheel installed; its `bin`."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=60)
    python = folder / "bin" / "python"
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    for entry in _pinned_entries():
        if not (packages / entry.name).exists():
            (packages / entry.name).symlink_to(entry)
    install = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python), "install"]
    done = subprocess.run(
        [*install, "--quiet", "--no-index", "--no-deps", str(wheel)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return python.parent


def _pinned_entries() -> set[Path]:
    """Files and folders of every distribution that is pinned for running, as they lie in our own environment."""
    ours = Path(sysconfig.get_path("purelib"))
    found: set[Path] = set()
    for name, version, marker in PINS.findall((ROOT / "requirements" / "runtime.txt").read_text()):
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            # For another system or Python; without a marker it would have to be here.
            assert marker, f"{name} is pinned and not installed"
            continue
        assert distribution.version == version
        found |= {ours / file.parts[0] for file in distribution.files or () if file.parts[0] != ".."}
    found.discard(ours / "__pycache__")
    return found
