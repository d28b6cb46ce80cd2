"""A ticket with everything that its row in Splynx is made of (mapping T5, T6, T7)."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, ClassVar

from schemas.aggregate import Aggregate, Collection, Hop, LookUp, Owner, Touch
from schemas.entities.belonging import TICKETS, account_of, hangs_on_account
from schemas.entities.catalogued import beside
from schemas.entities.customer.source import CustomFieldData
from schemas.entities.scoped import ScopedAccount
from schemas.records import Few, Instant, Morph, NewerSonar, Personal, ShownArchived, SonarRecord


class Addressee(SonarRecord):
    """Somebody who gets what is written in a ticket. Source: Sonar schema, type TicketRecipient."""

    id: int
    email_address: Annotated[str, Personal()]
    name: Annotated[str, Personal()]

    left_out: ClassVar[Mapping[str, str]] = beside("ticket_id")


class Caller(SonarRecord):
    """A person of the account, known by the address. Source: Sonar schema, type Contact."""

    id: int
    email_address: Annotated[str | None, Personal()] = None


class Asking(ScopedAccount):
    """The account that a ticket is of, and who may write for it. Source: Sonar schema, type Account."""

    contacts: Annotated[list[Caller] | None, Few(5)] = None


class SiteOf(SonarRecord):
    """Source: Sonar schema, type NetworkSite."""

    id: int
    name: str


class ModelOf(SonarRecord):
    """Source: Sonar schema, type InventoryModel."""

    id: int
    name: str


class ItemOf(SonarRecord):
    """A thing that a ticket is about. Source: Sonar schema, type InventoryItem."""

    id: int
    inventory_model: ModelOf | None = None


class CategoryOf(SonarRecord):
    """Source: Sonar schema, type TicketCategory."""

    id: int
    name: str


class GroupOf(SonarRecord):
    """Source: Sonar schema, type TicketGroup."""

    id: int
    private: bool


class Agent(SonarRecord):
    """Source: Sonar schema, type User."""

    id: int
    name: Annotated[str, Personal()]


class WorkOf(SonarRecord):
    """A job that was made for a ticket; the latest counts. Source: Sonar schema, type Job."""

    id: int


class Said(SonarRecord):
    """Who answered: by the first answer it shows whether the customer began. Source: Sonar schema, type TicketReply."""

    id: int
    incoming: bool
    author_email: Annotated[str | None, Personal()] = None


class OriginOf(SonarRecord):
    """An e-mail that was sent, and answered with what became a ticket. Source: Sonar schema, type Email."""

    id: int


class Ticket(SonarRecord):
    """What somebody wants of the help desk. Source: Sonar schema, type Ticket."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    global_updated_at: Instant | None = None
    """When something was last written in it."""
    subject: Annotated[str, Personal()]
    description: Annotated[str, Personal()]
    status: str
    priority: str
    ticketable_type: str | None = None
    ticketable_id: int | None = None
    company_id: int | None = None
    ticket_group_id: int | None = None
    user_id: int | None = None
    inbound_mailbox_id: int | None = None
    parent_ticket_id: int | None = None
    due_date: date | None = None
    closed_at: Instant | None = None
    closed_by_user_id: int | None = None
    is_spam: bool | None = None
    spam_score: str | None = None
    account: Annotated[Asking | None, Morph("ticketable", "Account"), ShownArchived()] = None
    network_site: Annotated[SiteOf | None, Morph("ticketable", "NetworkSite"), ShownArchived()] = None
    ticket_group: GroupOf | None = None
    closed_by_user: Agent | None = None
    ticket_categories: Annotated[list[CategoryOf] | None, Few(4)] = None
    ticket_recipients: Annotated[list[Addressee] | None, Few(4)] = None
    ticket_replies: list[Said] | None = None
    jobs: Annotated[list[WorkOf] | None, Few(3)] = None
    network_sites: Annotated[list[SiteOf] | None, Few(2)] = None
    inventory_items: Annotated[list[ItemOf] | None, Few(2)] = None
    originating_emails: Annotated[list[OriginOf] | None, Few(2), NewerSonar()] = None
    custom_field_data: Annotated[list[CustomFieldData] | None, Few(3)] = None


_OF_TICKET = [Owner("ticket_id")]
TICKET = Aggregate(
    name="ticket",
    root=Collection("tickets", Ticket, "Ticket"),
    owned_by=[account_of(morph="ticketable")],
    touched_by=[
        Touch("ticket_recipients", "TicketRecipient", _OF_TICKET),
        Touch("ticket_replies", "TicketReply", _OF_TICKET),
        Touch("jobs", "Job", _OF_TICKET),
        Touch(
            "custom_field_data",
            "CustomFieldData",
            [Owner("customfielddataable_id", ("customfielddataable_type", "Ticket"))],
        ),
    ],
    looks_up=[
        *hangs_on_account((TICKETS,)),
        LookUp(
            "contacts", "Contact", of=account_of(morph="contactable"), ways=((TICKETS,),), fields=("email_address",)
        ),
        LookUp(
            "network_sites",
            "NetworkSite",
            relation="network_sites",
            ways=((Hop("tickets", "ticketable_id", ("ticketable_type", "NetworkSite")),),),
            fields=("name",),
        ),
        LookUp("ticket_groups", "TicketGroup", column="ticket_group_id", fields=("private",)),
        LookUp("ticket_categories", "TicketCategory", relation="ticket_categories", fields=("name",)),
        LookUp("users", "User", column="closed_by_user_id", fields=("name",)),
        LookUp("inventory_items", "InventoryItem", relation="inventory_items", fields=("inventory_model_id",)),
        LookUp("inventory_models", "InventoryModel", relation="inventory_items.inventory_model", fields=("name",)),
        LookUp("custom_fields", "CustomField", relation="custom_field_data.custom_field"),
    ],
    pivots=["ticket_categories", "network_sites", "inventory_items", "originating_emails"],
    doc="A ticket with who gets its mail, what it is about and what was asked of it; what is written in it is apart.",
)
