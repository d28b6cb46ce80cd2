"""Processes that are forked from one which has loaded their modules.

Python's start and the imports are most of what a short command or a sandbox of few accounts costs. What happens
afterwards happens as in a process of its own: arguments, environment, folder, output, signals, exit code. Only its line
in a list of processes is that of the one it was forked from.
"""

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from sandbox.local.library import ROOT
from sandbox.local.processes import Command, Managed

COMMAND = "console.__main__:main"
"""The program `crossfade`."""
_LOADS = {
    COMMAND: ("console.main",),
    "console": ("console.main", "processors.worker"),
    "sandbox.sonar": ("sandbox.sonar.server", "sandbox.sonar.control", "sandbox.world", "tests.asked_first"),
    "sandbox.splynx": ("sandbox.splynx.server", "sandbox.splynx.install", "uvloop"),
    # No stage: it patches what these take by name.
    "tests.faults.marked": ("pytest", "aiohttp", "aiomysql", "clients.sonar", "plumbing.kafka", "schemas.catalogue"),
    "tests.integration.processors.faust_scenes": ("faust",),
    "tests.integration.processors.patched_main": ("processors.worker",),
}
"""`{program: what is loaded before the first process of it is forked}`: never the program itself, which runs anew."""

_NUMBER = struct.Struct("!i")


class Forked:
    """A process that was forked, with what `Popen` offers of its own."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.pid = self._told()
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        if self.returncode is None and select.select([self._connection], [], [], 0)[0]:
            self._take_code()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once it has ended.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        if self.returncode is None:
            if not select.select([self._connection], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            self._take_code()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """A signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def let_go(self) -> int:
        """Its pid; nobody here waits for its end any more."""
        self._connection.close()
        return self.pid

    def _take_code(self) -> None:
        self.returncode = self._told()
        self._connection.close()

    def _told(self) -> int:
        told = self._connection.recv(_NUMBER.size, socket.MSG_WAITALL)
        if len(told) < _NUMBER.size:
            raise ConnectionError("the prepared process has ended")
        return int(*_NUMBER.unpack(told))


class Prepared:
    """The process that is forked from, and its clients' side. It is started when it is first needed."""

    def __init__(self) -> None:
        self._address = f"\0crossfade-{os.getpid()}-{os.urandom(4).hex()}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(
        self,
        program: str,
        words: Sequence[str],
        env: Mapping[str, str],
        *,
        out: Path,
        err: Path,
        folder: Path | None = None,
        own_session: bool = False,
    ) -> Forked:
        """Start a module as `python -m`, or a function as `module:function`; its output is put to the files' ends."""
        self._begin()
        request = {
            "program": program, "words": list(words), "env": dict(env), "out": str(out), "err": str(err),
            "folder": str(folder or ROOT), "own_session": own_session, "loads": _LOADS.get(program, ()),
        }  # fmt: skip
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(self._address)
            connection.sendall(json.dumps(request).encode())
            connection.shutdown(socket.SHUT_WR)
            return Forked(connection)
        except BaseException:
            connection.close()
            raise

    def run(
        self, words: Sequence[str], env: Mapping[str, str], *, timeout_seconds: float
    ) -> "subprocess.CompletedProcess[str]":
        """Run `crossfade` with these words to its end, in the repository's folder.

        Raises:
            subprocess.TimeoutExpired: it did not end in time; it is killed.
        """
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder) / "out", Path(folder) / "err"
            process = self.start(COMMAND, words, env, out=out, err=err)
            try:
                code = process.wait(timeout_seconds)
            except BaseException:
                process.send_signal(signal.SIGKILL)
                process.wait()
                raise
            return subprocess.CompletedProcess(["crossfade", *words], code, out.read_text(), err.read_text())

    def __enter__(self) -> "Prepared":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.communicate()  # its standard input ends, and so does it

    def _begin(self) -> None:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, self._address[1:]],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=ROOT,
                env={name: value for name, value in os.environ.items() if not name.startswith("CROSSFADE_")},
            )
            assert self._process.stdout is not None
            assert self._process.stdout.readline() == b"ready\n"


class ForkedServer(Managed):
    """A server whose `python -m` is forked from a prepared process; all else is as with any other."""

    def __init__(self, like: Managed, prepared: Prepared) -> None:
        super().__init__(like.name, like.identity.parent.parent)
        self._prepared = prepared

    def _spawn(self, command: Command) -> int:
        _, _, program, *words = command.argv
        environment = {**os.environ, **command.environment}
        return self._prepared.start(
            program, words, environment, out=self.log, err=self.log, folder=command.folder, own_session=True
        ).let_go()


def serve(address: str) -> dict[str, Any]:
    """Fork for each request, until standard input ends. Returns it in the process that is to be what it asks for."""
    gc.disable()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{address}")
        listener.listen()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        os.write(1, b"ready\n")
        while True:
            readable, _, _ = select.select([listener, sys.stdin], [], [])
            if sys.stdin in readable:
                sys.exit(0)
            connection, _ = listener.accept()
            with connection:
                request = json.loads(_all_of(connection))
                for module in request["loads"]:
                    importlib.import_module(module)
                gc.freeze()
                if os.fork() == 0:
                    listener.close()
                    if _is_the_program(connection, request):
                        return dict(request)
                    os._exit(0)


def _all_of(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


def _is_the_program(connection: socket.socket, request: Mapping[str, Any]) -> bool:
    """Fork once more: True in the program; the other one waits for its end and tells the exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        _become(request)
        return True
    try:
        connection.sendall(_NUMBER.pack(pid))
        _, status = os.waitpid(pid, 0)
        connection.sendall(_NUMBER.pack(os.waitstatus_to_exitcode(status)))
    except ConnectionError:
        pass  # who asked does not wait for it
    return False


def _become(request: Mapping[str, Any]) -> None:
    if request["own_session"]:
        os.setsid()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    for number, path in enumerate((os.devnull, request["out"], request["err"])):
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    gc.enable()


def _go(request: Mapping[str, Any]) -> None:
    module, _, function = request["program"].partition(":")
    if function:
        sys.modules["__main__"].__package__ = None  # else a usage message would name this module
        sys.argv = ["crossfade", *request["words"]]
        getattr(importlib.import_module(module), function)()
    else:
        sys.argv = [module, *request["words"]]
        runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _go(serve(sys.argv[1]))
