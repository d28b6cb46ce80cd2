"""Collections that Sonar cannot show although it serves others: each stands still alone."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from clients.sonar_errors import (
    IncompletePage,
    SonarGraphqlError,
    SonarLimited,
    SonarQueryInvalid,
    SonarTimeout,
    SonarUnreachable,
)
from plumbing import metrics
from plumbing.errors import SyncError
from producers import changes, thin_pages
from producers.followed import followed
from schemas.entities.settings import BILLING_SETTING
from tests.unit.producers.scene import ACCOUNT, NOTE, PAYMENT, Scene
from tests.unit.producers.settled import a_scene, look
from tests.unit.producers.unserved import ERRORS, covered_of, failing, looks_at, noted, of_a_request


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
    scene.client.before = None
    asked = noted(scene, "Changed")
    await look(scene)
    assert {rows for _, rows in asked} == {thin_pages.PAGE}  # it says nothing of how much is too much


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


async def test_carriers_that_cannot_be_had_are_asked_for_in_two_polls_and_then_in_each_twelfth() -> None:
    scene, asked = await a_scene(), list[str]()

    def before(document: str, variables: Mapping[str, Any]) -> None:
        if looks_at(document, "accounts") and "datetime_fields" not in str(variables):
            asked.append(document)
            raise ERRORS[0]

    scene.client.before = before
    scene.shop.store.update("AccountStatus", scene.shop.status, name="Other")
    for polls, requests in ((1, 2), (1, 4), (9, 4), (12, 6)):
        for _ in range(polls):
            await look(scene)
        assert scene.following._noticing.fan_outs.waiting().keys() == {"account"}
        assert len(asked) == requests


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


async def test_what_gives_the_same_rows_for_ever_stands_still_when_it_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = await a_scene()
    for name in ("Bea", "Cleo"):
        scene.shop.an_account(name)
    monkeypatch.setattr(thin_pages, "PAGE", 1)
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


async def test_a_start_whose_look_ups_cannot_be_listed_is_no_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "_PAUSE_SECONDS", 0.0)
    scene = Scene()
    scene.shop.an_account("Ada")
    scene.client.before = failing(ERRORS[1], lambda document, _: looks_at(document, "account_statuses"))
    with pytest.raises(SonarTimeout):
        await scene.begin()
    assert scene.following.low is None


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


async def test_with_nobody_left_to_ask_the_last_collection_stands_still_too() -> None:
    scene = await a_scene()
    scene.client.before = failing(ERRORS[0], lambda document, _: looks_at(document, "contacts"))
    await look(scene)
    found = scene.following._changes
    found.standing.update({one.thin.collection: "sonar.forbidden" for one in found.collections})
    del found.standing["payments"]
    scene.client.before = failing(ERRORS[0], lambda document, _: looks_at(document, "payments"))
    for _ in range(13):
        await look(scene)
    assert scene.following.halted == ["payments"]


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


async def test_collections_that_stand_still_do_not_tell_whether_sonar_serves_others() -> None:
    scene = await a_scene()
    found = scene.following._changes
    names = list(dict.fromkeys(one.thin.collection for one in found.collections))
    found.standing.update(dict.fromkeys(names[:-1], "sonar.forbidden"))
    scene.client.before = failing(ERRORS[0], lambda document, _: looks_at(document, *names[:-1]))
    assert await found.is_there("none of them")
    scene.client.before = failing(ERRORS[0], lambda document, _: looks_at(document, names[-1]))
    assert not await found.is_there("none of them")


async def test_of_a_collection_that_cannot_count_no_count_is_asked_for_again() -> None:
    scene = await a_scene()
    scene.damage(uncounted=frozenset({"payments"}))
    asked = noted(scene, "Changed")
    scene.shop.store.update("Payment", 1, amount=701)
    await look(scene)
    assert len(asked) > 1  # it spoiled the first one for all
    asked.clear()
    scene.shop.store.update("Payment", 1, amount=702)
    await look(scene)
    assert scene.folded("payment")[1]["amount"] == 702
    assert (len(asked), scene.following.halted) == (2, [])  # the second one is the page that is empty


async def test_whether_a_look_up_is_carried_is_asked_for_in_two_polls_and_then_in_each_twelfth() -> None:
    scene, asked = await a_scene(), list[str]()
    scene.shop.store.delete("Payment", 1)
    lead = scene.shop.a_status("Lead")
    for _ in range(2):
        await look(scene)

    def before(document: str, variables: Mapping[str, Any]) -> None:
        if "query Extent" in document:
            asked.append(document)
            raise ERRORS[0]

    scene.client.before = before
    scene.shop.store.update("AccountStatus", lead, name="Prospect")
    counts = []
    for polls in (1, 1, 6):
        for _ in range(polls):
            await look(scene)
        counts.append(len(asked))
    assert counts[0] > 0
    assert counts[1] == counts[2] == 2 * counts[0]


async def test_what_stands_still_for_long_makes_no_look_of_others_reach_back(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, told = await a_scene(), list[Mapping[str, datetime]]()
    monkeypatch.setattr(scene.following._noticing, "robbed", told.append)
    scene.client.before = failing(ERRORS[0], lambda document, _: looks_at(document, "notes"))
    for _ in range(3):
        scene.shop.clock.tick(86_400)
        await scene.following.poll()
    assert scene.shop.clock.now - told[-1]["note"] > timedelta(days=2)
    assert scene.shop.clock.now - told[-1]["payment"] < timedelta(days=2)


async def test_the_wide_overlap_of_one_aggregate_lets_no_watermark_of_another_pass_a_root_that_is_in_doubt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene, told = await a_scene(), list[Mapping[str, datetime]]()
    widths = dict.fromkeys(("account", "payment", "note"), timedelta(hours=1)) | {"account": timedelta(seconds=10)}
    monkeypatch.setattr(scene.following._reach, "width", widths.__getitem__)
    monkeypatch.setattr(type(scene.following._reach), "widest", timedelta(hours=1))
    monkeypatch.setattr(scene.following._noticing, "robbed", told.append)
    await scene.following.poll()
    account = next(one for one in scene.aggregates if one.name == "account")
    covered = scene.following.covered(account)
    scene.shop.clock.tick(86_400)
    await scene.following.poll()
    assert covered is not None
    assert told[-1]["account"] - covered == timedelta(seconds=10)
