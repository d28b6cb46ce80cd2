"""What must hold for tickets, jobs and papers whatever has happened. A violation is one line with type and id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sandbox.sonar.store import Store

CHILDREN = {
    "TicketReply": ("ticket_id", "Ticket"),
    "TicketComment": ("ticket_id", "Ticket"),
    "TicketRecipient": ("ticket_id", "Ticket"),
    "JobCheckIn": ("job_id", "Job"),
    "JobService": ("job_id", "Job"),
}
"""Type → the column that names its owner, and the owner's type."""

OWNED = {
    "Ticket": "ticketable",
    "Job": "jobbable",
    "Task": "taskable",
    "File": "fileable",
    "Note": "noteable",
    "Email": "emailable",
    "SmsOutboundMessage": "smsable",
}
"""Type → the pair of columns that names its owner."""


def operations_violations(store: Store) -> Iterator[str]:
    """Every broken rule of help desk, field work and papers."""
    yield from _tickets(store)
    yield from _jobs(store)
    yield from _owners(store)
    yield from _papers(store)


def _tickets(store: Store) -> Iterator[str]:
    tickets = store.table("Ticket")
    for id, row in tickets.items():
        if (row["status"] == "CLOSED") != (row["closed_at"] is not None):
            yield f"Ticket {id}: closed, and not, at the same time"
        if row["closed_by_user_id"] is not None and row["closed_at"] is None:
            yield f"Ticket {id}: closed by somebody, and open"
        if row["closed_at"] is not None and row["closed_at"] < row["created_at"]:
            yield f"Ticket {id}: closed before it was opened"
        step, seen = row["parent_ticket_id"], {id}
        while step is not None and step in tickets:
            if step in seen:
                yield f"Ticket {id}: is its own ancestor"
                break
            seen.add(step)
            step = tickets[step]["parent_ticket_id"]
    for id, row in store.table("TicketReply").items():
        if row["incoming"] == (row["user_id"] is not None):
            yield f"TicketReply {id}: is from outside and from a user, or from neither"


def _jobs(store: Store) -> Iterator[str]:
    jobs = store.table("Job")
    for id, row in jobs.items():
        ended = (row["completed_successfully"], row["completion_datetime"], row["completed_by_user_id"])
        if any((column is not None) != row["complete"] for column in ended):
            yield f"Job {id}: complete, and not, at the same time"
    for id, row in store.table("JobCheckIn").items():
        end = row["check_out_datetime"]
        if (end is None) != (row["checked_out_by_user_id"] is None):
            yield f"JobCheckIn {id}: checked out, and by nobody"
        if end is not None and end < row["check_in_datetime"]:
            yield f"JobCheckIn {id}: ends before it starts"
        if end is None and row["job_id"] in jobs and jobs[row["job_id"]]["complete"]:
            yield f"JobCheckIn {id}: somebody is still at a job that is done"
    for id, row in store.table("Task").items():
        if (row["completed_at"] is not None) != row["complete"]:
            yield f"Task {id}: complete, and not, at the same time"


def _owners(store: Store) -> Iterator[str]:
    for name, via in OWNED.items():
        for id, row in store.table(name).items():
            if (row[f"{via}_id"] is None) != (row[f"{via}_type"] is None):
                yield f"{name} {id}: owner type and id do not go together"
    for name, (column, owner) in CHILDREN.items():
        owners = store.table(owner)
        for id, row in store.table(name).items():
            if row[column] in owners and row["created_at"] < owners[row[column]]["created_at"]:
                yield f"{name} {id}: older than its {owner}"


def _papers(store: Store) -> Iterator[str]:
    signed = Counter(row["handwritten_signature_id"] for row in store.table("Contract").values())
    for id in store.table("HandwrittenSignature"):
        if signed[id] > 1:
            yield f"HandwrittenSignature {id}: under {signed[id]} contracts"
    contacts = store.table("Contact")
    for id, row in store.table("Contract").items():
        contact = contacts.get(row["contact_id"]) if row["contact_id"] is not None else None
        if contact is not None and contact["contactable_id"] != row["account_id"]:
            yield f"Contract {id}: its contact is somebody else's"
    for id, row in store.table("File").items():
        if row["file_size_in_bytes"] <= 0:
            yield f"File {id}: is empty"
    for id, row in store.table("Email").items():
        if (row["status"] in ("BOUNCED", "REJECTED")) != (row["reject_reason"] is not None):
            yield f"Email {id}: rejected without a reason, or a reason without rejection"
