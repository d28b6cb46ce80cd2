"""A part of the ISP beside its customers and their payments, with random streams of its own.

With it or without it, the rows and the life of everything else are the same: a domain may draw accounts and addresses,
which are never deleted, from the registry's pools, and its own rows; it leaves all others alone. One column is shared:
what is left of a payment, which billing writes and no event of the customers' depends on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from sandbox.sonar.store import Store
from sandbox.world.calendar import Calendar
from sandbox.world.catalogue import Catalogue
from sandbox.world.life import Life

Event = Callable[[Life], bool]

TRIES = 20
"""How many events are tried for one that finds somebody to happen to."""


@dataclass(frozen=True)
class Beginning:
    """What a domain finds on its first day: the store with all customers, and its own generator."""

    store: Store
    catalogue: Catalogue
    calendar: Calendar
    rng: Random
    full: bool
    """Whether to write all that a real instance has by its size, or what is quickly written."""


@dataclass(frozen=True)
class Domain:
    """How a part of the ISP begins and lives. `rate` is its events for each event of the customers' life."""

    name: str
    begin: Callable[[Beginning], None]
    indexed: tuple[str, ...]
    """Types whose rows its events draw."""
    events: tuple[tuple[Event, float], ...]
    rate: float


class DomainLife:
    """The life of one domain, in step with the customers'."""

    def __init__(self, domain: Domain, life: Life) -> None:
        self.events = {event.__name__: event for event, _ in domain.events}
        self.lived: Counter[str] = Counter()
        self._life, self._rate, self._due = life, domain.rate, 0.0
        self._names = list(self.events)
        self._weights = [weight for _, weight in domain.events]

    def step(self) -> None:
        """As many events as are due after one of the customers'."""
        self._due += self._rate
        while self._due >= 1:
            self._due -= 1
            for name in self._life.rng.choices(self._names, self._weights, k=TRIES):
                if self.happen(name):
                    break

    def happen(self, name: str) -> bool:
        """Let one event happen; False when there was nobody for it. Raises KeyError when none has that name."""
        happened = self.events[name](self._life)
        self.lived[name] += happened
        return happened
