"""How a demo ends: a site that nobody keeps, or that failed on its way, is stopped whole."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.demo.__main__ import CommandFailed, Demo, main
from sandbox.demo.proof import Verdict, compare
from sandbox.local.processes import Command, Managed, StartFailed
from sandbox.local.site import NAMES
from tests.unit.local.test_demo import CONFIGURED, SOURCE, TARGET, TOPICS

EQUAL = compare(SOURCE, TARGET, TOPICS, CONFIGURED)
DIFFERENT = compare(SOURCE, TARGET, TOPICS, CONFIGURED | {"2"})


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def running(state: Path) -> list[str]:
    return [name for name in NAMES if Managed(name, state).is_running]


@pytest.mark.parametrize(
    ("end", "keep", "code", "says"),
    [
        pytest.param(EQUAL, "", 0, "Both sides are equal, to the cent.", id="equal"),
        pytest.param(EQUAL, "0", 0, "\nNext: KEEP=1 make demo leaves it running", id="equal, and kept by 0"),
        pytest.param(DIFFERENT, "", 3, "The two sides differ.", id="different"),
        pytest.param(CommandFailed("topics --apply", 4), "1", 4, "crossfade topics --apply ended with 4", id="command"),
        pytest.param(StartFailed("sonar", "ended while starting", ()), "1", 4, "sonar ended while", id="server"),
        pytest.param(KeyboardInterrupt(), "1", 130, "Interrupted; nothing is left running.", id="ctrl-C"),
    ],
)
def test_nothing_is_left_running_that_is_not_kept(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    end: Verdict | BaseException,
    keep: str,
    code: int,
    says: str,
) -> None:
    def run(_demo: Demo) -> Verdict:
        for name in NAMES:
            Managed(name, tmp_path).launch(Command([sys.executable, "-c", "import time; time.sleep(60)"], {}))
        assert running(tmp_path) == list(NAMES)
        if isinstance(end, BaseException):
            raise end
        return end

    monkeypatch.setattr(Demo, "run", run)
    monkeypatch.setenv("KEEP", keep)
    assert main(["--state", str(tmp_path)]) == code
    told = capsys.readouterr()
    assert says in told.out + told.err
    assert running(tmp_path) == []
