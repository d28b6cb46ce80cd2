"""What is forked from a prepared process is a process of its own."""

import functools
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sandbox.local.processes import Command, Managed
from tests.prepared import ForkedServer, Prepared

PROGRAM = "tests.integration.local.telling"


def told(file: Path) -> list[dict[str, Any]]:
    """What the processes whose output goes there have told."""
    return [json.loads(line) for line in file.read_text().splitlines()]


def has_told(server: Managed, lines: int) -> bool:
    """Whether it has said more than these lines."""
    return len(server.last_lines()) > lines


def test_it_has_words_environment_folder_output_and_an_exit_code_of_its_own(prepared: Prepared, tmp_path: Path) -> None:
    out, err = tmp_path / "out", tmp_path / "err"
    start = functools.partial(prepared.start, PROGRAM, out=out, err=err, folder=tmp_path)
    first = start(["3", "a b"], {"TELLING": "é"})
    assert first.wait(60) == first.poll() == 3
    second = start(["0"], {}, own_session=True)
    assert second.wait(60) == 0
    common = {"folder": str(tmp_path)}
    assert told(out) == [
        {**common, "words": ["3", "a b"], "variable": "é", "leads_a_session": False, "pid": first.pid},
        {**common, "words": ["0"], "variable": None, "leads_a_session": True, "pid": second.pid},
    ]
    failed = start(["x"], {})
    assert failed.wait(60) == 1
    assert "ValueError" in err.read_text()


def test_it_can_be_waited_for_and_killed(prepared: Prepared, tmp_path: Path) -> None:
    process = prepared.start(PROGRAM, ["stay"], {}, out=tmp_path / "out", err=tmp_path / "err")
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0)
    process.send_signal(signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_a_server_that_is_forked_is_known_stopped_and_started_again_as_any_other(
    prepared: Prepared, tmp_path: Path
) -> None:
    server = ForkedServer(Managed("teller", tmp_path), prepared)
    command = Command(["python", "-m", PROGRAM, "stay"], {"TELLING": "here"}, tmp_path)
    for _ in range(2):
        before = len(server.last_lines())
        server.start(command, is_ready=functools.partial(has_told, server, before), timeout_seconds=60)
        assert Managed("teller", tmp_path).pid == server.pid == told(server.log)[-1]["pid"]
        assert Managed("teller", tmp_path).stop()
        assert not server.is_running
    assert [one["variable"] for one in told(server.log)] == ["here", "here"]
