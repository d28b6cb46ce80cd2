"""Two sinks, of a partition each, enter new payments at the same time: neither waits for the other without need."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from clients.mysql import Transaction
from sinks.errors import Overtaken
from sinks.jobs import Job, Result
from sinks.store import Key, Ledger
from sinks.writer import Writer
from tests.integration.sinks.conftest import Site
from tests.integration.sinks.records import ACCOUNTS, PAYMENTS, Topic, customer, payment

pytestmark = pytest.mark.timeout(120)


async def test_sinks_enter_new_payments_beside_each_other(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither keeps the other out of the gap in which its own are missing yet."""
    first, second, topic = await _side_by_side(site)
    begun, go_on = _held_up(first, monkeypatch)
    writing = asyncio.create_task(
        first.write([topic.send(PAYMENTS, n, [payment(n, 1, 100)], sequence=2) for n in (10, 12)])
    )
    await begun.wait()
    async with asyncio.timeout(10):
        await second.write([replace(topic.send(PAYMENTS, 11, [payment(11, 2, 100)], sequence=2), partition=1)])
    go_on.set()
    await writing
    assert sorted(site.deposits().values()) == [Decimal(1), Decimal(2)]


async def test_who_meets_a_new_payment_that_another_sink_is_at_writes_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was moved to another account, and so to another partition."""
    first, second, topic = await _side_by_side(site)
    begun, go_on = _held_up(first, monkeypatch)
    writing = asyncio.create_task(first.write([topic.send(PAYMENTS, 10, [payment(10, 1, 100)], sequence=2)]))
    await begun.wait()
    real, comes = Ledger.enter_aggregates, asyncio.Event()

    async def coming(self: Ledger, tx: Transaction, rows: Sequence[tuple[Any, ...]]) -> None:
        comes.set()
        await real(self, tx, rows)

    monkeypatch.setattr(Ledger, "enter_aggregates", coming)
    moved = replace(topic.send(PAYMENTS, 10, [payment(10, 2, 100)], sequence=3), partition=1)
    other = asyncio.create_task(second.write([moved]))
    await comes.wait()
    go_on.set()
    await writing
    with pytest.raises(Overtaken):
        await other
    await second.write([moved])
    assert len(site.rows("SELECT * FROM payments")) == 1
    assert sorted(site.deposits().values()) == [Decimal(0), Decimal(1)]


async def _side_by_side(site: Site) -> tuple[Writer, Writer, Topic]:
    """Two writers, of a partition each, and customers 1 and 2."""
    topic, first, second = Topic(), await site.own(site.make_writer()), site.make_writer()
    await first.write([topic.send(ACCOUNTS, n, customer(n), sequence=1) for n in (1, 2)])
    async with site.db.transaction() as tx:
        second.tokens[1] = await site.ledger.take(tx, 1, "test")
    return first, second, topic


def _held_up(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> tuple[asyncio.Event, asyncio.Event]:
    """Events: that it is about to write into Splynx, within its transaction; and that it goes on."""
    begun, go_on, real = asyncio.Event(), asyncio.Event(), writer._paths.sql_results

    async def waiting(tx: Transaction, jobs: Sequence[Job]) -> dict[Key, Result]:
        begun.set()
        await go_on.wait()
        return await real(tx, jobs)

    monkeypatch.setattr(writer._paths, "sql_results", waiting)
    return begun, go_on
