"""One line of the table: a ratio against a limit that was measured in the same run, and how far to trust it."""

import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Entry:
    """`ratio` is met when it is at least `goal`. `noise`: how far a limit differs from itself (A/A), as a share."""

    name: str
    ratio: float
    goal: float
    noise: float
    figures: Mapping[str, float | int | str]

    @property
    def is_met(self) -> bool:
        """Whether the goal is reached."""
        return self.ratio >= self.goal


@dataclass(frozen=True)
class Round:
    """Seconds for the same work: the limit, ours, the limit again. What disturbs one of them is near the others."""

    before: float
    ours: float
    after: float


async def timed(work: Awaitable[object]) -> float:
    """Wall seconds of `work`."""
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


def ratio(measured: Sequence[Round]) -> float:
    """Our rate as a share of the limit's, in the middle round."""
    return round(median((one.before + one.after) / 2 / one.ours for one in measured), 3)


def noise(measured: Sequence[Round]) -> float:
    """How far the limit differs from itself in the middle round."""
    return round(median(abs(one.before / one.after - 1) for one in measured), 3)


def table(entries: Sequence[Entry]) -> str:
    """For people."""
    lines = [f"{'':34}{'ratio':>8}{'goal':>7}{'noise':>8}"]
    for one in entries:
        mark = "" if one.is_met else "  missed"
        lines.append(f"{one.name:34}{one.ratio:>8.2f}{one.goal:>7.2f}{one.noise:>8.1%}{mark}")
        lines.append("  " + ", ".join(f"{name} {value}" for name, value in one.figures.items()))
    return "\n".join(lines)
