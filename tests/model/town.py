"""The town that histories happen in: its capture knows Sonar's clock from answers, and may lose its lease."""

from collections.abc import Callable
from datetime import timedelta
from typing import cast

from producers.lease import Lease, LeaseLost
from tests.faults.capture_town import LastTold, Town


class Losable:
    """A lease until it is lost. Its holder learns of that when it checks."""

    def __init__(self) -> None:
        self.held = True
        self.passed: Callable[[], None] = lambda: None
        """Happens when a check has been passed, before what it was made for."""

    def check(self) -> None:
        """As `Lease.check`."""
        if not self.held:
            raise LeaseLost("the lease of capture is lost")
        self.passed()


class ModelTown(Town):
    """`restart` beside a process that is at work leaves that one its own parts; they share Sonar and the broker."""

    def __init__(self, seed: int, sweep_every: timedelta) -> None:
        super().__init__(seed, sweep_every=sweep_every, line=LastTold)

    def a_lease(self) -> Lease:
        """What the next capture holds."""
        self.lease = Losable()
        return cast(Lease, self.lease)
