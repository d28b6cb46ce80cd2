"""What has happened to an account: a status that changed, services that came and went (mapping 4.17)."""

from typing import Annotated

from schemas.aggregate import Aggregate, Collection, Owner
from schemas.records import Instant, Personal, SonarRecord


class AccountEvent(SonarRecord):
    """`previous` and `current` are names, as Sonar shows them. Source: Sonar schema, type AccountEvent."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    account_id: int
    event: str
    event_datetime: Instant
    previous: Annotated[str | None, Personal()] = None
    current: Annotated[str | None, Personal()] = None


ACCOUNT_EVENT = Aggregate(
    name="account_event",
    root=Collection("account_events", AccountEvent, "AccountEvent"),
    owned_by=[Owner("account_id")],
    doc="Something that has happened to an account.",
)
