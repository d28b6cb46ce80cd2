"""Stages as real processes that are started, stopped and killed at a step."""

import json
import os
import re
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2

from plumbing.settings import Settings
from sandbox.local.ports import free_ports
from tests.faults.alarms import STARTS, started_again
from tests.faults.marked import SESSION_MS
from tests.faults.steps import NotInTime
from tests.integration.processors.conftest import with_secrets
from tests.prepared import Forked, Prepared

_PATIENCE_SECONDS = 90.0
_SCRAPE_SECONDS = 5.0


class Processes:
    """Starts stages, kills them at a step, and ends whatever is left."""

    def __init__(self, folder: Path, prepared: Prepared, without: str = "") -> None:
        """`without`: the guard that is taken away from each."""
        self._folder, self._marker, self._without = folder, folder / "marker", without
        self._prepared = prepared
        # One port for a stage's whole life: by it Kafka knows that a worker is the one that was killed.
        (self._port,) = free_ports(1)
        self._running: Forked | None = None
        self._stage, self._began, self._is_new = "", "", False

    def start(
        self,
        stage: str,
        settings: Settings,
        *,
        step: str = "",
        when: str = "after",
        turn: int = 1,
        producer: Mapping[str, Any] | None = None,
        client: Mapping[str, Any] | None = None,
    ) -> None:
        """Start a stage; with a step, it stands still there. `producer`, `client`: settings of its Kafka clients."""
        self._stage, self._is_new = stage, stage != "capture"  # of which nobody says what rings here
        http = settings.http.model_copy(update={"process_port": self._port, "sink_port": self._port})
        process = settings.process.model_copy(update={"session_seconds": SESSION_MS / 1000})
        settings = settings.model_copy(update={"http": http, "process": process, "state_dir": self._folder / "state"})
        plan: dict[str, Any] = {
            "stage": stage, "settings": with_secrets(settings), "step": step, "when": when, "turn": turn,
            "marker": str(self._marker), "producer": dict(producer or {}), "client": dict(client or {}),
            "without": self._without,
        }  # fmt: skip
        (self._folder / "plan.json").write_text(json.dumps(plan))
        log, words = self._folder / "output.log", [str(self._folder / "plan.json")]
        self._running = self._prepared.start("tests.faults.marked", words, os.environ, out=log, err=log)

    def reach_the_step(self) -> None:
        """Wait for the marker."""
        self.wait(self._marker.exists)

    def kill_at_the_step(self) -> None:
        """Wait for the marker, then SIGKILL."""
        self.reach_the_step()
        self.kill()
        self._marker.unlink()

    def stop_at_the_step(self) -> None:
        """Wait for the marker, then SIGSTOP: it does nothing any more, and nobody tells the others."""
        self.reach_the_step()
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT, out of the step."""
        self._marker.unlink()
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL what runs."""
        if self._running is not None and self._running.poll() is None:
            self._signal(signal.SIGKILL)
            self._running.wait(30)

    def _signal(self, number: int) -> None:
        assert self._running is not None
        os.kill(self._running.pid, number)

    def wait(self, condition: Callable[[], bool]) -> None:
        """Until the condition holds, and the process was seen; one that ended before fails the test with its log."""
        assert self.is_alive_until(lambda: condition() and self._is_seen()), self.output()[-3000:]

    def _is_seen(self) -> bool:
        """Whether it has told when it began, which is asked for as Prometheus does."""
        with suppress(httpx2.TransportError):
            if self._is_new:
                at = f"http://127.0.0.1:{self._port}/metrics"
                told = httpx2.get(at, timeout=_SCRAPE_SECONDS, trust_env=False).text
                for began in re.findall(rf"^{STARTS} (\S+)$", told, re.MULTILINE):
                    if self._began not in {"", began}:
                        started_again(self._stage)
                    self._began = began
                self._is_new = False
        return not self._is_new

    def is_alive_until(self, condition: Callable[[], bool]) -> bool:
        """Whether it is still there when the condition holds; False when it ended before by itself."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not condition():
            assert self._running is not None
            if self._running.poll() is not None:
                return False
            self._see_that_there_is_time(deadline)
        return True

    def wait_until_it_says(self, *any_of: str) -> None:
        """Whether it goes on then, or ends."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not any(words in self.output() for words in any_of):
            self._see_that_there_is_time(deadline)

    def _see_that_there_is_time(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise NotInTime(self.output()[-3000:])
        time.sleep(0.1)

    def output(self) -> str:
        """What it has said."""
        return (self._folder / "output.log").read_text()

    def wait_for_the_end(self) -> int:
        """Its exit code."""
        assert self._running is not None
        return self._running.wait(_PATIENCE_SECONDS)
