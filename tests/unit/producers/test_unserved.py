"""What Sonar cannot serve although it serves everything else: it waits alone, and is asked for in smaller parts."""

import asyncio
import re
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from clients.sonar_errors import (
    IncompletePage,
    SonarFailed,
    SonarGraphqlError,
    SonarLimited,
    SonarQueryInvalid,
    SonarTimeout,
    SonarUnreachable,
)
from clients.sonar_purpose import asked_for
from plumbing import metrics
from plumbing.errors import SyncError
from producers import changes
from producers.documents import any_of
from producers.followed import followed
from producers.snapshot import Progress, Range, _Work
from schemas.aggregate import Aggregate
from schemas.entities.settings import BILLING_SETTING
from tests.unit.producers.scene import ACCOUNT, NOTE, PAYMENT, Scene
from tests.unit.producers.settled import a_scene, look, ops, pages_of

ERRORS = [
    SonarGraphqlError("Sonar answered with 1 errors"),
    SonarTimeout("too slow"),
    SonarFailed("failed"),
    IncompletePage("never whole"),
]
of_a_request = pytest.mark.parametrize("error", ERRORS[:3], ids=lambda one: one.code)
each_error = pytest.mark.parametrize("error", ERRORS, ids=lambda one: one.code)


def failing(error: SyncError, is_it: Callable[[str, Mapping[str, Any]], bool]) -> Callable[..., None]:
    """A Sonar that does not answer some requests."""

    def before(document: str, variables: Mapping[str, Any]) -> None:
        if is_it(document, variables):
            raise error

    return before


def covered_of(scene: Scene, aggregate: Aggregate) -> datetime:
    at = scene.following.covered(aggregate)
    assert at is not None
    return at


def looks_at(document: str, *collections: str) -> bool:
    return "query Changed" in document and any(f" {name}(" in document for name in collections)


def spoil(monkeypatch: pytest.MonkeyPatch, scene: Scene, collection: str, id: int, error: SyncError) -> None:
    """Let Sonar fail as often as a whole row is to be shown."""
    execute = scene.shop.engine.execute

    def executed(document: str, *rest: Any) -> Any:
        answer = execute(document, *rest)
        shown = (answer.get("data") or {}).get(collection) if document.startswith("query Page") else None
        if shown and any(int(row["id"]) == id for row in shown["entities"]):
            raise error
        return answer

    monkeypatch.setattr(scene.shop.engine, "execute", executed)


def counted(code: str) -> float:
    return metrics.REGISTRY.get_sample_value("crossfade_errors_total", {"stage": "capture", "code": code}) or 0.0


def paused(code: str) -> float | None:
    return metrics.REGISTRY.get_sample_value("crossfade_stage_paused", {"stage": "capture", "code": code})


@of_a_request
async def test_a_collection_that_cannot_be_looked_at_stands_still_alone(error: SyncError) -> None:
    scene = await a_scene()
    scene.client.before = failing(error, lambda document, _: looks_at(document, "contacts"))
    scene.shop.store.update("Contact", 1, name="Eda")
    scene.shop.store.update("Payment", 1, amount=777)
    account, payment, before = covered_of(scene, ACCOUNT), covered_of(scene, PAYMENT), counted(error.code)
    await look(scene)
    assert scene.folded("payment")[1]["amount"] == 777
    assert (scene.following.halted, scene.following.standing) == (
        ["contacts"],
        dict.fromkeys(("account", "note"), error.code),
    )
    assert (covered_of(scene, ACCOUNT), paused(error.code)) == (account, 1)
    assert covered_of(scene, PAYMENT) > payment
    asked = len(scene.client.asked)
    await look(scene)
    assert not [one for one in scene.client.asked[asked:] if looks_at(one, "contacts")]
    for _ in range(12):
        await look(scene)
    scene.client.before = None
    for _ in range(12):
        await look(scene)
    assert counted(error.code) == before + 1  # told once
    assert (scene.following.halted, paused(error.code)) == ([], 0)
    assert [one["name"] for one in scene.folded()[1]["contacts"]] == ["Eda"]
    assert covered_of(scene, ACCOUNT) > account


async def test_a_collection_whose_pages_are_never_whole_stands_still_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await a_scene()
    scene.shop.store.update("Payment", 1, amount=777)
    execute = scene.shop.engine.execute

    def executed(document: str, *rest: Any) -> Any:
        answer = execute(document, *rest)
        place = re.search(r"(c\d+): contacts\(", document)
        if place:
            answer["data"][place[1]]["entities"] = [None]
        return answer

    monkeypatch.setattr(scene.shop.engine, "execute", executed)
    await look(scene)
    assert scene.following.standing == dict.fromkeys(("account", "note"), IncompletePage.code)
    assert scene.folded("payment")[1]["amount"] == 777


@of_a_request
async def test_a_sonar_that_shows_nothing_at_all_fails_the_poll(error: SyncError) -> None:
    scene = await a_scene()
    scene.client.before = failing(error, lambda document, _: "query Changed" in document)
    with pytest.raises(type(error)):
        await scene.following.poll()
    assert scene.following.halted == []
    found = scene.following._changes
    assert {found.size(one) for one in found.collections} == {changes.PAGE}  # it says nothing of how much is too much


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
        asked = list[int]()

        def note(document: str, variables: Mapping[str, Any]) -> None:
            if "query Logged" in document:
                asked.append(variables["n"])

        scene.client.before = note
        for _ in range(70):
            await look(scene)
        assert asked[-1] == changes.PAGE


async def test_thin_pages_that_are_too_large_are_asked_for_in_smaller_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "PAGE", 8)
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
    scene.client.asked.clear()
    for _ in range(60):
        await look(scene)
    scene.client.asked.clear()
    await look(scene)
    first, second, *_ = [one for one in scene.client.asked if "query Changed" in one]
    assert (looks_at(first, "payments"), first.count("entities") > 5) == (False, True)  # others are not slowed down
    assert (looks_at(second, "payments"), second.count("entities")) == (True, 1)
    sizes = [scene.following._changes.size(one) for one in scene.following._changes.collections]
    assert sorted(set(sizes)) == [2, 8]
    scene.client.before = None
    for _ in range(40):
        await look(scene)
    sizes = [scene.following._changes.size(one) for one in scene.following._changes.collections]
    assert set(sizes) == {8}


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


async def test_what_stands_still_and_is_followed_no_more_is_forgotten() -> None:
    scene = await a_scene()
    scene.client.before = failing(ERRORS[0], lambda document, _: looks_at(document, "notes"))
    await look(scene)
    assert scene.following.halted == ["notes"]
    others = followed([one for one in scene.aggregates if one is not NOTE], scene.schema)
    scene.following.fit(others, scene.schema, {"note": ["Note.message"]})
    for _ in range(12):
        await look(scene)
    assert scene.following.halted == []


@pytest.mark.parametrize("kind", ["Changed", "Page", "Settings"])
async def test_a_query_that_sonars_schema_does_not_know_is_no_matter_of_one_collection(kind: str) -> None:
    scene = Scene(aggregates=(ACCOUNT, PAYMENT, BILLING_SETTING))
    scene.shop.a_payment(scene.shop.an_account("Ada"))
    await scene.begin()
    words = (f"query {kind}", "payments(") if kind == "Changed" else (f"query {kind}",)
    scene.client.before = failing(SonarQueryInvalid("gone"), lambda document, _: all(one in document for one in words))
    with pytest.raises(SonarQueryInvalid):
        await scene.following.poll()


async def test_a_hint_at_what_cannot_be_looked_up_fails_no_poll_and_is_tried_once_more() -> None:
    scene = await a_scene()
    for name in ("contact", "payment"):
        scene.following.hints.take(b'{"event": "%s.updated", "object_id": 1}' % name.encode())
    scene.shop.store.update("Payment", 1, at=scene.shop.clock.now - timedelta(days=1), amount=777)
    scene.client.before = failing(ERRORS[1], lambda document, v: looks_at(document, "contacts") and v["n"] < 500)
    await look(scene)
    assert scene.folded("payment")[1]["amount"] == 777
    assert (len(scene.following.hints), scene.following.halted) == (1, [])
    await look(scene)
    assert (len(scene.following.hints), scene.following.halted) == (0, [])


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


async def test_what_one_way_to_carriers_cannot_be_asked_for_loses_nothing_of_another() -> None:
    scene = await a_scene(page_size=50)
    for number in range(3):
        scene.shop.a_payment(1, number)
    await look(scene)
    found = scene.following._changes
    (first, *_), (other, *_) = (
        [one for one in found.collections if one.aggregate is aggregate and one.look_up is not None]
        for aggregate in (ACCOUNT, PAYMENT)
    )
    scene.client.before = failing(ERRORS[0], lambda document, _: looks_at(document, "accounts"))
    scene.client.asked.clear()
    ids, error = await found.down([found.carriers(other, [1]), found.carriers(first, [scene.shop.status])], 100)
    assert ids == [1, 2, 3, 4]
    assert error is ERRORS[0]


async def test_carriers_that_cannot_be_had_are_asked_for_twice_in_a_poll() -> None:
    scene, asked = await a_scene(), list[str]()

    def before(document: str, variables: Mapping[str, Any]) -> None:
        if looks_at(document, "accounts") and "datetime_fields" not in str(variables):
            asked.append(document)
            raise ERRORS[0]

    scene.client.before = before
    scene.shop.store.update("AccountStatus", scene.shop.status, name="Other")
    for polls in (1, 2):
        await look(scene)
        assert scene.following._noticing.fan_outs.waiting().keys() == {"account"}
        assert len(asked) == 2 * polls


async def test_what_fails_alone_never_counts_as_sonar_being_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of them, with a few attempts each, would open the breaker: nobody would be asked anything."""
    scene, counting = await a_scene(), list[str]()
    real = scene.client.query

    async def query(document: str, variables: Any = None, **options: Any) -> Any:
        if looks_at(document, "contacts", "notes") and options.get("again_after_timeout", True):
            counting.append(document)
        return await real(document, variables, **options)

    monkeypatch.setattr(scene.client, "query", query)
    scene.client.before = failing(ERRORS[1], lambda document, _: looks_at(document, "contacts", "notes"))
    for _ in range(14):
        await look(scene)
    assert scene.following.halted == ["contacts", "notes"]
    assert counting == []


async def test_a_sonar_that_answers_everything_with_errors_is_not_asked_for_each_of_it() -> None:
    scene = await a_scene()
    scene.client.before = failing(ERRORS[0], lambda *_: True)
    scene.client.asked.clear()
    with pytest.raises(SonarGraphqlError):
        await scene.following.poll()
    alone = [one for one in scene.client.asked if one.count("entities") == 1]
    assert (len(scene.client.asked) < 12, len(alone)) == (True, 1 + 3)  # with its witnesses, and no patience before


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


async def test_what_gives_the_same_rows_for_ever_stands_still_when_it_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = await a_scene()
    for name in ("Bea", "Cleo"):
        scene.shop.an_account(name)
    monkeypatch.setattr(changes, "PAGE", 1)
    real = scene.shop.engine.execute

    def finer(query: str, variables: dict[str, Any], *rest: Any) -> Any:
        found = orjson.dumps(variables).replace(b'"GT","search_value":"', b'"GTE","search_value":"')
        return real(query, orjson.loads(found), *rest)

    monkeypatch.setattr(scene.shop.engine, "execute", finer)
    await look(scene)
    covered = covered_of(scene, ACCOUNT)
    for _ in range(14):
        await look(scene)
        assert (scene.following.standing["account"], covered_of(scene, ACCOUNT)) == (IncompletePage.code, covered)


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
    told = list[tuple[int, float]]()
    monkeypatch.setattr(
        "producers.rereading.log.error", lambda _, **said: told.append((said["key"], said["again_in_seconds"]))
    )
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
    monkeypatch.setattr(
        "producers.rereading.log.error", lambda _, **said: told.append((said["key"], said["again_in_seconds"]))
    )
    spoil(monkeypatch, scene, "payments", 4, ERRORS[0])
    scene.shop.store.update("Payment", 4, amount=5)
    await look(scene)
    assert told[-1] == (4, 60.0)


async def test_a_start_whose_look_ups_cannot_be_listed_is_no_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "_PAUSE_SECONDS", 0.0)
    scene = Scene()
    scene.shop.an_account("Ada")
    scene.client.before = failing(ERRORS[1], lambda document, _: looks_at(document, "account_statuses"))
    with pytest.raises(SonarTimeout):
        await scene.begin()
    assert scene.following.low is None


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


async def test_a_look_up_that_nobody_seems_to_carry_waits_until_it_is_known_that_there_are_roots() -> None:
    scene = await a_scene()
    unused = scene.shop.a_status("Unused")
    await look(scene)
    scene.client.before = failing(ERRORS[1], lambda document, _: "query Extent" in document)
    scene.shop.store.update("AccountStatus", unused, name="Other")
    await look(scene)
    assert scene.following._noticing.fan_outs.waiting().keys() == {"account"}
    scene.client.before = None
    await look(scene)
    assert scene.following._noticing.fan_outs.waiting() == {}


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


async def test_a_limit_or_a_broken_line_is_waited_for_by_what_is_asked_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else one of them ended a start, which lists everything again after each."""
    scene, patient = Scene(), list[int | None]()
    scene.shop.an_account("Ada")
    real = scene.client.query

    async def query(document: str, variables: Any = None, **options: Any) -> Any:
        if looks_at(document, "account_statuses"):
            patient.append(options.get("attempts"))
            if len(patient) in (1, 3):
                raise [SonarLimited("limit"), SonarUnreachable("reset")][len(patient) == 3]
        return await real(document, variables, **options)

    monkeypatch.setattr(scene.client, "query", query)
    await scene.begin()
    assert patient == [1, None, 1, None]


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


async def test_with_nobody_left_to_ask_the_last_collection_stands_still_too() -> None:
    scene = await a_scene()
    scene.client.before = failing(ERRORS[0], lambda document, _: looks_at(document, "contacts"))
    await look(scene)
    found = scene.following._changes
    found.standing = {one.thin.collection: "sonar.forbidden" for one in found.collections}
    del found.standing["payments"]
    scene.client.before = failing(ERRORS[0], lambda document, _: looks_at(document, "payments"))
    for _ in range(13):
        await look(scene)
    assert scene.following.halted == ["payments"]


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


async def test_a_sonar_that_fails_some_times_is_waited_for_by_a_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "_PAUSE_SECONDS", 0.0)
    scene, left = Scene(), 6
    scene.shop.an_account("Ada")

    def before(document: str, _: Mapping[str, Any]) -> None:
        nonlocal left
        if looks_at(document, "account_statuses") or (left < 6 and "query Changed" in document):
            left -= 1
            if left >= 0:
                raise ERRORS[2]

    scene.client.before = before
    await scene.begin()
    assert left < 0
    assert scene.following.low is not None
