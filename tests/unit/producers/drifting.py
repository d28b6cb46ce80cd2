"""The scene under a Sonar whose schema changes, and capture that looks at it."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache, partial
from typing import Any, cast

from clients.sonar import SonarClient
from clients.sonar_schema import INTROSPECTION, SonarSchema
from plumbing.kafka import AckedProducer
from producers.drift import Drift
from producers.fitting import Fitting
from producers.needs import outline_of
from producers.nested import NESTED_PAGE
from producers.signals import notify
from producers.source import read_source
from sandbox.sonar.declarations import Declarations, ObjectType
from sandbox.sonar.execute import Engine
from sandbox.sonar.types import SERVED
from tests.unit.producers.scene import AGGREGATES, InMemoryClient, Scene, the_schema
from tests.unit.sandbox_sonar.shop import Desk, Shop

HOUR = 3600
READ = {*(name for name in outline_of(the_schema(), AGGREGATES) if name in SERVED.types), "Log"}


def _alone(kind: ObjectType) -> ObjectType:
    inside = {name: one for name, one in kind.relations.items() if one.target in READ or "Interface" in one.target}
    return replace(kind, relations=inside)


SMALL = Declarations({name: _alone(kind) for name, kind in SERVED.types.items() if name in READ}, SERVED.enums)
"""What the scene reads of the sandbox: its schema is made anew in a moment."""


@cache
def the_small_schema() -> SonarSchema:
    """Of what every scene begins with: that our documents fit it is found once."""
    shop = Shop()
    shop.engine = Engine(shop.store, SMALL)
    return SonarSchema(shop.ask(INTROSPECTION))


class DriftingClient(InMemoryClient):
    """A Sonar whose schema may change; its introspection is read when it is asked for."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.introspections = 0
        self.drift(SMALL)
        self.written: tuple[bytes, bytes] = (b"", b"")
        """What stands in the store, whose columns do not drift, and what Sonar shows for it."""

    def on_its_way(self, body: bytes) -> bytes:
        return body.replace(*self.written)

    async def introspect(self) -> SonarSchema:
        self.introspections += 1
        return self.schema

    def drift(self, declared: Declarations) -> None:
        """From now on this is Sonar's schema."""
        self.desk.engine = Engine(self.desk.store, declared)
        self.schema = the_small_schema() if declared is SMALL else SonarSchema(self.desk.ask(INTROSPECTION))


class Drifting(Scene):
    """The scene, with what fits it to Sonar's schema; a small provider, snapshotted a while ago."""

    def __init__(self) -> None:
        super().__init__()
        self.client = self.drifting = DriftingClient(self.shop)
        self.clock = 0.0
        account = self.shop.an_account("Ada")
        self.shop.a_contact(account, "Ada")
        self.shop.a_payment(account)
        self.shop.store.insert("Note", message="m", noteable_type="Account", noteable_id=account, priority="NORMAL")
        self.restart()

    @classmethod
    async def begun(cls) -> "Drifting":
        """Read, and followed up to now."""
        scene = cls()
        scene.shop.clock.tick(1)  # what changed in the second in which a snapshot began may have changed beside it
        await scene.start()
        await scene.read()
        await scene.poll()
        return scene

    async def start(self) -> None:
        """As a process begins."""
        client, producer = cast(SonarClient, self.client), AckedProducer(cast(Any, self.broker))
        source = await read_source(client, self.aggregates, NESTED_PAGE)
        self.drift = Drift(
            client, self.aggregates, self.cursors, source, partial(notify, producer, self.topics, "run"),
            first=NESTED_PAGE, every=timedelta(seconds=HOUR), clock=lambda: self.clock,
        )  # fmt: skip
        self.fitting = Fitting(self.drift, self.reader, self.publisher, self.following, self.aggregates)
        self.again = (await self.fitting.begin()).again
        await self.drift.keep()
        await self.begin()

    async def read(self) -> None:
        """What is not complete, of what can be read."""
        await self.snapshot.run(self.fitting.fit, asyncio.Event(), started=self.shop.clock.now, force=None)

    async def poll(self, times: int = 1) -> None:
        for _ in range(times):
            self.shop.clock.tick(60)
            await self.following.poll(sweeping=())

    async def changed(self, **changes: Any) -> None:
        """The schema is the sandbox's but for these changes; an hour goes by, and capture looks."""
        self.drifting.drift(SMALL.drifted(**changes))
        self.clock += HOUR
        await self.look()

    async def look(self) -> None:
        """A look that is due, and finds something."""
        change = await self.fitting.look()
        assert change is not None
        self.again = change.again
        await self.drift.keep()

    async def read_again(self) -> None:
        """What the look has found to be read again."""
        chosen = [one for one in self.aggregates if one.name in self.again]
        await self.snapshot.run(chosen, asyncio.Event(), started=self.shop.clock.now, force=str(self.clock))

    def schema_events(self) -> list[tuple[str, str, str, list[str]]]:
        """The schema events on the notifications."""
        return [
            (one["change"], one["name"], one["effect"], one["aggregates"])
            for _, one in self.broker.of(self.topics.notifications)
        ]

    def covered(self) -> Mapping[str, float]:
        """How long ago, by Sonar's clock, each aggregate was covered."""
        found = {one.name: self.following.covered(one) for one in self.aggregates}
        return {name: (self.shop.clock.now - at).total_seconds() for name, at in found.items() if at is not None}
