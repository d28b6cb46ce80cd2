"""How many seeds a fault has, and which guards its test shows."""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

FULL = "tests.faults.full"
"""The plugin whose presence asks for every seed and every guard."""


@dataclass(frozen=True)
class Without:
    """A run with one guard taken away, whose proof has to fail."""

    guard: str
    seed: int

    def __str__(self) -> str:
        return f"without {self.guard}"


def seeds(count: int, *, guards: Mapping[str, int]) -> pytest.MarkDecorator:
    """30 in-process, 3 as real processes. `guards`: `{name in tests.faults.guards: seed that shows it}`."""
    return pytest.mark.seeds(count, guards=guards)
