"""The audit log: every command that changes something is in it before it begins, with who, what and how it ended."""

import inspect
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Annotated, Any

import orjson
import pytest
import typer
from typer.testing import CliRunner

import console.main
from console import actions
from console.actions import Action, actions_of, document_of, noted, text_of
from console.options import Apply
from plumbing.errors import ConfigurationError, DependencyUnreachable, ExitCode
from plumbing.settings import KafkaSettings, Settings

SETTINGS = Settings.model_construct(instance="main", kafka=KafkaSettings(bootstrap="b"))


class Log:
    """Stands for the topic."""

    kept: list[Action]
    away = False

    def __init__(self, _: Settings) -> None:
        """Connects to nothing."""

    def begin(self, action: Action) -> None:
        """As `note`."""
        self.note(action)

    def note(self, action: Action) -> None:
        """Keep, or be away."""
        if Log.away:
            raise DependencyUnreachable("Kafka does not answer")
        Log.kept.append(action)


@pytest.fixture(autouse=True)
def _log(monkeypatch: pytest.MonkeyPatch) -> None:
    Log.kept, Log.away = [], False
    monkeypatch.setattr(actions, "ActionLog", Log)
    monkeypatch.setattr(actions, "load_settings", lambda _: SETTINGS)
    monkeypatch.setattr(
        actions,
        "read_whole",
        lambda *_: [SimpleNamespace(value=lambda one=one: orjson.dumps(vars(one))) for one in Log.kept],
    )


def run(work: Callable[[], None], *words: str) -> int:
    """Have a command with that work run with these words; its exit code."""
    app = typer.Typer()

    @app.command()
    @noted("mend")
    def mend(
        number: list[int],
        apply: Apply = False,
        by: Annotated[str | None, typer.Option()] = None,
        show_values: Annotated[bool, typer.Option("--show-values")] = False,
    ) -> None:
        work()

    return CliRunner().invoke(app, [*words]).exit_code


def partly() -> None:
    raise typer.Exit(int(ExitCode.PARTLY))


def broken() -> None:
    raise LookupError


def interrupted() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("work", "code"),
    [
        pytest.param(lambda: None, ExitCode.DONE, id="done"),
        pytest.param(partly, ExitCode.PARTLY, id="partly done"),
        pytest.param(broken, ExitCode.UNEXPECTED, id="an error nobody expected"),
        pytest.param(interrupted, ExitCode.TRY_LATER, id="ctrl-C"),
    ],
)
def test_who_did_what_and_how_it_ended_is_kept(work: Callable[[], None], code: ExitCode) -> None:
    run(work, "7", "8", "--apply", "--by", "ada", "--show-values")
    (kept,) = actions_of(SETTINGS, 10)
    assert (kept.by, kept.command, kept.options) == ("ada", "mend", {"number": [7, 8]})
    assert (kept.exit_code, bool(kept.ended)) == (code, True)


def test_it_is_kept_before_it_begins_and_so_is_one_that_was_killed() -> None:
    def killed() -> None:
        assert [one.exit_code for one in Log.kept] == [None]
        Log.away = True  # nothing can be said any more

    run(killed, "7", "--apply")
    (kept,) = actions_of(SETTINGS, 10)
    assert (kept.ended, kept.exit_code) == (None, None)
    assert "no end was noted" in text_of(document_of([kept]))
    assert kept.by  # whoever runs this


def test_what_only_shows_is_not_kept() -> None:
    assert run(lambda: None, "7") == 0
    assert Log.kept == []
    assert text_of(document_of(actions_of(SETTINGS, 10))) == "Nothing was changed by anybody yet."


def test_the_newest_are_shown_the_oldest_of_them_first() -> None:
    for number in ("1", "2", "3"):
        run(lambda: None, number, "--apply")
    assert [one.options["number"] for one in actions_of(SETTINGS, 2)] == [[2], [3]]


def test_mistaken_settings_are_the_commands_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise ConfigurationError("no such file")

    done: list[bool] = []
    monkeypatch.setattr(actions, "load_settings", refuse)
    run(lambda: done.append(True), "7", "--apply")
    assert (done, Log.kept) == ([True], [])


CHANGES = {"apply", "approve", "accept_deletes"}
NEEDED = {"conflicts resolve": ["--take", "source", "--all"], "ledger prune": ["--before", "2026-01-01T00:00:00Z"]}
GIVEN = {
    "follow": ["--accept-deletes", "invoices"],
    "doctor": ["--approve-columns"],
    "deadletters dismiss": ["process:1", "--apply"],
}
"""What makes a command one that changes something, where that is not `--apply` alone."""


def commands(app: typer.Typer, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Callable[..., Any]]]:
    """`(its words, its function)` of every command."""
    for one in app.registered_commands:
        assert one.callback is not None
        yield " ".join([*path, one.name or one.callback.__name__]), one.callback
    for group in app.registered_groups:
        assert group.typer_instance is not None
        yield from commands(group.typer_instance, (*path, str(group.name)))


CHANGING = [name for name, made in commands(console.main.app) if CHANGES & inspect.signature(made).parameters.keys()]


def test_there_are_commands_that_change_something() -> None:
    assert {"sink", "rollback", "ledger rebuild", "conflicts resolve"} <= set(CHANGING)


@pytest.mark.parametrize("name", [one for one in CHANGING if one != "topics"])
def test_what_cannot_be_kept_is_not_done(name: str) -> None:
    """None of them gets as far as its settings, which are not there; and each is kept under its own name."""
    Log.away = True
    words = [*name.split(), *NEEDED.get(name, []), *GIVEN.get(name, ["--apply"])]
    ended = CliRunner().invoke(console.main.app, words)
    assert (ended.exit_code, "Kafka does not answer" in ended.output) == (ExitCode.UNREACHABLE, True), ended.output
    Log.away = False
    CliRunner().invoke(console.main.app, words)
    assert {one.command for one in Log.kept} == {name}


def test_making_the_topics_is_kept_once_there_is_one() -> None:
    CliRunner().invoke(console.main.app, ["topics", "--apply"])
    assert [(one.command, one.exit_code is None) for one in Log.kept] == [("topics", False)]
