"""Whoever stops a command at any moment reads one message, and the exit code says that it was stopped."""

import gc
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

import console.main
from console.__main__ import main
from plumbing.errors import ExitCode


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def interrupted() -> None:
    raise KeyboardInterrupt


def interrupted_in_typer() -> None:
    raise SystemExit(130)


def terminated() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


class Slow(ModuleType):
    """A module whose import is interrupted."""

    def __getattr__(self, name: str) -> None:
        raise KeyboardInterrupt


def says(capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == ExitCode.TRY_LATER
    return capsys.readouterr().err


@pytest.mark.parametrize("work", [interrupted, interrupted_in_typer, terminated])
def test_a_command_that_is_stopped_says_so(
    work: Callable[[], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console.main, "app", work)
    assert says(capsys).startswith("crossfade: stopped before it was done\n")


def test_it_is_answered_while_modules_are_loaded_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "console.main", Slow("console.main"))
    assert "Traceback" not in says(capsys)
    assert gc.isenabled()


def test_a_command_that_does_not_map_is_not_kept_waiting_for_faust() -> None:
    code = "import sys, console.main; sys.exit(bool({'faust', 'aiokafka'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_it_tells_the_version_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    ended = CliRunner().invoke(console.main.app, ["--version"])
    assert (ended.exit_code, ended.stdout) == (0, f"crossfade {project['version']}\n")


def test_any_other_end_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def ended() -> None:
        raise SystemExit(3)

    monkeypatch.setattr(console.main, "app", ended)
    with pytest.raises(SystemExit) as seen:
        main()
    assert seen.value.code == ExitCode.FOUND
