"""Processes are started whole or not at all, and only what was started is stopped."""

import json
import signal
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from sandbox.local.ports import answers, free_port, free_ports
from sandbox.local.processes import Command, Managed, StartCancelled, StartFailed, run

SLEEPER = "import time; print('awake', flush=True); time.sleep(60)"


def python(code: str) -> Command:
    return Command([sys.executable, "-c", code], {})


def always() -> bool:
    return True


def never() -> bool:
    return False


@pytest.fixture
def managed(tmp_path: Path) -> "Managed":
    return Managed("thing", tmp_path)


def runs(pid: int) -> bool:
    """Whether a process runs; a child of this very process that ended may stay listed until it is waited for."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_started_process_is_known_by_any_other_instance_and_stopped_once(managed: Managed, tmp_path: Path) -> None:
    managed.start(python(SLEEPER), is_ready=always, timeout_seconds=5)
    pid = managed.pid
    assert pid is not None
    same = Managed("thing", tmp_path)
    assert same.pid == pid
    assert same.stop() is True
    assert not runs(pid)
    assert same.stop() is False
    assert managed.stop() is False


def test_starting_twice_starts_one(managed: Managed) -> None:
    managed.start(python(SLEEPER), is_ready=always, timeout_seconds=5)
    try:
        pid = managed.pid
        managed.start(python(SLEEPER), is_ready=always, timeout_seconds=5)
        assert managed.pid == pid
    finally:
        managed.stop()


def test_a_process_that_ends_while_starting_is_reported_with_its_last_lines(managed: Managed) -> None:
    with pytest.raises(StartFailed, match=r"thing ended while starting(?s:.*)cannot bind") as failed:
        managed.start(python("print('cannot bind'); raise SystemExit(3)"), is_ready=never, timeout_seconds=10)
    assert failed.value.lines == ("cannot bind",)
    assert not managed.is_running


def test_a_process_that_never_answers_is_stopped_and_reported_with_its_last_lines(managed: Managed) -> None:
    with pytest.raises(StartFailed, match=r"did not answer within 1 s(?s:.*)awake"):
        managed.start(python(SLEEPER), is_ready=never, timeout_seconds=0.7)
    assert not managed.is_running
    assert not managed.identity.exists()


def test_a_program_that_is_not_there_is_named(managed: Managed) -> None:
    with pytest.raises(StartFailed, match="No such file or directory: /nowhere/java"):
        managed.start(Command(["/nowhere/java"], {}), is_ready=always, timeout_seconds=1)


def test_a_start_that_is_cancelled_leaves_nothing_running(managed: Managed) -> None:
    cancelled = threading.Event()
    timer = threading.Timer(0.5, cancelled.set)
    timer.start()
    with pytest.raises(StartCancelled):
        managed.start(python(SLEEPER), is_ready=never, timeout_seconds=30, cancelled=cancelled)
    timer.join()
    assert not managed.is_running


def test_a_process_that_ignores_sigterm_is_killed_after_the_grace(managed: Managed) -> None:
    code = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"
    managed.start(python(code), is_ready=lambda: "awake" in managed.last_lines(), timeout_seconds=5)
    pid = managed.pid
    assert pid is not None
    began = time.monotonic()
    assert managed.stop(grace_seconds=0.5)
    assert 0.4 < time.monotonic() - began < 5
    assert not runs(pid)


def test_children_of_a_stopped_process_go_with_it(managed: Managed) -> None:
    code = (
        "import subprocess, sys, time\n"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid, flush=True)\n"
        "time.sleep(60)"
    )
    managed.start(python(code), is_ready=lambda: bool(managed.last_lines()), timeout_seconds=5)
    grandchild = psutil.Process(int(managed.last_lines()[-1]))
    managed.stop()
    deadline = time.monotonic() + 5
    while grandchild.is_running() and grandchild.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_stranger_that_was_given_the_pid_is_left_alone(managed: Managed, tmp_path: Path) -> None:
    stranger = Managed("stranger", tmp_path)
    stranger.start(python(SLEEPER), is_ready=always, timeout_seconds=5)
    try:
        seen = json.loads(stranger.identity.read_text())
        managed.identity.write_text(json.dumps({"pid": seen["pid"], "started": seen["started"] + "0"}))
        assert managed.stop() is False
        assert stranger.is_running
    finally:
        stranger.stop()


def test_a_paused_process_can_be_stopped(managed: Managed) -> None:
    managed.start(python(SLEEPER), is_ready=always, timeout_seconds=5)
    managed.send(signal.SIGSTOP)
    assert managed.stop(grace_seconds=5)
    assert not managed.is_running


def test_a_killed_process_is_gone_when_kill_returns(managed: Managed) -> None:
    managed.start(python(SLEEPER), is_ready=always, timeout_seconds=5)
    pid = managed.pid
    assert pid is not None
    managed.kill()
    assert not runs(pid)


def test_a_step_that_fails_is_reported_with_its_last_lines(tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match=r"format ended with 4(?s:.*)disk is full"):
        run("format", python("print('disk is full'); raise SystemExit(4)"), tmp_path / "log" / "x.log")


def test_free_ports_differ_and_nobody_answers_there() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    lowest_of_others = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert max(ports) < lowest_of_others, "a connection that goes out may take one"
    assert not answers(free_port())
