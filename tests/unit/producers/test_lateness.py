"""How late rows become visible: each collection has an overlap of its own, and none is lost for it."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from plumbing import metrics
from producers import lateness
from producers.cursors import Cursors
from producers.followed import Followed
from producers.lateness import Lateness
from producers.reach import Reach
from schemas.aggregate import Aggregate
from tests.unit.producers.scene import Scene
from tests.unit.producers.settled import a_scene, looks, nothing_is_read

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
LEAST = timedelta(seconds=10)


class Kept(dict[str, dict[str, Any]]):
    """Cursors in memory."""

    async def save(self, name: str, document: dict[str, Any]) -> None:
        self[name] = document


def learned(kept: Kept | None = None) -> Lateness:
    """What was learned, where a look comes each second."""
    return Lateness(cast(Cursors, Kept() if kept is None else kept), LEAST)


def show(late: Lateness, collection: str, looks: int, at: datetime = NOW) -> None:
    """Show something new and timely of a collection in so many looks, and read it."""
    for number in range(looks):
        now = at + timedelta(seconds=number)
        late.saw(collection, now, now - timedelta(seconds=1), now)
    late.narrow(at, [collection])


def late_by(late: Lateness, collection: str, seconds: int, at: datetime = NOW) -> None:
    late.saw(collection, at - timedelta(seconds=seconds), at, at)


def seconds(late: Lateness, *collections: str) -> float:
    return late.width(collections).total_seconds()


def test_each_collection_has_the_overlap_that_its_own_rows_ask_for() -> None:
    late = learned()
    late_by(late, "payments", 30)
    show(late, "invoices", lateness._ENOUGH)
    late_by(late, "tickets", 8)
    show(late, "tickets", lateness._ENOUGH)
    assert [seconds(late, name) for name in ("payments", "tickets", "invoices")] == [60, 16, 10]
    assert seconds(late, "invoices", "tickets") == 16


@pytest.mark.parametrize("looks", [0, lateness._ENOUGH - 1])
def test_one_of_which_too_little_was_seen_is_taken_to_be_as_late_as_the_latest(looks: int) -> None:
    late = learned()
    late_by(late, "payments", 30)
    show(late, "invoices", looks)
    assert seconds(late, "invoices") == 60


@pytest.mark.parametrize(("late_seconds", "alarms"), [(5, 0), (6, 1)], ids=["within half the overlap", "beyond"])
def test_a_row_that_nearly_came_later_than_looks_reach_back_raises_an_alarm(late_seconds: int, alarms: int) -> None:
    """By this counter `CrossfadeLateRows` fires; half of an overlap is what it was made for."""
    counter = metrics.ERRORS.labels("capture", "capture.late_row")
    before = counter._value.get()
    late = learned()
    late_by(late, "payments", late_seconds)
    late_by(late, "payments", late_seconds)
    assert counter._value.get() == before + alarms


def test_many_rows_of_one_look_say_no_more_than_one() -> None:
    late = learned()
    late_by(late, "payments", 30)
    for _ in range(2 * lateness._ENOUGH):
        late.saw("invoices", NOW, NOW - timedelta(seconds=1), NOW)
    late.narrow(NOW, ["invoices"])
    assert seconds(late, "invoices") == 60


def test_what_befell_one_later_than_ever_may_befall_all_from_then_on() -> None:
    late = learned()
    show(late, "invoices", lateness._ENOUGH)
    late_by(late, "payments", 30)
    assert seconds(late, "invoices") == 60


@pytest.mark.parametrize(("forgetting", "width"), [(True, 10), (False, 60)], ids=["all is read", "something waits"])
async def test_what_was_learned_is_forgotten_after_a_week_unless_something_waits(forgetting: bool, width: int) -> None:
    """An overlap that narrows while a row that it found is unread would hide that row after a restart."""
    kept = Kept()
    late = learned(kept)
    late_by(late, "payments", 30)
    await late.keep(NOW, ["payments"], forgetting=True)
    await late.keep(NOW + timedelta(days=8), ["payments"], forgetting=forgetting)
    assert [seconds(one, "payments") for one in (late, learned(kept))] == [width, width]


async def test_once_the_latest_row_is_forgotten_those_count_that_came_later_in_the_week() -> None:
    kept = Kept()
    late = learned(kept)
    late_by(late, "payments", 30)
    for days, each in [(2, 5), (3, 25), (4, 20), (5, 10)]:
        late_by(late, "payments", each, NOW + timedelta(days=days))
    widths = []
    for after in (6, 8, 10.5, 11.5, 13):
        await late.keep(NOW + timedelta(days=after), ["payments"], forgetting=True)
        late = learned(kept)
        widths.append(seconds(late, "payments"))
    assert widths == [60, 50, 40, 20, 10]


async def test_a_row_no_later_than_one_a_moment_ago_is_not_worth_saving() -> None:
    kept = Kept()
    late = learned(kept)
    late_by(late, "payments", 30)
    await late.keep(NOW, ["payments"], forgetting=True)
    kept.clear()
    late_by(late, "payments", 30, NOW + timedelta(minutes=30))
    await late.keep(NOW, ["payments"], forgetting=True)
    assert not kept


def of(scene: Scene, aggregate: Aggregate, collection: str) -> Followed:
    """What is followed for an aggregate in one collection."""
    (found,) = (
        one for one in scene.changes.collections if one.aggregate is aggregate and one.thin.collection == collection
    )
    return found


class Looked:
    """Looks at accounts, of which contacts come late, and phone numbers never."""

    def __init__(self) -> None:
        scene = Scene()
        (account, *_) = scene.aggregates
        self.late = learned()
        late_by(self.late, "contacts", 30)
        show(self.late, "phone_numbers", lateness._ENOUGH)
        self.contacts, self.numbers = of(scene, account, "contacts"), of(scene, account, "phone_numbers")
        self.reach = Reach(self.late)
        self.reach.follow(scene.changes.collections)
        self.covered = NOW - self.reach.width("account")

    def begins(self, at: datetime = NOW + timedelta(seconds=1)) -> list[float]:
        """Seconds before the last look at which the next begins: contacts, phone numbers."""
        return [
            (NOW - self.reach.begin(one, self.covered, at)).total_seconds() for one in (self.contacts, self.numbers)
        ]

    def look(self, *shown: Followed) -> None:
        self.reach.looked(NOW, shown or (self.contacts, self.numbers), ())


def test_a_look_begins_behind_the_last_one_by_the_collections_own_overlap() -> None:
    scene = Looked()
    scene.look()
    scene.reach.polled({"account": NOW}, ())
    assert scene.covered == NOW - timedelta(seconds=60)
    assert scene.begins() == [60, 10]


def test_after_a_restart_a_look_begins_where_the_watermark_is() -> None:
    assert Looked().begins() == [60, 60]


def test_what_was_not_shown_is_looked_for_from_the_watermark_on() -> None:
    scene = Looked()
    scene.look(scene.contacts)
    scene.reach.polled({"account": NOW}, ())
    assert scene.begins() == [60, 60]


def test_what_was_refused_after_its_first_page_was_not_shown() -> None:
    scene = Looked()
    scene.reach.looked(NOW, (scene.contacts, scene.numbers), {"contacts"})
    assert [scene.reach.last(one) for one in (scene.contacts, scene.numbers)] == [None, NOW]


def test_who_stood_still_is_looked_at_from_the_watermark_on() -> None:
    scene = Looked()
    scene.look()
    scene.reach.polled({"account": NOW}, ["account"])
    assert scene.begins() == [60, 60]


def test_while_something_waits_a_look_goes_back_behind_it() -> None:
    scene = Looked()
    scene.look()
    scene.reach.polled({"account": NOW - timedelta(seconds=20)}, ())
    assert scene.begins() == [80, 30]


def test_an_overlap_that_has_just_become_wider_leaves_no_gap_in_the_others() -> None:
    """The watermark trails by the old width still: what it lacks to the new one is no time that was looked at."""
    scene = Looked()
    scene.look()
    scene.reach.polled({"account": NOW}, ())
    scene.late._learned["contacts"] = [(300.0, NOW)]
    assert scene.begins() == [600, 10]


def test_a_clock_of_sonars_that_goes_back_takes_the_looks_along() -> None:
    scene = Looked()
    scene.look()
    scene.reach.polled({"account": NOW}, ())
    assert scene.begins(NOW - timedelta(seconds=9)) == [69, 19]


async def a_scene_with_late_payments(monkeypatch: pytest.MonkeyPatch) -> Scene:
    """Following that has learned that payments come half a minute late, and nothing else does."""
    monkeypatch.setattr(lateness, "_ENOUGH", 0)
    scene = await a_scene()
    late_by(scene.following._lateness, "payments", 30, scene.shop.clock.now)
    await scene.following.poll()
    scene.shop.clock.tick(1)
    await scene.following.poll()
    return scene


async def test_what_is_never_late_is_not_read_again_for_what_is(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, asked = await a_scene_with_late_payments(monkeypatch), set[timedelta]()
    real = scene.following._reach.begin

    def begin(one: Followed, covered: datetime, now: datetime) -> datetime:
        at = real(one, covered, now)
        asked.add(now - at if one.thin.collection == "payments" else now - at + timedelta(days=1))
        return at

    monkeypatch.setattr(scene.following._reach, "begin", begin)
    scene.shop.clock.tick(1)
    await scene.following.poll()
    assert asked == {timedelta(seconds=61), timedelta(days=1, seconds=11)}
    assert looks(scene)


async def test_deletes_are_covered_up_to_what_waits_by_the_widest_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log is read for all at once: an aggregate whose own overlap is narrow must not let it move on."""
    scene = await a_scene_with_late_payments(monkeypatch)
    nothing_is_read(monkeypatch, scene)
    before = scene.shop.clock.now
    scene.shop.clock.tick(1)
    scene.shop.store.delete("Contact", 1)
    for _ in range(5):
        await scene.following.poll()
        scene.shop.clock.tick(1)
    assert scene.following._logged_low == before - timedelta(seconds=60)


async def test_one_of_which_enough_was_seen_keeps_its_overlap_while_something_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a wide overlap found and nobody has read yet would lie before the watermark, and be passed by a restart."""
    scene = await a_scene()
    late_by(scene.following._lateness, "payments", 30, scene.shop.clock.now)
    monkeypatch.setattr(lateness, "_ENOUGH", 3)
    with monkeypatch.context() as patch:
        nothing_is_read(patch, scene)
        for number in range(5):
            scene.shop.store.update("Account", 1, name=f"Eda {number}")
            scene.shop.a_contact(1, f"Eda {number}")
            scene.shop.clock.tick(1)
            await scene.following.poll()
        assert seconds(scene.following._lateness, "contacts") == 60
    await scene.following.poll()
    assert seconds(scene.following._lateness, "contacts") == 10


async def test_no_overlap_narrows_while_something_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await a_scene_with_late_payments(monkeypatch)
    with monkeypatch.context() as patch:
        nothing_is_read(patch, scene)
        scene.shop.store.update("Account", 1, name="Eda")
        scene.shop.clock.tick(8 * 86400)
        await scene.following.poll()
        assert scene.following.overlap == timedelta(seconds=60)
    await scene.following.poll()
    assert scene.following.overlap == timedelta(seconds=10)
