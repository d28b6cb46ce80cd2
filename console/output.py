"""How commands speak: data on stdout, everything else on stderr, errors as one message with the next step."""

import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

import orjson
import typer
from rich.console import Console

from plumbing.errors import SyncError

_TELL_SECONDS = 3.0

stderr = Console(stderr=True, highlight=False, soft_wrap=True)


def show(document: dict[str, Any], *, as_json: bool, text: Callable[[dict[str, Any]], str]) -> None:
    """Print a result: as JSON with `"version": 1`, or as text for people."""
    if as_json:
        sys.stdout.write(orjson.dumps({"version": 1, **document}, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        sys.stdout.write(text(document).rstrip("\n") + "\n")
    sys.stdout.flush()


def fail(error: SyncError, *, as_json: bool) -> NoReturn:
    """Say what went wrong and what to do next, and end with the error's exit code."""
    if as_json:
        document = {"version": 1, "error": {"code": error.code, "message": str(error), "next_step": error.next_step}}
        sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")
    stderr.print(f"crossfade: {error} [{error.code}]", markup=False)
    if error.next_step:
        stderr.print(f"  Next: {error.next_step}", markup=False)
    raise typer.Exit(int(error.exit_code))


def table(rows: list[list[str]]) -> str:
    """Rows as columns of text; the first row is the head.

    >>> print(table([["a", "b"], ["10", "2"]]))
    a   b
    10  2
    """
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


class Teller:
    """Shows how far a long comparison is, on stderr: at most a line every few seconds."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._say, self._clock = say, clock
        self._what, self._begun, self._told = "", clock(), clock()

    def __call__(self, what: str, done: int, whole: int | None) -> None:
        """Hear of progress."""
        now = self._clock()
        if what != self._what:
            self._what, self._begun = what, now
        if now - self._told < _TELL_SECONDS:
            return
        self._told = now
        text = f"{what}: {done}"
        if whole:
            left = (now - self._begun) / done * max(0, whole - done) if done else 0.0
            text += f" of {whole}, about {left:.0f} s left"
        self._say(text)


def teller(progress: bool | None) -> Teller:
    """Progress on stderr: as the option says, else on a terminal."""
    is_told = stderr.is_terminal if progress is None else progress
    return Teller(lambda text: stderr.print(text, markup=False) if is_told else None)
