"""Log-ins that change hands between customers, over REST."""

import pytest

from clients.splynx_errors import SplynxUnreachable
from schemas.bundle import Refused
from schemas.ownership import Ownership
from schemas.records import FieldOwner, Ref, SplynxRecord
from schemas.write_paths import WritePaths
from sinks.adoption import Marked
from sinks.entries import Owner
from sinks.plan import Step
from sinks.planned import Planned
from sinks.rest import RestRecords
from sinks.rollback import Rollback, Writes
from sinks.rollback_rest import RowsBack
from sinks.rollback_writes import RollbackWrites
from sinks.site import Site as Opened
from sinks.tables.journal import Chosen
from tests.integration.sinks.conftest import Site
from tests.integration.sinks.records import ACCOUNTS, TARGETS, Topic, customer
from tests.modes import in_both_modes

pytestmark = [pytest.mark.timeout(120), in_both_modes]


@pytest.mark.fault(28)
async def test_two_customers_swap_their_logins_and_who_wants_a_third_ones_is_set_aside(site: Site) -> None:
    """1 and 2 swap, 3 takes what 4 gives up, 5 wants what 6 keeps, 7 what 5 keeps because of that."""
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write([topic.send(ACCOUNTS, n, customer(n), sequence=1) for n in range(1, 8)])
    ids = {row["login"]: row["id"] for row in site.rows("SELECT id, login FROM customers")}
    wanted = {1: "S2", 2: "s1", 3: "s4", 4: "new", 5: "s6", 7: "s5"}
    batch = [topic.send(ACCOUNTS, n, customer(n, login=login), sequence=2) for n, login in wanted.items()]
    await writer.write(batch)
    now = {row["id"]: row["login"] for row in site.rows("SELECT id, login FROM customers")}
    assert [now[ids[f"s{n}"]] for n in range(1, 8)] == ["S2", "s1", "s4", "new", "s5", "s6", "s7"]
    assert site.rows("SELECT record_key, state FROM {ledger}.held WHERE entity = 'customer' ORDER BY 1") == [
        {"record_key": "5", "state": "dead"}, {"record_key": "7", "state": "dead"},
    ]  # fmt: skip
    assert site.rows("SELECT * FROM {ledger}.conflicts") == []
    requests = site.client.requests
    await writer.write(topic.rewind(batch[:4]))
    assert site.client.requests == requests, "it is written once"


async def test_logins_that_the_rules_give_to_splynx_are_not_touched(site: Site) -> None:
    """Who has one does not step aside, for its own one would never follow: also where a new customer wants it."""
    theirs = Ownership(owners={("customer", "login"): FieldOwner.TARGET})
    writer, topic = await site.own(site.make_writer(ownership=theirs)), Topic()
    await writer.write([topic.send(ACCOUNTS, n, customer(n), sequence=1) for n in (1, 2)])
    before = logins(site)
    wanted = {1: "s2", 2: "new", 3: "s1"}
    await writer.write([topic.send(ACCOUNTS, n, customer(n, login=login), sequence=2) for n, login in wanted.items()])
    assert logins(site) == before
    assert dead(site) == {"3": "splynx.record_refused"}


async def test_who_has_a_login_that_is_held_does_not_step_aside(site: Site) -> None:
    """Somebody gave 2 another log-in, then took it back, and nobody decided yet; 1 wants what 2 would give up."""
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write([topic.send(ACCOUNTS, n, customer(n), sequence=1) for n in (1, 2)])
    site.run("UPDATE customers SET login = 'typed' WHERE login = 's2'")
    await writer.write([topic.send(ACCOUNTS, 2, customer(2, login="wanted"), sequence=2)])
    site.run("UPDATE customers SET login = 'wanted' WHERE login = 'typed'")
    before = logins(site)
    batch = {1: "wanted", 2: "s1"}
    await writer.write([topic.send(ACCOUNTS, n, customer(n, login=login), sequence=3) for n, login in batch.items()])
    assert logins(site) == before
    assert dead(site) == {"1": "splynx.record_refused"}


async def test_who_stepped_aside_and_is_refused_gets_its_login_all_the_same(site: Site) -> None:
    """Else its customer could not log in, and the letter would name another field only."""
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write([topic.send(ACCOUNTS, n, customer(n), sequence=1) for n in (1, 2)])
    before = logins(site)
    site.ledger.run_id = "wrong"
    first = topic.send(ACCOUNTS, 1, customer(1, login="s2", status="no such status"), sequence=2)
    await writer.write([first, topic.send(ACCOUNTS, 2, customer(2, login="s1"), sequence=2)])
    assert logins(site) == dict(zip(before, reversed(before.values()), strict=True))
    assert dead(site) == {"1": "splynx.record_refused"}

    await writer.write([topic.send(ACCOUNTS, 1, customer(1, "Anne", login="s2"), sequence=3)])
    assert dead(site) == {}
    assert site.rows("SELECT * FROM {ledger}.conflicts") == []
    assert await taken_back(site, "wrong", "back") == {"restore"}
    assert logins(site) == before


async def test_who_was_written_before_it_waits_is_not_written_again(site: Site) -> None:
    """1 goes without a label that is not there yet: it waits, and has its log-in."""
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write([topic.send(ACCOUNTS, n, customer(n), sequence=1) for n in (1, 2)])
    before, label = logins(site), [Ref(entity="label", key="9")]
    first = topic.send(ACCOUNTS, 1, customer(1, login="s2", customer_labels=label), sequence=2)
    await writer.write([first, topic.send(ACCOUNTS, 2, customer(2, login="s1"), sequence=2)])
    assert logins(site) == dict(zip(before, reversed(before.values()), strict=True))
    entries = "SELECT action FROM {ledger}.journal WHERE entity = 'customer' AND record_key = '1' AND sequence = 2"
    assert len(site.rows(entries)) == 2


@pytest.mark.parametrize(
    "refused",
    [
        pytest.param(
            (Refused("customer", "1", "mapping.required_value_missing", "no status"),),
            id="which can no longer be mapped",
        ),
        pytest.param((), id="whose own one was taken meanwhile"),
    ],
)
async def test_who_stands_aside_since_a_crash_gets_back_what_it_had(
    site: Site, refused: tuple[Refused, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """1 was to become s2 and 2 another one; the sink died when 1 had stepped aside for 3, which wanted s1."""
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write([topic.send(ACCOUNTS, n, customer(n), sequence=1) for n in (1, 2)])
    before = logins(site)

    async def dies(self: RestRecords, step: Step, owner: Owner) -> bool:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(RestRecords, "write", dies)
        with pytest.raises(Killed):
            await writer.write(
                [
                    topic.send(ACCOUNTS, 1, customer(1, login="free"), sequence=2),
                    topic.send(ACCOUNTS, 3, customer(3, login="s1"), sequence=2),
                ]
            )
    (one,) = [id for id, login in logins(site).items() if login.startswith("moving-1-")]
    site.run("UPDATE customers SET login = 'free' WHERE login = 's2'")
    records = [] if refused else customer(1, login="free")
    await writer.write([topic.send(ACCOUNTS, 1, records, sequence=3, refused=refused)])
    assert logins(site)[one] == before[one]
    assert dead(site) == {"1": "mapping.required_value_missing" if refused else "splynx.record_refused"}


@pytest.mark.fault(6)
@pytest.mark.parametrize(
    ("records", "refused", "login", "why"),
    [
        pytest.param(
            customer(1, login="free", status="no such status"), (), "free", "splynx.record_refused",
            id="which is refused for another field",
        ),
        pytest.param(
            [], (Refused("customer", "1", "mapping.required_value_missing", "no status"),), "s1",
            "mapping.required_value_missing", id="which can no longer be mapped",
        ),
    ],
)  # fmt: skip
async def test_whose_stepping_aside_was_not_answered_gets_a_login_all_the_same(
    site: Site, records: list[SplynxRecord], refused: tuple[Refused, ...], login: str, why: str
) -> None:
    """1 stood aside for 3, which is not in the batch that comes again."""
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    site.arm("reset_after_commit", method="PUT", path="customers/customer/")
    wanted = {1: "free", 3: "s1"}
    with pytest.raises(SplynxUnreachable):
        await writer.write([topic.send(ACCOUNTS, n, customer(n, login=one), sequence=2) for n, one in wanted.items()])
    assert list(logins(site).values()) == ["moving-1-2"]
    successor = await site.own(site.make_writer())
    await site.healing().heal_all(successor.tokens)
    await successor.write([topic.send(ACCOUNTS, 1, records, sequence=3, refused=refused)])
    assert list(logins(site).values()) == [login]
    assert dead(site) == {"1": why}
    assert site.rows("SELECT * FROM {ledger}.conflicts") == []


async def test_who_can_get_neither_login_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody was quicker, after Splynx was asked."""
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write([topic.send(ACCOUNTS, n, customer(n), sequence=1) for n in (1, 2, 4)])

    async def quicker(self: RestRecords, step: Step, owner: Owner) -> Step:
        moved = await step_aside(self, step, owner)
        site.run("UPDATE customers SET login = 's1' WHERE login = 's2'")
        site.run("UPDATE customers SET login = 'free' WHERE login = 's4'")
        return moved

    step_aside = RestRecords.step_aside
    monkeypatch.setattr(RestRecords, "step_aside", quicker)
    await writer.write(
        [
            topic.send(ACCOUNTS, 1, customer(1, login="free"), sequence=2),
            topic.send(ACCOUNTS, 3, customer(3, login="s1"), sequence=2),
        ]
    )
    (held,) = site.rows("SELECT code, reason FROM {ledger}.held WHERE record_key = '1' AND entity = 'customer'")
    assert held["code"] == "sink.natural_key_taken"
    assert "moving-1-2" in held["reason"]


class Killed(BaseException):
    """Nobody handles it."""


async def test_logins_that_a_run_swapped_are_swapped_back_through_an_interruption(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1 and 2 have swapped, 3 has taken what 4 gave up. The undoing dies while one stands aside, and goes on."""
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write([topic.send(ACCOUNTS, n, customer(n), sequence=1) for n in range(1, 5)])
    before = logins(site)
    site.ledger.run_id = "wrong"
    wanted = {1: "s2", 2: "s1", 3: "s4", 4: "new"}
    await writer.write([topic.send(ACCOUNTS, n, customer(n, login=login), sequence=2) for n, login in wanted.items()])
    wrong = logins(site)
    assert wrong != before

    async def dies(self: RowsBack, planned: Planned, owner: Owner) -> None:
        await step_aside(self, planned, owner)
        raise Killed

    step_aside = RowsBack.step_aside
    with monkeypatch.context() as patched:
        patched.setattr(RowsBack, "step_aside", dies)
        with pytest.raises(Killed):
            await taken_back(site, "wrong", "back")
    assert any(login.startswith("moving-") for login in logins(site).values())
    assert await taken_back(site, "wrong", "back again") <= {"restore", "left"}
    assert logins(site) == before
    # What was there when it was undone is an image of the log-ins, not of what one had while it stood aside.
    runs = site.rows("SELECT run_id FROM {ledger}.journal WHERE run_id LIKE 'back%' GROUP BY run_id ORDER BY MIN(id)")
    for run in reversed(runs):  # the first one may have died before it wrote anything
        await taken_back(site, run["run_id"], f"{run['run_id']}, undone")
    assert logins(site) == wrong
    assert site.rows("SELECT * FROM {ledger}.conflicts") == []


async def test_who_does_not_get_its_login_back_keeps_the_one_it_has(site: Site) -> None:
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write([topic.send(ACCOUNTS, n, customer(n), sequence=1) for n in (1, 2)])
    site.ledger.run_id = "wrong"
    await writer.write([topic.send(ACCOUNTS, n, customer(n, login=f"s{3 - n}"), sequence=2) for n in (1, 2)])
    wrong = logins(site)
    (second,) = [id for id, login in wrong.items() if login == "s1"]
    site.run("UPDATE customers SET login = 'S1' WHERE id = %s", second)
    assert await taken_back(site, "wrong", "back") == {"left"}
    assert logins(site) == wrong | {second: "S1"}


def dead(site: Site) -> dict[str, str]:
    """`{key of a customer that was set aside: why}`."""
    rows = site.rows("SELECT record_key, code FROM {ledger}.held WHERE entity = 'customer' AND state = 'dead'")
    return {row["record_key"]: row["code"] for row in rows}


def logins(site: Site) -> dict[int, str]:
    """`{id of a customer: log-in}`."""
    return {row["id"]: row["login"] for row in site.rows("SELECT id, login FROM customers")}


async def taken_back(site: Site, run: str, by: str) -> set[str]:
    """What was done with the customers of a run."""
    opened = Opened(site.client, site.db, site.ledger, Marked(site.client, site.db, TARGETS, sql=site.by_sql), None)
    rollback = Rollback(opened, {}, money=True, ways=WritePaths(sql=site.by_sql))
    writes = RollbackWrites(opened, rollback, RestRecords(site.client, site.db, site.ledger, TARGETS), None)
    site.ledger.run_id = by
    chosen = await rollback.chosen(Writes(run_id=run))
    only = Chosen(chosen.writes, {"customer": 4}, chosen.oldest, chosen.newest)
    return {one.undo.way.value async for part in rollback.parts(only) for one in await writes.apply(part)}
