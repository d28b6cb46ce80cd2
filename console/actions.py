"""The audit log: each command that changes something is noted before it begins and when it ends, and kept for good.

It lies on a topic of its own, for a ledger may be lost. What cannot be noted is not done.
"""

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, cast

import orjson
import typer

from console.output import fail, stderr, table
from plumbing.clock import utc_now
from plumbing.errors import ExitCode, SyncError
from plumbing.kafka import AckedProducer, make_producer
from plumbing.reading import read_whole, require_topic
from plumbing.settings import Settings, load_settings
from plumbing.whoami import user_name
from schemas.topics import Topics

P = ParamSpec("P")
Options = Mapping[str, Any]
_TOLD_ELSEWHERE = frozenset({"config", "json", "progress", "show_values", "apply", "by"})
"""Options that say how a command speaks, or that stand in the record by themselves."""
_ACK_SECONDS = 20.0


@dataclass(frozen=True)
class Action:
    """A command that was begun. `exit_code` is None while it runs, and where its end could not be noted."""

    id: str
    at: str
    by: str
    host: str
    command: str
    options: dict[str, Any] = field(default_factory=dict)
    ended: str | None = None
    exit_code: int | None = None


class ActionLog:
    """Writes to the topic of actions."""

    def __init__(self, settings: Settings) -> None:
        self._topic, self._kafka = Topics(settings.instance).actions, settings.kafka
        self._producer = AckedProducer(make_producer(settings.kafka))

    def begin(self, action: Action) -> None:
        """Keep an action that is about to begin.

        Raises:
            TopicMissing: `crossfade topics --apply` makes it.
            DependencyUnreachable: Kafka does not answer.
            SyncError: it does not take it.
        """
        require_topic(self._kafka, self._topic)
        self.note(action)

    def note(self, action: Action) -> None:
        """Keep an action as it is by now. The broker has it when this returns.

        Raises:
            SyncError: it does not take it.
        """
        self._producer.produce(self._topic, partition=0, key=action.id.encode(), value=orjson.dumps(asdict(action)))
        self._producer.flush(_ACK_SECONDS)


def applies(options: Options) -> bool:
    """Whether a command is to do what it would only show otherwise."""
    return bool(options.get("apply"))


def noted(
    command: str, acts: Callable[[Options], bool] = applies, *, makes_the_topic: bool = False
) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Have a command's function noted whenever `acts` says of its options that it changes something.

    `makes_the_topic`: it is noted when it has ended, for before it there may be no topic.
    """

    def around(function: Callable[P, None]) -> Callable[P, None]:
        @wraps(function)
        def noting(*args: P.args, **options: P.kwargs) -> None:
            settings = _settings_of(options) if acts(options) else None
            if settings is None:
                return function(*args, **options)
            action = action_of(command, options)
            try:
                log = ActionLog(settings)
                if not makes_the_topic:
                    log.begin(action)
            except SyncError as exc:
                fail(exc, as_json=bool(options.get("json")))
            code = int(ExitCode.UNEXPECTED)
            try:
                function(*args, **options)
                code = int(ExitCode.DONE)
            except typer.Exit as exc:
                code = exc.exit_code
                raise
            except KeyboardInterrupt:
                code = int(ExitCode.TRY_LATER)
                raise
            finally:
                _note_the_end(log, replace(action, ended=_now(), exit_code=code))

        return noting

    return around


def action_of(command: str, options: Options) -> Action:
    """What is begun now, by whom and with which options; those that were not given are left out."""
    by = str(options.get("by") or "").strip()[:64] or user_name()
    told = {name.strip("_"): _plain(value) for name, value in options.items() if name not in _TOLD_ELSEWHERE and value}
    return Action(secrets.token_hex(8), _now(), by, os.uname().nodename, command, told)


def actions_of(settings: Settings, last: int) -> list[Action]:
    """The newest `last` actions, the oldest of them first.

    Raises:
        TopicMissing: `crossfade topics --apply` makes it.
        DependencyUnreachable: Kafka does not answer.
    """
    found: dict[str, Action] = {}
    for action in _written(settings):
        found.setdefault(action.id, action)
        found[action.id] = replace(found[action.id], ended=action.ended, exit_code=action.exit_code)
    return list(found.values())[-last:]


def document_of(actions: list[Action]) -> dict[str, Any]:
    """As JSON."""
    return {"actions": [asdict(one) for one in actions]}


def text_of(document: dict[str, Any]) -> str:
    """For people: a line each."""
    if not document["actions"]:
        return "Nothing was changed by anybody yet."
    rows = [["at", "by", "command", "options", "ended"]]
    for one in document["actions"]:
        options = " ".join(f"{name}={_joined(value)}" for name, value in one["options"].items())
        ended = "no end was noted" if one["exit_code"] is None else f"{one['ended']} with {one['exit_code']}"
        rows.append([one["at"], f"{one['by']}@{one['host']}", one["command"], options, ended])
    return table(rows)


def _written(settings: Settings) -> Iterator[Action]:
    topics = Topics(settings.instance)
    for message in read_whole(settings.kafka, topics.actions, f"{topics.actions}.read"):
        yield Action(**orjson.loads(message.value() or b"{}"))


def _settings_of(options: Options) -> Settings | None:
    try:
        return load_settings(cast(Path | None, options.get("config")))
    except SyncError:
        return None  # the command says so itself, and does nothing


def _note_the_end(log: ActionLog, action: Action) -> None:
    try:
        log.note(action)
    except SyncError as exc:
        stderr.print(f"crossfade: the end of this is not in the audit log: {exc} [{exc.code}]", markup=False)


def _now() -> str:
    return utc_now().isoformat(timespec="seconds")


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if isinstance(value, str | int | float | bool) else str(value)


def _joined(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
