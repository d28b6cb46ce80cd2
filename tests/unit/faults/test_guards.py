"""The patch points of the fault tests name code that is there."""

import pytest

from tests.faults.guards import GUARDS
from tests.faults.steps import resolved


@pytest.mark.parametrize("guard", GUARDS)
def test_every_guard_stands_where_its_patch_point_says(guard: str) -> None:
    assert GUARDS[guard]
    for patch in GUARDS[guard]:
        assert resolved(patch.at) is not None
