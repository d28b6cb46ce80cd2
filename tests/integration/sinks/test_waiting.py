"""What waits: for a record that comes later, for a newer bundle, or too long."""

from dataclasses import replace
from decimal import Decimal
from unittest.mock import Mock

import pytest

from plumbing.reading import Place
from schemas.entities.scoped import LEAD, OUT_OF_SCOPE
from schemas.records import Ref
from schemas.topics import Topics
from sinks.letters import DeadLetters
from tests.integration.sinks.conftest import Site
from tests.integration.sinks.records import ACCOUNTS, PAYMENTS, Topic, customer, payment, service
from tests.modes import in_both_modes

pytestmark = [pytest.mark.timeout(120), in_both_modes]


@pytest.mark.fault(12)
async def test_a_child_before_its_parent_waits_and_its_arrival_wakes_it(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    parent = Ref(entity="customer", key="1")
    await writer.write(
        [
            topic.send(PAYMENTS, 10, [payment(10, 2, 700)], sequence=1),
            topic.send(ACCOUNTS, 2, customer(2, parent_id=parent), sequence=2),
        ]
    )
    assert site.rows("SELECT COUNT(*) AS n FROM customers")[0]["n"] == 0
    held = site.rows("SELECT entity, state, waits_key FROM {ledger}.held ORDER BY entity")
    assert [(row["entity"], row["state"], row["waits_key"]) for row in held] == [
        ("customer", "parked", "1"), ("customer_info", "parked", "2"), ("payment", "parked", "2"),
    ]  # fmt: skip
    async with site.db.session() as tx:
        assert set(await site.ledger.longest_parked(tx)) == {"customer", "customer_info", "payment"}
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=3)])
    while await writer.settle():
        pass
    rows = {row["login"]: row for row in site.rows("SELECT id, login, parent_id FROM customers")}
    assert rows["s2"]["parent_id"] == rows["s1"]["id"]
    assert site.rows("SELECT COUNT(*) AS n FROM {ledger}.held")[0]["n"] == 0
    async with site.db.session() as tx:
        assert await site.ledger.longest_parked(tx) == {}
    assert site.deposits()[rows["s2"]["id"]] == Decimal(7)
    assert {row["outcome"] for row in site.rows("SELECT outcome FROM {ledger}.aggregates")} == {"applied"}


async def test_a_newer_bundle_supersedes_a_record_that_waits(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 2, 700)], sequence=1)])
    await writer.write([topic.send(PAYMENTS, 10, [], sequence=2)])
    await writer.write([topic.send(ACCOUNTS, 2, customer(2), sequence=3)])
    while await writer.settle():
        pass
    assert site.rows("SELECT COUNT(*) AS n FROM payments")[0]["n"] == 0


UNREAD = frozenset({"payment"})


async def test_a_bundle_that_tells_nothing_of_a_record_leaves_it_waiting(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 2, 700)], sequence=1)])
    await writer.write([topic.send(PAYMENTS, 10, [], sequence=2, unread=UNREAD)])
    # Not behind its aggregate: to whoever looks it would be overtaken.
    assert site.rows("SELECT state, sequence FROM {ledger}.held") == [{"state": "parked", "sequence": 2}]
    await writer.write([topic.send(ACCOUNTS, 2, customer(2), sequence=3)])
    while await writer.settle():
        pass
    assert site.rows("SELECT state FROM {ledger}.held") == []
    assert site.deposits() == {1: Decimal(7)}


async def test_a_dead_record_that_a_bundle_tells_nothing_of_stays_that_of_its_letter(site: Site) -> None:
    topic = Topic()
    impatient = await site.own(site.make_writer(parked_hours=1e-9))
    await impatient.write([topic.send(PAYMENTS, 10, [payment(10, 2, 700)], sequence=1)])
    await impatient.settle()
    held = site.rows("SELECT state, code, topic, partition_no, topic_offset FROM {ledger}.held")
    await impatient.write([topic.send(PAYMENTS, 10, [], sequence=2, unread=UNREAD)])
    assert site.rows("SELECT state, code, topic, partition_no, topic_offset FROM {ledger}.held") == held
    assert [row["state"] for row in held] == ["dead"]
    # A letter older than its record's newest event would not be replayed.
    assert site.rows("SELECT sequence FROM {ledger}.held") == [{"sequence": 2}]


async def test_what_waits_is_left_where_another_part_of_its_bundle_was_not_read(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    parent = Ref(entity="customer", key="1")
    await writer.write([topic.send(ACCOUNTS, 2, customer(2, parent_id=parent), sequence=1)])
    rest = customer(2, parent_id=parent)[:1]
    await writer.write([topic.send(ACCOUNTS, 2, rest, sequence=2, unread=frozenset({"customer_info"}))])
    held = site.rows("SELECT entity, sequence FROM {ledger}.held ORDER BY entity")
    assert held == [{"entity": "customer", "sequence": 2}, {"entity": "customer_info", "sequence": 2}]


async def test_what_waits_is_left_to_a_bundle_that_has_begun_to_be_written_and_may_tell_nothing_of_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sink ended before the commit, and wakes what waits before the bundle comes again."""
    monkeypatch.setattr("sinks.waiting._AT_ONCE", 1)
    topic = Topic()
    writer = await site.own(site.make_writer())
    await writer.write([topic.send(ACCOUNTS, 1, [*customer(1), service(501, 2)], sequence=6)])
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 2, 100)], sequence=1)])
    newer = topic.send(ACCOUNTS, 1, customer(1, "Berta"), sequence=7, unread={"internet_service"})
    with monkeypatch.context() as patches:
        patches.setattr(writer, "_commit", Mock(side_effect=EOFError))
        with pytest.raises(EOFError):
            await writer.write([newer])
    writer = await site.own(site.make_writer())
    async with site.db.transaction() as tx:
        writer.tokens[1] = await site.ledger.take(tx, 1, "test")
    await writer.write([replace(topic.send(ACCOUNTS, 2, customer(2), sequence=2), partition=1)])
    async with site.db.session() as tx:
        places = await site.ledger.waiting_places(tx)
    assert (Place("splynx.t.account", 0, 0), ("internet_service", "501")) in places
    handled = [await writer.settle() for _ in range(2)]
    held = "SELECT record_key, state, sequence FROM {ledger}.held"
    assert site.rows(held) == [{"record_key": "501", "state": "ready", "sequence": 6}]
    assert handled == [1, 0]
    outcome = "SELECT outcome, sequence FROM {ledger}.aggregates WHERE aggregate = 'account' AND sonar_id = 1"
    assert site.rows(outcome) == [{"outcome": "parked", "sequence": 6}]
    await writer.write([newer])
    while await writer.settle():
        pass
    assert site.rows(held) == []
    assert len(site.rows("SELECT 1 FROM services_internet")) == 1


async def test_what_was_woken_behind_a_bundle_that_was_applied_is_forgotten(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    await writer.write([topic.send(ACCOUNTS, 1, [*customer(1), service(501, 2)], sequence=6)])
    site.run("UPDATE {ledger}.held SET sequence = 5")
    await writer.write([topic.send(ACCOUNTS, 2, customer(2), sequence=2)])
    assert await writer.settle() == 1
    assert site.rows("SELECT * FROM {ledger}.held") == []
    assert site.rows("SELECT 1 FROM services_internet") == []


async def test_what_waits_of_a_deleted_record_is_forgotten(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 2, 700)], sequence=1)])
    await writer.write([topic.send(PAYMENTS, 10, [], sequence=2, deleted=True)])
    assert site.rows("SELECT state FROM {ledger}.held") == []


async def test_money_of_an_account_that_it_belongs_to_no_more_is_told_where_the_other_is_left_out(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    held = "SELECT record_key, state, code, sequence FROM {ledger}.held"
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 1, 700)], sequence=2, owner=1)])
    await writer.write([topic.send(PAYMENTS, 10, [], sequence=3, unread=UNREAD, owner=1, reason=LEAD)])
    assert site.rows(held) == []
    await writer.write([topic.send(PAYMENTS, 10, [], sequence=4, unread=UNREAD, owner=2, reason=OUT_OF_SCOPE)])
    told = {"record_key": "10", "state": "dead", "code": "sink.moved_away", "sequence": 4}
    assert site.rows(held) == [told]
    assert site.deposits() == {1: Decimal(7)}
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 1, 700)], sequence=5, owner=1)])
    assert site.rows(held) == []


async def test_what_waits_for_a_customer_that_it_belongs_to_no_more_is_not_written_for_it(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 1, 700)], sequence=1, owner=1)])
    await writer.write([topic.send(PAYMENTS, 10, [], sequence=2, unread=UNREAD, owner=2)])
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=3)])
    while await writer.settle():
        pass
    assert site.rows("SELECT COUNT(*) AS n FROM payments")[0]["n"] == 0
    held = site.rows("SELECT state, code, topic_offset, sequence FROM {ledger}.held")
    assert held == [{"state": "dead", "code": "sink.moved_away", "topic_offset": 0, "sequence": 2}]


async def test_a_move_that_waits_is_not_given_up_for_a_bundle_that_was_not_read(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 1, 700)], sequence=2, owner=1)])
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 2, 700)], sequence=3, owner=2)])
    await writer.write([topic.send(PAYMENTS, 10, [], sequence=4, unread=UNREAD, owner=2)])
    await writer.write([topic.send(ACCOUNTS, 2, customer(2), sequence=5)])
    while await writer.settle():
        pass
    assert site.deposits() == {1: Decimal(0), 2: Decimal(7)}


async def test_what_is_dead_keeps_its_letter_when_it_belongs_to_another_account(site: Site) -> None:
    topic = Topic()
    impatient = await site.own(site.make_writer(parked_hours=1e-9))
    await impatient.write([topic.send(PAYMENTS, 10, [payment(10, 1, 700)], sequence=1, owner=1)])
    await impatient.settle()
    await impatient.write([topic.send(PAYMENTS, 10, [], sequence=2, unread=UNREAD, owner=2, reason=OUT_OF_SCOPE)])
    assert site.rows("SELECT code FROM {ledger}.held") == [{"code": "sink.waited_too_long"}]


async def test_what_stands_and_waits_for_customers_that_it_belongs_to_no_more_has_one_letter(site: Site) -> None:
    topic, bus = Topic(), Mock()
    writer = await site.own(site.make_writer(letters=DeadLetters(bus, Topics("t"), 100)))
    await writer.write([topic.send(ACCOUNTS, 1, customer(1), sequence=1)])
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 1, 700)], sequence=2, owner=1)])
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 3, 700)], sequence=3, owner=3)])
    await writer.write([topic.send(PAYMENTS, 10, [], sequence=4, unread=UNREAD, owner=2, reason=OUT_OF_SCOPE)])
    assert bus.produce.call_count == 1
    assert site.rows("SELECT code, topic_offset FROM {ledger}.held") == [{"code": "sink.moved_away", "topic_offset": 2}]


async def test_what_is_deferred_may_be_given_up_long_after_its_message_was_consumed(site: Site) -> None:
    """So its letter is to be known after a restart as that of a parked record is."""
    topic = Topic()
    writer = await site.own(site.make_writer(disposable=False))

    async def waiting() -> set[tuple[Place, tuple[str, str]]]:
        async with site.db.session() as tx:
            return await site.ledger.waiting_places(tx)

    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 1, 700)], sequence=1, owner=1)])
    assert site.rows("SELECT state FROM {ledger}.held") == [{"state": "deferred"}]
    assert await waiting() == {(Place("splynx.t.payment", 0, 0), ("payment", "10"))}
    await writer.write([topic.send(PAYMENTS, 10, [], sequence=2, unread=UNREAD, owner=2, reason=OUT_OF_SCOPE)])
    assert site.rows("SELECT state, topic_offset FROM {ledger}.held") == [{"state": "dead", "topic_offset": 0}]
    assert await waiting() == set()


async def test_records_of_one_key_that_wait_too_long_have_a_letter_each(site: Site) -> None:
    topic, bus = Topic(), Mock()
    writer = await site.own(site.make_writer(letters=DeadLetters(bus, Topics("t"), 100), parked_hours=1e-9))
    parent = Ref(entity="customer", key="1")
    await writer.write([topic.send(ACCOUNTS, 2, customer(2, parent_id=parent), sequence=1)])
    await writer.settle()
    told = [one.kwargs["headers"] for one in bus.produce.call_args_list]
    assert sorted((one["crossfade.entity"], one["crossfade.record"]) for one in told) == [
        (b"customer", b"2"), (b"customer_info", b"2"),
    ]  # fmt: skip


async def test_what_waits_too_long_becomes_a_dead_letter(site: Site) -> None:
    writer = await site.own(site.make_writer(parked_hours=1e-9))
    await writer.write([Topic().send(PAYMENTS, 10, [payment(10, 2, 700)], sequence=1)])
    await writer.settle()
    held = site.rows("SELECT state, code FROM {ledger}.held")
    assert [(row["state"], row["code"]) for row in held] == [("dead", "sink.waited_too_long")]


async def test_what_was_given_up_and_comes_again_waits_anew(site: Site) -> None:
    topic = Topic()
    impatient = await site.own(site.make_writer(parked_hours=1e-9))
    await impatient.write([topic.send(PAYMENTS, 10, [payment(10, 2, 700)], sequence=1)])
    await impatient.settle()
    site.run("UPDATE {ledger}.held SET since = since - INTERVAL 2 DAY")
    writer = await site.own(site.make_writer())
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 2, 750)], sequence=2)])
    await writer.settle()
    assert site.rows("SELECT state, sequence FROM {ledger}.held") == [{"state": "parked", "sequence": 2}]
    await writer.write([topic.send(ACCOUNTS, 2, customer(2), sequence=3)])
    await writer.settle()
    assert site.deposits() == {1: Decimal("7.5")}


async def test_a_dead_letter_of_what_waited_too_long_names_the_chain_to_what_is_at_fault(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer(parked_hours=1e-9))
    parent = Ref(entity="customer", key="1")
    await writer.write(
        [
            topic.send(PAYMENTS, 10, [payment(10, 2, 700)], sequence=1),
            topic.send(ACCOUNTS, 2, customer(2, parent_id=parent), sequence=2),
        ]
    )
    await writer.settle()
    reasons = {row["entity"]: row["reason"] for row in site.rows("SELECT entity, reason FROM {ledger}.held")}
    unknown = "customer 1 (neither in Splynx nor on its way)"
    assert reasons == {
        "payment": f"waited for customer 2 (parked [sink.parent_missing]), that for {unknown}",
        "customer": f"waited for {unknown}",
        "customer_info": f"waited for customer 2 (parked [sink.parent_missing]), that for {unknown}",
    }


async def test_a_parent_that_came_while_its_child_was_being_parked_wakes_it_at_the_next_look(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    await writer.write([topic.send(PAYMENTS, 10, [payment(10, 2, 700)], sequence=1)])
    # The parent is entered by another sink, of another partition: nobody tells this one.
    await writer.write([topic.send(ACCOUNTS, 2, customer(2), sequence=2)])
    assert site.rows("SELECT state FROM {ledger}.held") == [{"state": "parked"}]
    assert await writer.settle() == 1  # as the timer does
    assert site.deposits() == {1: Decimal(7)}
    assert site.rows("SELECT state FROM {ledger}.held") == []
