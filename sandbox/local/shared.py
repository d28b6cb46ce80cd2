"""One stack that several processes share: the first starts it, the last stops it, a watchman does after a crash.

For test runs of several workers; `join` and `leave` may be called by any of them in any order.
"""

import fcntl
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from sandbox.local.library import ROOT
from sandbox.local.processes import Command, Managed
from sandbox.local.stack import Addresses, LocalStack


class SharedStack:
    """The stack under `state`; `owner_pid` is the process without which nobody needs it (pytest itself)."""

    def __init__(self, state: Path, owner_pid: int) -> None:
        self.state = state.resolve()
        self._owner_pid = owner_pid
        self._stack = LocalStack(self.state)
        self._watchman = Managed("watchman", self.state)

    def join(self) -> Addresses:
        """Start the stack unless it runs, and count this process as a user.

        Raises:
            StartFailed: with the server's own last lines.
        """
        with self._locked() as users:
            if not self._stack.is_running:
                self._stack.start()
            if not self._watchman.is_running:
                argv = [sys.executable, "-m", "sandbox.local.shared", str(self.state), str(self._owner_pid)]
                self._watchman.launch(Command(argv, {}, ROOT))
            users.add(os.getpid())
            return self._stack.addresses

    def leave(self) -> bool:
        """Count this process off; True when it was the last one and the stack was stopped."""
        with self._locked() as users:
            users.discard(os.getpid())
            if users:
                return False
            self.stop()
            self._watchman.stop()
            return True

    def stop(self) -> None:
        """Stop the stack and drop its data; the logs stay."""
        self._stack.stop()
        for server in (self._stack.kafka, self._stack.registry, self._stack.mariadb):
            shutil.rmtree(server.folder, ignore_errors=True)

    @contextmanager
    def _locked(self) -> Iterator[set[int]]:
        """The pids of living users, under the lock; what is left in the set is written back."""
        self.state.mkdir(parents=True, exist_ok=True)
        file = self.state / "users.json"
        with (self.state / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = json.loads(file.read_text()) if file.exists() else []
            users = {pid for pid in known if psutil.pid_exists(pid)}
            yield users
            file.write_text(json.dumps(sorted(users)))


def watch(state: Path, owner_pid: int) -> None:
    """Wait for the owner's end, however it comes, then stop what still runs."""
    try:
        psutil.Process(owner_pid).wait()
    except psutil.NoSuchProcess:
        pass
    SharedStack(state, owner_pid).stop()


if __name__ == "__main__":
    watch(Path(sys.argv[1]), int(sys.argv[2]))
