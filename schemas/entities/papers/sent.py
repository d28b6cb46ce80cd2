"""What was sent: e-mails and text messages (mapping D6)."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from schemas.aggregate import Aggregate, Collection, Hop, LookUp
from schemas.entities.belonging import (
    CONTACT_OWNER,
    CONTACTS,
    TICKET_OWNER,
    TICKETS,
    ContactOf,
    ReplyOf,
    TicketOf,
    account_of,
    hangs_on_account,
)
from schemas.entities.scoped import ScopedAccount
from schemas.records import Instant, Morph, Personal, ShownArchived, SonarRecord


class Email(SonarRecord):
    """Source: Sonar schema, type Email."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    emailable_type: str
    emailable_id: int
    subject: Annotated[str, Personal()]
    body: Annotated[str | None, Personal()] = None
    email_address: Annotated[str, Personal()]
    to_name: Annotated[str | None, Personal()] = None
    status: str
    reject_reason: Annotated[str | None, Personal()] = None
    account: Annotated[ScopedAccount | None, Morph("emailable", "Account"), ShownArchived()] = None
    contact: Annotated[ContactOf | None, Morph("emailable", "Contact"), ShownArchived()] = None
    ticket: Annotated[TicketOf | None, Morph("emailable", "Ticket"), ShownArchived()] = None
    ticket_reply: Annotated[ReplyOf | None, Morph("emailable", "TicketReply"), ShownArchived()] = None

    left_out: ClassVar[Mapping[str, str]] = {"produced_tickets": "each of these tickets names the e-mail that it is of"}


class SmsOutboundMessage(SonarRecord):
    """A text message. Source: Sonar schema, type SmsOutboundMessage."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    smsable_type: str
    smsable_id: int
    category: str
    message_text: Annotated[str, Personal()]
    mobile_number: Annotated[str, Personal()]
    destination_country: str | None = None
    status: str
    error_message: Annotated[str, Personal()]
    last_status_check: Instant | None = None
    provider_message_id: str | None = None
    segments: int
    cost_in_hundredths: int
    contact: Annotated[ContactOf | None, Morph("smsable", "Contact"), ShownArchived()] = None


def _mail(type_name: str) -> Hop:
    return Hop("emails", "emailable_id", ("emailable_type", type_name))


_OF_TICKET = ((_mail("Ticket"),), (Hop("ticket_replies", "ticket_id"), _mail("TicketReply")))
_TEXTS = Hop("sms_outbound_messages", "smsable_id", ("smsable_type", "Contact"))
EMAIL = Aggregate(
    name="email",
    root=Collection("emails", Email, "Email"),
    owned_by=[
        account_of(morph="emailable"),
        account_of("contact", morph="contactable"),
        account_of("ticket", morph="ticketable"),
        account_of("ticket_reply", "ticket", morph="ticketable"),
    ],
    looks_up=[
        LookUp("contacts", "Contact", ways=((_mail("Contact"),),), fields=CONTACT_OWNER),
        LookUp("tickets", "Ticket", ways=_OF_TICKET, fields=TICKET_OWNER),
        *hangs_on_account((_mail("Account"),), (CONTACTS, _mail("Contact")), *((TICKETS, *way) for way in _OF_TICKET)),
    ],
    doc="An e-mail that was sent, and what became of it.",
)
SMS_OUTBOUND_MESSAGE = Aggregate(
    name="sms_outbound_message",
    root=Collection("sms_outbound_messages", SmsOutboundMessage, "SmsOutboundMessage"),
    owned_by=[account_of("contact", morph="contactable")],
    looks_up=[
        LookUp("contacts", "Contact", ways=((_TEXTS,),), fields=CONTACT_OWNER),
        *hangs_on_account((CONTACTS, _TEXTS)),
    ],
    doc="A text message that was sent, and what became of it.",
)
