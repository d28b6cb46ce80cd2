"""The pages of error codes: what each means, what Crossfade does and what is left to do."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Sequence

from console.docs_text import GENERATED, cell
from plumbing.errors import Action, ExitCode, SyncError

ROOMS = ("plumbing", "schemas", "clients", "producers", "processors", "sinks", "reconciliation", "console")
_ACTIONS = {
    Action.RETRY: "The stage waits and tries the same work again by itself.",
    Action.PARK: "The record is held in the ledger, the rest goes on; it is written once what it waits for is there.",
    Action.DEAD_LETTER: "The record is set aside with its reason; the others go on.",
    Action.HALT: "The stage or the command ends; nothing goes on before the cause is mended.",
}


def error_types() -> dict[str, list[type[SyncError]]]:
    """`{code: types}` of every error that any room declares, sorted by code."""
    for room in ROOMS:
        for module in pkgutil.walk_packages(importlib.import_module(room).__path__, f"{room}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    result: dict[str, list[type[SyncError]]] = {}
    for kind in _below(SyncError):
        # A type without a code of its own counts under its parent's; types of tests are not ours.
        if kind.__module__.split(".")[0] in ROOMS and kind not in result.get(kind.code, []):
            result.setdefault(kind.code, []).append(kind)
    return {code: sorted(types, key=lambda one: one.__name__) for code, types in sorted(result.items())}


def _below(kind: type[SyncError]) -> Iterator[type[SyncError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _below(child)


def index_page(errors: dict[str, list[type[SyncError]]]) -> str:
    """The text of errors.md."""
    text = (
        "# What to do for each error code\n\n" + GENERATED + "The code stands in the log, in dead letters and in the"
        " metrics. What a command ends with is in [exit-codes.md](exit-codes.md).\n\n"
        "| code | action | exit code | what it is |\n| --- | --- | --- | --- |\n"
    )
    for code, types in errors.items():
        first = types[0]
        text += (
            f"| [`{code}`](errors/{code}.md) | {first.action.value} | {int(first.exit_code)} |"
            f" {cell(_first_line(first))} |\n"
        )
    return text


def error_page(code: str, types: Sequence[type[SyncError]]) -> str:
    """The text of a code's own page."""
    text = f"# {code}\n\n" + GENERATED
    for kind in types:
        text += f"{inspect.cleandoc(kind.__doc__ or '')}\n\n"
    first = types[0]
    remedy = (
        first.remedy or "Read the message and the last lines of the log, and report them; they hold no record's values."
    )
    exit_code = ExitCode(first.exit_code)
    return text + (
        f"**What Crossfade does.** {_ACTIONS[first.action]}\n\n**What you do.** {remedy}\n\n"
        f"**Exit code of a command.** {int(exit_code)} ({exit_code.name.lower()}), see "
        "[exit codes](../exit-codes.md).\n"
    )


def _first_line(kind: type[SyncError]) -> str:
    return inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0]
