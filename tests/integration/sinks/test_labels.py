"""Labels: given, waited for, and never shared by two objects of Sonar."""

import asyncio

import pytest

from clients import mysql_errors
from plumbing.errors import SyncError
from plumbing.settings import MysqlSettings
from schemas.ledger import UNSETTLED
from schemas.records import Ref
from sinks.entries import Entries, Owner
from sinks.errors import NameShared
from sinks.plan import Step, Verb
from tests.integration.sinks.conftest import Site
from tests.integration.sinks.records import ACCOUNTS, GROUPS, LABEL, Label, Topic, customer

pytestmark = pytest.mark.timeout(120)
LABELS_KEPT = "SELECT record_key, target_id FROM {ledger}.crosswalk WHERE entity = 'label' AND state = 'live'"


@pytest.mark.fault(12)
async def test_a_label_that_comes_after_its_customers_is_put_on_them(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    labels = [Ref(entity="label", key=f"group:{number}") for number in (1, 2)]
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, customer_labels=labels), sequence=1)])
    assert site.rows("SELECT COUNT(*) AS n FROM customers")[0]["n"] == 1
    assert site.rows("SELECT state, code FROM {ledger}.held") == [{"state": "parked", "code": "sink.reference_missing"}]
    for number in (1, 2):
        label = Label(key=f"group:{number}", label=f"grp: {number}")
        await writer.write([topic.send(GROUPS, number, [label], sequence=1 + number)])
        while await writer.settle():
            pass
        assert site.rows("SELECT COUNT(*) AS n FROM customers_labels")[0]["n"] == number
    assert site.rows("SELECT COUNT(*) AS n FROM {ledger}.held")[0]["n"] == 0
    assert {row["outcome"] for row in site.rows("SELECT outcome FROM {ledger}.aggregates")} == {"applied"}


async def test_a_label_that_somebody_made_is_used_as_it_is(site: Site) -> None:
    """Nobody approved of a change: what differs waits for a decision."""
    theirs = await site.client.post(
        "admin/config/labels", {"module": "customers", "label": "grp: A", "color": "#000000"}
    )
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write([topic.send(GROUPS, 1, [Label(key="group:1", label="grp: A")], sequence=1)])
    assert site.rows(LABELS_KEPT) == [{"record_key": "group:1", "target_id": int(theirs["id"])}]
    assert site.rows("SELECT color FROM labels WHERE id = %s", theirs["id"]) == [{"color": "#000000"}]
    assert site.rows("SELECT field, state FROM {ledger}.conflicts") == [{"field": "color", "state": UNSETTLED}]


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one after the other"])
@pytest.mark.parametrize("second", ["grp: Gold", "grp: gôld"], ids=["the same", "the same to the database"])
async def test_two_objects_of_one_name_never_share_a_row(site: Site, together: bool, second: str) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    load = [
        topic.send(GROUPS, number, [Label(key=f"group:{number}", label=name)], sequence=number)
        for number, name in ((1, "grp: Gold"), (2, second))
    ]
    for batch in [load] if together else [[one] for one in load]:
        await writer.write(batch)

    rows = {row["record_key"]: row["target_id"] for row in site.rows(LABELS_KEPT)}
    assert len(set(rows.values())) == len(rows)
    held = site.rows("SELECT record_key, state, code, reason FROM {ledger}.held")
    assert {*rows} | {one["record_key"] for one in held} == {"group:1", "group:2"}
    assert [(one["state"], one["code"]) for one in held] == [("dead", "sink.name_shared")] * (2 - len(rows))
    assert all(key in one["reason"] for one in held for key in rows)


async def test_who_belongs_to_the_second_of_one_name_does_not_get_the_label_of_the_first(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    for number in (1, 2):
        label = Label(key=f"group:{number}", label="grp: Gold", color=f"#00000{number}")
        await writer.write([topic.send(GROUPS, number, [label], sequence=number)])
    assert site.rows("SELECT label, color FROM labels") == [{"label": "grp: Gold", "color": "#000001"}]
    second = [Ref(entity="label", key="group:2")]
    await writer.write([topic.send(ACCOUNTS, 1, customer(1, customer_labels=second), sequence=3)])
    assert site.rows("SELECT * FROM customers_labels") == []
    held = site.rows("SELECT entity, state, code FROM {ledger}.held ORDER BY entity")
    assert [tuple(one.values()) for one in held] == [
        ("customer", "parked", "sink.reference_missing"), ("label", "dead", "sink.name_shared"),
    ]  # fmt: skip

    # A name of its own, as the rules' line gives it, lets both go through.
    own_name = Label(key="group:2", label="grp: Gold #2")
    await writer.write([topic.send(GROUPS, 2, [own_name], sequence=2, generation=2)])
    await writer.settle()
    assert site.rows("SELECT l.label FROM customers_labels c JOIN labels l ON l.id = c.label_id") == [
        {"label": "grp: Gold #2"}
    ]
    assert site.rows("SELECT * FROM {ledger}.held") == []


async def test_a_name_that_becomes_that_of_another_is_told_as_such_and_changes_nothing(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    names = {1: "grp: Gold", 2: "grp: Silver"}
    for number, name in names.items():
        label = Label(key=f"group:{number}", label=name)
        await writer.write([topic.send(GROUPS, number, [label], sequence=number)])
    await writer.write([topic.send(GROUPS, 2, [Label(key="group:2", label="grp: Gold")], sequence=3)])
    assert [row["label"] for row in site.rows("SELECT label FROM labels ORDER BY id")] == list(names.values())
    (held,) = site.rows("SELECT record_key, state, code FROM {ledger}.held")
    assert tuple(held.values()) == ("group:2", "dead", "sink.name_shared")


async def test_a_label_that_nobody_in_sonar_has_any_more_may_be_taken_and_not_taken_back(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    first, second = (Label(key=f"group:{number}", label="grp: Gold") for number in (1, 2))
    await writer.write([topic.send(GROUPS, 1, [first], sequence=1)])
    await writer.write([topic.send(GROUPS, 1, [], sequence=2, deleted=True)])
    await writer.write([topic.send(GROUPS, 2, [second], sequence=3)])
    (kept,) = site.rows(LABELS_KEPT)
    assert kept["record_key"] == "group:2"
    await writer.write([topic.send(GROUPS, 1, [first], sequence=4)])
    assert site.rows(LABELS_KEPT) == [kept]
    (held,) = site.rows("SELECT record_key, code FROM {ledger}.held")
    assert tuple(held.values()) == ("group:1", "sink.name_shared")


async def test_of_two_that_enter_one_row_at_the_same_time_one_is_refused(site: Site) -> None:
    async def enter(number: int) -> None:
        async with site.db.transaction() as tx:
            token = await site.ledger.take(tx, number, "test")
        step = Step(Verb.CREATE, LABEL, f"group:{number}", "hash", {}, None)
        owner = Owner("account_group", number, 1, number, token)
        entries = Entries(site.ledger)
        await site.db.retried(lambda tx: entries.keep(tx, step, owner, 7, {}, before=None, action=""))

    ended = await asyncio.gather(enter(1), enter(2), return_exceptions=True)
    (refused,) = [one for one in ended if one is not None]
    assert isinstance(refused, NameShared)
    assert len(site.rows(LABELS_KEPT)) == 1


async def test_labels_that_are_entered_at_the_same_time_do_not_hinder_each_other(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[str] = []
    real = mysql_errors.error_of

    def told(exc: BaseException, at: MysqlSettings) -> SyncError:
        error = real(exc, at)
        lost.append(error.code)
        return error

    monkeypatch.setattr("clients.mysql.error_of", told)
    topic = Topic()
    writer = await site.own(site.make_writer())
    await writer.write(
        [
            topic.send(GROUPS, number, [Label(key=f"group:{number}", label=f"grp: {number}")], sequence=number)
            for number in range(1, 41)
        ]
    )
    assert len(site.rows(LABELS_KEPT)) == 40
    assert lost == []
