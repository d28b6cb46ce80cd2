"""Following over an invented ISP: what changes is published, what is gone is deleted, and only then is it covered."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from clients.sonar_purpose import Asked
from plumbing import metrics
from producers import changes, following, publisher, rereading
from tests.unit.producers.scene import ACCOUNT, AGGREGATES, PAYMENT, Scene


async def a_scene(*, page_size: int = 3) -> Scene:
    """An account with a contact and a payment, snapshotted a while ago."""
    scene = Scene(page_size=page_size)
    account = scene.shop.an_account("Ada")
    scene.shop.a_contact(account, "Ada")
    scene.shop.a_payment(account)
    await scene.begin()
    await scene.snapshot.run(AGGREGATES, asyncio.Event(), started=scene.shop.clock.now, force=None)
    scene.shop.clock.tick(60)
    await scene.following.poll()
    scene.shop.clock.tick(60)
    return scene


def looks(scene: Scene) -> list[str]:
    return [one for one in scene.client.asked if "query Changed" in one]


def ops(scene: Scene, aggregate: str = "account") -> list[str]:
    return [event["op"] for event in scene.events(aggregate)]


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


async def test_a_changed_child_reads_its_root_again() -> None:
    scene = await a_scene()
    scene.shop.a_phone(1, "0145550199")
    await scene.following.poll()
    (person,) = scene.folded()[1]["contacts"]
    assert person["phone_numbers"][0]["number"] == "0145550199"


@pytest.mark.fault(36)
async def test_a_child_that_moves_reads_both_roots_again() -> None:
    scene = await a_scene()
    other = scene.shop.an_account("Bea")
    await scene.following.poll()
    scene.shop.store.update("Contact", 1, contactable_id=other)
    await scene.following.poll()
    assert scene.folded()[1]["contacts"] == []
    assert [one["name"] for one in scene.folded()[other]["contacts"]] == ["Ada"]


@pytest.mark.fault(36)
async def test_a_row_that_a_root_only_refers_to_is_not_taken_for_its_own() -> None:
    scene = await a_scene()
    other = scene.shop.an_account("Bea")
    home = scene.shop.an_address(1, city="Chicago")
    scene.shop.store.insert(
        "ServiceableAddressAccountAssignmentHistory", account_id=1, address_id=home, start_date="2026-01-01",
        end_date="2026-02-01",
    )  # fmt: skip
    await scene.following.poll()
    scene.shop.clock.tick(60)
    scene.shop.store.update("Address", home, addressable_id=other)
    scene.shop.store.update("Account", 1, name="Eda")  # read again, it still shows where it once lived
    await scene.following.poll()
    known = scene.index.child("accounts", "addresses", home)
    assert known is not None
    assert known.root == other
    scene.shop.clock.tick(60)
    assert await scene.following.poll() == scene.shop.clock.now - timedelta(seconds=10)
    assert [one["city"] for one in scene.folded()[other]["addresses"]] == ["Chicago"]


@pytest.mark.fault(37)
async def test_a_root_counts_as_read_only_when_it_shows_the_child_in_its_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = await a_scene()
    stale = scene.shop.engine.execute
    scene.shop.store.update("Contact", 1, name="Eda")
    behind = True

    def lagging(query: str, *rest: Any) -> Any:
        answer = stale(query, *rest)
        if behind and "query Page" in query and "accounts" in answer["data"]:
            for row in answer["data"]["accounts"]["entities"]:
                for contact in row["contacts"]["entities"]:
                    contact["name"], contact["_version"] = "Ada", "an older one"
        return answer

    monkeypatch.setattr(scene.shop.engine, "execute", lagging)
    held = await scene.following.poll()
    scene.shop.clock.tick(60)
    assert await scene.following.poll() == held  # the watermark waits for the child
    behind = False
    covered = await scene.following.poll()
    assert covered == scene.shop.clock.now - timedelta(seconds=10)
    assert scene.folded()[1]["contacts"][0]["name"] == "Eda"


@pytest.mark.fault(37)
@pytest.mark.parametrize("then", ["changes again", "moves on", "is deleted"])
async def test_a_child_that_changes_again_before_its_root_is_read_holds_nothing_back(then: str) -> None:
    scene = await a_scene()
    third = scene.shop.an_account("Cleo")
    await scene.following.poll()
    scene.shop.store.update("Contact", 1, name="Eda", contactable_id=scene.shop.an_account("Bea"))

    def meanwhile(document: str, _: Mapping[str, Any]) -> None:
        if "query Page" in document:
            scene.client.before = None
            if then == "moves on":
                scene.shop.store.update("Contact", 1, contactable_id=third)
            elif then == "is deleted":
                scene.shop.store.delete("Contact", 1)
            else:
                scene.shop.store.update("Contact", 1, name="Ida")

    scene.client.before = meanwhile
    await scene.following.poll()
    scene.shop.clock.tick(60)
    covered = await scene.following.poll()
    assert covered == scene.shop.clock.now - timedelta(seconds=10)
    shown = {id: [one["name"] for one in row["contacts"]] for id, row in scene.folded().items()}
    last = {"changes again": {3: ["Ida"]}, "moves on": {third: ["Eda"]}, "is deleted": {}}[then]
    assert shown == {1: [], 2: [], 3: []} | last
    for _ in range(25):  # nothing that would give up in the end stays behind
        await scene.following.poll()
    assert len(scene.following._demands) == 0


async def test_a_pivot_is_seen_in_the_log_though_no_row_changes() -> None:
    scene = await a_scene()
    group = scene.shop.a_group("Staff")
    scene.shop.store.attach("Account", 1, "account_groups", group)
    await scene.following.poll()
    assert [one["name"] for one in scene.folded()[1]["account_groups"]] == ["Staff"]
    scene.shop.clock.tick()
    scene.shop.store.detach("Account", 1, "account_groups", group)
    await scene.following.poll()
    assert scene.folded()[1]["account_groups"] == []


async def test_a_deleted_child_reads_its_root_again() -> None:
    scene = await a_scene()
    scene.shop.store.delete("Contact", 1)
    await scene.following.poll()
    assert scene.folded()[1]["contacts"] == []
    assert scene.index.child("accounts", "contacts", 1) is None


async def test_a_deleted_root_becomes_a_delete_with_its_last_owner() -> None:
    scene = await a_scene()
    scene.shop.store.delete("Payment", 1)
    await scene.following.poll()
    await scene.following.poll()
    read, gone = scene.events("payment")
    assert (gone["op"], gone["after"], gone["source"]["owner_id"]) == ("d", None, 1)
    assert int(gone["source"]["sequence"]) > int(read["source"]["sequence"])


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


async def test_a_change_that_was_seen_late_and_not_read_is_found_again_after_a_restart() -> None:
    scene = await a_scene()
    scene.shop.store.update("Contact", 1, name="Eda")
    scene.shop.clock.tick(3600)  # an outage, longer than the safety lag
    scene.shop.store.hold("Account", 1)
    await scene.following.poll()
    scene.shop.store.release("Account", 1)
    scene.restart()
    await scene.begin()
    await scene.following.poll()
    assert scene.folded()[1]["contacts"][0]["name"] == "Eda"


async def test_what_failed_to_be_read_is_seen_again_by_the_next_poll() -> None:
    scene = await a_scene()
    scene.shop.store.update("Account", 1, name="Eda")

    def fail(document: str, variables: Mapping[str, Any]) -> None:
        if "query Page" in document:
            raise ConnectionError

    scene.client.before = fail
    low = scene.following.low
    with pytest.raises(ConnectionError):
        await scene.following.poll()
    assert scene.following.low == low
    scene.client.before = None
    scene.restart()
    await scene.begin()
    await scene.following.poll()
    assert scene.folded()[1]["name"] == "Eda"


@pytest.mark.fault(41)
async def test_without_the_right_to_read_the_log_changes_go_on_and_deletes_wait() -> None:
    scene = await a_scene()
    before = scene.following.deletes_low
    scene.shop.store.delete("Payment", 1)
    scene.shop.store.update("Account", 1, name="Eda")
    scene.damage(denied=frozenset({"logs"}))
    for _ in range(10):
        scene.shop.clock.tick(60)
        covered = await scene.following.poll()
    assert scene.folded()[1]["name"] == "Eda"
    assert (scene.following.low, scene.following.deletes_low) == (covered, before)
    scene.damage()
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


def paused() -> float | None:
    labels = {"stage": "capture", "code": "sonar.forbidden"}
    return metrics.REGISTRY.get_sample_value("crossfade_stage_paused", labels)


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


def _an_assignment(scene: Scene, type_name: str, id: int) -> int:
    return scene.shop.store.insert(
        "IpAssignment", ipassignmentable_type=type_name, ipassignmentable_id=id, soft=False, subnet="10.0.0.7/32",
        subnet_id=1,
    )  # fmt: skip


def _addresses_of(scene: Scene, account: int) -> list[str]:
    return [held["subnet"] for one in scene.folded()[account]["radius_accounts"] for held in one["ip_assignments"]]


async def test_a_grandchild_finds_its_root_through_the_child_that_it_names() -> None:
    scene = await a_scene()
    other = scene.shop.an_account("Bea")
    mine, theirs = (
        scene.shop.store.insert("RadiusAccount", account_id=account, username=f"u{account}") for account in (1, other)
    )
    await scene.following.poll()
    scene.shop.clock.tick(60)
    assignment = _an_assignment(scene, "RadiusAccount", mine)
    await scene.following.poll()
    assert _addresses_of(scene, 1) == ["10.0.0.7/32"]
    scene.shop.clock.tick(60)
    scene.shop.store.update("IpAssignment", assignment, ipassignmentable_id=theirs)
    await scene.following.poll()
    assert _addresses_of(scene, 1) == []
    assert _addresses_of(scene, other) == ["10.0.0.7/32"]
    scene.shop.clock.tick(60)
    assert await scene.following.poll() == scene.shop.clock.now - timedelta(seconds=10)


async def test_a_polymorphic_relation_is_read_as_the_type_that_it_leads_to_and_gives_the_owner() -> None:
    scene = await a_scene()
    radius = scene.shop.store.insert("RadiusAccount", account_id=1, username="u1")
    await scene.following.poll()
    scene.shop.clock.tick(60)
    for type_name, id in (("Account", 1), ("Contact", 1), ("RadiusAccount", radius)):
        scene.shop.store.insert("Note", message="m", noteable_type=type_name, noteable_id=id, priority="NORMAL")
    await scene.following.poll()
    on_account, on_contact, on_radius = (scene.folded("note")[id] for id in sorted(scene.folded("note")))
    assert (on_account["account"]["name"], on_account["contact"]) == ("Ada", None)
    assert (on_contact["account"], on_contact["contact"]["name"]) == (None, "Ada")
    assert (on_radius["account"], on_radius["contact"]) == (None, None)
    owners = [event["source"]["owner_id"] for event in scene.events("note")]
    assert owners == [1, None, 1]


async def test_more_collections_than_one_request_takes_are_asked_for_in_several(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = await a_scene()
    monkeypatch.setattr(changes, "_TOGETHER", 3)
    scene.shop.store.update("Account", 1, name="Eda")
    scene.shop.store.update("Payment", 1, amount=777)
    scene.client.asked.clear()
    await scene.following.poll()
    assert all(one.count("entities") <= 3 for one in looks(scene))
    assert (scene.folded()[1]["name"], scene.folded("payment")[1]["amount"]) == ("Eda", 777)


async def test_one_collection_that_is_refused_is_found_by_halving() -> None:
    scene = await a_scene()
    scene.damage(denied=frozenset({"notes"}))
    scene.client.asked.clear()
    await scene.following.poll()
    followed = looks(scene)[0].count("entities")
    assert len(looks(scene)) <= 1 + 2 * followed.bit_length()
    assert scene.following.halted == ["notes"]


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


async def test_what_changed_in_a_long_outage_is_read_while_it_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await a_scene()
    monkeypatch.setattr(following, "_MANY", 10)
    monkeypatch.setattr(changes, "PAGE", 5)
    monkeypatch.setattr(rereading, "_PAGES", 2)
    most, real = 0, rereading.Rereading.meet

    async def meet(self: rereading.Rereading, aggregates: Any, now: Any) -> None:
        nonlocal most
        most = max(most, len(self._demands))
        await real(self, aggregates, now)

    monkeypatch.setattr(rereading.Rereading, "meet", meet)
    for number in range(60):
        scene.shop.a_payment(1, number)
        scene.shop.clock.tick(10)
    asked = len(looks(scene))
    scene.shop.clock.tick(60)
    await scene.following.poll()
    assert len(scene.folded("payment")) == 61
    assert most <= 10 + 5
    assert len(looks(scene)) - asked <= 61 // 5 + 2  # each row is looked for once, however many pages its reading takes
    scene.shop.clock.tick(10)
    await scene.following.poll()
    assert scene.following.low == scene.shop.clock.now - timedelta(seconds=10)


async def test_demands_that_cannot_be_met_are_not_asked_for_with_every_page(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await a_scene()
    monkeypatch.setattr(following, "_MANY", 10)
    monkeypatch.setattr(changes, "PAGE", 5)
    scene.damage(denied=frozenset({"Account.contacts"}))
    for number in range(60):
        scene.shop.an_account(f"A{number}")
        scene.shop.clock.tick()
    scene.client.purposes.clear()
    scene.shop.clock.tick(60)
    await scene.following.poll()
    # One refusal for each ten more that wait, and the poll's own.
    assert scene.client.purposes[Asked("re-read", "accounts")] <= 60 // 10 + 1


async def test_what_was_left_out_for_a_while_goes_on_from_where_it_stood() -> None:
    scene = await a_scene()
    gone = scene.shop.a_payment(1, 5)
    await scene.following.poll()
    everything, scene.aggregates = scene.aggregates, (ACCOUNT,)
    scene.restart()
    await scene.begin()
    scene.shop.store.update("Payment", 1, amount=7)
    scene.shop.store.delete("Payment", gone)
    for _ in range(3):
        scene.shop.clock.tick(7200)
        await scene.following.poll()
    assert scene.following.low == scene.shop.clock.now - timedelta(seconds=10)
    scene.aggregates = everything
    scene.restart()
    await scene.begin()
    assert scene.following.covered(PAYMENT) < scene.shop.clock.now - timedelta(hours=6)  # type: ignore[operator]
    await scene.following.poll()
    assert {id: row["amount"] for id, row in scene.folded("payment").items()} == {1: 7}
    scene.shop.clock.tick(60)
    await scene.following.poll()
    assert scene.following.low == scene.following.deletes_low == scene.shop.clock.now - timedelta(seconds=10)


@pytest.mark.parametrize("then", ["deleted", "as before"])
async def test_an_event_that_a_kill_kept_from_the_index_is_followed_by_what_is_so_now(then: str) -> None:
    scene = await a_scene()
    topic = scene.topics.sonar("payment")
    if then == "deleted":
        id = scene.shop.a_payment(1, 5)
    else:
        id = 1
        scene.shop.store.update("Payment", id, amount=7)
    await scene.following.poll()
    last = max(place for place, (name, *_) in enumerate(scene.broker.messages) if name == topic)
    del scene.broker.messages[last + 1 :]  # the process was killed when the broker had the event, and nothing after it
    scene.restart()
    await scene.begin()
    if then == "deleted":
        scene.shop.store.delete("Payment", id)
    else:
        scene.shop.store.update("Payment", id, amount=100)
    scene.shop.clock.tick(5)
    await scene.following.poll()
    assert {id: row["amount"] for id, row in scene.folded("payment").items()} == {1: 100}
    scene.restart()
    await scene.begin()
    published = len(scene.events("payment"))
    await scene.following.poll()
    assert len(scene.events("payment")) == published  # after an end in order nothing is in doubt
