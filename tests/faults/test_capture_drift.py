"""Sonar's schema changes in mid-stream, one way after another: null or a halt as declared, and nothing is guessed."""

import asyncio
import random
from typing import Any

import pytest

from producers.needs import SchemaUnfit
from tests.faults.seeds import seeds
from tests.unit.producers.drifting import HOUR, SMALL, Drifting
from tests.unit.producers.scene import Scene

DRIFTS: dict[str, dict[str, Any]] = {
    "as it was": {},
    "a nested list is gone": {"hide": ["Account.contacts"]},
    "a required field is gone": {"hide": ["Payment.amount"]},
    "a collection is gone": {"hide": ["payments"]},
    "a field has another name": {"hide": ["Account.name"], "columns": {"Account.full_name": "String"}},
    "a type is wider": {"columns": {"Payment.amount": "Float"}},
    "an enum has more values": {"values": {"NoteableType": ["Asteroid"]}},
    "a type is gone": {"hide": ["Account.account_status", "account_statuses"]},
}
"""What differs from the schema that capture was declared against, by name."""
STANDING = {
    "a required field is gone": {"payment"},
    "a collection is gone": {"payment"},
    "a field has another name": {"account", "note"},
}
"""Aggregates that stand still meanwhile; the others go on."""


def _written(column: str, number: int) -> dict[str, Any]:
    return {column: f"{column} {number}"}


class Stream:
    """A small provider whose life goes on while the schema of its Sonar changes."""

    def __init__(self, scene: Drifting, seed: int) -> None:
        self.scene, self.store, self.random = scene, scene.shop.store, random.Random(seed)
        for name in ("Bea", "Cleo", "Dan"):
            account = scene.shop.an_account(name)
            scene.shop.a_contact(account, name)
            scene.shop.a_payment(account)

    def live(self, *, everybody: bool = False) -> None:
        """Something of each aggregate changes, of accounts perhaps all; a payment comes, and another may go."""
        number = self.random.randrange(10**6)
        for account in sorted(self.store.table("Account")) if everybody else ():
            self.store.update("Account", account, name=f"{number}")
        for type_name, column in (("Account", "name"), ("Contact", "name"), ("Note", "message")):
            self.store.update(type_name, self._one(type_name), **_written(column, number))
        self.store.update("Payment", self._one("Payment"), amount=number)
        self.scene.shop.a_payment(self._one("Account"), number + 1)
        if self.random.random() < 0.4:
            self.store.delete("Payment", self._one("Payment"))

    def _one(self, type_name: str) -> int:
        return self.random.choice(sorted(self.store.table(type_name)))

    async def drift(self, name: str) -> None:
        """The schema is another, and capture hears of it: at work, or as it begins again."""
        self.scene.drifting.drift(SMALL.drifted(**DRIFTS[name]) if DRIFTS[name] else SMALL)
        if self.random.random() < 0.3:
            self.scene.restart()
            await self.scene.start()
        else:
            self.scene.clock += HOUR
            await self.scene.look()
        if self.scene.again:
            await self.scene.read_again()

    def told(self) -> list[Any]:
        """What of Sonar's rows is on the topics."""
        return [self.scene.folded(one.name) for one in self.scene.aggregates]


@pytest.mark.fault(14)
@seeds(30, guards={"what lacks a required field stands still": 1, "what is there again is read again": 2})
async def test_a_schema_that_changes_again_and_again_loses_and_guesses_nothing(seed: int) -> None:
    scene = await Drifting.begun()
    stream = Stream(scene, seed)
    await scene.poll()
    names = [*DRIFTS][1:]
    stream.random.shuffle(names)
    for name in [*names, "as it was"]:
        await stream.drift(name)
        before = {one.name: len(scene.events(one.name)) for one in scene.aggregates}
        stream.live(everybody=name == "a nested list is gone")
        await scene.poll(2)
        standing = STANDING.get(name, set())
        assert scene.following.standing == dict.fromkeys(sorted(standing), SchemaUnfit.code)
        fresh = {one.name: scene.events(one.name)[before[one.name] :] for one in scene.aggregates}
        assert {one for one, events in fresh.items() if not events} == standing
        if name == "a nested list is gone":
            assert {repr(event["after"]["contacts"]) for event in fresh["account"]} == {"None"}  # which is not none
    assert not scene.broker.of(scene.topics.dead_letters("capture"))
    undisturbed = Scene(desk=scene.shop)
    await undisturbed.begin()
    await undisturbed.snapshot.run(scene.aggregates, asyncio.Event(), started=scene.shop.clock.now, force=None)
    assert stream.told() == [undisturbed.folded(one.name) for one in scene.aggregates]
