"""What happens at the help desk, in the field and in the office of the invented ISP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sandbox.world import World
from sandbox.world.invariants import violations
from sandbox.world.operations import OPERATIONS
from tests.unit.sandbox_world.conftest import a_world

NAMES = [event.__name__ for event, _ in OPERATIONS.events]


def rows_of(world: World, type_name: str) -> dict[int, dict[str, Any]]:
    return {id: dict(row) for id, row in world.store.table(type_name).items()}


def changed(before: Mapping[int, object], after: Mapping[int, object]) -> set[int]:
    return {id for id in before.keys() | after.keys() if before.get(id) != after.get(id)}


def logged(world: World, kind: str, since: int) -> set[tuple[str, int]]:
    """(type, id) of what logs of a kind with an id above `since` are about."""
    return {
        (row["logged_entity_type"], row["logged_entity_id"])
        for id, row in world.store.table("Log").items()
        if id > since and row["type"] == kind
    }


def test_thousands_of_events_break_no_rule_and_every_one_happens(crowd: World) -> None:
    crowd.step(2000)
    assert violations(crowd.store) == []
    life = crowd.domains["operations"]
    assert life.lived.total() == int(2000 * OPERATIONS.rate)
    crowd.step(6000)
    assert {name for name, count in life.lived.items() if count} == set(NAMES)
    assert violations(crowd.store) == []


@pytest.mark.parametrize("name", NAMES)
def test_each_event_by_itself_breaks_no_rule(name: str) -> None:
    world = a_world(40)
    if name == "job_checked_out":
        assert world.happen("job_checked_in")
    last_log = len(world.store.table("Log"))
    assert any(world.happen(name) for _ in range(5))
    assert violations(world.store) == []
    assert len(world.store.table("Log")) > last_log


def test_the_same_seed_lives_the_same_life(living: World) -> None:
    twin = a_world(60)
    living.step(500)
    twin.step(500)
    assert twin.domains["operations"].lived == living.domains["operations"].lived
    for name in ("Ticket", "TicketReply", "Job", "Note", "Email"):
        kept, again = rows_of(living, name), rows_of(twin, name)
        assert {id: (row["created_at"], row["updated_at"]) for id, row in kept.items()} == {
            id: (row["created_at"], row["updated_at"]) for id, row in again.items()
        }


def test_a_ticket_that_moves_to_another_account_keeps_its_replies(living: World) -> None:
    before, replies = rows_of(living, "Ticket"), rows_of(living, "TicketReply")
    assert living.happen("ticket_moved")
    (id,) = changed(before, rows_of(living, "Ticket"))
    assert rows_of(living, "Ticket")[id]["ticketable_id"] != before[id]["ticketable_id"]
    assert rows_of(living, "TicketReply") == replies


def test_a_deleted_ticket_takes_all_with_it_and_the_log_tells_of_each(living: World) -> None:
    store = living.store
    ticket = next(
        id
        for id in store.table("Ticket")
        if store.pointing("TicketReply", "ticket_id", id)
        and store.pointing("TicketComment", "ticket_id", id)
        and store.pointing("TicketRecipient", "ticket_id", id)
    )
    children = {
        (name, id)
        for name in ("TicketReply", "TicketComment", "TicketRecipient")
        for id in store.pointing(name, "ticket_id", ticket)
    }
    children |= {
        ("Email", id)
        for reply in store.pointing("TicketReply", "ticket_id", ticket)
        for id in store.pointing("Email", "emailable", ("TicketReply", reply))
    }
    last_log = len(store.table("Log"))
    store.delete("Ticket", ticket)
    assert logged(living, "DELETED", last_log) >= {("Ticket", ticket), *children}
    assert not any(id in store.table(name) for name, id in children)
    assert violations(store) == []


def test_a_deleted_job_takes_its_visits_and_its_list_with_it(living: World) -> None:
    store = living.store
    job = next(id for id in store.table("Job") if store.pointing("JobCheckIn", "job_id", id))
    tasks = list(store.pointing("Task", "taskable", ("Job", job)))
    store.delete("Job", job)
    assert not store.pointing("JobCheckIn", "job_id", job)
    assert not any(task in store.table("Task") for task in tasks)
    assert violations(store) == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [("job_dispatched", "Job"), ("category_attached", "Ticket"), ("category_detached", "Ticket")],
)
def test_a_pivot_changes_without_either_row(living: World, name: str, kind: str) -> None:
    before, last_log = rows_of(living, kind), len(living.store.table("Log"))
    assert living.happen(name)
    assert rows_of(living, kind) == before
    assert {owner for owner, _ in logged(living, "ATTACHED", last_log) | logged(living, "DETACHED", last_log)} == {kind}


@pytest.mark.parametrize(("name", "kind"), [("ticket_commented", "Ticket"), ("task_ticked", "Job")])
def test_a_child_changes_without_its_root(living: World, name: str, kind: str) -> None:
    before = rows_of(living, kind)
    assert living.happen(name)
    assert rows_of(living, kind) == before


def test_a_merged_ticket_is_closed_and_names_the_other_as_its_parent(living: World) -> None:
    before = rows_of(living, "Ticket")
    assert living.happen("ticket_merged")
    (id,) = changed(before, rows_of(living, "Ticket"))
    child = rows_of(living, "Ticket")[id]
    assert child["status"] == "CLOSED"
    assert child["parent_ticket_id"] in before


def test_a_signed_contract_has_a_signature_with_a_drawing(living: World) -> None:
    before = rows_of(living, "Contract")
    assert living.happen("contract_signed")
    (id,) = changed(before, rows_of(living, "Contract"))
    signature = rows_of(living, "Contract")[id]["handwritten_signature_id"]
    (drawing,) = living.store.pointing("File", "fileable", ("HandwrittenSignature", signature))
    assert living.store.table("File")[drawing]["mime_type"] == "image/png"


def test_a_completed_job_has_a_ticked_list_or_failed(living: World) -> None:
    for _ in range(20):
        assert living.happen("job_made")
    before = rows_of(living, "Job")
    for _ in range(20):
        assert living.happen("job_completed")
    for id in changed(before, rows_of(living, "Job")):
        job = living.store.table("Job")[id]
        tasks = [living.store.table("Task")[task] for task in living.store.pointing("Task", "taskable", ("Job", id))]
        assert job["complete"]
        assert not job["completed_successfully"] or all(task["complete"] for task in tasks)


def test_the_one_open_job_among_many_done_ones_is_found(living: World) -> None:
    for id in [id for id, job in living.store.table("Job").items() if not job["complete"]]:
        living.store.delete("Job", id)
    for _ in range(8):
        assert living.happen("job_made")
        assert living.happen("job_completed")


def test_an_answer_goes_out_as_a_mail_to_the_tickets_first_recipient(living: World) -> None:
    store = living.store
    replies = set(store.table("TicketReply"))
    for _ in range(10):
        assert living.happen("ticket_answered")
    mailed = 0
    for reply in set(store.table("TicketReply")) - replies:
        recipients = store.pointing("TicketRecipient", "ticket_id", store.table("TicketReply")[reply]["ticket_id"])
        mails = store.pointing("Email", "emailable", ("TicketReply", reply))
        assert [store.table("Email")[id]["email_address"] for id in mails] == [
            store.table("TicketRecipient")[id]["email_address"] for id in recipients[:1]
        ]
        mailed += len(mails)
    assert mailed
