"""What happens to the invented ISP, and what does not."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from sandbox.world import World
from sandbox.world.events import EVENTS
from sandbox.world.invariants import violations
from tests.unit.sandbox_world.conftest import a_world
from tests.unit.sandbox_world.test_populate import rows

NAMES = [event.__name__ for event, _ in EVENTS]


def versions(world: World, type_name: str) -> dict[int, object]:
    return {id: row["_version"] for id, row in world.store.table(type_name).items()}


def changed(before: Mapping[int, object], after: Mapping[int, object]) -> set[int]:
    return {id for id in before.keys() | after.keys() if before.get(id) != after.get(id)}


def payments(world: World) -> dict[int, dict[str, Any]]:
    return {id: dict(row) for id, row in world.store.table("Payment").items()}


def test_thousands_of_events_break_no_rule(crowd: World) -> None:
    crowd.step(2000)
    assert violations(crowd.store) == []


def test_a_step_is_one_event(living: World) -> None:
    living.step()
    living.step(499)
    assert living.lived.total() == 500


def test_every_event_happens_in_an_ordinary_life(crowd: World) -> None:
    while set(crowd.lived) != set(NAMES) and crowd.lived.total() < 20_000:
        crowd.step(500)
    assert set(crowd.lived) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_event_by_itself_breaks_no_rule(name: str) -> None:
    world = a_world()
    before = rows(world)
    assert any(world.happen(name) for _ in range(5))
    assert violations(world.store) == []
    if name not in ("group_attached", "group_detached"):
        assert rows(world) != before


def test_the_same_seed_lives_the_same_life(living: World) -> None:
    twin = a_world()
    living.step(700)
    twin.step(700)
    assert rows(twin) == rows(living)
    assert twin.lived == living.lived


def test_an_unknown_event_is_an_error(living: World) -> None:
    with pytest.raises(KeyError):
        living.happen("rain")


@pytest.mark.parametrize(
    "name", ["contact_edited", "phone_edited", "contact_added", "custom_value_edited", "billing_edited"]
)
def test_events_of_children_leave_the_accounts_row_alone(living: World, name: str) -> None:
    before = versions(living, "Account")
    assert living.happen(name)
    assert versions(living, "Account") == before


def test_a_renamed_status_changes_no_account(living: World) -> None:
    accounts, statuses = versions(living, "Account"), versions(living, "AccountStatus")
    assert living.happen("status_renamed")
    assert len(changed(statuses, versions(living, "AccountStatus"))) == 1
    assert versions(living, "Account") == accounts


def test_a_payment_that_fails_later_stops_counting(living: World) -> None:
    before = payments(living)
    assert living.happen("succeeded_failed")
    (id,) = changed(before, payments(living))
    assert before[id]["successful"]
    after = payments(living)[id]
    assert (after["status"], after["successful"], after["amount_remaining"]) == ("FAILED", False, 0)


def test_a_pending_payment_that_succeeds_counts_in_full(living: World) -> None:
    before = payments(living)
    assert living.happen("pending_succeeded")
    (id,) = changed(before, payments(living))
    assert before[id]["status"] == "PENDING"
    after = payments(living)[id]
    assert (after["status"], after["successful"], after["amount_remaining"]) == ("SUCCEEDED", True, after["amount"])


@pytest.mark.parametrize("name", ["reversed_fully", "reversed_partly"])
def test_a_reversal_takes_from_what_remains(living: World, name: str) -> None:
    before, reversals = payments(living), set(living.store.table("ReversedPayment"))
    assert living.happen(name)
    (reversal,) = set(living.store.table("ReversedPayment")) - reversals
    (id,) = changed(before, payments(living))
    taken = before[id]["amount_remaining"] - payments(living)[id]["amount_remaining"]
    assert taken == living.store.table("ReversedPayment")[reversal]["amount"]
    assert (payments(living)[id]["amount_remaining"] == 0) == (name == "reversed_fully")


def test_a_deleted_reversal_gives_back_what_it_took(living: World) -> None:
    balance = living.summary()["balance"]
    reversals = {id: dict(row) for id, row in living.store.table("ReversedPayment").items()}
    assert living.happen("reversal_deleted")
    (gone,) = reversals.keys() - set(living.store.table("ReversedPayment"))
    assert living.summary()["balance"] == balance + reversals[gone]["amount"]


def test_a_move_ends_one_assignment_and_begins_another(living: World) -> None:
    table = living.store.table("ServiceableAddressAccountAssignmentHistory")
    before, opened = set(table), {id for id, row in table.items() if row["end_date"] is None}
    assert living.happen("move")
    (new,) = set(table) - before
    (ended,) = {id for id in opened if table[id]["end_date"] is not None}
    assert table[new]["account_id"] == table[ended]["account_id"]
    assert table[new]["address_id"] != table[ended]["address_id"]


def test_life_goes_on_when_somebody_else_deletes_rows(living: World) -> None:
    reversed_ones = {row["payment_id"] for row in living.store.table("ReversedPayment").values()}
    for type_name in ("Payment", "PhoneNumber", "Contact", "CustomFieldData"):
        for id in list(living.store.table(type_name)):
            # Deleting a contact has taken its telephone numbers with it.
            if id % 2 and id in living.store.table(type_name) and not (type_name == "Payment" and id in reversed_ones):
                living.store.delete(type_name, id)
    living.step(1000)
    assert violations(living.store) == []


async def test_a_resumed_world_lives_at_its_rate_until_paused(living: World) -> None:
    living.resume(400)
    assert living.alive
    await asyncio.sleep(0.5)
    living.pause()
    happened = living.lived.total()
    assert 40 <= happened <= 220
    await asyncio.sleep(0.15)
    assert living.lived.total() == happened
    assert not living.alive


async def test_resuming_again_only_changes_the_rate(living: World) -> None:
    living.resume(1)
    living.resume(1000)
    await asyncio.sleep(0.3)
    living.pause()
    assert living.lived.total() > 20
    assert len(asyncio.all_tasks()) <= 2


async def test_a_life_that_ended_by_an_error_says_so_when_paused(
    living: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(n: int = 1) -> None:
        raise RuntimeError("struck by lightning")

    monkeypatch.setattr(living, "step", fail)
    living.resume(1000)
    await asyncio.sleep(0.15)
    with pytest.raises(RuntimeError, match="lightning"):
        living.pause()


def test_pausing_a_world_at_rest_is_nothing(living: World) -> None:
    living.pause()
    assert not living.alive


async def test_a_rate_must_be_positive(living: World) -> None:
    with pytest.raises(ValueError, match="positive rate"):
        living.resume(0)
