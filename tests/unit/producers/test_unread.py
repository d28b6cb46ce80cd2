"""Rows that cannot be read although all others can: they wait alone, and so do their deletes."""

import asyncio
from collections import deque
from datetime import timedelta

import pytest

from clients.sonar_errors import SonarGraphqlError, SonarUnreachable
from clients.sonar_purpose import asked_for
from plumbing.errors import SyncError
from producers.snapshot import Progress, Range, _Work
from schemas.entities.settings import BILLING_SETTING
from tests.unit.producers.scene import ACCOUNT, NOTE, PAYMENT, Scene
from tests.unit.producers.settled import a_scene, look, pages_of
from tests.unit.producers.unserved import ERRORS, covered_of, each_error, failing, rests_told, spoil


@each_error
async def test_a_row_that_cannot_be_read_waits_and_all_others_go_on(
    error: SyncError, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producers.reader._PAUSE_SECONDS", 0.0)
    scene = await a_scene(page_size=8)
    for number in range(6):
        scene.shop.a_payment(1, number)
    await look(scene)
    for id in range(1, 8):
        scene.shop.store.update("Payment", id, amount=700 + id)
    scene.shop.store.update("Account", 1, name="Eda")

    spoil(monkeypatch, scene, "payments", 3, error)
    covered = covered_of(scene, PAYMENT)
    for _ in range(2):
        await look(scene)
    amounts = {id: row["amount"] for id, row in scene.folded("payment").items()}
    assert amounts == {id: 700 + id for id in amounts} | {3: 1}
    assert scene.folded()[1]["name"] == "Eda"
    assert covered_of(scene, PAYMENT) <= covered + timedelta(seconds=5)
    asked = len(scene.client.asked)
    await look(scene)
    assert pages_of(scene, "payments", asked) == 0  # once a minute
    monkeypatch.undo()
    for _ in range(14):
        await look(scene)
    assert scene.folded("payment")[3]["amount"] == 703
    assert covered_of(scene, PAYMENT) > covered + timedelta(seconds=60)


@each_error
async def test_a_snapshot_reads_everything_but_what_cannot_be_read_and_tries_that_again(
    error: SyncError, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producers.reader._PAUSE_SECONDS", 0.0)
    scene = Scene(page_size=4)
    account = scene.shop.an_account("Ada")
    for number in range(8):
        scene.shop.a_payment(account, number)
        scene.shop.store.insert("Note", message="m", noteable_type="Account", noteable_id=1, priority="NORMAL")
    spoil(monkeypatch, scene, "payments", 6, error)
    await scene.begin()

    async def snapshot() -> bool:
        return await scene.snapshot.run(scene.aggregates, asyncio.Event(), started=scene.shop.clock.now, force=None)

    with pytest.raises(type(error)):
        await snapshot()
    assert (len(scene.folded()), len(scene.folded("note"))) == (1, 8)
    assert set(scene.folded("payment")) >= {1, 2, 3, 4, 5}
    assert 6 not in scene.folded("payment")
    monkeypatch.undo()
    asked = len(scene.client.asked)
    assert await snapshot()
    assert len(scene.folded("payment")) == 8
    assert pages_of(scene, "notes", asked) == 0


async def test_settings_that_sonar_cannot_serve_hold_up_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(aggregates=(ACCOUNT, BILLING_SETTING))
    scene.shop.an_account("Ada")
    await scene.begin()
    scene.client.before = failing(ERRORS[0], lambda document, _: "query Settings" in document)
    for name in ("Eda", "Ida"):
        scene.shop.store.update("Account", 1, name=name)
        await look(scene)
        assert scene.folded()[1]["name"] == name
    assert scene.following.standing == {"billing_setting": ERRORS[0].code}
    assert sum("query Settings" in one for one in scene.client.asked) == 1


async def test_settings_for_want_of_which_a_poll_fails_are_not_asked_for_by_the_next_one() -> None:
    scene = Scene(aggregates=(ACCOUNT, BILLING_SETTING))
    scene.shop.an_account("Ada")
    await scene.begin()
    scene.client.before = failing(SonarUnreachable("away"), lambda document, _: "query Settings" in document)
    with pytest.raises(SonarUnreachable):
        await scene.following.poll()
    await scene.following.poll()


async def test_of_a_collection_that_cannot_count_the_newest_row_is_found_gone_at_once() -> None:
    scene = await a_scene(page_size=50)
    for number in range(3):
        scene.shop.a_payment(1, number)
    await look(scene)
    scene.damage(uncounted=frozenset({"payments"}))
    await look(scene)
    scene.shop.store.update("Payment", 2, amount=777)
    scene.shop.store.delete("Payment", 4)
    scene.following._demands.add(PAYMENT, 2, scene.shop.clock.now)
    await look(scene)
    assert set(scene.folded("payment")) == {1, 2, 3}


async def test_deletes_that_are_told_of_what_cannot_be_read_wait_and_fail_no_poll() -> None:
    scene = await a_scene()
    scene.client.before = failing(ERRORS[0], lambda document, _: " payments(" in document)
    scene.shop.store.delete("Payment", 1)
    scene.shop.store.update("Account", 1, name="Eda")
    for _ in range(14):
        await look(scene)
    assert scene.folded()[1]["name"] == "Eda"
    assert set(scene.folded("payment")) == {1}
    scene.client.before = None
    for _ in range(40):
        await look(scene)
    assert scene.folded("payment") == {}


async def test_of_rows_that_cannot_be_read_each_rests_for_longer_and_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await a_scene(page_size=8)
    for number in range(7):
        scene.shop.a_payment(1, number)
    await look(scene)
    for id in range(1, 9):
        scene.shop.store.update("Payment", id, amount=700 + id)
    scene.shop.store.hold("Payment", 2)  # which is not there, below those that are bad
    for id in (4, 5):
        spoil(monkeypatch, scene, "payments", id, ERRORS[0])
    told = rests_told(monkeypatch)
    scene.client.asked.clear()
    await look(scene)
    assert pages_of(scene, "payments", 0) == 11  # two of eight are found by halves
    for _ in range(39):
        await look(scene)
    amounts = {id: row["amount"] for id, row in scene.folded("payment").items()}
    assert [id for id, amount in amounts.items() if amount != 700 + id] == [2, 4, 5]
    assert [length for id, length in told if id == 4] == [60.0, 120.0, 240.0]
    assert {id for id, _ in told} == {4, 5}
    monkeypatch.undo()
    for _ in range(60):
        await look(scene)
    assert scene.folded("payment")[4]["amount"] == 704
    told = rests_told(monkeypatch)
    spoil(monkeypatch, scene, "payments", 4, ERRORS[0])
    scene.shop.store.update("Payment", 4, amount=5)
    await look(scene)
    assert told[-1] == (4, 60.0)


async def test_a_snapshot_of_a_sonar_that_gives_nothing_ends_after_a_few() -> None:
    scene = Scene(aggregates=(ACCOUNT, PAYMENT, NOTE, BILLING_SETTING))
    scene.shop.a_payment(scene.shop.an_account("Ada"))
    await scene.begin()
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr("producers.snapshot._IN_VAIN", 2)
        scene.client.before = failing(ERRORS[0], lambda document, _: "query Page" in document or "Settings" in document)
        with pytest.raises(ExceptionGroup):
            await scene.snapshot.run(scene.aggregates, asyncio.Event(), started=scene.shop.clock.now, force=None)


async def test_a_sonar_that_gives_no_rows_lets_none_rest() -> None:
    scene = await a_scene()
    scene.shop.store.update("Payment", 1, amount=777)
    scene.client.before = failing(
        ERRORS[0], lambda document, _: "query Page" in document or asked_for().purpose == "probe"
    )
    with pytest.raises(SonarGraphqlError):
        await scene.following.poll()
    scene.client.before = None
    await look(scene)
    assert scene.folded("payment")[1]["amount"] == 777


async def test_deletes_wait_where_nobody_can_tell_whether_a_collection_has_rows() -> None:
    scene = await a_scene()
    scene.shop.a_payment(1)
    await look(scene)
    scene.client.before = failing(
        ERRORS[1], lambda document, _: " payments(" in document and "query Extent" in document
    )
    scene.shop.store.delete("Payment", 1)
    scene.shop.store.update("Account", 1, name="Eda")
    await look(scene)
    assert (scene.folded()[1]["name"], set(scene.folded("payment"))) == ("Eda", {1, 2})
    scene.client.before = None
    await look(scene)
    assert set(scene.folded("payment")) == {2}


async def test_only_collections_that_fail_one_after_the_other_end_a_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producers.snapshot._IN_VAIN", 2)
    scene = await a_scene()
    scene.client.before = failing(
        ERRORS[0], lambda document, _: "query Page" in document and " accounts(" not in document
    )
    refused = dict[str, SyncError]()
    work = deque(
        _Work(one, Progress("run", scene.shop.clock.now.isoformat(), None, 0, [range]), range)
        for one in (PAYMENT, ACCOUNT, NOTE)
        for range in [Range(0, None)]
    )
    await scene.snapshot._work(work, refused, asyncio.Event())
    assert refused == {"payment": ERRORS[0], "note": ERRORS[0]}


async def test_of_an_aggregate_of_which_no_root_can_be_had_few_are_tried_in_a_poll() -> None:
    scene = await a_scene(page_size=8)
    for number in range(20):
        scene.shop.a_payment(1, number)
    await look(scene)
    for id in range(1, 21):
        scene.shop.store.update("Payment", id, amount=700 + id)
    scene.shop.store.update("Account", 1, name="Eda")
    scene.client.before = failing(ERRORS[0], lambda document, _: "query Page" in document and " payments(" in document)
    asked = len(scene.client.asked)
    await look(scene)
    assert scene.folded()[1]["name"] == "Eda"
    assert pages_of(scene, "payments", asked) < 10


async def test_a_collection_of_which_no_range_can_be_read_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producers.snapshot._IN_VAIN", 2)
    scene = await a_scene()
    scene.client.before = failing(ERRORS[0], lambda document, _: "query Page" in document and " payments(" in document)
    refused, at = dict[str, SyncError](), scene.shop.clock.now.isoformat()
    ranges = [Range(0, 5), Range(5, None)]
    one = Progress("run", at, None, 0, ranges)
    works = [_Work(PAYMENT, one, range) for range in ranges]
    await asyncio.gather(*(scene.snapshot._work(deque([each]), refused, asyncio.Event()) for each in works))
    assert refused == {"payment": ERRORS[0]}
