"""Sweeps find what nothing tells of; the brake holds what would empty a collection."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from plumbing import metrics
from producers.brake import CODE, LEAST
from tests.unit.producers.scene import NOTE, PAYMENT, Scene
from tests.unit.producers.settled import a_scene, nothing_is_read
from tests.unit.producers.test_billing import Ledger

LISTED = 'sorter: [{attribute: "id", direction: ASC}]'


async def swept(scene: Scene, polls: int = 150) -> None:
    """Everything is listed twice over."""
    for _ in range(polls):
        scene.shop.clock.tick(3600)
        await scene.following.poll()


async def look(scene: Scene) -> None:
    """A minute later."""
    scene.shop.clock.tick(60)
    await scene.following.poll()


def secretly_gone(scene: Scene, type_name: str, id: int) -> None:
    """A row goes and no log tells of it."""
    scene.shop.store.delete(type_name, id)
    logs = [log["id"] for log in scene.shop.store.table("Log").values() if log["type"] == "DELETED"]
    for one in logs:
        scene.shop.store.hold("Log", one)


def held() -> float:
    found: float = metrics.STAGE_PAUSED.labels("capture", CODE)._value.get()
    return found


def gone(collection: str) -> float:
    found: float = metrics.SWEPT.labels(collection, "gone")._value.get()
    return found


async def test_a_delete_that_the_log_does_not_show_is_found_and_confirmed() -> None:
    scene = await a_scene()
    scene.shop.a_payment(1, 5)
    await scene.following.poll()
    secretly_gone(scene, "Payment", 1)
    scene.shop.clock.tick(60)
    await scene.following.poll()
    assert 1 in scene.folded("payment")
    await swept(scene)
    assert scene.folded("payment").keys() == {2}
    (event,) = [one for one in scene.events("payment") if one["op"] == "d"]
    assert event["source"]["owner_id"] == 1


async def test_of_what_a_snapshot_has_not_read_in_full_nothing_is_swept_and_the_rest_is() -> None:
    scene = await a_scene()
    other = scene.shop.an_account("Eda")
    scene.shop.a_payment(1, 5)
    for _ in range(2):
        scene.shop.store.insert("Note", message="m", noteable_type="Account", noteable_id=1, priority="NORMAL")
    await look(scene)
    for type_name in ("Payment", "Note"):
        secretly_gone(scene, type_name, 1)
    secretly_gone(scene, "Account", other)
    scene.client.purposes.clear()
    for _ in range(150):
        scene.shop.clock.tick(3600)
        await scene.following.poll(sweeping={"account", "payment"})
    # Notes look accounts up, and hold up nothing of theirs.
    assert (sorted(scene.folded()), sorted(scene.folded("payment")), sorted(scene.folded("note"))) == ([1], [2], [1, 2])
    assert "notes" not in {one.collection for one in scene.client.purposes if one.purpose == "sweep"}
    for _ in range(150):
        scene.shop.clock.tick(3600)
        await scene.following.poll()
    assert scene.folded("note").keys() == {2}


async def test_what_is_looked_up_is_not_swept_before_its_own_snapshot_is_complete() -> None:
    """What it does not miss would say nothing of what the brake holds of its roots."""
    scene = await a_scene()
    scene.client.purposes.clear()
    for _ in range(150):
        scene.shop.clock.tick(3600)
        await scene.following.poll(sweeping={"payment", "note"})
    swept = {one.collection for one in scene.client.purposes if one.purpose == "sweep"}
    assert "payments" in swept
    assert "accounts" not in swept


async def test_a_listing_goes_on_where_a_look_failed_meanwhile() -> None:
    scene = await a_scene()
    await look(scene)
    listing = scene.following.sweep._listing
    assert listing is not None
    pages = listing.last
    scene.following._changes.standing[listing.collection] = "sonar.timeout"
    while scene.following.sweep._listing is listing and listing.ended is None:
        scene.shop.clock.tick(3600)
        await scene.following.sweep.step(scene.shop.clock.now, scene.shop.clock.now)
    assert listing.ended is not None
    assert listing.last >= pages > 0


async def test_a_listing_that_may_not_go_on_gives_way() -> None:
    """Such as when a snapshot of its collection is begun anew."""
    scene = await a_scene()
    listed = list[str | None]()
    for name in ("payment", "note"):
        scene.shop.clock.tick(86400)
        scene.client.purposes.clear()
        while not any(one.purpose == "sweep" for one in scene.client.purposes):
            await scene.following.poll(sweeping={name})
        listed += {one.collection for one in scene.client.purposes if one.purpose == "sweep"}
    assert (listed[0], len(listed)) == ("payments", 2)
    assert listed[1] != "payments"


async def test_what_a_sweep_found_and_nobody_has_read_yet_is_found_again_after_a_restart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = await a_scene()
    scene.shop.a_payment(1, 5)
    await scene.following.poll()
    secretly_gone(scene, "Payment", 1)
    with monkeypatch.context() as patch:
        nothing_is_read(patch, scene)
        await swept(scene)
    assert "payments" in scene.following.sweep.swept
    scene.restart()
    await scene.begin()
    assert "payments" not in scene.following.sweep.swept
    await swept(scene)
    assert scene.folded("payment").keys() == {2}
    scene.restart()
    assert "payments" in scene.following.sweep.swept


async def test_while_what_a_sweep_found_is_unread_the_sweep_before_it_counts_after_a_restart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = await a_scene()
    scene.shop.a_payment(1, 5)
    await scene.following.poll()
    await swept(scene)
    await scene.following.poll()
    before = scene.following.sweep.swept["payments"]
    secretly_gone(scene, "Payment", 1)
    with monkeypatch.context() as patch:
        nothing_is_read(patch, scene)
        await swept(scene)
        assert scene.following.sweep.swept["payments"] > before
        await scene.following.poll()
    scene.restart()
    await scene.begin()
    assert scene.following.sweep.swept["payments"] == before


async def test_a_child_that_goes_unseen_is_missed_by_the_sweep_and_its_root_read_again() -> None:
    scene = await a_scene()
    scene.shop.a_contact(1, "Eda")
    await scene.following.poll()
    secretly_gone(scene, "Contact", 1)
    await swept(scene)
    assert [one["name"] for one in scene.folded()[1]["contacts"]] == ["Eda"]


async def test_a_change_that_did_not_move_its_time_is_found() -> None:
    scene = await a_scene()
    row = scene.shop.store.table("Account")[1]
    scene.shop.store.update("Account", 1, name="Eda", at=row["updated_at"])
    scene.shop.clock.tick(60)
    await scene.following.poll()
    assert scene.folded()[1]["name"] == "Ada"
    await swept(scene)
    assert scene.folded()[1]["name"] == "Eda"


async def test_a_row_that_is_hidden_for_a_moment_is_not_taken_for_gone() -> None:
    scene = await a_scene()
    scene.shop.store.hold("Payment", 1)
    while not any("payments" in one and LISTED in one for one in scene.client.asked):
        scene.shop.clock.tick(3600)
        await scene.following.poll()
    scene.shop.store.release("Payment", 1)
    await swept(scene)
    assert [one["op"] for one in scene.events("payment")] == ["r"]


async def test_a_sweep_goes_a_page_at_a_time_through_the_day() -> None:
    scene = await a_scene()
    scene.client.asked.clear()
    for _ in range(60):
        scene.shop.clock.tick(1)
        await scene.following.poll()
    assert len([one for one in scene.client.asked if "query Changed" in one]) <= 60 + 2


async def test_what_would_empty_a_collection_is_held_until_somebody_accepts_it() -> None:
    scene = await a_scene()
    for number in range(2 * LEAST):
        scene.shop.a_payment(1, number)
    await scene.following.poll()
    scene.shop.clock.tick(60)
    for id in range(2, 2 * LEAST + 2):
        scene.shop.store.delete("Payment", id)
    await scene.following.poll()
    before = scene.following.low
    for _ in range(3):
        scene.shop.clock.tick(60)
        await scene.following.poll()
    assert len(scene.folded("payment")) == 2 * LEAST + 1
    assert scene.following.low == before
    assert scene.following.brake.held["payments"].missing == 2 * LEAST
    assert held() == 1
    scene.restart()
    await scene.begin()
    assert scene.following.brake.held["payments"].missing == 2 * LEAST
    await scene.following.accept_deletes(["payments"])
    for _ in range(3):
        scene.shop.clock.tick(60)
        await scene.following.poll()
    assert scene.folded("payment").keys() == {1}
    assert (scene.following.brake.held, held()) == ({}, 0)


async def test_what_the_log_told_of_while_a_listing_was_under_way_is_no_second_delete_to_the_brake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = await a_scene()
    ids = [scene.shop.a_payment(1, number) for number in range(LEAST)]
    await look(scene)
    for module in ("thin_pages", "sweep"):
        monkeypatch.setattr(f"producers.{module}.PAGE", 4)
    listing = None
    while listing is None or listing.collection != "payments":
        scene.shop.clock.tick(3600)
        await scene.following.poll()
        listing = scene.following.sweep._listing
    for id in ids[5:]:
        scene.shop.store.delete("Payment", id)
    for _ in range(40):
        scene.shop.clock.tick(600)
        await scene.following.poll()
    assert "payments" in scene.following.sweep.swept
    assert len([one for one in scene.events("payment") if one["op"] == "d"]) == LEAST - 5
    assert not scene.following.brake.held


async def test_what_is_accepted_is_what_was_held_and_no_more() -> None:
    scene = await a_scene()
    for number in range(3 * LEAST):
        scene.shop.a_payment(1, number)
    await scene.following.poll()
    for id in range(2, LEAST + 10):
        scene.shop.store.delete("Payment", id)
    scene.shop.clock.tick(60)
    await scene.following.poll()
    await scene.following.accept_deletes(["payments"])
    for id in range(LEAST + 10, 2 * LEAST):
        scene.shop.store.delete("Payment", id)
    scene.shop.clock.tick(60)
    await scene.following.poll()
    assert scene.following.brake.held["payments"].missing == 2 * LEAST - 2


async def test_a_permission_that_hides_rows_from_a_sweep_trips_the_brake_too() -> None:
    scene = await a_scene()
    ids = [scene.shop.a_payment(1, number) for number in range(2 * LEAST)]
    await scene.following.poll()
    for id in ids:
        scene.shop.store.hold("Payment", id)
    await swept(scene)
    assert len(scene.folded("payment")) == 2 * LEAST + 1
    assert scene.following.brake.held["payments"].missing == 2 * LEAST


async def unseen_masses(scene: Scene) -> list[int]:
    """Payments go of which no log tells, more than is usual; a sweep misses them."""
    ids = [scene.shop.a_payment(1, number) for number in range(2 * LEAST)]
    await scene.following.poll()
    for id in ids:
        secretly_gone(scene, "Payment", id)
    await swept(scene)
    assert scene.following.brake.held["payments"].missing == 2 * LEAST
    return ids


async def test_while_the_brake_holds_what_a_sweep_found_no_delete_of_it_is_said_to_be_covered() -> None:
    scene = await a_scene()
    await unseen_masses(scene)
    since = datetime.fromisoformat(scene.following.brake.held["payments"].since)
    assert since < scene.shop.clock.now - timedelta(hours=10)
    assert scene.following.deletes_covered(PAYMENT) == scene.following.deletes_low == since
    assert metrics.DELETES_WATERMARK_SECONDS._value.get() == since.timestamp()
    covered = scene.shop.clock.now - timedelta(seconds=10)
    # Changes go on, and what is not held goes on; the log is not read from back then.
    assert (scene.following.low, scene.following.deletes_covered(NOTE)) == (covered, covered)
    scene.shop.store.delete("Contact", 1)
    asked: list[datetime] = []

    def note(document: str, variables: Mapping[str, Any]) -> None:
        if " logs(" in document:
            times = [one["datetime_fields"][0] for one in variables["search"]]
            asked.extend(datetime.fromisoformat(one["search_value"]) for one in times)

    scene.client.before = note
    await look(scene)
    assert min(asked) >= covered - timedelta(seconds=1)
    assert scene.folded()[1]["contacts"] == []


@pytest.mark.parametrize("restarted", [False, True], ids=["at work", "restarted"])
async def test_what_was_accepted_of_a_sweep_is_listed_at_once(restarted: bool) -> None:
    scene = await a_scene()
    ids = await unseen_masses(scene)
    await scene.following.accept_deletes(["payments"])
    held_since = scene.following.deletes_low
    if restarted:
        scene.restart()
        await scene.begin()
    scene.shop.clock.tick(1)
    await scene.following.poll()
    assert scene.following.deletes_low == held_since  # what is accepted is not gone yet
    for _ in range(4):
        scene.shop.clock.tick(10)
        await scene.following.poll()
    assert scene.folded("payment").keys() == {1}
    assert len([one for one in scene.events("payment") if one["op"] == "d"]) == len(ids)
    await look(scene)
    assert scene.following.deletes_low == scene.shop.clock.now - timedelta(seconds=10)
    scene.client.asked.clear()
    await look(scene)
    assert not [one for one in scene.client.asked if LISTED in one]  # and then sweeps are spread again


async def test_a_listing_gives_way_to_what_was_accepted() -> None:
    scene = await a_scene()
    await unseen_masses(scene)
    sweep = scene.following.sweep
    while sweep._listing is None or sweep._listing.collection == "payments":
        scene.shop.clock.tick(3600)
        await scene.following.poll()
    await scene.following.accept_deletes(["payments"])
    scene.client.purposes.clear()
    scene.shop.clock.tick(1)
    await scene.following.poll()
    assert [one.collection for one in scene.client.purposes if one.purpose == "sweep"] == ["payments"]


@pytest.mark.parametrize("by", ["sweep", "log"])
async def test_what_was_accepted_counts_no_more_once_its_rows_are_there_again(by: str) -> None:
    """A right that was lost and came back: who loses it again months later has not been asked about it."""
    scene = await a_scene()
    ids = [scene.shop.a_payment(1, number) for number in range(2 * LEAST)]
    await look(scene)
    for id in ids:
        (scene.shop.store.hold if by == "sweep" else scene.shop.store.delete)("Payment", id)
    await swept(scene) if by == "sweep" else await look(scene)
    await scene.following.accept_deletes(["payments"])
    for id in ids:
        scene.shop.store.release("Payment", id) if by == "sweep" else scene.shop.a_payment(1, 7, id=id)
    for _ in range(5):
        await look(scene)
    for id in ids:
        scene.shop.store.hold("Payment", id)
    await swept(scene)
    assert len(scene.folded("payment")) == 2 * LEAST + 1
    assert scene.following.brake.held["payments"].missing == 2 * LEAST


async def test_what_was_accepted_of_children_counts_no_more_once_they_are_there_again() -> None:
    scene = await a_scene()
    ids = [scene.shop.a_contact(1, f"C{number}") for number in range(2 * LEAST)]
    await look(scene)
    for round in ("held", "held again"):
        for id in ids:
            scene.shop.store.hold("Contact", id)
        await swept(scene, 80)
        assert scene.following.brake.held["contacts"].missing == 2 * LEAST, round
        await scene.following.accept_deletes(["contacts"])
        for id in ids:
            scene.shop.store.release("Contact", id)
        for _ in range(3):
            await look(scene)
    assert len(scene.folded()[1]["contacts"]) == 2 * LEAST + 1


async def test_a_delete_that_the_log_tells_of_releases_nothing_that_a_sweep_found() -> None:
    scene = await a_scene()
    await unseen_masses(scene)
    scene.shop.a_payment(1, 7)
    scene.shop.store.delete("Payment", 1)
    await look(scene)
    assert [one["source"]["sonar_id"] for one in scene.events("payment") if one["op"] == "d"] == [1]
    assert (scene.following.brake.held["payments"].missing, held()) == (2 * LEAST, 1)


async def test_what_the_log_told_of_is_held_no_more_once_it_is_there_again() -> None:
    scene = await a_scene()
    ids = [scene.shop.a_payment(1, number) for number in range(2 * LEAST)]
    await look(scene)
    for id in ids:
        scene.shop.store.delete("Payment", id)
    await look(scene)
    assert held() == 1
    for id in ids:
        scene.shop.a_payment(1, 7, id=id)
    for _ in range(8):
        await look(scene)
    assert held() == 0
    assert len(scene.folded("payment")) == 2 * LEAST + 1


@pytest.mark.fault(24)
async def test_the_overlap_learns_how_late_rows_become_visible() -> None:
    scene = await a_scene()
    assert scene.following.overlap == timedelta(seconds=10)
    late = scene.shop.a_payment(1, 5)
    scene.shop.store.hold("Payment", late)
    for _ in range(8):
        scene.shop.clock.tick(1)
        await scene.following.poll()
    scene.shop.store.release("Payment", late)
    scene.shop.clock.tick(1)
    await scene.following.poll()
    assert late in scene.folded("payment")
    assert scene.following.overlap == timedelta(seconds=16)
    scene.restart()
    assert scene.following.overlap == timedelta(seconds=16)
    scene.shop.clock.tick(8 * 86400)
    await scene.following.poll()
    assert scene.following.overlap == timedelta(seconds=10)


async def test_a_collection_that_looks_empty_all_at_once_is_not_believed() -> None:
    scene = await a_scene()
    scene.damage(emptied=frozenset({"payments"}))
    await swept(scene)
    assert scene.folded("payment").keys() == {1}
    assert scene.following.brake.held["payments"].missing == 1
    scene.damage()
    await swept(scene)
    assert scene.folded("payment").keys() == {1}
    assert not scene.following.brake.held


async def test_a_logged_delete_is_not_believed_while_its_collection_looks_empty() -> None:
    scene = await a_scene()
    other = scene.shop.a_payment(1, 5)
    await scene.following.poll()
    scene.shop.clock.tick(60)
    scene.shop.store.delete("Payment", other)
    scene.damage(emptied=frozenset({"payments"}))
    await scene.following.poll()
    assert scene.folded("payment").keys() == {1, other}
    scene.damage()
    await scene.following.poll()
    assert scene.folded("payment").keys() == {1}


async def test_a_look_up_that_changes_while_its_carriers_look_gone_reaches_them_later() -> None:
    scene = await a_scene()
    scene.damage(emptied=frozenset({"accounts"}))
    scene.shop.store.update("AccountStatus", scene.shop.status, name="Other")
    await scene.following.poll()
    scene.shop.clock.tick(60)
    await scene.following.poll()
    scene.damage()
    await swept(scene)
    assert scene.folded()[1]["account_status"] == {"name": "Other"}


async def test_a_collection_that_several_follow_is_listed_once_and_means_to_each_what_it_is_to_it() -> None:
    ledger = Ledger()
    first, second = (ledger.a_charge(invoice_id=ledger.an_invoice()) for _ in range(2))
    await ledger.begin()
    scene = ledger.scene
    secretly_gone(scene, "Debit", first)
    scene.client.asked.clear()
    told = gone("debits")
    while scene.following.sweep.oldest is None:
        scene.shop.clock.tick(3600)
        await scene.following.poll()
    listed = [one for one in scene.client.asked if "c0: debits(" in one and LISTED in one and "c1:" not in one]
    assert len(listed) == 3  # a page, the end, and what was missing once more
    assert scene.folded("debit").keys() == {second}
    assert [len(one["debits"]) for one in scene.folded("invoice").values()].count(1) == 1
    assert gone("debits") == told + 1


async def test_the_rest_of_a_collection_of_which_some_were_deleted_before_is_believed_to_be_gone() -> None:
    scene = await a_scene()
    others = [scene.shop.a_payment(1, amount) for amount in (5, 6)]
    await scene.following.poll()
    scene.shop.store.delete("Payment", others[0])
    scene.shop.clock.tick(60)
    await scene.following.poll()
    assert scene.index.size("payments", "payments") == 2
    for id in (1, others[1]):
        scene.shop.store.delete("Payment", id)
    scene.shop.clock.tick(60)
    await scene.following.poll()
    assert scene.folded("payment") == {}
    scene.shop.clock.tick(60)
    await scene.following.poll()
    assert scene.following.deletes_low == scene.shop.clock.now - timedelta(seconds=10)
    scene.shop.a_payment(1, 7, id=1)
    await scene.following.poll()
    assert scene.index.size("payments", "payments") == 1
