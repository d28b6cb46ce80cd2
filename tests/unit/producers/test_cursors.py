"""Cursors, index and signals as they lie on their topics."""

import asyncio
import threading
from types import SimpleNamespace
from typing import cast

import pytest
from confluent_kafka import Message

from plumbing.errors import ExitCode
from plumbing.kafka import AckedProducer
from plumbing.settings import KafkaSettings
from producers import cursors
from producers.cursors import Cursors, CursorUnusable
from producers.families import Child, Root
from producers.lease import LeaseLost
from producers.pace import pause_after
from producers.sequence import SequenceBehind
from producers.versions import NONE
from schemas.topics import Topics
from tests.unit.producers.scene import Scene

KAFKA = KafkaSettings(bootstrap="127.0.0.1:1")


def load(monkeypatch: pytest.MonkeyPatch, *messages: tuple[bytes, bytes | None]) -> Cursors:
    read = [Message(topic="cursors", key=key, value=value) for key, value in messages]
    monkeypatch.setattr(cursors, "read_whole", lambda *_: iter(read))
    return Cursors.load(KAFKA, Topics("main"), None, lambda: None)  # type: ignore[arg-type]


def test_the_last_value_of_a_cursor_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load(
        monkeypatch,
        (b"follow", b'{"instance": "main", "cursor": {"at": "a"}}'),
        (b"follow", b'{"instance": "main", "cursor": {"at": "b"}}'),
    )
    assert loaded.get("follow") == {"at": "b"}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        pytest.param(b"{", "is not a cursor of ours", id="cut off"),
        pytest.param(b"[]", "is not a cursor of ours", id="not a document"),
        pytest.param(b'{"instance": "main", "cursor": 3}', "is not a cursor of ours", id="not a cursor"),
        pytest.param(b'{"instance": "x", "cursor": {}}', "cursors belongs to instance 'x'", id="another instance's"),
    ],
)
def test_a_cursor_that_cannot_be_used_halts_instead_of_starting_from_nothing(
    monkeypatch: pytest.MonkeyPatch, value: bytes, says: str
) -> None:
    with pytest.raises(CursorUnusable, match=says) as unusable:
        load(monkeypatch, (b"follow", value))
    assert unusable.value.exit_code is ExitCode.USAGE


async def test_of_saves_that_overlap_the_one_handed_over_last_counts_whichever_returns_first() -> None:
    flushes: list[threading.Event] = [threading.Event(), threading.Event()]
    waiting = iter(flushes)
    producer = SimpleNamespace(produce=lambda *_, **__: None, flush=lambda: next(waiting).wait(30))
    kept = Cursors("main", "cursors", cast("AckedProducer", producer), {}, lambda: None)
    first = asyncio.create_task(kept.save("snapshot:account", {"read": 1}))
    await asyncio.sleep(0)  # it hands its own over before the second does
    second = asyncio.create_task(kept.save("snapshot:account", {"read": 2}))
    flushes[1].set()
    await second
    flushes[0].set()
    await first
    assert kept.get("snapshot:account") == {"read": 2}


async def test_a_reservation_is_acknowledged_before_its_first_number_is_used() -> None:
    scene = Scene()
    await scene.numbers.reserve(scene.shop.clock.now)
    ((key, value),) = scene.broker.of(scene.topics.cursors)
    assert key == b"sequence"
    assert await scene.numbers.take() < value["cursor"]["end"]


async def test_a_new_holder_starts_above_every_number_of_the_one_before() -> None:
    scene = Scene()
    await scene.begin()
    taken = [await scene.numbers.take() for _ in range(3)]
    scene.restart()
    await scene.begin()
    assert await scene.numbers.take() > max(taken)
    assert scene.numbers.epoch == 2


@pytest.mark.fault(43)
async def test_a_lost_cursors_topic_halts_instead_of_starting_again_over_what_was_published() -> None:
    scene = Scene()
    with pytest.raises(CursorUnusable, match="yet there are events"):
        await scene.numbers.reserve(scene.shop.clock.now, newest=5)
    assert scene.broker.of(scene.topics.cursors) == []


@pytest.mark.fault(43)
async def test_an_older_copy_of_the_cursors_never_leads_below_what_was_published() -> None:
    scene = Scene()
    await scene.begin()
    scene.restart()
    first = scene.cursors.get("sequence")
    assert first is not None
    with pytest.raises(SequenceBehind):
        await scene.numbers.reserve(scene.shop.clock.now, newest=first["end"])
    assert scene.cursors.get("sequence") == first
    await scene.numbers.reserve(scene.shop.clock.now, newest=first["end"] - 1)
    assert await scene.numbers.take() == first["end"]


@pytest.mark.parametrize(
    ("took", "snapshotting", "pause"),
    [
        pytest.param(0.1, True, 5, id="a short poll leaves the snapshot the time that passes anyway"),
        pytest.param(40, True, 20, id="after a long one the snapshot has half as long"),
        pytest.param(40, False, 5, id="without a snapshot nobody waits"),
    ],
)
def test_a_snapshot_has_its_share_however_much_there_is_to_follow(took: float, snapshotting: bool, pause: int) -> None:
    assert pause_after(took, 5, snapshotting=snapshotting) == pytest.approx(pause)


def test_the_index_is_the_same_after_it_was_read_back() -> None:
    scene = Scene()
    index = scene.index
    index.set_root("accounts", 1, Root(1, 70, 5, 90), {"contacts": {2: 71, 4: 71}, "addresses": {2: 72}})
    index.set_root("accounts", 2, Root(2, 70, 6, 90), {"contacts": {4: 73}})  # it moved
    index.set_root("accounts", 3, Root(3, 70, 7, 90), {"contacts": {5: 71, 6: 71}})
    index.set_root("accounts", 3, Root(3, 70, 8, 90), {"contacts": {6: 71}})  # it went
    index.set_root("accounts", 3, Root(3, 70, 9, 90))
    index.set_root("companies", 1, Root(None, 70, 9, 90), {"contacts": {2: 74}})
    index.set_alone("accounts", "contacts", 7, Child(None, 71))
    index.set_alone("accounts", "contacts", 8, Child(None, 71))
    index.set_alone("accounts", "contacts", 8, None)
    index.set_alone("accounts", "contacts", 9, Child(None, 71))
    index.set_root("accounts", 4, Root(4, 70, 10, 90), {"contacts": {9: 75}})  # it was found
    index.set_alone("accounts", "contacts", 2, Child(None, -76))  # it left, and its root was not read since
    index.set_alone("accounts", "contacts", 10, Child(3, 71))
    index.set_root("accounts", 5, Root(5, NONE, 11, NONE))  # deleted

    def holds() -> None:
        known = {id: scene.index.child("accounts", "contacts", id) for id in range(1, 11)}
        assert {id: child for id, child in known.items() if child is not None} == {
            2: Child(None, -76), 4: Child(2, 73), 6: Child(3, 71), 7: Child(None, 71), 9: Child(4, 75),
            10: Child(3, 71),
        }  # fmt: skip
        assert scene.index.child("accounts", "addresses", 2) == Child(1, 72)
        assert scene.index.child("companies", "contacts", 2) == Child(1, 74)
        assert scene.index.root("accounts", 3) == Root(3, 70, 9, 90)
        assert scene.index.root("companies", 1) == Root(None, 70, 9, 90)
        assert [*scene.index.live("accounts")] == [1, 2, 3, 4]
        assert [*scene.index.shown("accounts", "contacts")] == [2, 4, 6, 9]
        assert [*scene.index.alone("accounts", "contacts")] == [10]
        assert scene.index.size("accounts", "accounts") == 4
        assert scene.index.size("accounts", "contacts") == 4 + 3
        assert scene.index.robbed("accounts") == [(1, "contacts", 4)]

    holds()
    index.produce(index.take_pending())
    scene.broker.flush(1)
    scene.restart()
    assert scene.index is not index
    holds()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"accounts:1", b"{"), (b"accounts:1", b"[1]"), (b"accounts:1", None), (b"accounts:x", b"[]"),
        (b"accounts:1", b"[1, 2, 5, 3, 3]"), (b"accounts:1", b'[1, 2, 5, 3, {"contacts": [1]}]'),
        (b"accounts:1", b'[1, "v", 5, "d", {}]'), (b"accounts:1", b"[18446744073709551615, 1, 5, 1, {}]"),
        (b"accounts/contacts:1", b"[1]"), (b"x", b"1"),
    ],
)  # fmt: skip
def test_an_entry_that_is_none_of_ours_is_told_when_it_is_read(key: bytes, value: bytes | None) -> None:
    with pytest.raises((ValueError, TypeError, LookupError, OverflowError)):
        Scene().index.apply(key, value)


async def test_without_the_lease_no_cursor_is_saved() -> None:
    def lost() -> None:
        raise LeaseLost("the lease of capture is lost")

    produced: list[str] = []
    producer = SimpleNamespace(produce=lambda *_, **message: produced.append(message["key"]), flush=lambda: None)
    kept = Cursors("main", "cursors", cast("AckedProducer", producer), {}, lost)
    with pytest.raises(LeaseLost):
        await kept.save("orders", {"next": 3})
    assert (produced, kept.get("orders")) == ([], None)


async def test_what_was_handed_over_before_the_lease_was_lost_is_not_taken_for_saved() -> None:
    """Whoever has taken over may have read the cursors already: what they announce must not be sent any more."""
    turns = iter([None, LeaseLost("the lease of capture is lost")])

    def lost_meanwhile() -> None:
        if error := next(turns):
            raise error

    producer = SimpleNamespace(produce=lambda *_, **__: None, flush=lambda: None)
    kept = Cursors("main", "cursors", cast("AckedProducer", producer), {}, lost_meanwhile)
    with pytest.raises(LeaseLost):
        await kept.save("unsure", {"roots": {}})
    assert kept.get("unsure") is None
