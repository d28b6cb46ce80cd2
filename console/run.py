"""All stages as child processes of this machine, until stopped or until everything is caught up."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from console.doctor import CAPTURE, PROCESS, SINK, require
from console.output import table
from console.progress import Progress
from console.status import held_of, waking_in
from plumbing.errors import ExitCode, SyncError
from plumbing.folders import writable
from plumbing.logs import get_logger
from plumbing.settings import Settings
from processors.guard import EXIT_HALTED
from schemas.ledger import DEAD, PARKED, READY

log = get_logger("run")

_LOOK_SECONDS = 1.0
_GRACE_SECONDS = 60.0
_TAIL_LINES, _TAIL_BYTES = 15, 16_384
_KILLED = "Somebody, or the system for want of memory, ended it. Start again: it resumes where it was."


class StageEnded(SyncError):
    """A stage ended by itself. Its own last lines say why, and its exit code becomes that of the run."""

    code = "run.stage_ended"
    remedy = "Mend what the stage's last lines name, then start again: it resumes where it was."

    def __init__(self, stage: str, code: int, tail: str, log_file: Path) -> None:
        how = f"ended with {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"
        said = f"its last lines:\n{tail}" if tail else "it said nothing"
        remedy = self.remedy if code >= 0 else _KILLED
        super().__init__(f"stage {stage} {how}; {said}", remedy=f"{remedy} Log: {log_file}")
        self.exit_code = exit_code_of(code)


def tail_of(path: Path, begun: int) -> str:
    """The last lines behind a place in a file, indented: what stands before it, an earlier run has said."""
    with path.open("rb") as file:
        file.seek(max(begun, path.stat().st_size - _TAIL_BYTES))
        lines = file.read().decode(errors="replace").splitlines()[-_TAIL_LINES:]
    return "\n".join(f"  {line}" for line in lines)


def exit_code_of(returncode: int) -> ExitCode:
    """How a run ends whose stage ended: as the stage did.

    A stage that ended without an error was stopped by somebody else, and one of Faust that had to end at once (70)
    resumes: both are to be started again.
    """
    if returncode in {ExitCode.DONE, EXIT_HALTED}:
        return ExitCode.TRY_LATER
    return ExitCode(returncode) if returncode in set(ExitCode) else ExitCode.UNEXPECTED


@dataclass
class RunResult:
    """How a run ended."""

    caught_up: bool
    seconds: float
    held: list[dict[str, Any]] = field(default_factory=list)
    interrupted: bool = False
    """It was to catch up, and was stopped before it had."""
    applied: bool = True
    """Whether the sink ran."""

    @property
    def exit_code(self) -> ExitCode:
        """75 when it was stopped before it caught up; else 0 when nothing is parked or dead, else 5."""
        if self.interrupted:
            return ExitCode.TRY_LATER
        stuck = any(one["state"] in {PARKED, READY, DEAD} for one in self.held)
        return ExitCode.PARTLY if stuck else ExitCode.DONE

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "applied": self.applied,
            "caught_up": self.caught_up,
            "seconds": round(self.seconds, 1),
            "held": self.held,
        }


def text_of(document: dict[str, Any]) -> str:
    """The result for people."""
    text = f"{'Caught up' if document['caught_up'] else 'Stopped'} after {document['seconds']} s."
    if not document["applied"]:
        text += " The topics are filled; Splynx was not written: that takes --apply."
    if document["held"]:
        rows = [["entity", "state", "code", "records"]]
        rows += [[one["entity"], one["state"], one["code"], str(one["records"])] for one in document["held"]]
        text += "\n" + table(rows)
    return text


class Stage:
    """One stage as a child process, its output in a file."""

    def __init__(self, name: str, arguments: list[str], config: Path | None, folder: Path) -> None:
        self.name = name
        self.log_file = folder / f"{name}.log"
        command = [sys.executable, "-m", "console", *arguments]
        if config is not None:
            command += ["--config", str(config)]
        with self.log_file.open("ab") as sink:
            self._begun = sink.tell()
            # A session of its own: ctrl-C reaches this process alone, which ends the stages in order.
            self._process = subprocess.Popen(command, stdout=sink, stderr=sink, start_new_session=True)  # noqa: S603

    def check(self) -> None:
        """Look whether it still runs.

        Raises:
            StageEnded: it does not.
        """
        code = self._process.poll()
        if code is not None:
            raise StageEnded(self.name, code, tail_of(self.log_file, self._begun), self.log_file)

    def ask_to_end(self) -> None:
        """Send SIGTERM to a process that still runs."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def wait(self, seconds: float) -> None:
        """Wait for its end, and after so long make it end."""
        try:
            self._process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            log.error("run.stage_killed", stage=self.name)
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def end(stages: Sequence[Stage]) -> None:
    """Ask all of them to end at once, and wait for them together."""
    for stage in stages:
        stage.ask_to_end()
    deadline = time.monotonic() + _GRACE_SECONDS
    for stage in stages:
        stage.wait(deadline - time.monotonic())


def run_stages(settings: Settings, config: Path | None, *, apply: bool, until_caught_up: bool) -> RunResult:
    """Start the stages and watch them. Without `apply` no sink runs: bundles are made and nothing is written.

    Raises:
        ConfigurationError: the stages' logs cannot be written.
        NotReady: something that a stage needs is not as it must be; nothing was started.
        StageEnded: a stage ended by itself; the others were ended.
        DependencyUnreachable: Kafka or the ledger does not answer.
    """
    started = time.monotonic()
    folder = writable(settings.state_dir / "logs")
    asyncio.run(require(settings, CAPTURE, PROCESS, *([SINK] if apply else [])))
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    before = {sign: signal.signal(sign, on_signal) for sign in (signal.SIGINT, signal.SIGTERM)}
    stages: list[Stage] = []
    try:
        wanted = [(CAPTURE, ["follow"]), (PROCESS, ["process"])]
        if apply:
            wanted.append((SINK, ["sink", "--apply"]))
        for name, arguments in wanted:
            # One by one: what was started is ended even if the next one cannot be.
            stages.append(Stage(name, arguments, config, folder))
        caught_up = _watch(settings, stages, stop, apply=apply, until_caught_up=until_caught_up)
    finally:
        end(stages)
        for sign, handler in before.items():
            signal.signal(sign, handler)
    held = asyncio.run(held_of(settings))
    interrupted = until_caught_up and not caught_up
    return RunResult(caught_up, time.monotonic() - started, held, interrupted=interrupted, applied=apply)


def _watch(
    settings: Settings, stages: list[Stage], stop: threading.Event, *, apply: bool, until_caught_up: bool
) -> bool:
    progress = Progress(settings)
    ends = None
    begun = time.time()
    try:
        while not stop.wait(_LOOK_SECONDS):
            for stage in stages:
                stage.check()
            if not until_caught_up:
                continue
            if ends is None:
                # Only a watermark that this run published says that its reads are on the topics.
                whole = [
                    one
                    for one in progress.watermarks()
                    if one.snapshot_complete and one.read_started.timestamp() >= begun
                ]
                if whole and progress.processors_passed(whole[0]):
                    ends = progress.bundle_ends()
                    log.info("run.processors_passed", watermark=whole[0].source_time.isoformat())
            if ends is None or (apply and not progress.sinks_passed(ends)):
                continue
            # The last batch may have brought what others waited for: they are written after its offsets are committed.
            if not apply or not asyncio.run(waking_in(settings)):
                return True
    finally:
        progress.close()
    return False
