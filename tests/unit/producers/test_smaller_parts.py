"""Of what is too much for Sonar at once less is asked for."""

from collections.abc import Mapping
from typing import Any

import pytest

from producers import thin_pages
from producers.documents import any_of
from tests.unit.producers.settled import a_scene, look, ops
from tests.unit.producers.unserved import ERRORS, failing, looks_at, noted


@pytest.mark.parametrize("most", [2, 0])
async def test_a_log_that_is_too_slow_is_read_in_smaller_pages_and_holds_back_deletes_alone(most: int) -> None:
    scene = await a_scene()
    for _ in range(5):
        scene.shop.store.delete("Payment", scene.shop.a_payment(1, 100))
    scene.shop.store.delete("Payment", 1)
    scene.shop.store.update("Account", 1, name="Eda")
    deletes = scene.following.deletes_low

    def too_slow(document: str, variables: Mapping[str, Any]) -> bool:
        return "query Logged" in document and variables["n"] > most

    scene.client.before = failing(ERRORS[1], too_slow)
    await look(scene)
    assert scene.folded()[1]["name"] == "Eda"
    assert (scene.following.deletes_low == deletes) is (most == 0)
    assert (ops(scene, "payment")[-1] == "d") is (most > 0)
    scene.client.asked.clear()
    await look(scene)
    assert sum("query Logged" in one for one in scene.client.asked) < 9  # the size is kept
    if most:
        scene.client.before = None
        asked = noted(scene, "Logged")
        for _ in range(70):
            await look(scene)
        assert asked[-1][1] == thin_pages.PAGE


async def test_thin_pages_that_are_too_large_are_asked_for_in_smaller_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thin_pages, "PAGE", 8)
    monkeypatch.setattr("producers.sweep.PAGE", 8)
    scene = await a_scene(page_size=50)
    for number in range(9):
        scene.shop.a_payment(1, number)

    def too_slow(document: str, variables: Mapping[str, Any]) -> bool:
        return looks_at(document, "payments") and variables["n"] > 2

    scene.client.before = failing(ERRORS[2], too_slow)
    await look(scene)
    assert len(scene.folded("payment")) == 10
    assert scene.following.halted == []
    for _ in range(60):
        await look(scene)
    asked = noted(scene, "Changed")
    await look(scene)
    (first, rows), (second, fewer), *_ = asked
    assert (looks_at(first, "payments"), first.count("entities") > 5) == (False, True)  # others are not slowed down
    assert (looks_at(second, "payments"), second.count("entities")) == (True, 1)
    assert (rows, fewer) == (8, 2)
    scene.client.before = None
    for _ in range(40):
        await look(scene)
    asked = noted(scene, "Changed")
    await look(scene)
    assert {rows for _, rows in asked} == {8}
    assert looks_at(asked[0][0], "payments")  # with all others again


async def test_where_fewer_rows_would_be_taken_for_all_no_fewer_are_asked_for() -> None:
    scene = await a_scene(page_size=50)
    for number in range(4):
        scene.shop.a_payment(1, number)
    scene.client.before = failing(ERRORS[1], lambda document, v: looks_at(document, "payments") and v["n"] > 2)
    found = scene.following._changes
    (payments, *_) = (one for one in found.collections if one.thin.collection == "payments")
    assert await found.page(payments, any_of([1, 2, 3, 4]), 4) is None
    assert found.standing == {}
    assert await found.page(payments, any_of([1, 2]), 2) is not None


async def test_a_sweep_asks_for_all_that_it_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await a_scene()
    store, page, asked = scene.shop.store, scene.following._changes.page, list[tuple[int, int | None]]()
    for _ in range(3):
        store.delete("Payment", scene.shop.a_payment(1))
    scene.shop.a_payment(1)
    await look(scene)
    logged = set(store.table("Log"))
    store.delete("Payment", 1)
    for id in set(store.table("Log")) - logged:
        store.hold("Log", id)

    async def paged(one: Any, search: list[Any], rows: int | None = None) -> Any:
        if "EQ" in str(search):
            asked.append((len(search), rows))
        return await page(one, search, rows)

    monkeypatch.setattr(scene.following._changes, "page", paged)
    for _ in range(200):
        scene.shop.clock.tick(1800)
        await scene.following.poll()
    assert asked == [(1, 1)]
    assert 1 not in scene.folded("payment")


async def test_a_sweep_that_asks_for_too_much_at_once_asks_for_less() -> None:
    scene = await a_scene(page_size=50)
    for number in range(9):
        scene.shop.a_payment(1, number)
    await look(scene)
    logged = set(scene.shop.store.table("Log"))
    for id in range(1, 9):
        scene.shop.store.delete("Payment", id)
    for id in set(scene.shop.store.table("Log")) - logged:
        scene.shop.store.hold("Log", id)

    def too_slow(document: str, variables: Mapping[str, Any]) -> bool:
        return looks_at(document, "payments") and len(variables["s0"]) > 2

    scene.client.before = failing(ERRORS[1], too_slow)
    halted = set[str]()
    for _ in range(300):
        scene.shop.clock.tick(1800)
        await scene.following.poll()
        halted |= set(scene.following.halted)
    assert set(scene.folded("payment")) == {9, 10}
    assert halted == set()
