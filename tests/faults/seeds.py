"""How many seeds a fault has, and which guards its test shows."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

FULL = "tests.faults.full"
"""The plugin whose presence asks for every seed and every guard."""
TIMES = int(os.environ.get("CROSSFADE_FAULTS_TIMES", "1"))
"""With it: how many times as many seeds, for a longer search than usual."""


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
