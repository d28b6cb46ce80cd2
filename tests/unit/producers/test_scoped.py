"""What belongs to an account follows it: its scope and its status, archived accounts' too."""

from datetime import date
from typing import Any

import pytest

from schemas.catalogue import aggregate
from tests.unit.producers.scene import Scene
from tests.unit.producers.settled import read

AGGREGATES = (aggregate("account"), aggregate("payment"))


async def an_account_with_a_child_and_payments() -> Scene:
    """An archived parent of a child, each with a payment."""
    scene = Scene(aggregates=AGGREGATES)
    parent = scene.shop.an_account("Ada", archived_at=scene.shop.clock.now)
    child = scene.shop.an_account("Bea", parent_account_id=parent, account_status_id=scene.shop.a_status("Other"))
    scene.shop.a_payment(parent)
    scene.shop.a_payment(child)
    await read(scene)
    scene.shop.clock.tick(60)
    await scene.following.poll()
    scene.shop.clock.tick(1)
    return scene


def statuses(scene: Scene, aggregate: str, *way: str) -> list[str]:
    found: list[Any] = [after for _, after in sorted(scene.folded(aggregate).items())]
    for name in way:
        found = [one and one[name] for one in found]
    return [one and one["account_status"]["name"] for one in found]


async def test_a_status_that_gets_another_name_reads_all_that_shows_it_again() -> None:
    scene = await an_account_with_a_child_and_payments()
    scene.shop.store.update("AccountStatus", scene.shop.status, name="Gone")
    scene.shop.clock.tick(60)
    await scene.following.poll()
    assert statuses(scene, "payment", "account") == ["Gone", "Other"]
    assert statuses(scene, "account") == ["Gone", "Other"]
    assert statuses(scene, "account", "parent_account") == [None, "Gone"]
    assert len(scene.events("payment")) == 3


async def test_a_status_that_gets_another_color_reads_nothing_again() -> None:
    scene = await an_account_with_a_child_and_payments()
    read = len([one for one in scene.client.asked if "query Page" in one])
    scene.shop.store.update("AccountStatus", scene.shop.status, color="1")
    scene.shop.clock.tick(60)
    await scene.following.poll()
    assert len([one for one in scene.client.asked if "query Page" in one]) == read


@pytest.mark.parametrize(
    ("activated", "times"),
    [
        pytest.param(None, 2, id="never active: it is a lead no more"),
        pytest.param("2026-01-02", 1, id="was active: it is none either way"),
    ],
)
async def test_what_belongs_to_a_lead_is_read_again_when_it_becomes_delinquent(
    activated: str | None, times: int
) -> None:
    scene = Scene(aggregates=AGGREGATES)
    account = scene.shop.an_account("Ada", activation_date=date.fromisoformat(activated) if activated else None)
    scene.shop.a_payment(account)
    await read(scene)
    scene.shop.clock.tick(60)
    await scene.following.poll()
    scene.shop.clock.tick(1)
    scene.shop.store.update("Account", account, is_delinquent=True)
    scene.shop.clock.tick(60)
    await scene.following.poll()
    assert len(scene.events("payment")) == times
    (shown,) = scene.folded("payment").values()
    assert shown is not None
    assert shown["account"]["is_delinquent"] is (times == 2)
