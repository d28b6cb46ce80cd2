"""A populated Sonar that lives: one event at a time, or by itself at a rate."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from random import Random

from sandbox.sonar.store import Store
from sandbox.world.calendar import Calendar
from sandbox.world.catalogue import Catalogue
from sandbox.world.census import oddities
from sandbox.world.domain import Domain, DomainLife
from sandbox.world.events import EVENTS
from sandbox.world.life import Life
from sandbox.world.registry import Registry
from sandbox.world.summary import summary

BEAT_SECONDS = 0.05


class World:
    """The invented ISP behind a store.

    The same seed and the same number of steps give the same rows, apart from the instants that the store's clock gives.
    """

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        clock: Callable[[], datetime],
        calendar: Calendar,
        rng: Random,
        seed: int,
        domains: Sequence[Domain],
    ) -> None:
        self.store, self.catalogue = store, catalogue
        self.lived: Counter[str] = Counter()
        """How often each event of the customers' has happened; the domains count their own."""
        self._rng = rng
        registry = Registry(store, [name for domain in domains for name in domain.indexed])
        self._life = Life(registry, catalogue, clock, calendar, rng)
        self.domains = {
            domain.name: DomainLife(
                domain, Life(registry, catalogue, clock, calendar, Random(f"{seed}:{domain.name}:life"))
            )
            for domain in domains
        }
        self._events = [event for event, _ in EVENTS]
        weights = [weight for _, weight in EVENTS]
        self._cumulated = [sum(weights[: i + 1]) for i in range(len(weights))]
        self._task: asyncio.Task[None] | None = None

    def step(self, n: int = 1) -> None:
        """Let `n` events of the customers' happen, and those of the domains in proportion.

        One that finds nobody to happen to is replaced by another draw.
        """
        for _ in range(n):
            while True:
                event = self._rng.choices(self._events, cum_weights=self._cumulated)[0]
                if event(self._life):
                    self.lived[event.__name__] += 1
                    break
            for domain in self.domains.values():
                domain.step()

    def happen(self, name: str) -> bool:
        """Let one event of a given name happen; False when there was nobody for it.

        Raises:
            KeyError: no event has that name.
        """
        for domain in self.domains.values():
            if name in domain.events:
                return domain.happen(name)
        event = {event.__name__: event for event in self._events}[name]
        happened = event(self._life)
        self.lived[name] += happened
        return happened

    def resume(self, rate_per_second: float) -> None:
        """Live by itself on the running event loop until `pause`; a second call only changes the rate.

        Raises:
            ValueError: the rate is not positive.
        """
        if rate_per_second <= 0:
            raise ValueError("a world lives at a positive rate; use pause() to stop it")
        self.pause()
        self._task = asyncio.get_running_loop().create_task(self._run(rate_per_second), name="world")

    def pause(self) -> None:
        """Stop living. An event is never cut in two: it runs between two waits of the loop.

        Raises:
            Exception: whatever ended the life before it was paused.
        """
        task, self._task = self._task, None
        if task is None:
            return
        if task.done() and not task.cancelled():
            task.result()
        task.cancel()

    @property
    def alive(self) -> bool:
        """Whether events are happening by themselves."""
        return self._task is not None and not self._task.done()

    def summary(self) -> dict[str, object]:
        """Exact counts and money, read from the store now; see `sandbox.world.summary`."""
        return summary(self.store)

    def oddities(self) -> dict[str, list[int]]:
        """Account ids by oddity, found in the store now; see `sandbox.world.census`."""
        return oddities(self.store)

    async def _run(self, rate_per_second: float) -> None:
        loop = asyncio.get_running_loop()
        started, happened = loop.time(), 0
        while True:
            due = int((loop.time() - started) * rate_per_second)
            # A loop that was held up catches up in small portions, so that requests are served in between.
            portion = min(due - happened, 100)
            self.step(portion)
            happened += portion
            await asyncio.sleep(BEAT_SECONDS if happened >= due else 0)
