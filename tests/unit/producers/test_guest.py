"""Capture as a guest of Sonar: requests by purpose, pages that shrink and grow, and what a shortened page may say."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from clients.sonar_errors import SonarFailed, SonarTimeout
from producers import following, thin_pages
from producers.index import Pending
from producers.sizes import PageSize
from tests.unit.producers.scene import ACCOUNT, PAYMENT, Scene
from tests.unit.producers.settled import a_scene, read


def heavy(name: str, most: int, error: type[Exception] = SonarTimeout) -> Callable[[str, Mapping[str, Any]], None]:
    """A Sonar that cannot bear pages of more than `most` full rows of a collection."""

    def before(document: str, variables: Mapping[str, Any]) -> None:
        if document.startswith(f"query Page($search: [Search], $n: Int!) {{ {name}(") and variables["n"] > most:
            raise error("too heavy")

    return before


def test_a_page_size_falls_by_half_and_grows_after_whole_pages() -> None:
    size = PageSize(100)
    assert [size.halve(100), size.halve(100), size.halve(50)] == [50, 50, 25]
    for _ in range(8):
        size.bore(25)
    assert size.rows == 50
    for _ in range(7):
        size.bore(50)
    size.halve(50)
    for _ in range(7):
        size.bore(25)
    assert size.rows == 25  # what was whole before it fell counts no more
    for _ in range(40):
        size.bore(3)
    assert size.rows == 25  # small requests say nothing
    for _ in range(40):
        size.bore(100)
    assert size.rows == 100


@pytest.mark.parametrize("error", [SonarTimeout, SonarFailed])
async def test_a_size_that_sonar_cannot_bear_is_kept_for_the_next_pages(error: type[Exception]) -> None:
    scene = Scene(page_size=8)
    for number in range(30):
        scene.shop.an_account(f"A{number}")
    scene.client.before = heavy("accounts", 2, error)
    await scene.begin()
    await scene.snapshot.run([ACCOUNT], asyncio.Event(), started=scene.shop.clock.now, force=None)
    assert len(scene.folded()) == 30
    refused = len([one for one in scene.client.asked if one.startswith("query Page")]) - 30 // 2
    assert refused < 8
    assert scene.reader.page_size(PAYMENT) == 8
    scene.client.before = None
    await scene.snapshot.run([ACCOUNT], asyncio.Event(), started=scene.shop.clock.now, force="again")
    assert scene.reader.page_size(ACCOUNT) == 8


@pytest.mark.fault(20)
@pytest.mark.parametrize("error", [SonarTimeout, SonarFailed])
async def test_a_look_that_sonar_cannot_bear_is_made_in_parts_from_then_on(error: type[Exception]) -> None:
    scene = await a_scene()
    refused = 0

    def slow(document: str, variables: Mapping[str, Any]) -> None:
        nonlocal refused
        if document.startswith("query Changed") and document.count("entities") > 2:
            refused += 1
            raise error("too slow")

    scene.client.before = slow
    for number in range(3):
        scene.shop.store.update("Payment", 1, amount=number)
        scene.shop.clock.tick(60)
        assert await scene.following.poll() == scene.shop.clock.now - timedelta(seconds=10)
        assert scene.folded("payment")[1]["amount"] == number
    assert 0 < refused < 6  # each size once, but for one that it grows to


@pytest.mark.fault(20)
async def test_rows_that_a_shortened_page_has_no_room_for_are_not_taken_for_deleted() -> None:
    scene = await a_scene(page_size=8)
    for number in range(5):
        scene.shop.a_payment(1, number)
    await scene.following.poll()
    scene.shop.clock.tick(60)
    for id in range(2, 7):  # deleted, as the log tells, and there again by the time they are read
        scene.shop.store.delete("Payment", id)
        scene.shop.a_payment(1, 50 + id, id=id)
    scene.client.before = heavy("payments", 2)
    for _ in range(4):
        scene.shop.clock.tick()
        await scene.following.poll()
    assert [one["op"] for one in scene.events("payment")].count("d") == 0
    assert {row["amount"] for row in scene.folded("payment").values()} == {100, 52, 53, 54, 55, 56}


async def test_requests_are_told_apart_by_what_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thin_pages, "PAGE", 2)
    scene = await a_scene()
    scene.client.purposes.clear()
    scene.shop.clock.tick(24 * 3600)
    for number in range(5):
        scene.shop.an_account(f"A{number}")
    scene.shop.store.update("AccountStatus", scene.shop.status, name="Other")
    await scene.following.poll()
    found = Counter[str]()
    for (purpose, collection), requests in scene.client.purposes.items():
        found[purpose] += requests
        assert (collection is None) == (purpose in ("follow", "overlap", "look-up", "log", "settings")), purpose
    assert found["follow"] == 1
    assert found.keys() == {"follow", "overlap", "log", "look-up", "re-read", "sweep"}


@pytest.mark.parametrize(
    ("many", "page"),
    [
        pytest.param(following._MANY, thin_pages.PAGE, id="by one look"),
        pytest.param(70, 40, id="while the look goes on, after an outage"),
    ],
)
async def test_what_changed_is_read_again_in_whole_pages(many: int, page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Apart from the overlap, a page-worth of changed rows costs at most 1.2 requests."""
    monkeypatch.setattr(following, "_MANY", many)
    monkeypatch.setattr(thin_pages, "PAGE", page)
    scene = Scene(page_size=25)
    accounts = [scene.shop.an_account(f"A{number}") for number in range(200)]
    payments = [scene.shop.a_payment(account) for account in accounts for _ in range(2)]
    await read(scene)
    for _ in range(2):
        scene.shop.clock.tick(60)
        await scene.following.poll()
    for account in accounts[::2]:
        scene.shop.store.update("Account", account, is_delinquent=True)
    for payment in payments[::2]:
        scene.shop.store.update("Payment", payment, amount=7)
    scene.client.asked.clear()
    scene.shop.clock.tick(60)
    covered = await scene.following.poll()
    assert covered == scene.shop.clock.now - scene.following.overlap
    assert [after["amount"] for _, after in sorted(scene.folded("payment").items())][::2] == [7] * 200
    overlap = len([one for one in scene.client.asked if "query Changed" in one]) - 1
    assert len(scene.client.asked) - overlap <= 1.2 * (100 + 200) / 25


async def test_what_is_noted_at_the_start_is_handed_over_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """A real ISP has hundreds of thousands of look-ups: held until the last is read, they take gigabytes."""
    monkeypatch.setattr(thin_pages, "PAGE", 4)
    scene, taken = Scene(), list[int]()
    accounts = [scene.shop.an_account(f"A{number}") for number in range(30)]
    real = scene.index.take_pending

    def take_pending() -> Pending:
        pending = real()
        taken.append(len(pending))
        return pending

    monkeypatch.setattr(scene.index, "take_pending", take_pending)
    await scene.begin()
    assert max(taken) == 4 * 2  # payments and notes look accounts up
    assert all(scene.index.child(of, "@accounts", id) for of in ("payments", "notes") for id in accounts)
