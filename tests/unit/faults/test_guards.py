"""The patch points of the fault tests name code that is there."""

import re
from importlib import import_module
from inspect import isfunction, signature
from pathlib import Path
from types import ModuleType

import pytest

from tests import faults
from tests.faults.guards import GUARDS
from tests.faults.steps import resolved

ROOT = Path(faults.__path__[0]).parents[1]
ROOMS = ("plumbing", "clients", "producers", "processors", "sinks", "reconciliation", "tests/faults")
SOURCES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path.read_text(encoding="utf-8")
    for room in ROOMS
    for path in (ROOT / room).rglob("*.py")
    if not path.is_relative_to(ROOT / "tests/faults/guards")  # where the paths themselves stand
}
"""`{module: its text}`. The faults' own Sonar judges answers as the client does."""


@pytest.mark.parametrize("guard", GUARDS)
def test_every_guard_stands_where_its_patch_point_says(guard: str) -> None:
    assert GUARDS[guard]
    for patch in GUARDS[guard]:
        assert resolved(patch.at) is not None


@pytest.mark.parametrize("guard", GUARDS)
def test_every_patch_point_is_what_the_code_uses(guard: str) -> None:
    """One that moved, and left its name behind, would be replaced without any effect."""
    for patch in GUARDS[guard]:
        if patch.at.partition(".")[0] not in ROOMS:
            continue  # a library's
        holder, _, name = patch.at.rpartition(".")
        if name.startswith("__"):
            continue  # Python's own to call
        of_module = isinstance(resolved(holder), ModuleType)
        # A name of a module is used in it, or through it; a member of a class anywhere.
        used = rf"{holder.rpartition('.')[2] if of_module else ''}\.{name}\b"
        found = any(re.search(used, text) for text in SOURCES.values())
        if of_module:
            lines = SOURCES[holder].splitlines()
            found |= any(re.search(rf"(?<!def )\b{name}\b(?! = )", one) for one in lines if "import" not in one)
        assert found, patch.at


@pytest.mark.parametrize("guard", GUARDS)
def test_what_stands_in_for_a_guard_can_be_called_as_the_guard_is(guard: str) -> None:
    """One that cannot ends its proof with an error, which shows nothing."""
    for patch in GUARDS[guard]:
        real = resolved(patch.at)
        instead = patch.unguarded(real)
        if not isfunction(real) or not isfunction(instead):
            continue
        given = signature(real).parameters.values()
        plain = [one for one in given if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
        named = {one.name: None for one in given if one.kind is one.KEYWORD_ONLY}
        signature(instead).bind(*(None for _ in plain), **named)


def test_every_guard_is_shown_by_a_test_of_a_fault() -> None:
    modules = [import_module(f"tests.faults.{path.stem}") for path in Path(faults.__path__[0]).glob("test_*.py")]
    marks = [mark for one in modules for test in vars(one).values() for mark in getattr(test, "pytestmark", ())]
    shown = {guard for mark in marks if mark.name == "seeds" for guard in mark.kwargs["guards"]}
    assert shown == set(GUARDS)
