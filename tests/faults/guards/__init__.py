"""The patch points: each guard by name, where it stands, and the same place without it.

Production code has no switches. A guard is taken away by replacing the named member for one run of a test, whose proof
must then fail (`conftest.py`).
"""

import pytest

from tests.faults.guards.capture import CAPTURE
from tests.faults.guards.patch import Guards
from tests.faults.guards.processing import PROCESSING
from tests.faults.guards.sinks import SINKS
from tests.faults.steps import resolved

GUARDS: Guards = {**SINKS, **PROCESSING, **CAPTURE}

STANDS_STILL = frozenset(
    {
        "every call has a deadline",
        "the arrival of a parent wakes its children",
        "a partition that stands still is noticed",
    }
)
"""Guards without which a stage never gets to its end. Of all others a proof that is late shows nothing."""


def taken_away(guard: str, patches: pytest.MonkeyPatch) -> None:
    """Replace every place of a guard by its unguarded version, until `patches` are undone."""
    for patch in GUARDS[guard]:
        patches.setattr(patch.at, patch.unguarded(resolved(patch.at)))
