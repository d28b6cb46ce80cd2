"""A file, known by what Sonar says of it; its bytes are fetched where they are needed (mapping D2, T10, J8, I7)."""

from typing import Annotated

from schemas.aggregate import Aggregate, Collection, Hop, LookUp, Owner
from schemas.entities.belonging import (
    JOB_OWNER,
    JOBS,
    TICKET_OWNER,
    TICKETS,
    CommentOf,
    JobOf,
    ReplyOf,
    TicketOf,
    account_of,
    hangs_on_account,
)
from schemas.entities.scoped import ScopedAccount
from schemas.entities.stock.items import HomeOf
from schemas.records import Instant, Morph, Personal, ShownArchived, SonarRecord


class CallOf(SonarRecord):
    """Source: Sonar schema, type CallLog."""

    id: int
    account_id: int
    account: Annotated[ScopedAccount | None, ShownArchived()] = None


class ItemOf(SonarRecord):
    """The thing that a picture shows, and where it is. Source: Sonar schema, type InventoryItem."""

    id: int
    address: Annotated[HomeOf | None, Morph("inventoryitemable", "Address"), ShownArchived()] = None


class File(SonarRecord):
    """What is known of a file without its bytes. Source: Sonar schema, type File."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    fileable_type: str | None = None
    fileable_id: int | None = None
    filename: Annotated[str, Personal()]
    description: Annotated[str | None, Personal()] = None
    mime_type: str
    file_size_in_bytes: int
    primary_image: bool
    user_id: int | None = None
    account: Annotated[ScopedAccount | None, Morph("fileable", "Account"), ShownArchived()] = None
    ticket: Annotated[TicketOf | None, Morph("fileable", "Ticket"), ShownArchived()] = None
    ticket_reply: Annotated[ReplyOf | None, Morph("fileable", "TicketReply"), ShownArchived()] = None
    ticket_comment: Annotated[CommentOf | None, Morph("fileable", "TicketComment"), ShownArchived()] = None
    job: Annotated[JobOf | None, Morph("fileable", "Job"), ShownArchived()] = None
    call_log: Annotated[CallOf | None, Morph("fileable", "CallLog"), ShownArchived()] = None
    inventory_item: Annotated[ItemOf | None, Morph("fileable", "InventoryItem"), ShownArchived()] = None


def _of(type_name: str) -> Hop:
    return Hop("files", "fileable_id", ("fileable_type", type_name))


_IN_TICKET = (
    (_of("Ticket"),),
    (Hop("ticket_replies", "ticket_id"), _of("TicketReply")),
    (Hop("ticket_comments", "ticket_id"), _of("TicketComment")),
)
_CALLS = Hop("call_logs", "account_id")
_HOMES = Hop("addresses", "addressable_id", ("addressable_type", "Account"))
_ITEMS = Hop("inventory_items", "inventoryitemable_id", ("inventoryitemable_type", "Address"))
FILE = Aggregate(
    name="file",
    root=Collection("files", File, "File"),
    owned_by=[
        account_of(morph="fileable"),
        account_of("ticket", morph="ticketable"),
        account_of("ticket_reply", "ticket", morph="ticketable"),
        account_of("ticket_comment", "ticket", morph="ticketable"),
        account_of("job", morph="jobbable"),
        Owner("call_log.account_id"),
        account_of("inventory_item", "address", morph="addressable"),
    ],
    looks_up=[
        LookUp("tickets", "Ticket", ways=_IN_TICKET, fields=TICKET_OWNER),
        LookUp("jobs", "Job", ways=((_of("Job"),),), fields=JOB_OWNER),
        LookUp("call_logs", "CallLog", ways=((_of("CallLog"),),), fields=("account_id",)),
        LookUp(
            "inventory_items",
            "InventoryItem",
            ways=((_of("InventoryItem"),),),
            fields=("inventoryitemable_type", "inventoryitemable_id"),
        ),
        LookUp(
            "addresses",
            "Address",
            ways=((_ITEMS, _of("InventoryItem")),),
            fields=("addressable_type", "addressable_id"),
        ),
        *hangs_on_account(
            (_of("Account"),),
            *((TICKETS, *way) for way in _IN_TICKET),
            (JOBS, _of("Job")),
            (_CALLS, _of("CallLog")),
            (_HOMES, _ITEMS, _of("InventoryItem")),
        ),
    ],
    doc="A file with what it belongs to; its content is not in the event.",
)
