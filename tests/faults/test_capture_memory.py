"""A large backlog, and a customer with very many rows: what capture holds at a time does not grow with them."""

import asyncio
import gc
import tracemalloc
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from producers import following, glimpses, thin_pages
from producers.orders import Order
from tests.faults.capture_town import Town, UnevenBroker
from tests.faults.seeds import seeds

WARM, FEW, MANY = 100, 300, 1200
"""Rows: at first there are caches to be filled."""
KNOWN = 40
"""Amounts that occur: capture remembers how some thousands of values are written, of whatever rows."""
GROWTH = 250
"""Bytes that each further row may take: for its id. To hold one that is still to be read takes twice that."""
_KEPT = ".cursors"


class ForgetfulBroker(UnevenBroker):
    """A broker that counts events and keeps only the newest cursors: what lies on topics is not capture's memory."""

    def __init__(self) -> None:
        super().__init__()
        self.events = 0

    def flush(self, timeout: float) -> int:
        """Acknowledge everything, and let go of it."""
        left = super().flush(timeout)
        self.events += sum(topic.endswith(".payment") for topic, *_ in self.messages)
        self.messages = list({one[2]: one for one in self.messages if one[0].endswith(_KEPT)}.values())
        return left


class LargeTown(Town):
    """One customer has paid very often."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, page_size=20)
        self.broker = self.uneven = self.forgetful = ForgetfulBroker()
        self.restart()


async def a_town(seed: int, rows: int) -> LargeTown:
    """All that the customer paid is on the topics, and looked at since."""
    town = LargeTown(seed)
    account = town.accounts[0]
    for number in range(rows):
        town.payments.append(town.shop.a_payment(account, number % KNOWN))
    await town.read()
    await town.follow(2)
    return town


async def held_by(town: Town, work: Callable[[], Awaitable[Any]]) -> int:
    """Bytes that capture held at most, beyond what it held before, whenever it asked Sonar something."""
    highest = 0

    def note(document: str, variables: Any) -> None:
        nonlocal highest
        highest = max(highest, tracemalloc.get_traced_memory()[0])

    gc.collect()
    town.line.before = note
    tracemalloc.start()
    try:
        await work()
    finally:
        tracemalloc.stop()
    return highest


async def backlog(seed: int, rows: int) -> int:
    """After an outage every payment has changed."""
    town = await a_town(seed, rows)
    for place, id in enumerate(town.payments):
        if place % 10 == 0:
            town.shop.clock.tick()
        town.shop.store.update("Payment", id, amount=10**6 + place % KNOWN)
    town.shop.clock.tick(3600)
    told = town.forgetful.events
    held = await held_by(town, lambda: town.follow(2))
    assert town.forgetful.events - told == len(town.payments)
    return held


async def customer(seed: int, rows: int) -> int:
    """The world of that customer is read again."""
    town = await a_town(seed, rows)
    told = town.forgetful.events
    order = Order(("payment",), customer=town.accounts[0])

    async def read_again() -> None:
        assert await town.parts.run(await town.orders.take(order), asyncio.Event())

    held = await held_by(town, read_again)
    assert town.forgetful.events - told >= rows
    return held


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is bounded by a number of rows is so by a few here."""
    monkeypatch.setattr(thin_pages, "PAGE", 50)
    monkeypatch.setattr(following, "_MANY", 60)
    monkeypatch.setattr(glimpses, "_MOST", 50)


@pytest.mark.fault(33)
@seeds(3, guards={"what is found is read before more is looked for": 1})
async def test_of_a_large_backlog_no_more_is_held_than_of_a_small_one(seed: int) -> None:
    _, few, many = [await backlog(seed, rows) for rows in (WARM, FEW, MANY)]
    assert many - few < GROWTH * (MANY - FEW), f"{few} bytes for {FEW} rows, {many} for {MANY}"


@pytest.mark.fault(33)
@seeds(3, guards={"a page is published before the next is read": 1})
async def test_of_a_customer_with_very_many_rows_no_more_is_held_than_of_one_with_some(seed: int) -> None:
    _, few, many = [await customer(seed, rows) for rows in (WARM, FEW, MANY)]
    assert many - few < GROWTH * (MANY - FEW), f"{few} bytes for {FEW} rows, {many} for {MANY}"
