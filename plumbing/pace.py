"""How long work will still take, by how fast it got less so far."""

from collections import deque

_WINDOW = 30


class Pace:
    """How fast something gets less, over the last looks."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, int]] = deque(maxlen=_WINDOW)

    def seconds_left(self, left: int, now: float) -> float | None:
        """At the pace so far; None while it does not get less."""
        self._looks.append((now, left))
        (began, first) = self._looks[0]
        done = first - left
        return None if done <= 0 else left * (now - began) / done
