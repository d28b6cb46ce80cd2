"""Worlds to look at and to live in. The clock stands still, in a winter that follows a summer with DST."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from sandbox.sonar.store import Store
from sandbox.world import World, populate

NOW = datetime(2026, 11, 24, 17, 30, tzinfo=UTC)

MakeWorld = Callable[..., World]


def a_world(accounts: int = 60, seed: int = 7, *, timezone: str = "AMERICACHICAGO", **options: object) -> World:
    """A populated store of its own; `options` go to `populate`."""
    store = Store(lambda: NOW, timezone=timezone)
    return populate(store, seed=seed, accounts=accounts, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def sixty() -> World:
    """Sixty accounts, for reading only."""
    return a_world()


@pytest.fixture(scope="session")
def three_hundred() -> World:
    """Three hundred accounts, for reading only."""
    return a_world(300)


@pytest.fixture(scope="session")
def lived() -> World:
    """Three hundred accounts after 500 steps, for reading only."""
    world = a_world(300)
    world.step(500)
    return world


@pytest.fixture
def living() -> World:
    """Sixty accounts of a test's own: enough for each event to find somebody."""
    return a_world()


@pytest.fixture
def crowd() -> World:
    """Three hundred accounts of a test's own, for a life of thousands of events."""
    return a_world(300)
