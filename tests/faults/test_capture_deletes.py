"""Deletes, and what only looks like one: single ones are believed, masses are held until somebody accepts them."""

from datetime import timedelta

import pytest

from tests.faults.alarms import alarm
from tests.faults.capture_town import Town
from tests.faults.seeds import seeds

MANY = 40
"""Payments more: beyond what the brake lets pass of a small collection."""


def gone(town: Town) -> set[int]:
    """Payments of which a delete was published."""
    return {event["source"]["sonar_id"] for event in town.events("payment") if event["op"] == "d"}


def held_is_told() -> float:
    """What the operator is called by."""
    return alarm("crossfade_stage_paused", stage="capture", code="capture.deletes_held")


def unlogged(town: Town, type_name: str, id: int) -> None:
    """Delete a row, of which no log tells."""
    before = set(town.shop.store.table("Log"))
    town.shop.store.delete(type_name, id)
    for entry in set(town.shop.store.table("Log")) - before:
        town.shop.store.hold("Log", entry)


@pytest.mark.fault(26)
@seeds(30, guards={"everything is swept": 1})
async def test_single_deletes_that_no_log_tells_of_are_believed_and_what_is_archived_stays(seed: int) -> None:
    """A root, a child with what is below it, an account that is first archived; another is archived only."""
    town = Town(seed, sweep_every=timedelta(minutes=10))
    await town.read()
    await town.follow(1)
    store = town.shop.store
    payment, contact = town.random.choice(town.payments), town.random.choice(town.contacts)
    first, second = town.shop.an_account("first archived"), town.shop.an_account("archived only")
    await town.follow(1)
    for account in (first, second):
        store.update("Account", account, archived_at=town.shop.clock.now)
    await town.follow(2)
    for type_name, id in (("Payment", payment), ("Contact", contact), ("Account", first)):
        unlogged(town, type_name, id)
    await town.follow(60)
    await town.assert_topics_tell_sonar()
    assert gone(town) == {payment}
    assert first not in town.folded("account")
    assert second in town.folded("account")


@pytest.mark.fault(26)
@seeds(30, guards={"more deletes than usual are held": 1})
async def test_many_deletes_and_a_right_that_was_lost_halt_and_ask(seed: int) -> None:
    """Told by the log, or by none, or (each third seed) none of them true: the collection only looks empty."""
    town = Town(seed, sweep_every=timedelta(minutes=10))
    for _ in range(MANY):
        town.pay()
    await town.read()
    await town.follow(1)
    true = seed % 3 != 0
    if true:
        for id in town.random.sample(town.payments, MANY):
            (town.shop.store.delete if seed % 2 else lambda *row: unlogged(town, *row))("Payment", id)
    else:
        town.damage(emptied=frozenset({"payments"}))
    town.rename()
    await town.follow(60)
    assert gone(town) == set()
    assert "payments" in town.following.brake.held
    assert held_is_told() == 1
    if true:
        town.restart()  # it is remembered
        assert town.following.brake.held["payments"].missing == MANY
        await town.following.accept_deletes(["payments"])
    town.damage()
    await town.follow(60)
    assert not town.following.brake.held
    assert held_is_told() == 0
    assert len(gone(town)) == (MANY if true else 0)
    await town.assert_topics_tell_sonar()


@pytest.mark.fault(26)
@seeds(30, guards={"a collection that looks empty is not believed": 1})
async def test_a_collection_that_is_empty_is_read_as_empty_and_one_that_becomes_so_unseen_is_not(seed: int) -> None:
    """First nobody has paid; later some have, and what the log tells of one of them comes while none is shown."""
    town = Town(seed)
    for id in town.payments:
        town.shop.store.delete("Payment", id)
    town.payments.clear()
    town.shop.clock.tick(3600)
    await town.read()
    await town.follow(1)
    assert town.events("payment") == []
    for _ in range(1 + seed % 5):
        town.pay()
    left = town.payments[1:]
    await town.follow(1)
    town.shop.store.delete("Payment", town.payments[0])
    town.damage(emptied=frozenset({"payments"}))
    for id in left:
        town.shop.store.hold("Payment", id)
    await town.follow(3)
    assert gone(town) == (set() if left else {town.payments[0]})
    for id in left:
        town.shop.store.release("Payment", id)
    town.damage()
    await town.follow()
    assert gone(town) == {town.payments[0]}
    await town.assert_topics_tell_sonar()


@pytest.mark.fault(42)
@seeds(30, guards={"a read by id decides about a delete": 1})
async def test_after_an_outage_old_deletes_of_rows_that_were_created_again_delete_nothing(seed: int) -> None:
    town = Town(seed)
    await town.read()
    await town.follow(1)
    for _ in range(1 + seed % 6):
        town.shop.clock.tick(town.random.randint(1, 600))
        town.recreate()
        town.delete()
    town.shop.clock.tick(3600)
    await town.follow()
    assert gone(town).isdisjoint(town.shop.store.table("Payment"))
    await town.assert_topics_tell_sonar()
