"""Sonar's request limit: so many per minute and token, counted anew every 60 seconds."""

import time
from collections.abc import Callable

_WINDOW_SECONDS = 60.0


class RateLimit:
    """Counts HTTP requests (not root fields) in fixed windows. `per_minute` 0 means no limit."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}

    def admits(self, token: str) -> bool:
        """Count one request; False when it is one too many."""
        now = self._clock()
        begun, count = self._windows.get(token, (now, 0))
        if now - begun >= _WINDOW_SECONDS:
            begun, count = now, 0
        self._windows[token] = begun, count + 1
        return self.per_minute == 0 or count < self.per_minute
