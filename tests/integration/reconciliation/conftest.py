"""A pair that was copied, its stages running as processes, and what one finds who compares it."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from console.progress import Progress
from plumbing.errors import DependencyUnreachable
from plumbing.settings import load_settings
from sandbox.local.library import ROOT
from tests.integration.console.conftest import Ended, Site, bare_environment, site
from tests.prepared import Forked

__all__ = ["site"]

OFTEN = {"sonar.poll_seconds": 0.3, "sonar.safety_lag_seconds": 1, "process.session_seconds": 6}
"""Settings of stages that look often, so that a watermark comes soon, and are missed soon when they have ended."""
STAGES = (("follow",), ("process",), ("sink", "--apply"))


@dataclass(frozen=True)
class Pair:
    """A site whose stages run. `program` stands in for `console` in all of its commands."""

    site: Site
    program: str = "console"
    stages: dict[str, "subprocess.Popen[bytes] | Forked"] = field(default_factory=dict)

    def start(self, *words: str) -> None:
        """Start a stage as a process of its own, again where it ended."""
        path, command = self.site.folder / f"{words[0]}.log", self.command(*words)
        if self.program == "console":
            self.stages[words[0]] = self.site.prepared.start(
                self.program, command[3:], bare_environment(), out=path, err=path, own_session=True
            )
            return
        with path.open("ab") as log:
            self.stages[words[0]] = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=ROOT, env=bare_environment(), start_new_session=True
            )

    def command(self, *words: str) -> list[str]:
        """A command line of the program."""
        command = self.site.command(*words)
        return [*command[:2], *self.program.split(), *command[3:]]

    def run(self, *words: str) -> Ended:
        """Run a command to its end."""
        if self.program == "console":
            return self.site.crossfade(*words, timeout_seconds=240)
        done = subprocess.run(
            self.command(*words), capture_output=True, text=True, cwd=ROOT, env=bare_environment(), timeout=240,
            check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return Ended(done.returncode, done.stdout, done.stderr)

    def reconcile(self, *words: str) -> dict[str, Any]:
        """The document of a comparison; its exit code is `code`."""
        ended = self.run("reconcile", "--json", *words)
        for name, process in self.stages.items():
            assert process.poll() is None, f"{name} has ended: {(self.site.folder / f'{name}.log').read_text()[-2000:]}"
        return {**ended.document, "code": ended.code}

    def execute(self, *statements: str) -> None:
        """Do something in Splynx behind everyone's back; `{ledger}` names the ledger's schema."""
        with (
            self.site.mariadb.connect(self.site.splynx.database) as connection,
            connection.cursor() as cursor,
        ):
            for statement in statements:
                assert cursor.execute(statement.replace("{ledger}", f"`{self.site.splynx.ledger}`")), statement

    def target_id(self, entity: str, key: str) -> int:
        """The id in Splynx of a record."""
        (row,) = self.site.rows(
            f"SELECT target_id FROM {{ledger}}.crosswalk WHERE entity = '{entity}' AND record_key = '{key}'"
        )
        return int(row["target_id"])

    def wait_until_copied(self, seconds: float = 120) -> None:
        """Wait until a whole snapshot has passed every stage: both ends agree for the first time."""
        deadline = time.monotonic() + seconds
        with closing(Progress(load_settings(self.site.config))) as progress:
            while not is_copied(progress):
                assert time.monotonic() < deadline, "the stages did not catch up"
                time.sleep(0.5)


def is_copied(progress: Progress) -> bool:
    """Whether a whole snapshot has passed every stage; not while the leaders of new topics are still being elected."""
    try:
        watermarks, lags = progress.watermarks(), progress.lags()
    except DependencyUnreachable:
        return False
    return bool(watermarks and watermarks[-1].snapshot_complete and not any(one.messages for one in lags))


def found(document: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """What each finding is about."""
    return sorted((one["check"], one["entity"], one["key"], one["field"]) for one in document["findings"])


@contextmanager
def stages(pair: Pair) -> Iterator[Pair]:
    """The stages as processes of their own, ended afterwards."""
    pair.site.configure(**OFTEN)
    assert pair.run("topics", "--apply").code == 0
    try:
        for words in STAGES:
            pair.start(*words)
        pair.wait_until_copied()
        yield pair
    finally:
        for process in pair.stages.values():
            _end(process)


def _end(process: "subprocess.Popen[bytes] | Forked") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)


@pytest.fixture(scope="module")
def pair(site: Site) -> Iterator[Pair]:
    """A copied pair, its stages running."""
    with stages(Pair(site)) as made:
        yield made


def the(rows: Sequence[dict[str, Any]], **members: object) -> dict[str, Any]:
    """The one finding with these members."""
    (one,) = [row for row in rows if all(row[name] == value for name, value in members.items())]
    return one
