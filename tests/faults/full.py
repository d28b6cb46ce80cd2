"""The plugin of `make faults`: every seed, every guard, a record of what passed, the table; at most an hour.

What passed is kept in the file that `CROSSFADE_FAULTS` names, with a digest of the sources; the next run of the
same sources leaves it out.
"""

import hashlib
import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

ENVIRONMENT = "CROSSFADE_FAULTS"
HOUR = float(os.environ.get("CROSSFADE_FAULTS_SECONDS", "3600"))
ROOT = Path(__file__).parents[2]
ROOMS = ("plumbing", "schemas", "clients", "producers", "processors", "sinks", "reconciliation", "sandbox", "tests")
_RUN = re.compile(r"\[(?:seed-\d+|without (?P<guard>.+?))(?P<mode>-(?:no-)?database)?\]$")


def test_of(node: str) -> str:
    """The test of a run; in each of its modes it is one of its own."""
    return _RUN.sub(r"\g<mode>", node)


def digest(paths: Iterable[Path] | None = None) -> str:
    """Of these sources; by default of every one that a fault may meet."""
    found = hashlib.blake2b(digest_size=8)
    for path in sorted(paths or (one for room in ROOMS for one in (ROOT / room).rglob("*.py"))):
        found.update(path.read_bytes())
    return found.hexdigest()


class State:
    """The file: `{"sources": digest, "tests": {node id: "passed" or "failed"}, "faults": {test: numbers}, "counted":
    {node id: {what: how many}}}`; counted is what a test says that it really did.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        self.sources = digest()
        same = kept.get("sources") == self.sources
        self.tests: dict[str, str] = kept["tests"] if same else {}
        self.faults: dict[str, list[str]] = kept["faults"] if same else {}
        self.counted: dict[str, dict[str, int]] = kept["counted"] if same else {}

    def note(self, node: str, outcome: str, counted: dict[str, int]) -> None:
        """Keep an outcome; at once, so that nothing is lost when the run ends here."""
        self.tests[node], self.counted[node] = outcome, counted
        document = {
            "sources": self.sources, "tests": self.tests, "faults": self.faults, "counted": self.counted,
        }  # fmt: skip
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.with_suffix(".new").write_text(json.dumps(document, indent=1))
        self.path.with_suffix(".new").replace(self.path)

    def table(self) -> Iterator[tuple[str, str, str, str, str]]:
        """Fault numbers, test, seeds passed, guards shown, result; in the order of numbers."""
        for test in sorted(self.faults, key=lambda one: (int(self.faults[one][0]), one)):
            runs = {node: outcome for node, outcome in self.tests.items() if test_of(node) == test}
            guards = {m["guard"]: runs[node] for node in runs if (m := _RUN.search(node)) and m["guard"]}
            seeds = [outcome for node, outcome in runs.items() if "[seed-" in node]
            shown = ", ".join(guard for guard, outcome in guards.items() if outcome == "passed")
            result = "holds" if all(outcome == "passed" for outcome in runs.values()) else "FAILS"
            passed = f"{seeds.count('passed')}/{len(seeds)}"
            name = test.partition("::test_")[2].replace("_", " ") + self._counted(runs)
            yield ", ".join(self.faults[test]), name, passed, shown, result

    def _counted(self, nodes: Iterable[str]) -> str:
        """What a test's seeds that passed come to, together."""
        found = Counter[str]()
        for node in nodes:
            if "[seed-" in node and self.tests[node] == "passed":
                found.update(self.counted[node])
        return "".join(f" ({number:,} {what})" for what, number in found.items())


def pytest_configure(config: pytest.Config) -> None:
    """Record in the main process; workers only leave out what passed."""
    if ENVIRONMENT in os.environ:
        config.stash[_STATE] = State(Path(os.environ[ENVIRONMENT]))
        config.pluginmanager.register(_Recorder(config), "faults-recorder")


_STATE = pytest.StashKey[State]()


class _Recorder:
    """Leaves out, notes, tells."""

    def __init__(self, config: pytest.Config) -> None:
        self._state, self._is_worker = config.stash[_STATE], hasattr(config, "workerinput")

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Only what is a fault, and has not passed yet."""
        kept = []
        for item in items:
            numbers = [str(mark.args[0]) for mark in item.iter_markers("fault")]
            if numbers and item.get_closest_marker("seeds"):
                # Travels with the report: workers collect, the main process notes.
                item.user_properties.append(("faults", sorted(numbers, key=int)))
                if self._state.tests.get(item.nodeid) != "passed":
                    kept.append(item)
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """The hour begins."""
        self._session, self._ends = session, time.monotonic() + HOUR

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A call that ended, or a set-up that failed."""
        if not self._is_worker and (report.when == "call" or report.failed):
            told: dict[str, Any] = dict(report.user_properties)
            self._state.faults[test_of(report.nodeid)] = list(told.pop("faults"))
            self._state.note(report.nodeid, "passed" if report.passed else "failed", told)
        if time.monotonic() > self._ends:
            # In the worker, between two tests: what was started for them is still stopped in order.
            self._session.shouldstop = "an hour is over; the next `make faults` goes on with what is left"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The table."""
        rows = [("fault", "test", "seeds", "guards shown", "result"), *self._state.table()]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        for fault, test, passed, shown, result in rows:
            told = f"{fault:<{widths[0]}}  {result:<6}  {passed:>{widths[2]}}  {test:<{widths[1]}}  {shown}"
            terminalreporter.write_line(told.rstrip())
