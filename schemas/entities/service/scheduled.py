"""What is planned for an account: a change of status, of services, of a price (mapping C6, 8.14)."""

from typing import Annotated

from schemas.aggregate import Aggregate, Collection, Owner, Touch
from schemas.entities.catalogued import Catalogued
from schemas.entities.scoped import ScopedAccount, follows_account
from schemas.records import Few, Instant, MinorUnits, NewerSonar, Personal, ShownArchived


class PlannedParameter(Catalogued):
    """A part of a telephone system that comes with the planned service.

    Source: Sonar schema, type ScheduledEventAccountVoiceServiceDetail.
    """

    scheduled_event_id: int | None = None
    voice_service_generic_parameter_id: int
    quantity: int
    price_override: MinorUnits | None = None
    price_override_reason: Annotated[str | None, Personal()] = None


class ScheduledEvent(Catalogued):
    """`primary_event_object_id` is the id of what `event` is about: a status, a service, an account service.

    Source: Sonar schema, type ScheduledEvent.
    """

    account_id: int
    event: str
    datetime: Instant
    complete: bool
    primary_event_object_id: str | None = None
    amount: MinorUnits | None = None
    prorate: bool | None = None
    description: Annotated[str | None, Personal()] = None
    additional_service_action: Annotated[str | None, NewerSonar()] = None
    account: Annotated[ScopedAccount | None, ShownArchived()] = None
    scheduled_event_account_voice_service_details: Annotated[list[PlannedParameter] | None, Few(4)] = None


SCHEDULED_EVENT = Aggregate(
    name="scheduled_event",
    root=Collection("scheduled_events", ScheduledEvent, "ScheduledEvent"),
    owned_by=[Owner("account_id")],
    touched_by=[
        Touch(
            "scheduled_event_account_voice_service_details",
            "ScheduledEventAccountVoiceServiceDetail",
            [Owner("scheduled_event_id")],
        )
    ],
    looks_up=follows_account("scheduled_events"),
    doc="A change that is planned for an account, or was.",
)
