"""Tells partitions that have messages and do not move from those that do."""

import time
from collections.abc import Callable, Mapping

from plumbing.lag import waiting_at


class Standstill:
    """Watches partitions. `patience_seconds`: how long one may have a backlog and stay where it is."""

    def __init__(self, patience_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience, self._clock = patience_seconds, clock
        self._seen: dict[tuple[str, int], tuple[int, float]] = {}

    def stuck(self, topic: str, ends: Mapping[int, tuple[int, int]], done: Mapping[int, int]) -> list[int]:
        """Partitions that have not moved for as long as patience lasts. `done`: `{partition: next offset}`."""
        waiting = waiting_at(ends, done)
        found = []
        for partition in ends:
            at, before = waiting.get(partition), self._seen.get((topic, partition))
            if at is None:
                self._seen.pop((topic, partition), None)
            elif before is None or before[0] != at:
                self._seen[topic, partition] = (at, self._clock())
            elif self._clock() - before[1] > self._patience:
                found.append(partition)
        return found

    def forget(self) -> None:
        """Begin to watch anew: what was, was waiting."""
        self._seen.clear()
