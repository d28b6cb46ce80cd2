"""The domain of help desk, field work and papers: how it begins and how it lives."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from sandbox.world import job_events, paper_events, ticket_events
from sandbox.world.desk import open_desk
from sandbox.world.domain import Beginning, Domain
from sandbox.world.jobs import begin_jobs
from sandbox.world.paper_past import Papers, begin_papers
from sandbox.world.past import Past
from sandbox.world.people import LIFETIME_DAYS
from sandbox.world.staff import fill_in, hire
from sandbox.world.tickets import begin_tickets


class Shape(NamedTuple):
    """Rows for each account, on average."""

    tickets: float
    jobs: float
    papers: Papers


BRIEF = Shape(0.5, 0.4, Papers(contracts=0.2, files=0.2, notes=0.5, calls=0.3, emails=1.0, texts=0.3, to_dos=0.1))
REAL = Shape(3.75, 2.5, Papers(contracts=0.19, files=2.0, notes=5.0, calls=0.9, emails=24.0, texts=1.0, to_dos=0.3))
"""A real instance: 38,000 tickets, 25,000 jobs, 1,917 contracts, 9,141 call logs and 310,000 mails at 10,158 accounts,
the mails that answer tickets among them."""


def begin(beginning: Beginning) -> None:
    """Open the desk and write its past."""
    store, catalogue, calendar = beginning.store, beginning.catalogue, beginning.calendar
    shape = REAL if beginning.full else BRIEF
    past = Past(store, calendar, beginning.rng, long=beginning.full)
    opening = calendar.instant(calendar.today - timedelta(days=LIFETIME_DAYS + 29))
    desk = open_desk(store, catalogue, opening)
    if beginning.full:
        hire(store, catalogue, desk.roles, beginning.rng, opening)
    begin_tickets(store, desk, past, shape.tickets)
    begin_jobs(store, desk, past, shape.jobs)
    begin_papers(store, desk, past, shape.papers)
    if beginning.full:
        fill_in(store, beginning.rng, opening)


INDEXED = (
    "Ticket",
    "TicketReply",
    "TicketComment",
    "TicketRecipient",
    "Job",
    "JobCheckIn",
    "Task",
    "Contract",
    "File",
    "Note",
    "CallLog",
    "Email",
    "SmsOutboundMessage",
)

EVENTS = (
    (paper_events.mail_sent, 20),
    (paper_events.mail_tracked, 10),
    (ticket_events.ticket_answered, 8),
    (ticket_events.ticket_opened, 6),
    (ticket_events.ticket_replied, 6),
    (ticket_events.ticket_commented, 5),
    (ticket_events.ticket_closed, 5),
    (paper_events.note_written, 5),
    (paper_events.file_uploaded, 3),
    (job_events.job_made, 4),
    (job_events.job_dispatched, 4),
    (job_events.task_ticked, 4),
    (job_events.job_checked_in, 3),
    (job_events.job_checked_out, 3),
    (job_events.job_completed, 3),
    (paper_events.call_logged, 3),
    (ticket_events.ticket_handed_on, 3),
    (ticket_events.category_attached, 2),
    (paper_events.text_sent, 2),
    (paper_events.contract_sent, 2),
    (paper_events.contract_signed, 2),
    (paper_events.to_do_written, 1.5),
    (job_events.job_put_off, 1.5),
    (ticket_events.category_detached, 1.5),
    (ticket_events.ticket_reopened, 1),
    (ticket_events.ticket_moved, 1),
    (ticket_events.ticket_merged, 1),
    (job_events.job_taken_back, 1),
    (paper_events.note_edited, 1),
    (paper_events.note_deleted, 0.7),
    (paper_events.file_described, 0.7),
    (paper_events.file_deleted, 0.7),
    (ticket_events.comment_deleted, 0.5),
    (ticket_events.recipient_deleted, 0.5),
    (ticket_events.ticket_deleted, 0.5),
    (job_events.job_deleted, 0.5),
    (paper_events.to_do_deleted, 0.4),
    (paper_events.call_deleted, 0.4),
    (paper_events.contract_deleted, 0.3),
    (ticket_events.canned_reply_edited, 0.3),
    (ticket_events.category_renamed, 0.3),
    (job_events.job_type_switched, 0.3),
)

OPERATIONS = Domain("operations", begin, INDEXED, EVENTS, rate=0.5)
