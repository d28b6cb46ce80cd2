"""How commands speak: data on stdout, everything else on stderr, errors as one message with the next step."""

import sys
from collections.abc import Callable
from typing import Any, NoReturn

import orjson
import typer
from rich.console import Console

from plumbing.errors import SyncError

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
