"""Generated pages: commands, settings, rules, metrics, errors; `python -m console.docs [--check]` makes or checks them.

Exit codes: 0 written, or up to date; 3 `--check` found pages that are not.
"""

import argparse
import importlib
import inspect
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer

from console.docs_errors import error_page, error_types, index_page
from console.docs_keys import rules_page, settings_page
from console.docs_text import GENERATED, cell
from console.shapes import SHAPES
from plumbing.errors import ExitCode
from plumbing.metrics import declared

ROOT = Path(__file__).parent.parent


def pages() -> dict[Path, str]:
    """`{path below docs/: text}` of every generated page."""
    errors = error_types()
    result = {
        Path("configuration.md"): settings_page(),
        Path("rules.md"): rules_page(),
        Path("metrics.md"): _metrics(),
        Path("commands.md"): _commands(),
        Path("errors.md"): index_page(errors),
    }
    for code, types in errors.items():
        result[Path("errors") / f"{code}.md"] = error_page(code, types)
    return result


def _metrics() -> str:
    text = (
        "# Metrics\n\n" + GENERATED + "Each process serves them at `/metrics` on its port of `http` in the settings,"
        " beside `/healthz` and `/readyz`. Prometheus adds `stage` to those that do not name it. A process also tells"
        " its memory, processor time and start (`process_*`). Labels come from closed sets, never from a record."
        " [Alerts](alerts.md) and the dashboards under `deploy/grafana` are made of these.\n\n"
        "| metric | kind | labels | what it is |\n| --- | --- | --- | --- |\n"
    )
    for one in declared():
        text += f"| `{one.name}` | {one.kind} | {', '.join(one.labels) or 'none'} | {cell(one.help)} |\n"
    return text


def _commands() -> str:
    text = (
        "# Commands\n\n"
        + GENERATED
        + "`crossfade --help` lists them, `crossfade --version` tells the release, `crossfade <command> --help` says"
        " the same as here. Data goes to stdout, everything else to stderr. What they end with is in"
        " [exit-codes.md](exit-codes.md). With `--json` stdout holds one document with `version` 1 and the members"
        " named below; an error is `{version, error: {code, message, next_step}}` instead.\n\n"
    )
    for name, command in commands():
        context = typer.Context(command)
        text += f"## {name}\n\n{inspect.cleandoc(command.help or '')}\n\n"
        text += f"    crossfade {name} {' '.join(command.collect_usage_pieces(context))}\n\n"
        example = (command.epilog or "").removeprefix("Example: ")
        text += "".join(f"    $ {one}\n" for one in example.split("; ") if one) + "\n"
        text += "| argument or option | meaning |\n| --- | --- |\n"
        for one in command.params:
            told = one.get_help_record(context)
            if told is not None:
                text += f"| `{cell(told[0])}` | {cell(told[1])} |\n"
        text += "\n| member of the document | what it is |\n| --- | --- |\n"
        text += "".join(f"| `{path}` | {cell(what)} |\n" for path, what in SHAPES[name].items()) + "\n"
    return text.rstrip("\n") + "\n"


def commands() -> Iterator[tuple[str, Any]]:
    """Every command with its name, those of groups too."""
    found: Any = typer.main.get_command(importlib.import_module("console.main").app)
    for name, command in found.commands.items():
        inner = getattr(command, "commands", None)
        yield from ((f"{name} {below}", one) for below, one in inner.items()) if inner else [(name, command)]


def stale(folder: Path) -> list[str]:
    """Pages below `folder` that are missing, differ, or describe a code that no longer exists."""
    wanted = pages()
    result = [
        str(path)
        for path, text in wanted.items()
        if not (folder / path).is_file() or (folder / path).read_text(encoding="utf-8") != text
    ]
    known = {folder / path for path in wanted}
    return result + [str(path.relative_to(folder)) for path in (folder / "errors").glob("*.md") if path not in known]


def write(folder: Path) -> None:
    """Write every page; remove pages of codes that no longer exist."""
    wanted = pages()
    (folder / "errors").mkdir(parents=True, exist_ok=True)
    for path, text in wanted.items():
        (folder / path).write_text(text, encoding="utf-8")
    for path in (folder / "errors").glob("*.md"):
        if path.relative_to(folder) not in wanted:
            path.unlink()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m console.docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, name what is out of date")
    options = parser.parse_args(arguments)
    if not options.check:
        write(ROOT / "docs")
        return ExitCode.DONE
    found = stale(ROOT / "docs")
    for page in found:
        sys.stderr.write(f"docs/{page} is out of date; run python -m console.docs\n")
    return ExitCode.FOUND if found else ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main())
