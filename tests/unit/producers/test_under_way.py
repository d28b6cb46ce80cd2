"""Capture is made to fit another schema while a page is under way: its rows are what they were asked for as."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest

from clients.sonar import SonarClient
from producers.nested import NESTED_PAGE
from producers.source import read_source
from sandbox.sonar.declarations import Declarations
from schemas.aggregate import Aggregate
from tests.unit.producers.drifting import SMALL, Drifting
from tests.unit.producers.scene import ACCOUNT, PAYMENT

LESS = SMALL.drifted(hide=["Account.contacts", "Payment.account"])
both_ways = pytest.mark.parametrize(
    ("asked", "now"), [pytest.param(LESS, SMALL, id="a nested field comes"), pytest.param(SMALL, LESS, id="one goes")]
)


async def a_scene(asked: Declarations, now: Declarations, aggregate: Aggregate) -> Drifting:
    """Sonar has the one schema, and when a page of this aggregate is asked for capture is made to fit the other."""
    scene = Drifting()
    client = cast(SonarClient, scene.client)
    scene.drifting.drift(now)
    found = await read_source(client, scene.aggregates, NESTED_PAGE)
    scene.drifting.drift(asked)
    await scene.start()

    def fit(document: str, _: Mapping[str, Any]) -> None:
        if document.startswith("query Page") and f" {aggregate.root.name}(" in document:
            scene.reader.fit(found.schema, found.selections, found.unfit)

    scene.client.before = fit
    return scene


def assert_read(scene: Drifting, aggregate: Aggregate, *, whole: bool) -> None:
    """Published, with its nested rows where they were asked for."""
    row = scene.folded(aggregate.name)[1]
    if aggregate is ACCOUNT:
        assert row["contacts"] == ([{"id": 1, "name": "Ada", "phone_numbers": []}] if whole else None)
        assert (scene.index.child("accounts", "contacts", 1) is not None) == whole
    else:
        assert (row["account"] is not None) == whole


@both_ways
async def test_a_page_of_the_snapshot(asked: Declarations, now: Declarations) -> None:
    scene = await a_scene(asked, now, ACCOUNT)
    await scene.snapshot.run([ACCOUNT], asyncio.Event(), started=scene.shop.clock.now, force=None)
    assert_read(scene, ACCOUNT, whole=asked is SMALL)


@both_ways
@pytest.mark.parametrize("aggregate", [pytest.param(ACCOUNT, id="a child"), pytest.param(PAYMENT, id="a look-up")])
async def test_a_page_that_is_read_again(asked: Declarations, now: Declarations, aggregate: Aggregate) -> None:
    scene = await a_scene(asked, now, aggregate)
    fit, scene.client.before = scene.client.before, None
    scene.shop.clock.tick(1)
    await scene.read()
    await scene.poll()
    if aggregate is ACCOUNT:
        scene.shop.an_address(1)
    else:
        scene.shop.store.update("Payment", 1, amount=7)
    scene.client.before = fit
    events = len(scene.events(aggregate.name))
    await scene.poll()
    assert len(scene.events(aggregate.name)) == events + 1
    assert_read(scene, aggregate, whole=asked is SMALL)
