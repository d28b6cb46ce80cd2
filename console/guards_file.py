"""A learned key goes into the operator's guards file: one entry is changed, comments and everything else stay."""

import shutil
from pathlib import Path
from typing import Any

import orjson
import yaml
from pydantic import ValidationError

from plumbing.errors import ConfigurationError
from sinks.guards import Guard, GuardsFile, load_guards


def entry_of(guard: Guard) -> str:
    """A guard as it stands in the file."""
    return f"- name: {guard.name}\n  key: {guard.key}\n  expected: {_scalar(guard.expected)}"


def with_guard(text: str, guard: Guard) -> str:
    """The file's text with this guard in it, instead of what it said of the same name.

    Raises:
        ConfigurationError: the file is written in a way that would lose something.
    """
    before = GuardsFile.model_validate(yaml.safe_load(text))
    wanted = {one.name: one for one in before.guards} | {guard.name: guard}
    root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    (guards,) = [value for key, value in root.value if key.value == "guards"]
    mine = next((one for one in guards.value if _name(one) == guard.name), None)
    if mine is not None:
        made = text[: mine.start_mark.index] + _members(guard, mine) + text[_end(mine) :]
    else:
        indent = " " * guards.start_mark.column
        made = text.rstrip("\n") + "".join(f"\n{indent}{line}" for line in entry_of(guard).splitlines()) + "\n"
    try:
        after = {one.name: one for one in GuardsFile.model_validate(yaml.safe_load(made)).guards}
    except (yaml.YAMLError, ValidationError):
        after = {}
    if after != wanted:
        raise ConfigurationError(
            "the guards file is written in a way that cannot be changed without losing something",
            remedy=f"Put this into it by hand:\n{entry_of(guard)}",
        )
    return made


def write_guard(path: Path, guard: Guard) -> None:
    """Put a guard into the file, whole or not at all.

    Raises:
        ConfigurationError: the file is missing or wrong, cannot be written, or would lose something.
    """
    load_guards(path)
    made = with_guard(path.read_text(encoding="utf-8"), guard)
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(made, encoding="utf-8")
        shutil.copymode(path, part)
        part.replace(path)
    except OSError as exc:
        raise ConfigurationError(
            f"cannot write the guards file {path}: {exc.strerror}",
            remedy=f"Put this into it by hand:\n{entry_of(guard)}",
        ) from exc


def _members(guard: Guard, node: Any) -> str:
    lines = [line[2:] for line in entry_of(guard).splitlines()]
    if node.flow_style:
        return "{" + ", ".join(lines) + "}"
    return f"\n{' ' * node.start_mark.column}".join(lines)


def _name(node: Any) -> str:
    return next((str(value.value) for key, value in node.value if key.value == "name"), "")


def _end(node: Any) -> int:
    """Behind the last value: a block's own end lies behind the comments that follow it."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)


def _scalar(value: object) -> str:
    return orjson.dumps(value).decode()
