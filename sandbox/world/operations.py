"""The domain of help desk, field work and papers: how it begins and how it lives."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from sandbox.world.desk import open_desk
from sandbox.world.domain import Beginning, Domain
from sandbox.world.jobs import begin_jobs
from sandbox.world.paper_past import Papers, begin_papers
from sandbox.world.past import Past
from sandbox.world.people import LIFETIME_DAYS
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
    desk = open_desk(store, catalogue, calendar.instant(calendar.today - timedelta(days=LIFETIME_DAYS + 29)))
    begin_tickets(store, catalogue, desk, past, shape.tickets)
    begin_jobs(store, catalogue, desk, past, shape.jobs)
    begin_papers(store, catalogue, desk, past, shape.papers)


OPERATIONS = Domain("operations", begin, (), (), 0.0)
