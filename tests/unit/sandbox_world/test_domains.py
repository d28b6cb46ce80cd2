"""The domains of the invented ISP leave its customers and their life alone."""

from __future__ import annotations

from importlib import import_module
from random import Random

import pytest

from sandbox.world import World
from sandbox.world.calendar import Calendar, zone_named
from sandbox.world.domain import TRIES, Domain, DomainLife, Event
from sandbox.world.domains import DOMAINS
from sandbox.world.life import Life
from sandbox.world.registry import Registry
from tests.unit.sandbox_world.conftest import NOW, a_world
from tests.unit.sandbox_world.test_populate import rows


@pytest.mark.parametrize("seed", [7, 19])
def test_customers_are_the_same_with_the_domains_and_without(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = a_world(120, seed)
    # The package's name for this module is its function's, too.
    monkeypatch.setattr(import_module("sandbox.world.populate"), "DOMAINS", ())
    bare = a_world(120, seed)
    assert not bare.domains
    assert rows(whole) == rows(bare)
    whole.step(600)
    bare.step(600)
    assert any(row["creditable_type"] == "Payment" for row in whole.store.table("Credit").values())
    assert apart_from_what_is_left(whole) == apart_from_what_is_left(bare)
    assert whole.lived == bare.lived


def apart_from_what_is_left(world: World) -> dict[str, list[dict[str, object]]]:
    """The customers' rows, apart from what invoices leave of their payments: only who bills knows of invoices."""
    found = rows(world)
    for row in found["Payment"]:
        del row["amount_remaining"], row["updated_at"]
    return found


@pytest.mark.parametrize("name", [domain.name for domain in DOMAINS])
def test_a_domain_is_the_same_whatever_is_drawn_elsewhere(name: str) -> None:
    """Its generators are seeded by its name, and nobody else draws from them."""
    one, other = a_world(), a_world()
    one.step(50)
    for _ in range(50):
        other.step()
    assert one.domains[name].lived == other.domains[name].lived


class Days:
    """Two events, one of which never finds anybody."""

    def __init__(self) -> None:
        self.good, self.bad = 0, 0

    def good_day(self, life: Life) -> bool:
        self.good += 1
        return True

    def bad_day(self, life: Life) -> bool:
        self.bad += 1
        return False


def lived(world: World, rate: float, events: tuple[tuple[Event, float], ...], steps: int) -> DomainLife:
    calendar = Calendar.at(NOW, zone_named("AMERICACHICAGO"))
    life = Life(Registry(world.store), world.catalogue, world.store.now, calendar, Random(3))
    domain = DomainLife(Domain("days", lambda ground: None, (), events, rate), life)
    for _ in range(steps):
        domain.step()
    return domain


def test_a_domain_lives_at_its_rate(sixty: World) -> None:
    days = Days()
    assert lived(sixty, 0.25, ((days.good_day, 1),), 100).lived == {"good_day": 25}
    assert lived(sixty, 1.5, ((days.good_day, 1),), 100).lived == {"good_day": 150}


def test_an_event_that_finds_nobody_is_replaced(sixty: World) -> None:
    days = Days()
    life = lived(sixty, 1, ((days.good_day, 1), (days.bad_day, 3)), 100)
    assert life.lived["good_day"] == days.good > 95
    assert days.bad > 100


def test_a_domain_to_which_nothing_can_happen_gives_up(sixty: World) -> None:
    days = Days()
    assert lived(sixty, 1, ((days.bad_day, 1),), 3).lived.total() == 0
    assert days.bad == 3 * TRIES
