"""A stage that ends, or is asked to end, prints one document: what it did."""

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

import console.main
import console.stages
import processors.worker
from console.shapes import members
from plumbing.errors import ExitCode
from processors.output import Summary
from producers.summary import CaptureSummary
from sinks.runner import SinkSummary

DONE = Summary(produced=Counter(account=3), dead_lettered=Counter(payment=1))


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    before = {sign: signal.getsignal(sign) for sign in (signal.SIGINT, signal.SIGTERM)}
    yield
    for sign, handler in before.items():
        signal.signal(sign, handler)


@pytest.fixture(autouse=True)
def _ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything before the work is well; each engine did the same; capture and sink work until they are stopped."""

    async def compared(_: object) -> None:
        """The rules fit."""

    # It would write to this test's stderr ever after.
    monkeypatch.setattr(console.stages, "configure_logs", lambda: None)
    monkeypatch.setattr(
        console.stages, "load_settings", lambda _: SimpleNamespace(rules=None, sonar=SimpleNamespace(leave_out=()))
    )
    monkeypatch.setattr(console.stages, "load_rules", lambda _: None)
    monkeypatch.setattr(console.stages, "check_rules_where_possible", compared)
    monkeypatch.setattr(processors.worker, "run_worker", lambda _: DONE)
    monkeypatch.setattr(console.stages, "process_batch", lambda _, **__: DONE)

    async def capture(_: object, *, stop: asyncio.Event, **__: object) -> CaptureSummary:
        os.kill(os.getpid(), signal.SIGTERM)
        await stop.wait()
        return CaptureSummary(run_id="r")

    async def sink(_: object, *, stop: asyncio.Event, **__: object) -> SinkSummary:
        os.kill(os.getpid(), signal.SIGTERM)
        await stop.wait()
        return SinkSummary(applied=True)

    monkeypatch.setattr(console.stages, "run_capture", capture)
    monkeypatch.setattr(console.stages, "run_sink", sink)


@pytest.mark.parametrize("engine", ["live", "batch"])
def test_processors_print_the_same_document_whichever_engine_it_was(engine: str) -> None:
    ended = CliRunner().invoke(console.main.app, ["process", "--engine", engine, "--json"])
    assert ended.exit_code == 0, ended.output
    document = json.loads(ended.stdout)
    assert document == {"version": 1, "produced": {"account": 3}, "dead_lettered": {"payment": 1}}
    assert document.keys() == {"version"} | members("process")


@pytest.mark.parametrize("engine", ["live", "batch"])
def test_people_read_the_same_as_a_table(engine: str) -> None:
    ended = CliRunner().invoke(console.main.app, ["process", "--engine", engine])
    assert ended.stdout.splitlines() == [
        "aggregate  produced  dead-lettered",
        "account    3         0",
        "payment    0         1",
    ]


@pytest.mark.parametrize(("command", "code"), [("follow", 0), ("sink", 0), ("snapshot", 75)])
def test_capture_and_sink_that_are_asked_to_end_print_theirs(command: str, code: int) -> None:
    ended = CliRunner().invoke(console.main.app, [command, "--json"])
    assert ended.exit_code == code, ended.output
    assert json.loads(ended.stdout).keys() == {"version"} | members(command)


def test_an_approval_of_something_that_no_sink_asks_is_refused() -> None:
    ended = CliRunner().invoke(console.main.app, ["sink", "--approve", "adoptoin", "--approve", "target"])
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "nothing is called adoptoin" in ended.stderr


@pytest.mark.parametrize("answer", ["adoption", "target", "mended", "customer"])
def test_what_a_sink_asks_can_be_approved(answer: str) -> None:
    assert CliRunner().invoke(console.main.app, ["sink", "--approve", answer]).exit_code == 0


def test_a_snapshot_beside_which_something_stands_still_is_partly_done(monkeypatch: pytest.MonkeyPatch) -> None:
    async def capture(_: object, **__: object) -> CaptureSummary:
        return CaptureSummary(run_id="r", snapshot_complete=True, standing={"payment": "sonar.forbidden"})

    monkeypatch.setattr(console.stages, "run_capture", capture)
    ended = CliRunner().invoke(console.main.app, ["snapshot"])
    assert ended.exit_code == ExitCode.PARTLY
    assert "payment stands still [sonar.forbidden]" in ended.stdout
