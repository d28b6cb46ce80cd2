"""Parts that are read again: chosen roots, one customer's world; interrupted and gone on with, told of when done."""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from clients.sonar_errors import SonarForbidden
from plumbing.errors import ConfigurationError
from producers import signals, snapshot, thin_pages
from producers.cursors import CursorUnusable
from producers.ids import Ids
from producers.orders import Order, Orders
from tests.unit.producers.scene import AGGREGATES, Scene


async def a_scene() -> Scene:
    """Seven accounts with a contact and a payment each, all of them read once."""
    scene = Scene()
    for number in range(1, 8):
        scene.shop.an_account(f"A{number}")
        scene.shop.a_contact(number)
        scene.shop.a_payment(number)
    await scene.begin()
    await scene.snapshot.run(AGGREGATES, asyncio.Event(), started=scene.shop.clock.now, force=None)
    scene.shop.clock.tick(60)
    return scene


def read_again(scene: Scene, aggregate: str = "account") -> list[int]:
    """Ids of the roots that were published anew, in their order, after the seven of the snapshot."""
    return [event["source"]["sonar_id"] for event in scene.events(aggregate)[7:]]


async def carry_out(scene: Scene, order: Order) -> bool:
    return await scene.parts.run(await scene.orders.take(order), asyncio.Event())


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        pytest.param("17", ((17, 17),), id="one"),
        pytest.param("40-60, 17", ((17, 17), (40, 60)), id="in any order"),
        pytest.param("1-5,3-8,9", ((1, 9),), id="overlapping and touching"),
    ],
)
def test_ids_are_read_as_they_are_written(text: str, ranges: tuple[tuple[int, int], ...]) -> None:
    assert Ids.parse(text).ranges == ranges
    assert Ids.parse(str(Ids.parse(text))) == Ids.parse(text)


@pytest.mark.parametrize("text", ["", "a", "1,,2", "5-3", "0", "-4", "1-2-3", "1.5", "9" * 30])
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        Ids.parse(text)


def test_ids_that_are_not_found_are_told_as_ranges() -> None:
    assert str(Ids.parse("1-10,20").without([2, 3, 7])) == "1,4-6,8-10,20"
    assert Ids.of(range(1, 100, 2)).shown().endswith("37, 39 and 30 more")


async def test_chosen_roots_are_read_again_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await a_scene()
    monkeypatch.setattr(snapshot, "_RANGES_TOGETHER", 2)
    searches: list[int] = []
    scene.client.before = lambda document, variables: searches.append(len(variables["search"]))
    assert await carry_out(scene, Order(("account",), Ids.parse("2-5,7,9,12-13")))
    assert read_again(scene) == [2, 3, 4, 5, 7]
    assert max(searches) == 2  # a request names so many ranges and no more
    assert {event["op"] for event in scene.events()[7:]} == {"r"}
    assert read_again(scene, "payment") == []
    assert scene.orders.open == []
    assert [one["state"] for one in scene.told] == ["started", "done"]
    assert (scene.told[-1]["rows"], scene.told[-1]["missing"]) == ({"account": [5, 5]}, {"account": "9, 12-13"})


async def test_a_part_carries_the_sequence_of_its_read_and_following_wins() -> None:
    scene = await a_scene()
    newest = max(int(event["source"]["sequence"]) for event in scene.events())

    def meanwhile(document: str, variables: Mapping[str, Any]) -> None:
        if "query Page" in document:
            scene.client.before = None
            known = scene.index.root("accounts", 1)
            assert known is not None
            # A later read of following's, published while this page is under way.
            scene.index.set_root("accounts", 1, known._replace(sequence=scene.numbers.next + 5, digest=7))
            scene.numbers._next += 10

    scene.client.before = meanwhile
    await carry_out(scene, Order(("account",), Ids.parse("1-2")))
    sequences = {event["source"]["sonar_id"]: int(event["source"]["sequence"]) for event in scene.events()[7:]}
    assert min(sequences.values()) > newest
    assert sequences[1] > sequences[2]  # what it read was older: read once more


async def test_a_part_waits_while_following_is_at_work() -> None:
    scene = await a_scene()
    scene.snapshot.gate.clear()
    work = asyncio.create_task(carry_out(scene, Order(("account",), Ids.parse("1"))))
    for _ in range(5):
        await asyncio.sleep(0)
    assert read_again(scene) == []
    scene.snapshot.gate.set()
    await work
    assert read_again(scene) == [1]


@pytest.mark.fault(1)
async def test_a_part_that_is_killed_goes_on_behind_its_last_page() -> None:
    scene = await a_scene()
    pages = 0

    def die(document: str, variables: Mapping[str, Any]) -> None:
        nonlocal pages
        pages += "query Page" in document
        if pages == 2:
            raise ConnectionError

    scene.client.before = die
    with pytest.raises(ConnectionError):
        await carry_out(scene, Order(("account",), Ids.parse("1-7")))
    scene.broker.lose()
    scene.client.before = None
    scene.restart()
    await scene.begin()
    (work,) = scene.orders.open
    assert (work.parts["account"].last, work.parts["account"].read) == (3, 3)
    assert await scene.parts.run(work, asyncio.Event())
    assert sorted(read_again(scene)) == [1, 2, 3, 4, 5, 6, 7]
    assert scene.told[-1]["rows"] == {"account": [7, 7]}
    scene.restart()
    assert scene.orders.open == []


async def test_the_same_order_twice_is_one() -> None:
    scene = await a_scene()
    first = await scene.orders.take(Order(("account",), Ids.parse("1-7")))
    assert await scene.orders.take(Order(("account",), Ids.parse("1-5,6-7"))) is first
    assert await scene.orders.take(Order(("account",), Ids.parse("1-6"))) is not first


async def test_a_part_that_is_stopped_stays_open() -> None:
    scene = await a_scene()
    stop = asyncio.Event()
    scene.client.before = lambda document, _: stop.set()
    assert not await scene.parts.run(await scene.orders.take(Order(("account",), Ids.parse("1-7"))), stop)
    assert [one.order.ids for one in scene.orders.open] == [Ids.parse("1-7")]


async def test_an_order_for_whole_aggregates_goes_on_after_a_kill() -> None:
    scene = await a_scene()
    order = Order(("account", "payment"))

    def die(document: str, variables: Mapping[str, Any]) -> None:
        if "query Page" in document and "payments" in document:
            raise ConnectionError

    scene.client.before = die
    with pytest.raises(ExceptionGroup):
        await carry_out(scene, order)
    scene.client.before = None
    scene.restart()
    await scene.begin()
    (work,) = scene.orders.open
    assert await scene.parts.run(work, asyncio.Event())
    for name in ("account", "payment"):
        assert set(read_again(scene, name)) == {1, 2, 3, 4, 5, 6, 7}
        assert len(read_again(scene, name)) <= 7 + 2 * 3  # of each of two ranges one page of three
    scene.restart()
    assert scene.orders.open == []


async def test_an_order_for_whole_aggregates_reads_again_what_another_had_begun_with() -> None:
    scene, stop = await a_scene(), asyncio.Event()

    def halfway(document: str, variables: Mapping[str, Any]) -> None:
        if "query Page" in document:
            stop.set()

    scene.client.before = halfway
    await scene.snapshot.run(AGGREGATES[:1], stop, started=scene.shop.clock.now, force="earlier")
    scene.client.before = None
    begun = read_again(scene)
    assert 0 < len(begun) < 7
    assert await carry_out(scene, Order(("account",)))
    assert sorted(read_again(scene)[len(begun) :]) == list(range(1, 8))


async def test_one_customers_world_is_read_again_from_the_account_down() -> None:
    scene = await a_scene()
    second = scene.shop.a_payment(3)
    note = scene.shop.store.insert("Note", message="m", noteable_type="Account", noteable_id=3, priority="NORMAL")
    scene.shop.store.insert("Note", message="m", noteable_type="Contact", noteable_id=3, priority="NORMAL")
    assert await carry_out(scene, Order(("account", "payment", "note"), customer=3))
    assert (read_again(scene), read_again(scene, "payment")) == ([3], [3, second])
    assert list(scene.folded("note")) == [note]
    assert scene.told[-1]["rows"] == {"account": [1, 1], "payment": [2, 2], "note": [1, 1]}


async def test_one_customers_world_holds_what_thin_pages_do_not_take_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await a_scene()
    monkeypatch.setattr(thin_pages, "PAGE", 2)
    payments = [3, *(scene.shop.a_payment(3) for _ in range(5))]
    assert await carry_out(scene, Order(("payment",), customer=3))
    assert read_again(scene, "payment") == payments


@pytest.mark.fault(41)
async def test_what_may_not_be_read_of_a_world_is_named_and_the_others_are_read() -> None:
    scene = await a_scene()
    scene.damage(denied=frozenset({"payments"}))
    with pytest.raises(SonarForbidden):
        await carry_out(scene, Order(("payment", "account"), customer=3))
    assert read_again(scene) == [3]
    (work,) = scene.orders.open
    await scene.parts.give_up(work, "no right")
    assert scene.orders.open == []
    assert (scene.told[-1]["state"], scene.told[-1]["reason"]) == ("refused", "no right")


async def test_up_to_where_signals_were_heard_is_kept() -> None:
    scene = await a_scene()
    assert scene.orders.next_signal is None
    await scene.orders.heard(5)
    scene.restart()
    assert scene.orders.next_signal == 5


async def test_orders_that_are_none_of_ours_stop_capture() -> None:
    scene = await a_scene()
    await scene.cursors.save("orders", {"next": 1, "open": [{"id": "x"}]})
    with pytest.raises(CursorUnusable):
        Orders(scene.cursors)


@pytest.mark.parametrize(
    "order",
    [
        Order(("account", "payment")),
        Order(("account",), Ids.parse("17,40-60")),
        Order(("account", "payment"), customer=17),
    ],
)
def test_an_order_is_the_same_behind_the_topic_of_signals(order: Order) -> None:
    heard = signals.signal_of(orjson.dumps(signals._document(order, order.id)))
    assert isinstance(heard, Order)
    assert (heard, heard.id) == (order, order.id)


def test_a_broken_signal_is_passed_over() -> None:
    good = {"id": "1", "type": signals.ACCEPT_DELETES, "data": {"data-collections": ["accounts"]}}
    assert signals.signal_of(orjson.dumps(good)) == signals.Accepted(["accounts"])
    wrong = [{"data-collection": "account", "filter": "name = 'Ada'"}]
    filtered = {"data-collections": ["account"], "additional-conditions": wrong}
    for broken in (
        None, b"{", b"3", b'{"type": "execute-snapshot"}', b'{"type": "log", "data": {"data-collections": []}}',
        orjson.dumps({"id": "1", "type": signals.SNAPSHOT, "data": filtered}),
    ):  # fmt: skip
        assert signals.signal_of(broken) is None
