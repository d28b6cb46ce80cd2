"""The snapshot over an invented ISP: every root once, whole, resumable, never older than what is published."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest

from clients.sonar import SonarAnswer, SonarClient
from clients.sonar_errors import (
    IncompletePage,
    SonarFailed,
    SonarForbidden,
    SonarGraphqlError,
    SonarQueryInvalid,
    SonarTimeout,
    SonarUnreachable,
)
from plumbing.errors import ExitCode, SyncError
from producers.extents import Extent, read_extents
from producers.reader import Page
from producers.snapshot import Range, cut
from schemas.aggregate import Aggregate
from schemas.avro import key_bytes
from tests.unit.producers.scene import ACCOUNT, AGGREGATES, PAYMENT, Killed, Registered, Scene
from tests.unit.producers.settled import read


def names(scene: Scene) -> list[str]:
    return sorted(after["name"] for after in scene.folded().values())


async def test_every_root_is_published_once_with_what_is_nested_in_it() -> None:
    scene = Scene()
    accounts = [scene.shop.an_account(f"A{number}") for number in range(10)]
    contact = scene.shop.a_contact(accounts[4], "Bea")
    scene.shop.a_phone(contact, "0145550111")
    payment = scene.shop.a_payment(accounts[0], 250)
    await read(scene)
    assert [event["op"] for event in scene.events()] == ["r"] * 10
    assert names(scene) == sorted(f"A{number}" for number in range(10))
    (person,) = scene.folded()[accounts[4]]["contacts"]
    assert (person["name"], person["phone_numbers"][0]["number"]) == ("Bea", "0145550111")
    assert scene.folded("payment")[payment]["amount"] == 250
    progress = scene.snapshot.progress(ACCOUNT)
    assert progress is not None
    assert (progress.read, progress.total) == (10, 10)


async def test_archived_accounts_are_read_too() -> None:
    scene = Scene()
    scene.shop.an_account("Gone", archived_at=scene.shop.clock.now)
    await read(scene)
    assert names(scene) == ["Gone"]


async def test_a_collection_that_cannot_count_is_read_without_counting() -> None:
    scene = Scene()
    for number in range(8):
        scene.shop.an_account(f"A{number}")
    scene.damage(uncounted=frozenset({"accounts"}))
    await read(scene)
    assert len(scene.folded()) == 8


@pytest.mark.fault(41)
async def test_what_may_not_be_read_in_full_stands_still_and_the_others_are_read() -> None:
    scene = Scene()
    scene.shop.a_payment(scene.shop.an_account())
    scene.damage(denied=frozenset({"Account.contacts", "notes"}))
    with pytest.raises(SonarForbidden, match=r"may not read note, account in full: .*; all others were read$") as told:
        await read(scene)
    assert told.value.exit_code is ExitCode.PARTLY
    assert scene.events() == []
    assert len(scene.events("payment")) == 1
    progress = scene.snapshot.progress(ACCOUNT)
    assert progress is not None
    assert (progress.read, progress.done) == (0, False)


async def test_where_nothing_else_was_read_it_is_not_said_that_the_others_were() -> None:
    scene = Scene()
    scene.damage(denied=frozenset({"payments"}))
    with pytest.raises(SonarForbidden, match=r"may not read payment in full: .* in Splynx nothing of today$") as told:
        await scene.snapshot.run([PAYMENT], asyncio.Event(), started=scene.shop.clock.now, force=None)
    assert told.value.exit_code is ExitCode.USAGE


async def test_a_page_that_stays_short_is_never_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    scene.shop.an_account()
    execute = scene.shop.engine.execute

    def short(*arguments: Any) -> Any:
        answer = execute(*arguments)
        if "query Page" in arguments[0] and "accounts" in answer["data"]:
            answer["data"]["accounts"]["entities"] = []
        return answer

    monkeypatch.setattr(scene.shop.engine, "execute", short)
    monkeypatch.setattr("producers.reader._PAUSE_SECONDS", 0.0)
    with pytest.raises(IncompletePage):
        await read(scene)
    assert scene.events() == []


async def test_pages_are_halved_until_sonar_answers_in_time() -> None:
    scene = Scene()
    for number in range(6):
        scene.shop.an_account(f"A{number}")

    def slow(document: str, variables: Mapping[str, Any]) -> None:
        if "query Page" in document and variables["n"] > 1:
            raise SonarTimeout("too slow")

    scene.client.before = slow
    await read(scene)
    assert len(scene.folded()) == 6


@pytest.mark.fault(1)
async def test_a_killed_snapshot_goes_on_where_the_broker_had_everything() -> None:
    scene = Scene()
    for number in range(20):
        scene.shop.an_account(f"A{number}")
    pages = 0

    def die(document: str, variables: Mapping[str, Any]) -> None:
        nonlocal pages
        pages += "query Page" in document
        if pages == 6:
            raise Killed

    scene.client.before = die
    with pytest.raises(BaseExceptionGroup):
        await read(scene)
    scene.broker.lose()
    before = len(scene.events())
    assert 0 < before < 20
    scene.client.before = None
    scene.restart()
    await read(scene)
    assert names(scene) == sorted(f"A{number}" for number in range(20))
    # At most one page of each of the two ranges is read again.
    assert len(scene.events()) <= 20 + 2 * scene.page_size


@pytest.mark.fault(2)
async def test_events_lost_before_their_acknowledgement_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    for number in range(6):
        scene.shop.an_account(f"A{number}")
    await scene.begin()

    async def killed() -> None:
        scene.broker.lose()
        raise RuntimeError("killed")

    monkeypatch.setattr(scene.publisher, "commit", killed)
    with pytest.raises(ExceptionGroup):
        await scene.snapshot.run(AGGREGATES, asyncio.Event(), started=scene.shop.clock.now, force=None)
    assert scene.events() == []
    scene.restart()
    await read(scene)
    assert len(scene.folded()) == 6


async def test_the_index_never_knows_of_an_event_that_is_not_acknowledged() -> None:
    scene = Scene()
    for name in "AB":
        scene.shop.an_account(name)
    await scene.begin()
    page = await scene.reader.page(ACCOUNT, [], 3)
    scene.publisher.row(ACCOUNT, page.rows[0], {}, page, snapshot=True)
    flush = scene.broker.flush

    def meanwhile(timeout: float) -> int:
        # Another task publishes while this one waits for the broker.
        scene.broker.flush = flush  # type: ignore[method-assign]
        left = flush(timeout)
        scene.publisher.row(ACCOUNT, page.rows[1], {}, page, snapshot=True)
        return left

    scene.broker.flush = meanwhile  # type: ignore[method-assign]
    await scene.publisher.commit()
    known = [key for key, _ in scene.broker.of(scene.topics.children) if key.startswith(b"accounts:")]
    assert known == [b"accounts:1"]
    await scene.publisher.commit()
    assert b"accounts:2" in [key for key, _ in scene.broker.of(scene.topics.children)]


async def test_a_finished_snapshot_is_read_again_only_when_it_is_ordered() -> None:
    scene = Scene()
    scene.shop.an_account()
    await read(scene)
    await read(scene)
    assert len(scene.events()) == 1
    await read(scene, force="order")
    assert len(scene.events()) == 2


@pytest.mark.fault(35)
async def test_a_slow_page_never_overtakes_a_newer_reading_of_the_same_root() -> None:
    scene = Scene()
    account = scene.shop.an_account("Old")
    await scene.begin()
    slow = await scene.reader.page(ACCOUNT, [], 3)
    scene.shop.store.update("Account", account, name="New")
    newer = await scene.reader.page(ACCOUNT, [], 3)
    scene.publisher.row(ACCOUNT, newer.rows[0], {}, newer, snapshot=False)
    outcome = scene.publisher.row(ACCOUNT, slow.rows[0], {}, slow, snapshot=True)
    await scene.publisher.commit()
    assert outcome.value == "overlapped"
    assert names(scene) == ["New"]
    assert len(scene.events()) == 1


@pytest.mark.fault(35)
async def test_a_third_reading_decides_of_each_root_also_where_sonar_gives_few_at_a_time() -> None:
    scene = Scene(page_size=12)
    accounts = [scene.shop.an_account("Old") for _ in range(12)]
    await scene.begin()
    slow = await scene.reader.page(ACCOUNT, [], 12)
    for state in ("Newer", "Newest"):
        for account in accounts:
            scene.shop.store.update("Account", account, name=state)
        if state == "Newer":
            newer = await scene.reader.page(ACCOUNT, [], 12)
    for row in newer.rows:
        scene.publisher.row(ACCOUNT, row, {}, newer, snapshot=False)

    def too_many(document: str, variables: Mapping[str, Any]) -> None:
        if variables["n"] > 1:
            raise SonarTimeout("too many")

    scene.client.before = too_many
    await scene.snapshot._hand_in(ACCOUNT, slow)
    await scene.publisher.commit()
    assert names(scene) == ["Newest"] * 12


@pytest.mark.fault(22)
async def test_a_slow_page_never_brings_back_what_was_deleted_meanwhile() -> None:
    scene = Scene()
    payment = scene.shop.a_payment(scene.shop.an_account())
    await scene.begin()
    slow = await scene.reader.page(PAYMENT, [], 3)
    scene.shop.store.delete("Payment", payment)
    await scene.following.poll()
    outcome = scene.publisher.row(PAYMENT, slow.rows[0], {}, slow, snapshot=True)
    await scene.publisher.commit()
    assert outcome.value == "overlapped"
    assert scene.folded("payment") == {}


async def test_the_sequence_rises_over_restarts_even_when_the_clock_goes_back() -> None:
    scene = Scene()
    scene.shop.an_account()
    await read(scene)
    scene.restart()
    scene.shop.clock.tick(-3600)
    await read(scene, force="again")
    first, second = (int(event["source"]["sequence"]) for event in scene.events())
    assert second > first


async def test_an_aggregate_too_large_for_a_message_is_set_aside_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("producers.publisher.MAX_MESSAGE_BYTES", 64 * 1024 + 2000)
    scene = Scene()
    large, small = scene.shop.an_account("Large"), scene.shop.an_account("Small")
    for number in range(30):
        scene.shop.a_contact(large, f"Contact number {number} with a name that takes some room" * 3)
    await read(scene)
    for _ in range(3):  # following sees it again and again in the overlap: one letter says it all
        await scene.following.poll()
    assert list(scene.folded()) == [small]
    ((key, letter),) = scene.broker.of(scene.topics.dead_letters("capture"))
    assert key == f"account:{large}".encode()
    assert letter["code"] == "capture.too_large"
    assert "contacts" in letter["reason"]


@pytest.mark.parametrize(
    ("highest", "total", "ranges"),
    [
        pytest.param(0, 0, [Range(0, None)], id="nothing there"),
        pytest.param(10, 10, [Range(0, None)], id="two pages are not worth cutting"),
        pytest.param(100, None, [Range(0, None)], id="a collection that cannot count"),
        pytest.param(100, 90, [Range(0, 50), Range(50, None)], id="the last range is open"),
    ],
)
def test_ranges_hold_every_id(highest: int, total: int | None, ranges: list[Range]) -> None:
    assert cut(highest, total, 5, 2) == ranges


async def test_payments_lie_in_the_partition_of_their_account() -> None:
    scene = Scene()
    accounts = [scene.shop.an_account(f"A{number}") for number in range(5)]
    payments = {scene.shop.a_payment(account): account for account in accounts}
    await read(scene)
    partition = {
        (topic, key): partition for topic, partition, key, _ in scene.broker.messages if topic.startswith("sonar.")
    }
    for payment, account in payments.items():
        own = partition[scene.topics.sonar(PAYMENT.name), key_bytes(Registered.header, payment)]
        assert own == partition[scene.topics.sonar(ACCOUNT.name), key_bytes(Registered.header, account)]


async def test_how_large_collections_are_is_asked_in_one_request_and_of_the_others_where_one_is_refused() -> None:
    scene = Scene()
    scene.shop.an_account()
    scene.shop.a_payment(1)
    await read(scene)
    assert len([one for one in scene.client.asked if "query Extent" in one]) == 1
    scene.damage(denied=frozenset({"payments"}), uncounted=frozenset({"notes"}))
    scene.client.asked.clear()
    account, payment, note = await scene.reader.extents(AGGREGATES)
    assert (account, note) == (Extent(1, 1), Extent(None, 0))
    assert isinstance(payment, SonarForbidden)
    assert len(scene.client.asked) == 6


@pytest.mark.parametrize("error", [SonarTimeout, SonarFailed])
async def test_collections_that_sonar_is_too_slow_to_count_together_are_counted_in_parts(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, again = Scene(), list[tuple[int, int | None, bool]]()
    scene.shop.an_account()

    def slow(document: str, variables: Mapping[str, Any]) -> None:
        if document.count("total_count") > 1:
            raise error("too slow")

    query = scene.client.query

    async def noted(document: str, variables: Mapping[str, Any] | None = None, **options: Any) -> SonarAnswer:
        again.append((document.count("total_count"), options["attempts"], options["again_after_timeout"]))
        return await query(document, variables, **options)

    monkeypatch.setattr(scene.client, "query", noted)
    scene.client.before = slow
    found = await read_extents(cast(SonarClient, scene.client), [("accounts", True)] * 8)
    assert found == [Extent(1, 1)] * 8
    # What was too much once is not asked for in the other half.
    assert again == [(8, None, False), (4, 2, False), (2, 2, False), *[(1, 2, False)] * 8]


@pytest.mark.parametrize("error", [SonarTimeout, SonarFailed])
async def test_a_collection_that_sonar_cannot_count_by_itself_keeps_no_other_from_being_read(
    error: type[SyncError],
) -> None:
    scene = Scene()
    scene.shop.a_payment(scene.shop.an_account())

    def slow(document: str, variables: Mapping[str, Any]) -> None:
        if "query Extent" in document and " accounts(" in document:
            raise error("too slow")

    scene.client.before = slow
    account, payment, _ = await scene.reader.extents(AGGREGATES)
    assert (type(account), payment) == (error, Extent(1, 1))
    with pytest.raises(error):
        await read(scene)
    assert (sorted(scene.folded()), sorted(scene.folded("payment"))) == ([], [1])
    scene.client.before = None
    await read(scene)
    assert scene.folded().keys() == {1}


async def test_where_nothing_at_all_can_be_counted_few_are_tried() -> None:
    scene, asked = Scene(), list[str]()

    def failing(document: str, variables: Mapping[str, Any]) -> None:
        if document.count("entities") == 1:
            asked.append(document)
        raise SonarFailed("busy")

    scene.client.before = failing
    found = await read_extents(cast(SonarClient, scene.client), [("accounts", True)] * 40)
    assert (len(asked), {type(one) for one in found}) == (5, {SonarFailed})
    asked.clear()

    def every_fourth(document: str, variables: Mapping[str, Any]) -> None:
        if document.count("entities") > 1:
            raise SonarFailed("busy")
        asked.append(document)
        if len(asked) % 4:
            raise SonarFailed("busy")

    scene.client.before = every_fourth
    found = await read_extents(cast(SonarClient, scene.client), [("accounts", True)] * 40)
    assert sum(isinstance(one, Extent) for one in found) == 10


async def test_what_cannot_be_counted_keeps_others_waiting_until_a_next_try_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("producers.extents._IN_VAIN", 1)
    scene, uncounted = Scene(page_size=2), ["accounts", "notes"]
    account = scene.shop.an_account()
    for number in range(9):
        scene.shop.a_payment(account, number)

    def uncountable(document: str, variables: Mapping[str, Any]) -> None:
        if "query Extent" in document and any(f" {name}(" in document for name in uncounted):
            raise SonarFailed("busy")

    def cut_off(document: str, variables: Mapping[str, Any]) -> None:
        if scene.folded("payment"):
            raise SonarUnreachable("away")

    scene.client.before = cut_off
    with pytest.raises(ExceptionGroup):
        await read(scene, only=[PAYMENT])
    assert 0 < len(scene.folded("payment")) < 9
    scene.client.before = uncountable
    with pytest.raises(SonarFailed):
        await read(scene)
    assert len(scene.folded("payment")) == 9
    uncounted.remove("notes")
    scene.shop.store.insert("Note", message="m", noteable_type="Account", noteable_id=1, priority="NORMAL")
    tries = 0
    while not scene.folded("note"):
        tries += 1
        assert tries < 100
        with pytest.raises(SonarFailed):
            await read(scene)


async def test_collections_that_are_refused_or_fail_between_others_do_not_end_the_count() -> None:
    scene, pairs = Scene(), list[bool]()

    def refused(document: str, variables: Mapping[str, Any]) -> None:
        raise SonarForbidden("the token may not read accounts")

    def all_but_every_third_pair(document: str, variables: Mapping[str, Any]) -> None:
        together = document.count("entities")
        pairs.extend([len(pairs) % 3 == 2] if together == 2 else [])
        if together > 2 or not pairs[-1]:
            raise SonarGraphqlError("Sonar answered with 1 errors")

    for failing, counted in ((refused, 0), (all_but_every_third_pair, 10)):
        scene.client.before = failing
        found = await read_extents(cast(SonarClient, scene.client), [("accounts", True)] * 32)
        assert sum(isinstance(one, Extent) for one in found) == counted


async def test_a_query_for_extents_that_sonar_does_not_know_is_no_matter_of_one_collection() -> None:
    scene = Scene()

    def unknown(document: str, variables: Mapping[str, Any]) -> None:
        raise SonarQueryInvalid("Sonar answered with 1 errors")

    scene.client.before = unknown
    with pytest.raises(SonarQueryInvalid):
        await scene.reader.extents(AGGREGATES)


async def test_a_collection_is_begun_while_the_last_pages_of_the_one_before_are_on_their_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene()
    scene.shop.an_account()
    scene.shop.a_payment(1)
    real, asked = scene.reader.page, asyncio.Event()

    async def page(aggregate: Aggregate, search: list[dict[str, Any]], rows: int) -> Page:
        if aggregate.name == "payment":
            asked.set()
        else:
            await asyncio.wait_for(asked.wait(), 10)
        return await real(aggregate, search, rows)

    monkeypatch.setattr(scene.reader, "page", page)
    await read(scene)
    assert (len(scene.events("account")), len(scene.events("payment"))) == (1, 1)
