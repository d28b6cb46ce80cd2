"""Two sinks, of a partition each, meet at payments: neither waits without need, nor writes over what is newer."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from clients.mysql import Transaction
from schemas.aggregate import WritePath
from schemas.ledger import SHADOW
from schemas.write_paths import BY_SQL, WritePaths
from sinks.errors import Overtaken
from sinks.jobs import Job, Result
from sinks.store import Key, Ledger
from sinks.writer import Writer
from tests.integration.sinks.conftest import Site
from tests.integration.sinks.records import ACCOUNTS, PAYMENTS, Topic, customer, payment

pytestmark = pytest.mark.timeout(120)
OVER_REST = {("payment", SHADOW): WritePath.REST}


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


async def _side_by_side(site: Site, ways: WritePaths = BY_SQL, **more: Any) -> tuple[Writer, Writer, Topic]:
    """Two writers, of a partition each, and customers 1 and 2."""
    topic, first, second = (Topic(), *(site.make_writer(ways=ways, **more) for _ in range(2)))
    await site.own(first)
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


def _meanwhile(
    holder: object, name: str, monkeypatch: pytest.MonkeyPatch, other: Callable[[], Awaitable[object]]
) -> None:
    """Once, just before a step, another sink does something."""
    real, left = getattr(holder, name), [other]

    async def stepping(*args: Any) -> Any:
        if left:
            await left.pop()()
        return await real(*args)

    monkeypatch.setattr(holder, name, stepping)


@pytest.mark.fault(36)
@pytest.mark.parametrize("way", [pytest.param({}, id="by SQL"), pytest.param(OVER_REST, id="over REST")])
async def test_who_meets_a_payment_that_another_sink_has_moved_meanwhile_changes_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch, way: dict[tuple[str, str], WritePath]
) -> None:
    first, second, topic = await _side_by_side(site, WritePaths(sql=True, chosen=way))
    await first.write([topic.send(PAYMENTS, 10, [payment(10, 1, 100)], sequence=2)])
    late = topic.send(PAYMENTS, 10, [payment(10, 1, 700, comment="late")], sequence=3)
    moved = replace(topic.send(PAYMENTS, 10, [payment(10, 2, 100)], sequence=4), partition=1)
    _meanwhile(first._paths, "rest_results", monkeypatch, lambda: second.write([moved]))
    with pytest.raises(Overtaken):
        await first.write([late])
    await first.write([late])
    assert sorted(site.deposits().values()) == [Decimal(0), Decimal(1)]
    assert site.rows("SELECT 1 FROM payments WHERE comment = 'late'") == []
    assert first.counts.bundles["stale"] == 1


@pytest.mark.fault(36)
async def test_a_decision_about_a_payment_that_another_sink_has_moved_meanwhile_changes_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, topic = await _side_by_side(site)
    await first.write([topic.send(PAYMENTS, 10, [payment(10, 1, 100)], sequence=2)])
    moved = replace(topic.send(PAYMENTS, 10, [payment(10, 2, 100)], sequence=4), partition=1)
    _meanwhile(first._paths, "rest_results", monkeypatch, lambda: second.write([moved]))
    with pytest.raises(Overtaken):
        await first._resolving.write({("payment", "10"): {}})
    assert sorted(site.deposits().values()) == [Decimal(0), Decimal(1)]
    assert site.rows("SELECT sequence FROM {ledger}.crosswalk WHERE entity = 'payment'") == [{"sequence": 4}]


@pytest.mark.fault(36)
@pytest.mark.parametrize(
    ("part", "step", "error"),
    [
        pytest.param("_waiting", "_write_held", None, id="before it is looked at"),
        pytest.param("_paths", "rest_results", Overtaken, id="after it was looked at"),
    ],
)
async def test_a_payment_that_waited_is_not_written_over_one_that_another_sink_has_moved(
    site: Site, monkeypatch: pytest.MonkeyPatch, part: str, step: str, error: type[Overtaken] | None
) -> None:
    first, second, topic = await _side_by_side(site)
    await first.write([topic.send(PAYMENTS, 10, [payment(10, 3, 700)], sequence=2)])
    await first.write([topic.send(ACCOUNTS, 3, customer(3), sequence=3)])
    moved = replace(topic.send(PAYMENTS, 10, [payment(10, 2, 100)], sequence=4), partition=1)
    _meanwhile(getattr(first, part), step, monkeypatch, lambda: second.write([moved]))
    with pytest.raises(error) if error is not None else nullcontext():
        await first.settle()
    await first.settle()
    assert sorted(site.deposits().values()) == [Decimal(0), Decimal(0), Decimal(1)]
    assert site.rows("SELECT * FROM {ledger}.held") == []


@pytest.mark.fault(36)
@pytest.mark.parametrize("what", ["woken", "written anew", "parked anew"])
async def test_what_another_sink_saw_to_meanwhile_is_not_given_up(
    site: Site, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    first, second, topic = await _side_by_side(site, parked_hours=1e-9)
    await first.write([topic.send(PAYMENTS, 10, [payment(10, 3, 700)], sequence=2)])
    parts = {
        "woken": topic.send(ACCOUNTS, 3, customer(3), sequence=3),
        "written anew": topic.send(PAYMENTS, 10, [payment(10, 2, 700)], sequence=3),
        "parked anew": topic.send(PAYMENTS, 10, [payment(10, 4, 700)], sequence=3),
    }
    left = {"woken": [("ready", 2)], "written anew": [], "parked anew": [("parked", 3)]}

    async def meanwhile() -> None:
        await second.write([replace(parts[what], partition=1)])
        async with site.db.session() as tx:
            await site.ledger.wake(tx)

    _meanwhile(first._waiting, "_give_up", monkeypatch, meanwhile)
    given_up = first._letters._told
    await first.settle()
    held = site.rows("SELECT state, sequence FROM {ledger}.held")
    assert [(row["state"], row["sequence"]) for row in held] == left[what]
    assert given_up == set()
