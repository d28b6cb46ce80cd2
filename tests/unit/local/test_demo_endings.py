"""How a demo begins and ends: as it was asked to, and a site that nobody keeps, or that failed, is stopped whole."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.demo.__main__ import CommandFailed, Demo, main
from sandbox.demo.proof import Verdict, compare
from sandbox.local.__main__ import main as local
from sandbox.local.processes import Command, Managed, StartFailed
from sandbox.local.site import NAMES, Site
from sandbox.local.stack import Addresses, LocalStack
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


@pytest.fixture
def accesses(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each site that was to start: whether its Crossfade may use Splynx's database."""
    found: list[bool] = []

    def start(site: Site) -> Addresses:
        found.append(site.splynx.database_access)
        raise StartFailed("sonar", "was not started", ())

    monkeypatch.setattr(Site, "start", start)
    here = Addresses("127.0.0.1:1", "http://127.0.0.1:2", "127.0.0.1", 3, "root", "unread")
    monkeypatch.setattr(LocalStack, "addresses", here)
    return found


@pytest.mark.parametrize(
    ("database", "access"),
    [pytest.param("no", False, id="no"), pytest.param("yes", True, id="yes"), pytest.param("", True, id="not said")],
)
def test_splynxs_database_is_used_unless_it_is_said_that_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accesses: list[bool], database: str, access: bool
) -> None:
    monkeypatch.setenv("DATABASE", database)
    assert main(["--state", str(tmp_path)]) == 4
    said = ["--database", database] if database else []
    assert local(["up", "--state", str(tmp_path), *said]) == 4
    assert accesses == [access, access]


def test_a_word_that_is_neither_yes_nor_no_is_one_message_and_nothing_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], accesses: list[bool]
) -> None:
    kept = tmp_path / "kept"
    kept.touch()
    monkeypatch.setenv("DATABASE", "postgres")
    with pytest.raises(SystemExit) as ended:
        main(["--state", str(tmp_path)])
    assert ended.value.code == 2
    assert "DATABASE is yes or no, and not postgres" in capsys.readouterr().err
    assert kept.exists()
    assert accesses == []
