"""Following over an invented ISP: what changes is published, and only then is it covered."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from clients.sonar_errors import IncompletePage
from plumbing import metrics
from producers import publisher, thin_pages
from tests.unit.producers.scene import ACCOUNT, Killed
from tests.unit.producers.settled import a_scene, looks, ops


async def test_nothing_new_publishes_nothing() -> None:
    scene = await a_scene()
    await scene.following.poll()
    assert ops(scene) == ["r"]


async def test_a_changed_root_is_published_once_though_the_overlap_is_scanned_again() -> None:
    scene = await a_scene()
    scene.shop.store.update("Account", 1, name="Eda")
    for _ in range(3):
        scene.shop.clock.tick()
        await scene.following.poll()
    assert ops(scene) == ["r", "u"]
    assert scene.folded()[1]["name"] == "Eda"


async def test_a_new_root_is_published_as_created() -> None:
    scene = await a_scene()
    scene.shop.an_account("Bea")
    await scene.following.poll()
    assert ops(scene) == ["r", "c"]


@pytest.mark.fault(23)
async def test_many_rows_of_one_second_are_all_found() -> None:
    scene = await a_scene(page_size=500)
    for number in range(1100):
        scene.shop.a_payment(1, number)
    await scene.following.poll()
    assert len(scene.folded("payment")) == 1101


@pytest.mark.fault(23)
async def test_of_ten_thousand_rows_of_one_second_none_is_lost_though_capture_ends_amid_them() -> None:
    scene = await a_scene(page_size=1000)
    covered, tie = await scene.following.poll(), scene.shop.clock.now
    tied = {scene.shop.a_payment(1) for _ in range(10_000)}
    scene.shop.clock.tick(2)

    def end(document: str, _: Any) -> None:
        if "query Page" in document and len(scene.folded("payment")) > 1000:
            raise Killed

    scene.client.before = end
    with pytest.raises(Killed):
        await scene.following.poll()
    scene.broker.lose()
    scene.restart()
    await scene.begin()
    scene.client.before = None
    assert len(scene.folded("payment")) < 10_000
    assert scene.following.low == covered < tie
    assert await scene.following.poll() == scene.following.low == tie + timedelta(seconds=2 - 10)
    assert scene.folded("payment").keys() >= tied


async def test_a_row_of_the_very_second_up_to_which_all_was_covered_is_found() -> None:
    scene = await a_scene()
    covered = await scene.following.poll()
    late = scene.shop.a_payment(1, 9, at=covered)
    await scene.following.poll()
    assert scene.folded("payment")[late]["amount"] == 9


@pytest.mark.fault(24)
async def test_a_row_that_becomes_visible_late_is_found_in_the_overlap() -> None:
    scene = await a_scene()
    late = scene.shop.a_payment(1, 9)
    scene.shop.store.hold("Payment", late)
    await scene.following.poll()
    scene.shop.clock.tick(8)
    await scene.following.poll()
    scene.shop.store.release("Payment", late)
    scene.shop.clock.tick(2)
    await scene.following.poll()
    assert scene.folded("payment")[late]["amount"] == 9


@pytest.mark.fault(21)
@pytest.mark.parametrize("seconds", [-9, 9, 300], ids=["back within the overlap", "on", "far on"])
async def test_a_clock_of_sonars_that_jumps_hides_no_change(seconds: int) -> None:
    scene = await a_scene()
    await scene.following.poll()
    scene.shop.clock.tick(seconds)
    scene.shop.store.update("Account", 1, name="Eda")
    covered = await scene.following.poll()
    assert scene.folded()[1]["name"] == "Eda"
    assert covered >= scene.shop.clock.now - timedelta(seconds=10)


async def test_freshness_is_told_from_the_start() -> None:
    scene = await a_scene()
    scene.restart()
    metrics.WATERMARK_SECONDS.set(0)
    scene.following.tell()
    assert scene.following.low is not None
    told = [
        metrics.REGISTRY.get_sample_value(f"crossfade_{name}watermark_timestamp_seconds") for name in ("", "deletes_")
    ]
    assert told == [scene.following.low.timestamp()] * 2


async def test_changes_are_covered_up_to_sonars_clock_less_the_safety_lag() -> None:
    scene = await a_scene()
    assert await scene.following.poll() == scene.shop.clock.now - timedelta(seconds=10)
    assert scene.index.root(ACCOUNT.root.name, 1) is not None


async def test_more_collections_than_one_request_takes_are_asked_for_in_several(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(thin_pages, "_TOGETHER", 3)
    scene = await a_scene()
    scene.shop.store.update("Account", 1, name="Eda")
    scene.shop.store.update("Payment", 1, amount=777)
    scene.client.asked.clear()
    await scene.following.poll()
    assert all(one.count("entities") <= 3 for one in looks(scene))
    assert (scene.folded()[1]["name"], scene.folded("payment")[1]["amount"]) == ("Eda", 777)


@pytest.mark.parametrize("changed", ["root", "child"])
async def test_a_row_that_cannot_be_published_is_not_taken_for_late(
    changed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await a_scene()
    monkeypatch.setattr(publisher, "MAX_MESSAGE_BYTES", publisher._HEADROOM + 1000)
    if changed == "root":
        scene.shop.store.update("Account", 1, name="x" * 2000)
    else:
        scene.shop.store.update("Contact", 1, name="x" * 2000)
    for _ in range(60):
        scene.shop.clock.tick(2)
        await scene.following.poll()
    assert ops(scene) == ["r"]
    assert scene.following.overlap == timedelta(seconds=10)
    assert scene.following.low == scene.shop.clock.now - timedelta(seconds=10)
    scene.shop.store.update("Account" if changed == "root" else "Contact", 1, name="Eda")
    scene.shop.clock.tick(2)
    await scene.following.poll()
    assert ops(scene) == ["r", "u"]


async def test_a_row_that_was_set_aside_and_is_as_it_was_again_is_told_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its letter stands until an event with a higher sequence comes, though nothing differs from the last one."""
    scene = await a_scene()
    with monkeypatch.context() as patch:
        patch.setattr(publisher, "MAX_MESSAGE_BYTES", publisher._HEADROOM + 1000)
        scene.shop.store.update("Account", 1, name="x" * 2000)
        await scene.following.poll()
    assert ops(scene) == ["r"]
    scene.shop.store.update("Account", 1, name="Ada")
    scene.shop.clock.tick(2)
    await scene.following.poll()
    assert ops(scene) == ["r", "u"]


async def test_a_collection_that_gives_the_same_rows_for_ever_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of one second, kept by finer times than Sonar shows, lie beyond that second as often as they are asked."""
    scene = await a_scene()
    for name in ("Bea", "Cleo"):
        scene.shop.an_account(name)
    monkeypatch.setattr("producers.thin_pages.PAGE", 1)
    real, asked = scene.shop.engine.execute, 0

    def finer(query: str, variables: dict[str, Any], *rest: Any) -> Any:
        nonlocal asked
        asked += "query Changed" in query
        assert asked < 20
        return real(
            query,
            orjson.loads(orjson.dumps(variables).replace(b'"GT","search_value":"', b'"GTE","search_value":"')),
            *rest,
        )

    monkeypatch.setattr(scene.shop.engine, "execute", finer)
    await scene.following.poll()
    assert scene.following.standing["account"] == IncompletePage.code
