"""The patch points of the fault tests name code that is there."""

from importlib import import_module
from pathlib import Path

import pytest

from tests import faults
from tests.faults.guards import GUARDS
from tests.faults.steps import resolved


@pytest.mark.parametrize("guard", GUARDS)
def test_every_guard_stands_where_its_patch_point_says(guard: str) -> None:
    assert GUARDS[guard]
    for patch in GUARDS[guard]:
        assert resolved(patch.at) is not None


def test_every_guard_is_shown_by_a_test_of_a_fault() -> None:
    modules = [import_module(f"tests.faults.{path.stem}") for path in Path(faults.__path__[0]).glob("test_*.py")]
    marks = [mark for one in modules for test in vars(one).values() for mark in getattr(test, "pytestmark", ())]
    shown = {guard for mark in marks if mark.name == "seeds" for guard in mark.kwargs["guards"]}
    assert shown == set(GUARDS)
