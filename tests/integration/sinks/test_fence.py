"""Who may write: the owner of a partition, before the cutover, and until the deadline of its call."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from clients.splynx_errors import SplynxUnreachable
from plumbing.clock import utc_now
from plumbing.errors import ConfigurationError
from schemas.aggregate import Aggregate
from schemas.records import SplynxRecord
from sinks.adoption import Marked
from sinks.entries import Owner
from sinks.errors import CutOver, Fenced
from sinks.phase import PhaseChange, change_phase
from sinks.site import Site as Opened
from sinks.store import Intent, Ledger
from sinks.writer import Writer
from tests.integration.sinks.conftest import Site
from tests.integration.sinks.records import ACCOUNTS, PAYMENTS, TARGETS, Topic, customer, payment

pytestmark = pytest.mark.timeout(120)

STATE = (
    "SELECT (SELECT COUNT(*) FROM customers) AS customers, (SELECT COUNT(*) FROM payments) AS payments,"
    " (SELECT COUNT(*) FROM {ledger}.intents) AS intents, (SELECT COUNT(*) FROM {ledger}.crosswalk) AS rows_known,"
    " (SELECT SUM(next_offset) FROM {ledger}.checkpoint) AS consumed, (SELECT COUNT(*) FROM {ledger}.held) AS held"
)


async def _enter(site: Site, phase: str) -> None:
    async with site.db.transaction() as tx:
        await site.ledger.enter(tx, phase)


async def _open_intents(site: Site) -> list[Intent]:
    async with site.db.session() as tx:
        return await site.ledger.every_open_intent(tx)


def _opened(site: Site) -> Opened:
    return Opened(site.client, site.db, site.ledger, Marked(site.client, site.db, TARGETS, sql=True), None)


@pytest.fixture
async def writer(site: Site) -> Writer:
    """The owner of the partition, who has written a customer and a payment of 9.00."""
    writer = await site.own(site.make_writer())
    await writer.write(
        [
            Topic().send(ACCOUNTS, 1, customer(1), sequence=1),
            Topic().send(PAYMENTS, 10, [payment(10, 1, 900)], sequence=1),
        ]
    )
    return writer


WORK: dict[str, tuple[Aggregate, int, Callable[[], list[SplynxRecord]]]] = {
    "a creation": (ACCOUNTS, 2, lambda: customer(2)),
    "a change": (ACCOUNTS, 1, lambda: customer(1, "Another")),
    "a withdrawal": (ACCOUNTS, 1, list),
    "a payment": (PAYMENTS, 11, lambda: [payment(11, 1, 100)]),
}


@pytest.mark.fault(8)
@pytest.mark.parametrize("kind", WORK)
async def test_an_older_owner_calls_nobody_and_commits_nothing(site: Site, writer: Writer, kind: str) -> None:
    aggregate, number, records = WORK[kind]
    await site.own(site.make_writer())
    before = site.rows(STATE), site.rows("SELECT name, status FROM customers")
    delivery = Topic(first=1).send(aggregate, number, records(), sequence=2, deleted=not records())
    with pytest.raises(Fenced):
        await writer.write([delivery])
    assert (site.rows(STATE), site.rows("SELECT name, status FROM customers")) == before


@pytest.mark.parametrize("kind", WORK)
async def test_after_the_cutover_nobody_writes(site: Site, writer: Writer, kind: str) -> None:
    aggregate, number, records = WORK[kind]
    await _enter(site, "live")
    before = site.rows(STATE), site.rows("SELECT name, status FROM customers")
    delivery = Topic(first=1).send(aggregate, number, records(), sequence=2, deleted=not records())
    with pytest.raises(CutOver):
        await writer.write([delivery])
    assert (site.rows(STATE), site.rows("SELECT name, status FROM customers")) == before
    await _enter(site, "verify")
    await writer.write([delivery])
    assert (site.rows(STATE), site.rows("SELECT name, status FROM customers")) != before


async def test_the_phase_changes_behind_what_was_begun_before_and_ahead_of_everything_else(
    site: Site, writer: Writer
) -> None:
    async with site.db.transaction() as tx:
        await site.ledger.hold(tx, writer.tokens)
        changing = asyncio.create_task(_enter(site, "live"))
        await asyncio.sleep(0.3)
        assert not changing.done()
    await changing
    with pytest.raises(CutOver):
        await _hold(site, writer)


async def _hold(site: Site, writer: Writer) -> None:
    async with site.db.transaction() as tx:
        await site.ledger.hold(tx, writer.tokens)


@pytest.mark.fault(8)
async def test_a_new_owner_comes_behind_a_commit_that_was_begun_before(site: Site, writer: Writer) -> None:
    async with site.db.transaction() as tx:
        await site.ledger.hold(tx, writer.tokens)
        taking = asyncio.create_task(site.own(site.make_writer()))
        await asyncio.sleep(0.3)
        assert not taking.done()
    await taking
    with pytest.raises(Fenced):
        await _hold(site, writer)


@pytest.mark.fault(38)
async def test_a_change_that_comes_late_does_not_overwrite_a_newer_one(site: Site, writer: Writer) -> None:
    topic = Topic(first=1)
    site.arm("delay_before", method="PUT", path="customers/customer/", seconds=4)
    with pytest.raises(SplynxUnreachable):
        await writer.write([topic.send(ACCOUNTS, 1, customer(1, "Second"), sequence=2)])
    healing = site.healing()
    (late,) = await _open_intents(site)
    assert (late.method, late.entity, late.key) == ("PUT", "customer", "1")
    assert late.latest - time.monotonic() < 0.5  # it is not sent any more: only Splynx's own time is waited for
    await healing.heal(late, writer.tokens[0])
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, "Third"), sequence=3)])
    await asyncio.sleep(max(0.0, late.latest + 5 - time.monotonic()))
    assert site.rows("SELECT name FROM customers") == [{"name": "Third"}]
    states = site.rows("SELECT state FROM {ledger}.intents WHERE id >= %s ORDER BY id", late.id)
    assert [one["state"] for one in states][:2] == ["lost", "done"]


async def test_a_call_that_was_surely_not_sent_is_not_waited_for(site: Site, writer: Writer) -> None:
    url, site.client._http.base_url = site.client._http.base_url, "http://127.0.0.1:1/api/2.0/"
    begun = time.monotonic()
    with pytest.raises(SplynxUnreachable):
        await writer.write([Topic(first=1).send(ACCOUNTS, 2, customer(2), sequence=2)])
    assert time.monotonic() - begun < site.client.settings.settle_seconds
    site.client._http.base_url = url
    assert await _open_intents(site) == []
    assert site.rows("SELECT state FROM {ledger}.intents ORDER BY id DESC LIMIT 1") == [{"state": "refused"}]


@pytest.mark.fault(30)
async def test_a_call_whose_deadline_passed_before_it_was_sent_is_not_sent(
    site: Site, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process stood still between its intent and its call; its successor has waited, and works already."""
    authorization = site.client._authorization

    async def slow() -> str:
        told = await authorization()
        if await _open_intents(site):
            await asyncio.sleep(site.client.settings.timeout_seconds + 0.1)
        return told

    monkeypatch.setattr(site.client, "_authorization", slow)
    with pytest.raises(SplynxUnreachable):
        await writer.write([Topic(first=1).send(ACCOUNTS, 1, customer(1, "Too late"), sequence=2)])
    assert site.rows("SELECT name FROM customers") == [{"name": "Anna"}]


@pytest.mark.fault(21)
@pytest.mark.parametrize("hours", [-3, 3])
async def test_how_long_a_call_may_still_be_sent_does_not_depend_on_the_callers_clock(site: Site, hours: int) -> None:
    wrong = Ledger(site.ledger.schema, "run", clock=lambda: utc_now() + timedelta(hours=hours))
    async with site.db.transaction() as tx:
        await wrong.begin(
            tx, key=("customer", "1"), owner=("account", 1), sequence=1, method="POST", partition=0, token=1,
            patience=timedelta(seconds=30),
        )  # fmt: skip
    (one,) = await _open_intents(site)
    assert 25 < one.latest - time.monotonic() <= 30


@pytest.mark.fault(8)
async def test_a_healer_that_was_overtaken_enters_nothing(site: Site, writer: Writer) -> None:
    owner = Owner("account", 2, 1, 0, writer.tokens[0])
    async with site.db.transaction() as tx:
        await site.ledger.begin(
            tx, key=("customer", "2"), owner=(owner.aggregate, owner.sonar_id), sequence=1, method="POST", partition=0,
            token=owner.token, patience=timedelta(),
        )  # fmt: skip
    await site.client.post(
        "admin/customers/customer",
        {
            "login": "s2", "status": "active", "name": "Bo", "category": "person", "partner_id": 1, "location_id": 1,
            "additional_attributes": {"sonar_id": "2"},
        },
    )  # fmt: skip
    await site.own(site.make_writer())
    (intent,) = await _open_intents(site)
    with pytest.raises(Fenced):
        await site.healing().heal(intent, owner.token)
    assert site.rows("SELECT record_key FROM {ledger}.crosswalk WHERE entity = 'customer'") == [{"record_key": "1"}]


async def test_the_cutover_waits_for_calls_that_were_begun_before_it(site: Site, writer: Writer) -> None:
    site.arm("delay_before", method="PUT", path="customers/customer/", seconds=4)
    with pytest.raises(SplynxUnreachable):
        await writer.write([Topic(first=1).send(ACCOUNTS, 1, customer(1, "Late"), sequence=2)])
    shown = await change_phase(_opened(site), "live", settle_seconds=2, apply=False)
    assert shown == PhaseChange(applied=False, phase="shadow", to="live", written=False, open_calls=1)
    changed = await change_phase(_opened(site), "live", settle_seconds=2, apply=True)
    assert (changed.applied, changed.phase, changed.to, changed.open_calls) == (True, "shadow", "live", 1)
    assert site.rows("SELECT name FROM customers") == [{"name": "Late"}]  # it has come through, and nothing comes later
    again = await change_phase(_opened(site), "live", settle_seconds=2, apply=True)
    assert (again.applied, again.phase) == (False, "live")


async def test_nothing_leads_back_from_a_closed_migration(site: Site, writer: Writer) -> None:
    await _enter(site, "closed")
    with pytest.raises(ConfigurationError, match="closed"):
        await change_phase(_opened(site), "shadow", settle_seconds=0, apply=True)
