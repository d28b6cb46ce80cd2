"""To which account something belongs that hangs on a ticket, a job or a contact, and what re-reads it for it."""

from typing import Annotated

from schemas.aggregate import Hop, LookUp, Owner
from schemas.entities.scoped import LEAD_COLUMNS, SCOPE_COLUMNS, ScopedAccount
from schemas.records import Morph, ShownArchived, SonarRecord


class TicketOf(SonarRecord):
    """The ticket that something hangs on, and whose it is. Source: Sonar schema, type Ticket."""

    id: int
    ticketable_type: str | None = None
    ticketable_id: int | None = None
    account: Annotated[ScopedAccount | None, Morph("ticketable", "Account"), ShownArchived()] = None


class ReplyOf(SonarRecord):
    """Source: Sonar schema, type TicketReply."""

    id: int
    ticket: TicketOf | None = None


class CommentOf(SonarRecord):
    """Source: Sonar schema, type TicketComment."""

    id: int
    ticket: TicketOf | None = None


class JobOf(SonarRecord):
    """The job that something hangs on, and whose it is. Source: Sonar schema, type Job."""

    id: int
    jobbable_type: str
    jobbable_id: int
    account: Annotated[ScopedAccount | None, Morph("jobbable", "Account"), ShownArchived()] = None


class ContactOf(SonarRecord):
    """The person that something was sent to, and whose contact that is. Source: Sonar schema, type Contact."""

    id: int
    contactable_type: str
    contactable_id: int
    account: Annotated[ScopedAccount | None, Morph("contactable", "Account"), ShownArchived()] = None


TICKET_OWNER = ("ticketable_type", "ticketable_id")
JOB_OWNER = ("jobbable_type", "jobbable_id")
CONTACT_OWNER = ("contactable_type", "contactable_id")
"""Columns whose change moves what hangs on the row from one account to another."""

TICKETS = Hop("tickets", "ticketable_id", ("ticketable_type", "Account"))
JOBS = Hop("jobs", "jobbable_id", ("jobbable_type", "Account"))
CONTACTS = Hop("contacts", "contactable_id", ("contactable_type", "Account"))
"""From an account down to its own."""


def account_of(*path: str, morph: str) -> Owner:
    """The way to the account through to-one relations (`path`), the last of which has the polymorphic owner `morph`.

    >>> account_of("ticket", morph="ticketable")
    Owner(id='ticket.ticketable_id', type=('ticket.ticketable_type', 'Account'), through=None)
    """
    last = ".".join((*path, morph))
    return Owner(f"{last}_id", (f"{last}_type", "Account"))


def hangs_on_account(*ways: tuple[Hop, ...], fields: tuple[str, ...] = ()) -> tuple[LookUp, ...]:
    """As `follows_account`, for what has its `ScopedAccount` over others, by `ways` from the account down.

    `fields`: what else it shows of the account.
    """
    in_status = Hop("accounts", "account_status_id")
    return (
        LookUp("accounts", "Account", ways=ways, fields=(*SCOPE_COLUMNS, *fields), while_empty=LEAD_COLUMNS),
        LookUp(
            "account_statuses",
            "AccountStatus",
            ways=tuple((in_status, *way) for way in ways),
            fields=("name", "activates_account"),
        ),
    )
