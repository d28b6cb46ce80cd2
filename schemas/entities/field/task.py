"""What is to be done, on a job or for an account (mapping J5, D4)."""

from datetime import date
from typing import Annotated

from schemas.aggregate import Aggregate, Collection, Hop, LookUp
from schemas.entities.belonging import (
    JOB_OWNER,
    JOBS,
    TICKET_OWNER,
    TICKETS,
    JobOf,
    TicketOf,
    account_of,
    hangs_on_account,
)
from schemas.entities.scoped import ScopedAccount
from schemas.records import Instant, Morph, Personal, ShownArchived, SonarRecord


class Task(SonarRecord):
    """A line of a list of what is to be done. Source: Sonar schema, type Task."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    taskable_type: str
    taskable_id: int
    task: Annotated[str, Personal()]
    complete: bool
    completed_at: Instant | None = None
    completed_by_user_id: int | None = None
    completion_type: str
    completable_type: str | None = None
    completable_id: int | None = None
    due: date | None = None
    list_order: int | None = None
    user_id: int | None = None
    account: Annotated[ScopedAccount | None, Morph("taskable", "Account"), ShownArchived()] = None
    job: Annotated[JobOf | None, Morph("taskable", "Job"), ShownArchived()] = None
    ticket: Annotated[TicketOf | None, Morph("taskable", "Ticket"), ShownArchived()] = None


_AT_ACCOUNT, _AT_JOB, _AT_TICKET = (
    Hop("tasks", "taskable_id", ("taskable_type", name)) for name in ("Account", "Job", "Ticket")
)
TASK = Aggregate(
    name="task",
    root=Collection("tasks", Task, "Task"),
    owned_by=[
        account_of(morph="taskable"),
        account_of("job", morph="jobbable"),
        account_of("ticket", morph="ticketable"),
    ],
    looks_up=[
        LookUp("jobs", "Job", ways=((_AT_JOB,),), fields=JOB_OWNER),
        LookUp("tickets", "Ticket", ways=((_AT_TICKET,),), fields=TICKET_OWNER),
        *hangs_on_account((_AT_ACCOUNT,), (JOBS, _AT_JOB), (TICKETS, _AT_TICKET)),
    ],
    doc="Something that is to be done, on a job, for an account or elsewhere.",
)
