"""Roots that go: a delete is told of once a read by id does not find the row, and what only looks gone stays."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson
import pytest

from producers.brake import LEAST
from tests.unit.producers.scene import Scene
from tests.unit.producers.settled import a_scene, ops


async def test_a_deleted_root_becomes_a_delete_with_its_last_owner() -> None:
    scene = await a_scene()
    scene.shop.store.delete("Payment", 1)
    await scene.following.poll()
    await scene.following.poll()
    read, gone = scene.events("payment")
    assert (gone["op"], gone["after"], gone["source"]["owner_id"]) == ("d", None, 1)
    assert int(gone["source"]["sequence"]) > int(read["source"]["sequence"])


@pytest.mark.fault(26)
async def test_deletes_of_rows_that_a_snapshot_has_not_come_to_hold_nothing() -> None:
    scene = Scene(page_size=50)
    account = scene.shop.an_account("Ada")
    payments = [scene.shop.a_payment(account, number) for number in range(2 * LEAST)]
    await scene.begin()
    for id in payments[: LEAST + 1]:
        scene.shop.store.delete("Payment", id)
    for _ in range(2):
        scene.shop.clock.tick(60)
        await scene.following.poll(sweeping=())
        assert not scene.following.brake.held
    await scene.snapshot.run(scene.aggregates, asyncio.Event(), started=scene.shop.clock.now, force=None)
    assert sorted(scene.folded("payment")) == payments[LEAST + 1 :]
    assert "d" not in ops(scene, "payment")
    scene.shop.clock.tick(60)
    assert await scene.following.poll() == scene.shop.clock.now - timedelta(seconds=10)
    assert scene.following.deletes_low == scene.following.low


async def test_a_delete_is_known_after_a_restart() -> None:
    scene = await a_scene()
    scene.restart()
    await scene.begin()
    scene.shop.store.delete("Payment", 1)
    await scene.following.poll()
    assert ops(scene, "payment") == ["r", "d"]


@pytest.mark.fault(42)
async def test_an_old_delete_in_the_log_of_a_row_that_was_created_again_deletes_nothing() -> None:
    scene = await a_scene()
    scene.shop.store.delete("Payment", 1)
    scene.shop.a_payment(1, 777, id=1)
    await scene.following.poll()
    assert "d" not in ops(scene, "payment")
    assert scene.folded("payment")[1]["amount"] == 777


async def test_a_row_that_only_cannot_be_read_is_not_deleted() -> None:
    scene = await a_scene()
    scene.shop.store.update("Payment", 1, amount=5)
    scene.shop.store.hold("Payment", 1)
    for _ in range(3):
        await scene.following.poll()
    assert ops(scene, "payment") == ["r"]


async def test_a_root_that_its_child_names_and_no_read_finds_is_not_deleted_without_a_log_entry() -> None:
    scene = await a_scene()
    scene.shop.store.update("Contact", 1, name="Eda")
    scene.shop.store.hold("Account", 1)
    for _ in range(3):
        await scene.following.poll()
    assert ops(scene) == ["r"]
    scene.shop.store.release("Account", 1)
    await scene.following.poll()
    assert ops(scene) == ["r", "u"]


async def test_a_root_that_a_later_reading_saw_is_not_deleted_by_an_earlier_one() -> None:
    scene = await a_scene()
    payment = scene.shop.a_payment(1, 5)
    await scene.following.poll()
    scene.shop.clock.tick(60)
    scene.shop.store.hold("Payment", payment)
    logged = {"type": "DELETED", "logged_entity_type": "Payment", "logged_entity_id": str(payment)}
    scene.following._noticing.logged({**logged, "loggable_type": None, "loggable_id": None}, scene.shop.clock.now)
    known = scene.index.root("payments", payment)
    assert known is not None
    scene.index.set_root("payments", payment, known._replace(sequence=known.sequence + 1_000_000))
    await scene.following.poll()
    assert payment in scene.folded("payment")
    assert len(scene.following._demands) == 1  # it is looked for again


async def test_a_root_that_is_shown_for_a_moment_after_the_log_told_of_its_end_is_deleted() -> None:
    scene = await a_scene()
    logged = {"type": "DELETED", "logged_entity_type": "Payment", "logged_entity_id": "1"}
    scene.following._noticing.logged({**logged, "loggable_type": None, "loggable_id": None}, scene.shop.clock.now)
    await scene.following.poll()
    assert ops(scene, "payment") == ["r"]
    scene.shop.store.hold("Payment", 1)
    await scene.following.poll()
    assert ops(scene, "payment") == ["r", "d"]


@pytest.mark.fault(26)
async def test_the_deletes_of_a_day_count_after_a_restart() -> None:
    scene = await a_scene()
    payments = [scene.shop.a_payment(1, number) for number in range(LEAST + 1)]
    await scene.following.poll()
    for id in payments[1:]:
        scene.shop.store.delete("Payment", id)
    await scene.following.poll()
    assert ops(scene, "payment").count("d") == LEAST
    scene.restart()
    await scene.begin()
    scene.shop.store.delete("Payment", payments[0])
    await scene.following.poll()
    assert scene.following.brake.held["payments"].missing == 1
    scene.shop.clock.tick(26 * 3_600)
    await scene.following.poll()
    assert not scene.following.brake.held
    assert ops(scene, "payment").count("d") == LEAST + 1


async def test_deletes_that_are_held_and_that_the_log_tells_of_late_are_not_said_to_be_covered() -> None:
    """They waited before for what told of them first, and not for as long as the log was unread."""
    scene = await a_scene()
    payments = [scene.shop.a_payment(1, number) for number in range(LEAST + 1)]
    for _ in range(2):
        await scene.following.poll()
    scene.damage(denied=frozenset({"logs"}))
    for id in payments:
        scene.shop.store.delete("Payment", id)
    gone = scene.shop.clock.now
    for _ in range(12):
        scene.shop.clock.tick(60)
        await scene.following.poll()
    for id in payments:
        scene.following.hints.take(orjson.dumps({"event": "Payment.deleted", "object_id": id}))
    scene.damage()
    for _ in range(12):
        scene.shop.clock.tick(60)
        await scene.following.poll()
    assert scene.following.brake.held["payments"].missing == LEAST + 1
    assert scene.following.deletes_low is not None
    assert scene.following.deletes_low < gone
    assert scene.following._demands.waiting()["payment"] > gone  # looks for changes do not reach back so far
    await scene.following.accept_deletes(["payments"])
    for _ in range(2):
        scene.shop.clock.tick(60)
        await scene.following.poll()
    assert scene.following.deletes_low > gone


async def test_the_log_is_taken_in_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producers.thin_pages.PAGE", 2)
    scene = await a_scene()
    for _ in range(5):
        scene.shop.store.delete("Payment", scene.shop.a_payment(1, 100))
    taken: list[int] = []

    def look(document: str, variables: Mapping[str, Any]) -> None:
        if "logs(" in document:
            taken.append(len(scene.following._log))

    scene.client.before = look
    await scene.following.poll()
    assert taken == [0, 2, 4]
