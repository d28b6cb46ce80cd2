"""What the help desk sorts its tickets by, and the answers that it has ready (mapping T1, T2, T4)."""

from typing import Annotated

from schemas.aggregate import Aggregate, Collection
from schemas.entities.catalogued import Catalogued
from schemas.records import Personal, SonarRecord


class TicketCategory(Catalogued):
    """Source: Sonar schema, type TicketCategory."""

    name: str
    enabled: bool


class Agent(SonarRecord):
    """Who works in a group. Source: Sonar schema, type User."""

    id: int


class TicketGroup(Catalogued):
    """A group of agents; the tickets of a private one are hidden. Source: Sonar schema, type TicketGroup."""

    name: str
    enabled: bool
    private: bool
    users: list[Agent] | None = None


class CannedReplyCategory(Catalogued):
    """Source: Sonar schema, type CannedReplyCategory."""

    name: str


class CannedReply(Catalogued):
    """An answer that is ready, with Sonar's own variables in it. Source: Sonar schema, type CannedReply."""

    canned_reply_category_id: int
    name: str
    body: Annotated[str, Personal()]


TICKET_CATEGORY = Aggregate(
    name="ticket_category",
    root=Collection("ticket_categories", TicketCategory, "TicketCategory"),
    doc="A category that tickets are sorted by.",
)
TICKET_GROUP = Aggregate(
    name="ticket_group",
    root=Collection("ticket_groups", TicketGroup, "TicketGroup"),
    pivots=["users"],
    doc="A group of agents to whom tickets are given.",
)
CANNED_REPLY_CATEGORY = Aggregate(
    name="canned_reply_category",
    root=Collection("canned_reply_categories", CannedReplyCategory, "CannedReplyCategory"),
    doc="A category of answers that are ready.",
)
CANNED_REPLY = Aggregate(
    name="canned_reply",
    root=Collection("canned_replies", CannedReply, "CannedReply"),
    doc="An answer that is ready, to be sent with a ticket.",
)
