"""What times do not tell: wrong clocks, other zones, ties, late commits, rows that come and go between two pages."""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.faults.capture_town import Answer, Town
from tests.faults.seeds import seeds
from tests.faults.steps import at_turn, die

CHICAGO = ZoneInfo("America/Chicago")
BEFORE_SUMMER = datetime(2026, 3, 8, 7, 58, tzinfo=UTC)
"""Two minutes before the clocks of Chicago go forward."""
_INSTANT = re.compile(rb'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|\+00:00))"')


def told_in_local_time(document: str, answer: Answer) -> Answer:
    """Every instant with the offset that Chicago has then."""

    def local(found: re.Match[bytes]) -> bytes:
        at = datetime.fromisoformat(found[1].decode()).astimezone(CHICAGO)
        return f'"{at.isoformat()}"'.encode()

    return answer[0], answer[1], _INSTANT.sub(local, answer[2])


async def poll_after(town: Town, seconds: int) -> datetime:
    """One poll, so long after what happened last; up to when changes are covered."""
    town.shop.clock.tick(seconds)
    return await town.following.poll()


@pytest.mark.fault(21)
@seeds(30, guards={"the time is Sonar's": 1})
async def test_wrong_clocks_hide_no_change_and_freshness_stays_honest(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ours is five minutes off, Sonar's jumps; on each third seed it tells local time while summer time begins."""
    town = Town(seed)
    skew = timedelta(minutes=5 if seed % 2 else -5)
    monkeypatch.setattr("producers.publisher.utc_now", lambda: town.shop.clock.now + skew)
    await town.read()
    if seed % 3 == 0:
        town.shop.clock.now = BEFORE_SUMMER
        town.line.meddle = told_in_local_time
    await town.follow(1)
    for _ in range(6):
        town.live(3)
        town.shop.clock.tick(town.random.choice([-9, 1, 9, 300]))  # back no further than the overlap
        covered = await poll_after(town, 20)
        assert covered <= town.shop.clock.now - timedelta(seconds=10)
    await town.settle()
    assert town.following.low == town.shop.clock.now - timedelta(seconds=10)
    await town.assert_topics_tell_sonar()
    for event in town.events("account"):
        if event["op"] != "d":
            assert event["source"]["ts_ms"] <= town.shop.clock.now.timestamp() * 1000


@pytest.mark.fault(23)
@seeds(30, guards={"ties are told apart by their ids": 1})
async def test_ties_across_page_edges_are_all_found_though_capture_ends_between_them(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producers.thin_pages.PAGE", 7)
    town = Town(seed)
    await town.read()
    await town.follow(1)
    town.shop.clock.tick()
    for _ in range(50):
        town.pay()
    for account in town.accounts:
        town.shop.store.update("Account", account, name=f"T{account}")
    turn = at_turn(2 + seed, die)
    town.line.before = lambda document, variables: turn()
    assert len(await town.supervised(lambda: town.follow(3))) == 1
    town.restart_line()
    await town.follow(1)
    await town.assert_topics_tell_sonar()


@pytest.mark.fault(24)
@seeds(30, guards={"looks overlap": 1})
async def test_rows_that_are_committed_late_are_found_by_the_overlap(seed: int) -> None:
    """A new row and a change, each with a time that a look has passed when they become visible."""
    town = Town(seed)
    await town.read()
    await town.follow(1)
    store = town.shop.store
    for _ in range(4):
        then = town.shop.clock.now
        late = town.shop.a_payment(town.random.choice(town.accounts), town.random.randrange(1000))
        store.hold("Payment", late)
        changed = town.random.choice(town.accounts)
        await poll_after(town, town.random.randint(3, 8))
        store.release("Payment", late)
        store.update("Account", changed, at=then, name=f"L{town.random.random()}")
        await poll_after(town, 1)
        town.shop.clock.tick(30)
    # By the topics as they are: no sweep has mended them.
    await town.assert_topics_tell_sonar()


@pytest.mark.fault(24)
@seeds(30, guards={"everything is swept": 1})
async def test_what_is_committed_later_than_the_overlap_reaches_or_moves_no_time_is_found_by_the_sweep(
    seed: int,
) -> None:
    town = Town(seed, sweep_every=timedelta(minutes=10))
    await town.read()
    await town.follow(1)
    store = town.shop.store
    then = town.shop.clock.now
    late = town.shop.a_payment(town.random.choice(town.accounts), 7)
    store.hold("Payment", late)
    await poll_after(town, 60)
    store.release("Payment", late)
    store.update("Account", town.random.choice(town.accounts), at=then - timedelta(hours=1), name="silently")
    contact = town.random.choice(town.contacts)
    store.update("Contact", contact, at=store.table("Contact")[contact]["updated_at"], name="silently, too")
    await town.follow(60)
    await town.assert_topics_tell_sonar()


@pytest.mark.fault(25)
@seeds(30, guards={"a page goes on behind the last row, not at a number": 2})
async def test_rows_that_come_and_go_between_pages_of_any_size_are_neither_missed_nor_read_twice(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producers.thin_pages.PAGE", 5)
    monkeypatch.setattr("producers.brake.LEAST", 1000)  # all these deletes are meant
    town = Town(seed)
    town.snapshot._ways = 1 + seed % 2
    for _ in range(20):
        town.pay()

    def meanwhile(document: str, variables: Mapping[str, Any]) -> None:
        if "query Page" in document or "query Changed" in document:
            town.shop.clock.tick()
            town.random.choice([town.delete, town.delete, town.pay])()
            town.damage(largest_page=town.random.choice([1, 2, 3, None]))

    await town.begin()
    was = set(town.payments)
    town.line.before = meanwhile
    await town.read()
    read = Counter(event["source"]["sonar_id"] for event in town.events("payment"))
    assert was & set(town.payments) <= read.keys()
    assert set(read.values()) == {1}
    await town.follow(2)
    town.restart_line()
    town.damage()
    await town.follow()
    await town.assert_topics_tell_sonar()
