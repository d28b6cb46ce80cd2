"""Commands as processes of their own that are forked from one which has loaded their modules.

Python's start and our imports are most of a short command's work. What happens afterwards happens as in a process that
was started by `python -m console`: its own arguments, environment, folder, output, signals and exit code.
"""

import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from sandbox.local.library import ROOT


class Prepared:
    """The process that is forked from, and its clients' side."""

    def __init__(self) -> None:
        self._address = f"\0crossfade-{os.getpid()}-{os.urandom(4).hex()}"
        self._process: subprocess.Popen[bytes] | None = None

    def run(
        self, words: Sequence[str], env: Mapping[str, str], *, timeout_seconds: float
    ) -> "subprocess.CompletedProcess[str]":
        """Run `crossfade` with these words to its end, in the repository's folder.

        Raises:
            TimeoutError: it did not end in time; it is killed.
        """
        self._start()
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as connection:
            out, err = Path(folder) / "out", Path(folder) / "err"
            connection.settimeout(timeout_seconds)
            connection.connect(self._address)
            request = {"words": list(words), "env": dict(env), "out": str(out), "err": str(err)}
            with connection.makefile("rw") as stream:
                stream.write(f"{json.dumps(request)}\n")
                stream.flush()
                pid = int(stream.readline())
                try:
                    code = int(stream.readline())
                except TimeoutError:
                    os.kill(pid, signal.SIGKILL)
                    raise
            return subprocess.CompletedProcess(["crossfade", *words], code, out.read_text(), err.read_text())

    def __enter__(self) -> "Prepared":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.communicate()  # its standard input ends, and so does it

    def _start(self) -> None:
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


def serve(address: str) -> None:
    """Fork for each request, until standard input ends. Returns in a process that is to be the command."""
    gc.disable()
    import console.main  # noqa: F401 - what all of this is for

    gc.freeze()
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
                if os.fork() == 0:
                    listener.close()
                    if _is_the_command(connection):
                        return
                    os._exit(0)


def _is_the_command(connection: socket.socket) -> bool:
    """Fork once more: True in the command; the other one waits for its end and tells the exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with connection.makefile("rw") as stream:
        request = json.loads(stream.readline())
        pid = os.fork()
        if pid == 0:
            _become(request)
            return True
        stream.write(f"{pid}\n")
        stream.flush()
        _, status = os.waitpid(pid, 0)
        stream.write(f"{os.waitstatus_to_exitcode(status)}\n")
    return False


def _become(request: dict[str, Any]) -> None:
    os.environ.clear()
    os.environ.update(request["env"])
    for number, path in enumerate((os.devnull, request["out"], request["err"])):
        opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.modules["__main__"].__package__ = None  # else a usage message would name this module
    sys.argv = ["crossfade", *request["words"]]
    gc.enable()


if __name__ == "__main__":
    serve(sys.argv[1])
    from console.__main__ import main

    main()
