"""Servers as processes of this machine: started in a session of their own, known again by pid and start time.

The pid file makes a process outlive the command that started it: `make down` stops exactly what `make up` started, and
never a stranger that was given the same pid since.
"""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

LAST_LINES = 25
"""So many of a server's own lines are shown when it does not start."""

_CHILDREN: dict[int, subprocess.Popen[bytes]] = {}
"""Children of this process that are not reaped yet, by pid: whichever `Managed` speaks of one can reap it."""


class StartFailed(RuntimeError):
    """A server ended or did not answer in time; holds its last lines. It is stopped when this is raised."""

    def __init__(self, name: str, reason: str, lines: Sequence[str]) -> None:
        shown = "".join(f"\n    {line}" for line in lines) or "\n    (it wrote nothing)"
        super().__init__(f"{name} {reason}. Its last lines:{shown}")
        self.name, self.lines = name, tuple(lines)


class StartCancelled(RuntimeError):
    """Another server failed, or ctrl-C came, while this one was starting."""


@dataclass(frozen=True)
class Command:
    """What to run. `environment` is added to ours."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    folder: Path | None = None


class Managed:
    """One process by name under a state folder: `run/<name>.json` its identity, `log/<name>.log` its words.

    Any instance of the same name and folder, in any process, speaks of the same process.
    """

    def __init__(self, name: str, state: Path) -> None:
        self.name = name
        self.identity = state / "run" / f"{name}.json"
        self.log = state / "log" / f"{name}.log"

    @property
    def pid(self) -> int | None:
        """Of the running process; None when it does not run."""
        process = self._process()
        return process.pid if process else None

    @property
    def is_running(self) -> bool:
        """True while the process that the identity names lives."""
        return self._process() is not None

    def start(
        self,
        command: Command,
        *,
        is_ready: Callable[[], bool],
        timeout_seconds: float,
        cancelled: threading.Event | None = None,
    ) -> None:
        """Start it and wait until `is_ready`. A process that runs already is left as it is.

        Raises:
            StartFailed: it ended, or was not ready in time; it is stopped.
            StartCancelled: `cancelled` was set; it is stopped.
        """
        if self.is_running:
            return
        self.launch(command)
        try:
            self.wait_until(is_ready, timeout_seconds=timeout_seconds, cancelled=cancelled)
        except BaseException:
            self.stop(grace_seconds=3)
            raise

    def launch(self, command: Command) -> None:
        """Start it without waiting. The log is appended to, so that a restart keeps what went before."""
        self.identity.parent.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        pid = self._spawn(command)
        _write_whole(self.identity, json.dumps({"pid": pid, "started": _birth(pid)}))

    def _spawn(self, command: Command) -> int:
        """Its pid, which leads a session of its own."""
        try:
            with self.log.open("ab") as log:
                child = subprocess.Popen(  # noqa: S603 - our own command lines
                    list(command.argv),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    # A session of its own: ctrl-C at our terminal must not reach a server behind our back.
                    start_new_session=True,
                    env={**os.environ, **command.environment},
                    cwd=command.folder,
                )
        except OSError as exc:
            raise StartFailed(self.name, f"cannot be run ({exc.strerror}: {command.argv[0]})", ()) from exc
        _CHILDREN[child.pid] = child
        return child.pid

    def wait_until(
        self, is_ready: Callable[[], bool], *, timeout_seconds: float, cancelled: threading.Event | None = None
    ) -> None:
        """Wait for readiness; raises as `start` does, without stopping anything."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            if cancelled is not None and cancelled.is_set():
                raise StartCancelled(self.name)
            if not self.is_running:
                raise StartFailed(self.name, "ended while starting", self.last_lines())
            if is_ready():
                return
            if time.monotonic() > deadline:
                raise StartFailed(self.name, f"did not answer within {timeout_seconds:.0f} s", self.last_lines())
            time.sleep(0.05)

    def last_lines(self, count: int = LAST_LINES) -> list[str]:
        """The end of its log."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - 200_000))
                return file.read().decode(errors="replace").splitlines()[-count:]
        except FileNotFoundError:
            return []

    def stop(self, *, grace_seconds: float = 20) -> bool:
        """SIGTERM, after the grace SIGKILL, to its whole session. Returns False when it did not run."""
        process = self._process()
        if process is None:
            self.identity.unlink(missing_ok=True)
            return False
        # A stopped process (SIGSTOP, in fault tests) acts on SIGTERM only once it is continued.
        self._signal(process.pid, signal.SIGCONT)
        self._signal(process.pid, signal.SIGTERM)
        if not self._wait_gone(grace_seconds):
            self._signal(process.pid, signal.SIGKILL)
            self._wait_gone(10)
        # What the leader left behind in its session goes too.
        self._signal(process.pid, signal.SIGKILL)
        self.identity.unlink(missing_ok=True)
        return True

    def kill(self) -> None:
        """SIGKILL, as a crash would end it; returns when it is gone."""
        process = self._process()
        if process is not None:
            self._signal(process.pid, signal.SIGKILL)
            self._wait_gone(10)
        self.identity.unlink(missing_ok=True)

    def send(self, number: signal.Signals) -> None:
        """A signal to its whole session (SIGSTOP and SIGCONT for fault tests)."""
        process = self._process()
        if process is not None:
            self._signal(process.pid, number)

    def _process(self) -> psutil.Process | None:
        """The live process that the identity names; zombies and strangers with its pid do not count."""
        try:
            identity = json.loads(self.identity.read_text())
            _reap(int(identity["pid"]))
            process = psutil.Process(int(identity["pid"]))
            same = _birth(process.pid) == identity["started"]
            if same and process.status() == psutil.STATUS_ZOMBIE and process.pid in _CHILDREN:
                _CHILDREN.pop(process.pid).wait()  # returns at once
            return process if same and process.is_running() and process.status() != psutil.STATUS_ZOMBIE else None
        except (FileNotFoundError, psutil.NoSuchProcess):
            return None

    def _wait_gone(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.is_running:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    @staticmethod
    def _signal(pid: int, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, number)  # pid is the leader of its session, hence of its process group


def _birth(pid: int) -> str | None:
    """Which boot, and how many ticks after it, the process began; None when there is none.

    Read from /proc and not taken from a clock, which an NTP step would move under a process that runs for days.
    """
    try:
        # Field 22 of proc(5); the name in field 2 may hold blanks and brackets itself.
        ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()}:{ticks}"
    except (FileNotFoundError, ProcessLookupError):
        return None


def _reap(pid: int) -> None:
    """Collect a dead child of ours, so that it is no zombie."""
    child = _CHILDREN.get(pid)
    if child is not None and child.poll() is not None:
        del _CHILDREN[pid]


def run(name: str, command: Command, log: Path) -> None:
    """Run a command to its end, its output appended to `log`.

    Raises:
        StartFailed: it ended with another code than 0.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        code = subprocess.call(  # noqa: S603 - our own command lines
            list(command.argv),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **command.environment},
            cwd=command.folder,
        )
    if code != 0:
        raise StartFailed(name, f"ended with {code}", log.read_text(errors="replace").splitlines()[-LAST_LINES:])


def _write_whole(path: Path, text: str) -> None:
    """Write by rename: a reader sees the old file or the new one, never half of it."""
    part = path.with_suffix(".part")
    part.write_text(text)
    part.replace(path)
