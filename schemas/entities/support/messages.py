"""What is written in tickets: replies, which go out or come in, and comments within the house (mapping T5, T8, T9)."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from schemas.aggregate import Aggregate, Collection, Hop, LookUp, Owner
from schemas.entities.belonging import TICKET_OWNER, TICKETS, TicketOf, account_of, hangs_on_account
from schemas.entities.scoped import ScopedAccount
from schemas.records import Few, Instant, Morph, Personal, ShownArchived, SonarRecord


class Addressee(SonarRecord):
    """Who gets what goes out. Source: Sonar schema, type TicketRecipient."""

    id: int
    email_address: Annotated[str, Personal()]


class Author(SonarRecord):
    """A person of the account, known by the address. Source: Sonar schema, type Contact."""

    id: int
    email_address: Annotated[str | None, Personal()] = None


class Correspondents(ScopedAccount):
    """The account that a ticket is of, and who writes for it. Source: Sonar schema, type Account."""

    contacts: Annotated[list[Author] | None, Few(5)] = None


class AnsweredTicket(SonarRecord):
    """The ticket of a reply. Source: Sonar schema, type Ticket."""

    id: int
    ticketable_type: str | None = None
    ticketable_id: int | None = None
    account: Annotated[Correspondents | None, Morph("ticketable", "Account"), ShownArchived()] = None
    ticket_recipients: Annotated[list[Addressee] | None, Few(4)] = None


class TicketReply(SonarRecord):
    """A mail that came in, or goes out. Source: Sonar schema, type TicketReply."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    ticket_id: int
    incoming: bool
    body: Annotated[str, Personal()]
    author: Annotated[str | None, Personal()] = None
    author_email: Annotated[str | None, Personal()] = None
    signature: Annotated[str | None, Personal()] = None
    user_id: int | None = None
    ticket: AnsweredTicket | None = None

    left_out: ClassVar[Mapping[str, str]] = {
        "headers": "of the mail; the mapping drops them (4.30)",
        "raw_body": "the mail as it came; its body is what was written (mapping 4.30)",
    }


class TicketComment(SonarRecord):
    """What the staff tell each other. Source: Sonar schema, type TicketComment."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    ticket_id: int
    user_id: int
    body: Annotated[str, Personal()]
    ticket: TicketOf | None = None


_REPLIES, _COMMENTS = Hop("ticket_replies", "ticket_id"), Hop("ticket_comments", "ticket_id")
TICKET_REPLY = Aggregate(
    name="ticket_reply",
    root=Collection("ticket_replies", TicketReply, "TicketReply"),
    owned_by=[account_of("ticket", morph="ticketable")],
    looks_up=[
        LookUp("tickets", "Ticket", column="ticket_id", fields=TICKET_OWNER),
        LookUp(
            "ticket_recipients",
            "TicketRecipient",
            of=Owner("ticket_id"),
            ways=((_REPLIES,),),
            fields=("email_address",),
        ),
        *hangs_on_account((TICKETS, _REPLIES)),
        LookUp(
            "contacts",
            "Contact",
            of=account_of(morph="contactable"),
            ways=((TICKETS, _REPLIES),),
            fields=("email_address",),
        ),
    ],
    doc="A reply in a ticket, with those who get it or may have written it.",
)
TICKET_COMMENT = Aggregate(
    name="ticket_comment",
    root=Collection("ticket_comments", TicketComment, "TicketComment"),
    owned_by=[account_of("ticket", morph="ticketable")],
    looks_up=[
        LookUp("tickets", "Ticket", column="ticket_id", fields=TICKET_OWNER),
        *hangs_on_account((TICKETS, _COMMENTS)),
    ],
    doc="A comment on a ticket, which its customer does not see.",
)
