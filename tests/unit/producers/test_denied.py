"""What the token may not read any more: it stands still and is not covered, and the rest goes on."""

from collections.abc import Mapping
from typing import Any

import pytest

from clients.sonar_errors import SonarForbidden
from clients.sonar_purpose import Asked
from plumbing import metrics
from producers import following, thin_pages
from schemas.entities.settings import BILLING_SETTING
from tests.unit.producers.scene import ACCOUNT, Scene
from tests.unit.producers.settled import a_scene, looks, ops


@pytest.mark.fault(41)
async def test_without_the_right_to_read_the_log_changes_go_on_and_deletes_wait() -> None:
    scene = await a_scene()
    before = scene.following.deletes_low
    scene.shop.store.delete("Payment", 1)
    scene.shop.store.update("Account", 1, name="Eda")
    scene.damage(denied=frozenset({"logs"}))
    asked = len(scene.client.asked)
    for _ in range(12):
        scene.shop.clock.tick(60)
        covered = await scene.following.poll()
    assert scene.folded()[1]["name"] == "Eda"
    assert (scene.following.low, scene.following.deletes_low) == (covered, before)
    assert sum(" logs(" in one for one in scene.client.asked[asked:]) == 3  # of twelve polls three spend a request
    scene.damage()
    for _ in range(12):
        covered = await scene.following.poll()
    assert ops(scene, "payment") == ["r", "d"]
    assert scene.following.deletes_low == covered


@pytest.mark.fault(41)
async def test_an_aggregate_that_may_no_longer_be_read_in_full_stands_still_and_the_others_go_on() -> None:
    scene = await a_scene()
    scene.shop.store.update("Account", 1, name="Eda")
    scene.shop.store.update("Payment", 1, amount=777)
    scene.damage(denied=frozenset({"Account.contacts"}))
    held = await scene.following.poll()
    for _ in range(25):  # longer than patience with a root that does not show what it should
        scene.shop.clock.tick(60)
        assert await scene.following.poll() == held
    assert (ops(scene), scene.following.halted, paused()) == (["r"], ["account"], 1)
    assert scene.folded("payment")[1]["amount"] == 777
    scene.damage()
    assert await scene.following.poll() > held
    assert (ops(scene), scene.following.halted, paused()) == (["r", "u"], [], 0)
    assert [one["name"] for one in scene.folded()[1]["contacts"]] == ["Ada"]


@pytest.mark.fault(41)
async def test_while_a_collection_may_not_be_read_nothing_is_said_to_be_covered() -> None:
    scene = await a_scene()
    scene.damage(denied=frozenset({"contacts"}))
    held = await scene.following.poll()
    scene.shop.store.update("Contact", 1, name="Eda")
    scene.shop.store.update("Payment", 1, amount=777)
    scene.client.asked.clear()
    for _ in range(5):
        scene.shop.clock.tick(60)
        assert await scene.following.poll() == held
    assert scene.folded("payment")[1]["amount"] == 777
    assert (scene.following.halted, paused()) == (["contacts"], 1)
    assert len(looks(scene)) == 5  # it spoils no common request
    scene.damage()
    for _ in range(12):
        covered = await scene.following.poll()
    assert covered > held
    assert scene.following.halted == []
    assert [one["name"] for one in scene.folded()[1]["contacts"]] == ["Eda"]


async def test_settings_that_may_no_longer_be_read_stand_still_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(following, "_SELDOM", 1)
    scene = Scene(aggregates=(ACCOUNT, BILLING_SETTING))
    scene.shop.an_account("Ada")
    await scene.begin()
    await scene.following.poll()

    def refused(document: str, _: Mapping[str, Any]) -> None:
        if "query Settings" in document:
            raise SonarForbidden("the token may not read billing_setting")

    scene.client.before = refused
    scene.shop.store.update("Account", 1, name="Eda")
    await scene.following.poll()
    assert scene.folded()[1]["name"] == "Eda"
    assert scene.following.halted == ["billing_setting"]
    scene.client.before = None
    await scene.following.poll()
    assert scene.following.halted == []


def paused() -> float | None:
    labels = {"stage": "capture", "code": "sonar.forbidden"}
    return metrics.REGISTRY.get_sample_value("crossfade_stage_paused", labels)


async def test_one_collection_that_is_refused_is_found_by_halving() -> None:
    scene = await a_scene()
    scene.damage(denied=frozenset({"notes"}))
    scene.client.asked.clear()
    await scene.following.poll()
    followed = looks(scene)[0].count("entities")
    assert len(looks(scene)) <= 1 + 2 * followed.bit_length()
    assert scene.following.halted == ["notes"]


async def test_what_may_not_be_read_on_the_way_to_carriers_stands_still() -> None:
    scene = await a_scene()
    (statuses, *_) = (one for one in scene.changes.collections if one.look_up and one.aggregate is ACCOUNT)
    scene.damage(denied=frozenset({"accounts"}))
    (refused,) = await scene.changes.down([scene.changes.carriers(statuses, [scene.shop.status])], 100)
    assert isinstance(refused, SonarForbidden)
    assert scene.changes.standing == {"accounts": SonarForbidden.code}


async def test_demands_that_cannot_be_met_are_not_asked_for_with_every_page(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await a_scene()
    monkeypatch.setattr(following, "_MANY", 10)
    monkeypatch.setattr(thin_pages, "PAGE", 5)
    scene.damage(denied=frozenset({"Account.contacts"}))
    for number in range(60):
        scene.shop.an_account(f"A{number}")
        scene.shop.clock.tick()
    scene.client.purposes.clear()
    scene.shop.clock.tick(60)
    await scene.following.poll()
    # One refusal for each ten more that wait, and the poll's own.
    assert scene.client.purposes[Asked("re-read", "accounts")] <= 60 // 10 + 1
