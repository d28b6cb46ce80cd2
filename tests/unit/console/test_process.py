"""`crossfade process` says at its end what it did, whichever engine did it."""

import json
from collections import Counter
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

import console.main
from console.shapes import members
from processors.output import Summary

DONE = Summary(produced=Counter(account=3), dead_lettered=Counter(payment=1))


@pytest.fixture(autouse=True)
def _ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything before the engine is well, and each engine did the same."""

    async def compared(_: object) -> None:
        """The rules fit."""

    # It would write to this test's stderr ever after.
    monkeypatch.setattr(console.main, "configure_logs", lambda: None)
    monkeypatch.setattr(console.main, "load_settings", lambda _: SimpleNamespace(rules=None))
    monkeypatch.setattr(console.main, "load_rules", lambda _: None)
    monkeypatch.setattr(console.main, "check_rules_where_possible", compared)
    monkeypatch.setattr(console.main, "run_worker", lambda _: DONE)
    monkeypatch.setattr(console.main, "process_batch", lambda _, **__: DONE)


@pytest.mark.parametrize("engine", ["live", "batch"])
def test_it_prints_one_document_at_its_end(engine: str) -> None:
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
