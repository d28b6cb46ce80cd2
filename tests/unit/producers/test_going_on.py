"""After an outage, a failure or a kill: following goes on from where all was covered."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from producers import following, rereading, thin_pages
from tests.unit.producers.scene import ACCOUNT, PAYMENT
from tests.unit.producers.settled import a_scene, looks


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


async def test_what_changed_in_a_long_outage_is_read_while_it_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await a_scene()
    monkeypatch.setattr(following, "_MANY", 10)
    monkeypatch.setattr(thin_pages, "PAGE", 5)
    monkeypatch.setattr(rereading, "_PAGES", 2)
    most, real = 0, rereading.Rereading.meet

    async def meet(self: rereading.Rereading, *arguments: Any, **whole: Any) -> None:
        nonlocal most
        most = max(most, len(self._demands))
        await real(self, *arguments, **whole)

    monkeypatch.setattr(rereading.Rereading, "meet", meet)
    for number in range(60):
        scene.shop.a_payment(1, number)
        scene.shop.clock.tick(10)
    asked = len(looks(scene))
    scene.shop.clock.tick(60)
    await scene.following.poll()
    assert len(scene.folded("payment")) == 61
    assert most <= 10 + 5 + 2  # less than a page is left over
    assert len(looks(scene)) - asked <= 61 // 5 + 2  # each row is looked for once, however many pages its reading takes
    scene.shop.clock.tick(10)
    await scene.following.poll()
    assert scene.following.low == scene.shop.clock.now - timedelta(seconds=10)


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
