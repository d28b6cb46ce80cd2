"""A look-up that changes to and fro between two looks, while what shows it is read: no glimpse of it stays."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from producers import glimpses
from producers.demands import Demands
from producers.followed import followed
from tests.unit.producers.scene import NOTE, PAYMENT, Scene
from tests.unit.producers.settled import a_scene, look, pages_of, put_in_status, read, statuses

Change = Callable[[], object]


async def glimpsed(scene: Scene, collection: str, there: Change, back: Change) -> None:
    """A poll of which each page of `collection` is read between `there` and `back`, of which no look shows anything."""
    is_there = False

    def before(document: str, variables: Mapping[str, Any]) -> None:
        nonlocal is_there
        if "query Page" in document and f" {collection}(" in document and not is_there:
            scene.shop.clock.tick(1)
            there()
            is_there = True

    scene.client.before = before
    await look(scene)
    assert is_there
    scene.client.before = None
    scene.shop.clock.tick(1)
    back()


async def looks_after_an_end(scene: Scene, count: int) -> None:
    """Some looks of the next process."""
    scene.broker.lose()
    scene.restart()
    await scene.begin()
    for _ in range(count):
        await look(scene)


async def glimpsed_as_a_lead(scene: Scene) -> None:
    """Payments that have just changed are read while their account, the first, is a lead for a moment."""
    lead, put = scene.shop.a_status("Lead"), partial(put_in_status, scene)
    await glimpsed(scene, "payments", partial(put, lead), partial(put, scene.shop.status))
    assert lead in statuses(scene)


async def test_a_name_that_only_a_re_read_saw_does_not_stay() -> None:
    scene = await a_scene()
    before = scene.folded()[1]["account_status"]
    scene.shop.store.update("Account", 1, name="Eda")
    called = partial(scene.shop.store.update, "AccountStatus", scene.shop.status)
    await glimpsed(scene, "accounts", partial(called, name="Middle"), partial(called, **before))
    assert scene.folded()[1]["account_status"] == {"name": "Middle"}
    await look(scene)
    assert scene.folded()[1]["account_status"] == before
    read = len(scene.client.asked)
    await look(scene)
    assert not [one for one in scene.client.asked[read:] if "query Page" in one]


async def test_columns_that_only_a_re_read_saw_do_not_stay() -> None:
    scene = await a_scene()
    scene.shop.store.update("Payment", 1, amount=777)
    await glimpsed_as_a_lead(scene)
    await look(scene)
    assert statuses(scene) == {scene.shop.status}


async def test_a_row_that_was_hidden_only_while_a_re_read_looked_is_shown() -> None:
    scene = await a_scene()
    note = scene.shop.store.insert("Note", message="m", noteable_type="Account", noteable_id=1, priority="NORMAL")
    archive = partial(scene.shop.store.update, "Account", 1)
    await glimpsed(
        scene, "notes", partial(archive, archived_at=scene.shop.clock.now), partial(archive, archived_at=None)
    )
    assert scene.folded("note")[note]["account"] is None
    await look(scene)
    assert scene.folded("note")[note]["account"]["name"] == "Ada"


async def test_what_was_read_long_before_or_refers_to_another_row_is_not_read_again() -> None:
    scene = await a_scene()
    other = scene.shop.an_account("Bea")
    for type_name, id in (("Contact", 1), ("Account", other)):
        scene.shop.store.insert("Note", message="m", noteable_type=type_name, noteable_id=id, priority="NORMAL")
    await look(scene)
    asked = len(scene.client.asked)
    scene.shop.store.update("Account", 1, is_delinquent=True)
    await look(scene)
    assert pages_of(scene, "notes", asked) == 0
    assert pages_of(scene, "accounts", asked) == 1
    for _ in range(8):
        await look(scene)
    scene.shop.store.update("Account", other, is_delinquent=True)
    await look(scene)
    assert pages_of(scene, "notes", asked) == 0


async def test_a_row_that_changed_otherwise_since_is_read_again_once() -> None:
    scene = await a_scene()
    scene.shop.store.update("Payment", 1, amount=777)
    await look(scene)
    asked = len(scene.client.asked)
    scene.shop.clock.tick(1)
    scene.shop.store.update("Account", 1, name="Eda")
    for _ in range(4):
        await look(scene)
    assert pages_of(scene, "payments", asked) == 1


@pytest.mark.parametrize("again", [False, True], ids=["before a look", "with what a look asked for"])
async def test_after_an_end_what_was_read_last_is_held_against_look_ups_too(again: bool) -> None:
    """Also where a look had found the glimpse, and the root could not be read before the end."""
    scene = await a_scene()
    scene.shop.store.update("Payment", 1, amount=777)
    await glimpsed_as_a_lead(scene)
    if again:
        scene.shop.store.hold("Payment", 1)
        for _ in range(12):
            await look(scene)
        scene.shop.store.release("Payment", 1)
    await looks_after_an_end(scene, 1)
    assert statuses(scene) == {scene.shop.status}


@pytest.mark.parametrize(("looks_before", "looks_after"), [(2, 0), (0, 2)])
async def test_looks_that_do_not_show_yet_what_was_glimpsed_settle_nothing(looks_before: int, looks_after: int) -> None:
    scene = await a_scene()
    for _ in range(12):
        await look(scene)
    scene.shop.store.update("Payment", 1, amount=777)
    await glimpsed_as_a_lead(scene)
    scene.shop.store.lag("Account", 1)
    for _ in range(looks_before):
        await look(scene)
    await looks_after_an_end(scene, looks_after)
    assert scene.shop.status not in statuses(scene)
    scene.shop.store.catch_up("Account", 1)
    for _ in range(2):
        scene.shop.clock.tick(5)
        await scene.following.poll(sweeping=())
    assert statuses(scene) == {scene.shop.status}


async def test_a_look_long_after_a_reading_settles_nothing_that_it_does_not_show_yet() -> None:
    scene = await a_scene()
    lead = scene.shop.a_status("Lead")
    scene.shop.store.update("Payment", 1, amount=777)
    await glimpsed(scene, "payments", partial(put_in_status, scene, lead), lambda: scene.shop.clock.tick(60))
    put_in_status(scene, scene.shop.status)
    scene.shop.store.lag("Account", 1)
    await look(scene)
    assert statuses(scene) == {lead}
    scene.shop.store.catch_up("Account", 1)
    await look(scene)
    assert statuses(scene) == {scene.shop.status}


async def test_looks_while_an_aggregate_stands_still_settle_nothing_of_it() -> None:
    scene = await a_scene()
    scene.shop.store.update("Payment", 1, amount=777)
    await glimpsed_as_a_lead(scene)
    others = followed([one for one in scene.aggregates if one is not PAYMENT], scene.schema)
    scene.following.fit(others, scene.schema, {"payment": ["Payment.amount"]})
    for _ in range(8):
        await look(scene)
    scene.following.fit(followed(scene.aggregates, scene.schema), scene.schema, {})
    await look(scene)
    assert statuses(scene) == {scene.shop.status}


@pytest.mark.parametrize(
    ("looks", "kept"),
    [
        ([(0, 0), (46, 46)], True),
        ([(0, 0), (46, 46), (62, 62)], True),
        ([(0, 0), (46, 46), (62, 62), (78, 78)], False),
        ([(60, 80), (90, 90)], True),
        ([(60, 80), (90, 90), (96, 96)], False),
    ],
)
async def test_a_reading_is_settled_by_a_look_after_it_and_one_after_the_end_of_that(
    looks: list[tuple[int, int]], kept: bool
) -> None:
    seen, began = glimpses.Glimpses(Demands()), datetime(2026, 3, 1, tzinfo=UTC)
    shown = [glimpses.Carried("Package", 1, "v1", hidden=False)]
    seen.note("account", 1, shown, began, began + timedelta(seconds=41))  # in a poll that went on for long
    for begun, ended in looks:
        seen.looked(began + timedelta(seconds=begun), began + timedelta(seconds=ended), {"account"}, 1)
    assert bool(seen._places) is kept


async def test_what_changed_back_while_a_look_was_made_may_be_shown_by_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(glimpses, "_MOST", 2)
    scene = await a_scene(page_size=50)
    lead = scene.shop.a_status("Lead")
    for number in range(8):
        scene.shop.a_payment(1, number)
    await glimpsed(scene, "payments", partial(put_in_status, scene, lead), lambda: scene.shop.clock.tick(16))

    def before(document: str, variables: Mapping[str, Any]) -> None:
        scene.client.before = None
        scene.shop.clock.tick(10)
        put_in_status(scene, scene.shop.status)
        scene.shop.store.lag("Account", 1)

    scene.client.before = before
    await scene.following.poll()
    assert lead in statuses(scene)
    scene.shop.store.catch_up("Account", 1)
    for _ in range(2):
        await look(scene)
    assert statuses(scene) == {scene.shop.status}


async def test_an_end_before_everything_was_looked_at_once_is_none_the_less_an_end() -> None:
    scene = Scene(page_size=50)
    scene.shop.a_payment(scene.shop.an_account("Ada"))
    await read(scene)
    others = followed([one for one in scene.aggregates if one is not NOTE], scene.schema)
    scene.following.fit(others, scene.schema, {"note": ["Note.message"]})
    await look(scene)
    scene.shop.store.update("Payment", 1, amount=777)
    await glimpsed_as_a_lead(scene)
    await looks_after_an_end(scene, 2)
    assert statuses(scene) == {scene.shop.status}


async def test_after_an_end_more_roots_than_are_kept_are_found_by_what_they_refer_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(glimpses, "_UNKNOWN", 1)
    scene = await a_scene(page_size=50)
    for number in range(8):
        scene.shop.a_payment(1, number)
    await glimpsed_as_a_lead(scene)
    await looks_after_an_end(scene, 2)
    assert statuses(scene) == {scene.shop.status}


async def test_what_a_hundred_changes_a_second_show_is_kept_until_looks_have_shown_it() -> None:
    """Were it not, every account that changes would fan out to all its payments, and their reading crowd out more."""
    kept, began = glimpses.Glimpses(Demands()), datetime(2026, 3, 1, tzinfo=UTC)
    for second in range(70):
        now = began + timedelta(seconds=second)
        for number in range(100):
            shown = range(30 if number % 2 else 2)
            carried = [glimpses.Carried("Package", one, f"v{number}", hidden=False) for one in shown]
            kept.note("account", 100 * second + number, carried, now, now)
        kept.looked(now, now, {"account"}, second)
        assert not kept._blind


async def test_more_roots_than_are_kept_are_found_by_what_they_refer_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glimpses, "_MOST", 2)
    scene = await a_scene(page_size=50)
    for number in range(8):
        scene.shop.a_payment(1, number)
    await glimpsed_as_a_lead(scene)
    for _ in range(3):
        await look(scene)
    assert statuses(scene) == {scene.shop.status}


async def test_more_roots_than_are_kept_are_found_though_none_is_shown_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The look that tells of their account tells of it once."""
    monkeypatch.setattr(glimpses, "_MOST", 2)
    scene = await a_scene(page_size=50)
    for number in range(8):
        scene.shop.a_payment(1, number)
    await glimpsed_as_a_lead(scene)
    scene.damage(emptied=frozenset({"payments"}))
    await look(scene)
    scene.damage(emptied=frozenset())
    for _ in range(3):
        await look(scene)
    assert statuses(scene) == {scene.shop.status}


async def test_of_more_roots_than_are_kept_those_are_read_again_that_were_read_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All that refer to a row would be hundreds, of which nothing is kept either: it would have no end."""
    monkeypatch.setattr(glimpses, "_MOST", 2)
    scene = await a_scene(page_size=50)
    lead, other = scene.shop.a_status("Lead"), scene.shop.an_account("Eda")
    of_other = scene.shop.a_payment(other)
    for _ in range(6):
        await look(scene)
    before = scene.index.root("payments", 1)
    for number in range(8):
        scene.shop.a_payment(1, number)

    def back() -> None:
        put_in_status(scene, scene.shop.status)
        scene.shop.store.update("Account", other, account_status_id=lead)  # for good

    await glimpsed(scene, "payments", partial(put_in_status, scene, lead), back)
    for _ in range(3):
        await look(scene)
    shown = {id: row["account"]["account_status_id"] for id, row in scene.folded("payment").items()}
    assert shown.pop(of_other) == lead
    assert set(shown.values()) == {scene.shop.status}
    assert scene.index.root("payments", 1) == before


async def test_where_more_is_always_read_than_is_kept_what_was_read_long_ago_is_settled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(glimpses, "_MOST", 1)
    scene, kept, began = await a_scene(), glimpses.Glimpses(Demands()), datetime(2026, 3, 1, tzinfo=UTC)
    (accounts,) = [
        one
        for one in followed(scene.aggregates, scene.schema)
        if (one.aggregate.name, one.thin.collection) == ("payment", "accounts")
    ]
    for second in range(120):
        now = began + timedelta(seconds=second)
        carried = [glimpses.Carried("Account", one, "v", hidden=False) for one in range(2)]
        kept.note("payment", second, carried, now, now)
        row = {"id": str(second), "updated_at": now.isoformat(), "_version": str(now)}
        assert kept.is_unsure(accounts, row)
        kept.looked(now, now, {"payment"}, 1000 + second)
    assert len(kept._told) < 40
    assert not kept.is_unsure(accounts, {**row, "updated_at": (now - timedelta(seconds=60)).isoformat()})
    assert 1080 < kept.unsure_from("payment") < 1110
    kept.copied("payment", now, now)
    assert kept.unsure_from("payment") == 0
