"""The circuit breaker before Sonar: a Sonar that is down is left in peace, and asked by one request at a time."""

import random
import time
from collections.abc import Callable

from clients.sonar_errors import SonarUnreachable
from plumbing import metrics

_FAILURES = 8
_FIRST_SECONDS = 5.0
_LONGEST_SECONDS = 60.0


class SonarResting(SonarUnreachable):
    """Sonar has failed many times in a row and is left in peace for a while. Nothing was asked."""

    code = "sonar.resting"


class Breaker:
    """Opens after `failures` in a row; then lets one request through after a wait, which doubles as long as it fails.

    Only requests that ask for little count: one that was too heavy says nothing about Sonar.
    """

    def __init__(
        self,
        failures: int = _FAILURES,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._most, self._clock, self._jitter = failures, clock, jitter
        self._failed = 0
        self._wait = _FIRST_SECONDS
        self._until: float | None = None
        """When one may try; None: closed."""
        self._trying = False
        metrics.SONAR_BREAKER.set(0)

    def enter(self) -> None:
        """Ask for the way; whoever was let through says what became of it: `leave`.

        Raises:
            SonarResting: not now.
        """
        if self._until is None:
            return
        left = self._until - self._clock()
        if self._trying or left > 0:
            raise SonarResting(f"Sonar failed {self._failed} times in a row; asked again in {max(left, 0):.0f} s")
        self._trying = True

    def leave(self, answered: bool | None) -> None:
        """Whether Sonar has answered, whatever it said. None: nobody knows, for too much was asked, or we gave up."""
        self._trying = False
        if answered is None:
            return
        if answered:
            self._failed, self._wait, self._until = 0, _FIRST_SECONDS, None
            metrics.SONAR_BREAKER.set(0)
            return
        self._failed += 1
        if self._failed < self._most:
            return
        # A quarter up or down, so that several clients do not come back at one moment.
        self._until = self._clock() + self._wait * (0.75 + self._jitter() / 2)
        self._wait = min(2 * self._wait, _LONGEST_SECONDS)
        metrics.SONAR_BREAKER.set(1)
