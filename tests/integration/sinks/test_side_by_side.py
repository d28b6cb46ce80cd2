"""Two sinks, of a partition each, meet at payments: neither waits without need, nor writes over what is newer."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from clients.mysql import Transaction
from clients.splynx import SplynxClient
from schemas.aggregate import WritePath
from schemas.entities.scoped import OUT_OF_SCOPE
from schemas.ledger import DONE, SHADOW
from schemas.records import SplynxRecord
from schemas.write_paths import BY_SQL, WritePaths
from sinks.errors import Overtaken
from sinks.jobs import Delivery, Job, Result
from sinks.store import AggregateKey, Key, Ledger
from sinks.tables.intents import BESIDE
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

    async def stepping(*args: Any, **options: Any) -> Any:
        if left:
            await left.pop()()
        return await real(*args, **options)

    monkeypatch.setattr(holder, name, stepping)


def _then(step: Callable[..., Awaitable[Any]], more: Callable[[], Awaitable[object]]) -> Callable[..., Awaitable[Any]]:
    """A step with something behind it."""

    async def stepping(*args: Any) -> Any:
        result = await step(*args)
        await more()
        return result

    return stepping


class _Interrupted(Exception):
    """Of a batch that goes on."""


async def _not_yet_committed(writer: Writer, batch: list[Delivery], monkeypatch: pytest.MonkeyPatch) -> None:
    """Write records over REST, as a batch does of which more is to be written before it is committed."""

    async def going_on(*_: object) -> None:
        raise _Interrupted

    with monkeypatch.context() as patches:
        patches.setattr(writer, "_commit", going_on)
        with pytest.raises(_Interrupted):
            await writer.write(batch)


async def _over_rest(site: Site) -> tuple[Writer, Writer, Topic, Delivery]:
    """A payment of customer 1 over REST, that the second writer is to move to customer 2."""
    first, second, topic = await _side_by_side(site, WritePaths(sql=True, chosen=OVER_REST))
    await first.write([topic.send(PAYMENTS, 10, [payment(10, 1, 100)], sequence=2)])
    return first, second, topic, replace(topic.send(PAYMENTS, 10, [payment(10, 2, 100)], sequence=4), partition=1)


def _is_moved_once(site: Site) -> None:
    assert sorted(site.deposits().values()) == [Decimal(0), Decimal(1)]
    told = "SELECT sequence, revision, state FROM {ledger}.crosswalk WHERE entity = 'payment'"
    assert site.rows(told) == [{"sequence": 4, "revision": 2, "state": "live"}]
    assert site.rows("SELECT state FROM {ledger}.intents WHERE state = 'open'") == []
    applied = "SELECT sequence FROM {ledger}.aggregates WHERE aggregate = 'payment' AND outcome <> 'rolled_back'"
    assert site.rows(applied) == [{"sequence": 4}]


@pytest.mark.fault(36)
@pytest.mark.parametrize("before", ["it is read", "it is looked at", "its call"])
async def test_a_payment_that_another_sink_has_moved_and_not_committed_is_left_to_it(
    site: Site, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    first, second, topic, moved = await _over_rest(site)
    late = topic.send(PAYMENTS, 10, [payment(10, 1, 700, comment="late")], sequence=3)
    step = {
        "it is read": (first, "_compare"),
        "it is looked at": (first._paths, "rest_results"),
        "its call": (first._paths._rest, "put"),
    }
    _meanwhile(*step[before], monkeypatch, lambda: _not_yet_committed(second, [moved], monkeypatch))
    with nullcontext() if before == "it is read" else pytest.raises(Overtaken):
        await first.write([late])
    await first.write([late])
    assert first.counts.bundles["stale"] == 1
    await second.write([moved])
    _is_moved_once(site)
    assert site.rows("SELECT 1 FROM payments WHERE comment = 'late'") == []


@pytest.mark.fault(36)
async def test_a_payment_that_another_sink_has_a_call_for_is_not_written_before_that_has_ended(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newer bundle waits for the older one, which enters what it does although the other has begun too."""
    first, second, topic, moved = await _over_rest(site)
    late = topic.send(PAYMENTS, 10, [payment(10, 1, 700)], sequence=3)
    begun, go_on = asyncio.Event(), asyncio.Event()
    entries, others = second._paths._rest._calls._entries, list[asyncio.Task[None]]()
    real = entries.nobody_else

    async def held_up(*args: Any, **options: Any) -> None:
        begun.set()
        await go_on.wait()
        await real(*args, **options)

    async def begins() -> None:
        with pytest.raises(Overtaken):
            await second.write([moved])
        with monkeypatch.context() as patches:
            patches.setattr(entries, "nobody_else", held_up)
            others.append(asyncio.create_task(second.write([moved])))
            await begun.wait()

    _meanwhile(SplynxClient, "put", monkeypatch, begins)
    await first.write([late])
    go_on.set()
    with pytest.raises(Overtaken):
        await others[0]
    assert len(site.rows("SELECT 1 FROM payments")) == 1
    await second.write([moved])
    _is_moved_once(site)


@pytest.mark.fault(36)
@pytest.mark.parametrize("its_call", ["has ended", "is under way"])
@pytest.mark.parametrize("asked", ["deleted", "failed", "left out", "as before"])
async def test_a_bundle_that_asks_for_nothing_waits_for_what_another_sink_writes_of_its_payment(
    site: Site, monkeypatch: pytest.MonkeyPatch, asked: str, its_call: str
) -> None:
    """What it was compared with is not what stands there once its sequence keeps all that is older away."""
    first, second, topic = await _side_by_side(site, WritePaths(sql=True, chosen=OVER_REST))
    if asked == "as before":
        await first.write([topic.send(PAYMENTS, 10, [payment(10, 1, 100)], sequence=2)])
    late = topic.send(PAYMENTS, 10, [payment(10, 1, 700)], sequence=3)
    sent = {
        "deleted": topic.send(PAYMENTS, 10, [], sequence=4, deleted=True),
        "failed": topic.send(PAYMENTS, 10, [], sequence=4),
        "left out": topic.send(PAYMENTS, 10, [], sequence=4, unread={"payment"}, owner=2, reason=OUT_OF_SCOPE),
        "as before": topic.send(PAYMENTS, 10, [payment(10, 1, 100)], sequence=4),
    }
    newer = replace(sent[asked], partition=1)
    if its_call == "has ended":
        _meanwhile(second._paths, "rest_results", monkeypatch, lambda: _not_yet_committed(first, [late], monkeypatch))
        with pytest.raises(Overtaken):
            await second.write([newer])
        await second.write([newer])
        await first.write([late])
    else:

        async def comes_to_commit() -> None:
            with pytest.raises(Overtaken):
                await second.write([newer])

        _meanwhile(SplynxClient, "put" if asked == "as before" else "post", monkeypatch, comes_to_commit)
        await first.write([late])
        await second.write([newer])
    left = {"left out": Decimal(7), "as before": Decimal(1)}
    assert sorted(site.deposits().values()) == [Decimal(0), left.get(asked, Decimal(0))]
    dead = [{"code": "sink.moved_away"}] if asked == "left out" else []
    assert site.rows("SELECT code FROM {ledger}.held WHERE state = 'dead'") == dead
    assert site.rows("SELECT sequence FROM {ledger}.aggregates WHERE aggregate = 'payment'") == [{"sequence": 4}]
    assert site.rows("SELECT state FROM {ledger}.intents WHERE state = 'open'") == []


@pytest.mark.fault(36)
async def test_two_sinks_of_which_each_has_the_newer_bundle_of_a_payment_do_not_wait_for_ever(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, topic = await _side_by_side(site, WritePaths(sql=True, chosen=OVER_REST))
    batches = [
        [topic.send(PAYMENTS, 10, [payment(10, 1, 100)], sequence=3), topic.send(PAYMENTS, 11, [], sequence=4)],
        [
            replace(topic.send(PAYMENTS, 10, [], sequence=4, deleted=True), partition=1),
            replace(topic.send(PAYMENTS, 11, [payment(11, 2, 100)], sequence=3), partition=1),
        ],
    ]
    both = asyncio.Barrier(2)

    async def written() -> list[type]:
        ended = await asyncio.gather(first.write(batches[0]), second.write(batches[1]), return_exceptions=True)
        return [type(one) for one in ended]

    with monkeypatch.context() as patches:
        for writer in (first, second):
            patches.setattr(writer._paths, "rest_results", _then(writer._paths.rest_results, both.wait))
        assert await written() == [Overtaken, Overtaken]
    rounds = [await written() for _ in range(4)]
    assert rounds[-1] == [type(None), type(None)]
    assert set(site.deposits().values()) == {Decimal(0)}


async def test_what_goes_by_sql_alone_is_not_looked_for_at_the_commit(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There nothing is entered before its batch is committed; and nothing is looked for of what is settled."""
    writer, asked, real, topic = await site.own(site.make_writer()), list[Any](), Ledger.written_of, Topic()

    async def asking(self: Ledger, tx: Transaction, keys: Iterable[AggregateKey]) -> dict[AggregateKey, dict[Key, int]]:
        before, found = tx.statements, await real(self, tx, keys)
        asked.append((list(keys), tx.statements - before))
        return found

    monkeypatch.setattr(Ledger, "written_of", asking)
    batch = [topic.send(ACCOUNTS, n, customer(n), sequence=1) for n in (1, 2)]
    batch += [topic.send(PAYMENTS, 10, [payment(10, 1, 100)], sequence=2)]
    await writer.write(batch)
    await writer.write(topic.rewind(batch))
    assert asked == [([("account", 1), ("account", 2)], 1), ([], 0)]


@pytest.mark.fault(36)
@pytest.mark.parametrize("asked", ["deleted", "moved"])
async def test_a_call_that_was_begun_in_a_phase_of_rest_is_waited_for_in_one_of_sql(
    site: Site, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    first, second, topic = await _side_by_side(site, WritePaths(sql=True, chosen=OVER_REST))
    late = topic.send(PAYMENTS, 10, [payment(10, 1, 700)], sequence=3)
    records: list[SplynxRecord] = [payment(10, 2, 100)] if asked == "moved" else []
    newer = replace(topic.send(PAYMENTS, 10, records, sequence=4, deleted=asked == "deleted"), partition=1)

    async def comes_in_the_next_phase() -> None:
        async with site.db.transaction() as tx:
            await site.ledger.enter(tx, "freeze")
        with pytest.raises(Overtaken):
            await second.write([newer])

    _meanwhile(SplynxClient, "post", monkeypatch, comes_in_the_next_phase)
    await first.write([late])
    await second.write([newer])
    assert sorted(site.deposits().values()) == [Decimal(0), Decimal(1 if asked == "moved" else 0)]
    assert site.rows("SELECT sequence FROM {ledger}.aggregates WHERE aggregate = 'payment'") == [{"sequence": 4}]
    assert site.rows("SELECT state FROM {ledger}.intents WHERE state = 'open'") == []


@pytest.mark.fault(36)
async def test_a_promise_that_another_sink_left_behind_is_no_call(site: Site) -> None:
    """It may be kept long after, and has nothing to do with what is made of the payment."""
    _, second, _, moved = await _over_rest(site)
    async with site.db.session() as tx:
        promise = await site.ledger.begin(
            tx, key=("payment", "10"), owner=("payment", 10), sequence=2, method=BESIDE, partition=0, token=1,
            patience=timedelta(0), sent={"beside": ["customer", "1"], "document": {}},
        )  # fmt: skip
    await second.write([moved])
    async with site.db.session() as tx:
        await site.ledger.close_intent(tx, promise, DONE)
    _is_moved_once(site)


@pytest.mark.fault(36)
@pytest.mark.parametrize("before", ["it is looked at", "it is taken back"])
async def test_a_payment_that_another_sink_has_changed_since_it_was_read_is_read_again(
    site: Site, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    """Else its opposite would be of what it was, or what the other wrote somebody's edit."""
    first, second, topic, moved = await _over_rest(site)
    late = topic.send(PAYMENTS, 10, [payment(10, 1, 700)], sequence=3)
    part = second._paths._documents if before == "it is looked at" else second._paths._rest.edits
    step = "_row" if before == "it is looked at" else "withdrawn"
    _meanwhile(part, step, monkeypatch, lambda: _not_yet_committed(first, [late], monkeypatch))
    with pytest.raises(Overtaken):
        await second.write([moved])
    await second.write([moved])
    _is_moved_once(site)
    assert site.rows("SELECT * FROM {ledger}.conflicts") == []


@pytest.mark.fault(36)
@pytest.mark.parametrize("meanwhile", ["has moved it", "is about to"])
async def test_a_payment_that_needs_no_call_is_not_entered_over_what_another_sink_does(
    site: Site, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    first, second, topic, moved = await _over_rest(site)
    site.run("UPDATE payments SET comment = 'the same'")
    late = topic.send(PAYMENTS, 10, [payment(10, 1, 100, comment="the same")], sequence=3)

    async def writes() -> None:
        with pytest.raises(Overtaken):
            await first.write([late])

    if meanwhile == "has moved it":
        foreign = first._paths._rest._foreign
        _meanwhile(foreign, "keep", monkeypatch, lambda: _not_yet_committed(second, [moved], monkeypatch))
        await writes()
    else:
        _meanwhile(SplynxClient, "post", monkeypatch, writes)
    await second.write([moved])
    _is_moved_once(site)


@pytest.mark.fault(36)
async def test_a_decision_about_a_payment_that_another_sink_has_moved_and_not_committed_is_refused(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, _, moved = await _over_rest(site)
    await _not_yet_committed(second, [moved], monkeypatch)
    refused = await first._resolving.write({("payment", "10"): {}})
    assert isinstance(refused["payment", "10"], Overtaken)
    await second.write([moved])
    _is_moved_once(site)


@pytest.mark.fault(36)
async def test_a_payment_that_waited_is_left_to_another_sink_that_has_moved_it_and_not_committed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, topic = await _side_by_side(site, WritePaths(sql=True, chosen=OVER_REST))
    await first.write([topic.send(PAYMENTS, 10, [payment(10, 3, 700)], sequence=2)])
    await first.write([topic.send(ACCOUNTS, 3, customer(3), sequence=3)])
    moved = replace(topic.send(PAYMENTS, 10, [payment(10, 2, 100)], sequence=4), partition=1)
    await _not_yet_committed(second, [moved], monkeypatch)
    assert await first.settle() == 0
    assert site.rows("SELECT state, sequence FROM {ledger}.held") == [{"state": "ready", "sequence": 2}]
    await second.write([moved])
    assert site.rows("SELECT * FROM {ledger}.held") == []
    assert sorted(site.deposits().values()) == [Decimal(0), Decimal(0), Decimal(1)]
    assert len(site.rows("SELECT * FROM payments")) == 1


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
    ("part", "step"),
    [
        pytest.param("_ledger", "states", id="while it is looked at"),
        pytest.param("_paths", "rest_results", id="after it was looked at"),
    ],
)
@pytest.mark.parametrize("other", ["has moved", "has not read"])
async def test_a_payment_that_waited_is_not_written_by_what_was_known_before_another_sink_came(
    site: Site, monkeypatch: pytest.MonkeyPatch, part: str, step: str, other: str
) -> None:
    """What that tells nothing of waits on as of it, and is written after all."""
    first, second, topic = await _side_by_side(site)
    await first.write([topic.send(PAYMENTS, 10, [payment(10, 3, 700)], sequence=2)])
    await first.write([topic.send(ACCOUNTS, 3, customer(3), sequence=3)])
    sent = {
        "has moved": topic.send(PAYMENTS, 10, [payment(10, 2, 100)], sequence=4),
        "has not read": topic.send(PAYMENTS, 10, [], sequence=4, unread={"payment"}),
    }
    _meanwhile(getattr(first, part), step, monkeypatch, lambda: second.write([replace(sent[other], partition=1)]))
    with pytest.raises(Overtaken):
        await first.settle()
    await first.settle()
    assert sorted(site.deposits().values()) == [0, 0, 1 if other == "has moved" else 7]
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
    await first.settle()
    held = site.rows("SELECT state, sequence FROM {ledger}.held")
    assert [(row["state"], row["sequence"]) for row in held] == left[what]
    assert first._letters._at_hand == set()
