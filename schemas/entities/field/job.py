"""A job with who goes there, who was there, and what it is called by (mapping J4, J7)."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from schemas.aggregate import Aggregate, Collection, Hop, LookUp, Owner, Touch
from schemas.entities.belonging import JOBS, account_of, hangs_on_account
from schemas.entities.catalogued import beside
from schemas.entities.customer.source import CustomFieldData
from schemas.entities.scoped import ScopedAccount
from schemas.records import Few, Instant, Morph, NewerSonar, Personal, ShownArchived, SonarRecord


class Technician(SonarRecord):
    """Who goes there. Source: Sonar schema, type User."""

    id: int


class TypeOf(SonarRecord):
    """Source: Sonar schema, type JobType."""

    id: int
    name: str


class Place(SonarRecord):
    """Where a job is done. Source: Sonar schema, type Address."""

    id: int
    type: str
    serviceable: bool
    line1: Annotated[str | None, Personal()] = None
    line2: Annotated[str | None, Personal()] = None
    city: str | None = None
    subdivision: str | None = None
    zip: str | None = None
    country: str | None = None
    latitude: Annotated[float | None, Personal()] = None
    longitude: Annotated[float | None, Personal()] = None


class Visited(ScopedAccount):
    """The account that a job is for. Source: Sonar schema, type Account."""

    name: Annotated[str, Personal()]
    addresses: Annotated[list[Place] | None, Few(3)] = None


class VisitedSite(SonarRecord):
    """Source: Sonar schema, type NetworkSite."""

    id: int
    name: str
    addresses: Annotated[list[Place] | None, Few(2)] = None


class JobCheckIn(SonarRecord):
    """Somebody was there from then to then. Source: Sonar schema, type JobCheckIn."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    user_id: int
    check_in_datetime: Instant
    check_out_datetime: Instant | None = None
    checked_in_by_user_id: int
    checked_out_by_user_id: int | None = None

    left_out: ClassVar[Mapping[str, str]] = beside("job_id", read=("sonar_unique_id", "created_at", "updated_at"))


class ServiceOf(SonarRecord):
    """Source: Sonar schema, type Service."""

    id: int
    name: str


class JobService(SonarRecord):
    """What is sold on a job. Source: Sonar schema, type JobService."""

    id: int
    quantity: int
    service: ServiceOf | None = None

    left_out: ClassVar[Mapping[str, str]] = beside("job_id", service_id="it is service.id")


class Job(SonarRecord):
    """A visit to a customer or a site. Source: Sonar schema, type Job."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    job_type_id: int
    jobbable_type: str
    jobbable_id: int
    ticket_id: int | None = None
    serviceable_address_account_assignment_future_id: int | None = None
    created_by_user_id: Annotated[int | None, NewerSonar()] = None
    scheduled_datetime: Instant | None = None
    length_in_minutes: int
    skips_validation: bool
    complete: bool
    completed_successfully: bool | None = None
    completion_datetime: Instant | None = None
    completed_by_user_id: int | None = None
    completion_notes: Annotated[str | None, Personal()] = None
    address_on_completion: Annotated[str | None, Personal()] = None
    account: Annotated[Visited | None, Morph("jobbable", "Account"), ShownArchived()] = None
    network_site: Annotated[VisitedSite | None, Morph("jobbable", "NetworkSite"), ShownArchived()] = None
    job_type: TypeOf | None = None
    users: Annotated[list[Technician] | None, Few(4)] = None
    job_check_ins: Annotated[list[JobCheckIn] | None, Few(4)] = None
    job_services: Annotated[list[JobService] | None, Few(3)] = None
    custom_field_data: Annotated[list[CustomFieldData] | None, Few(3)] = None


_SITE_JOBS = Hop("jobs", "jobbable_id", ("jobbable_type", "NetworkSite"))
_PLACE_COLUMNS = tuple(name for name in Place.model_fields if name != "id")
JOB = Aggregate(
    name="job",
    root=Collection("jobs", Job, "Job"),
    owned_by=[account_of(morph="jobbable")],
    touched_by=[
        Touch("job_check_ins", "JobCheckIn", [Owner("job_id")]),
        Touch("job_services", "JobService", [Owner("job_id")]),
        Touch(
            "custom_field_data",
            "CustomFieldData",
            [Owner("customfielddataable_id", ("customfielddataable_type", "Job"))],
        ),
    ],
    looks_up=[
        *hangs_on_account((JOBS,), fields=("name",)),
        LookUp("network_sites", "NetworkSite", ways=((_SITE_JOBS,),), fields=("name",)),
        LookUp("addresses", "Address", of=account_of(morph="addressable"), ways=((JOBS,),), fields=_PLACE_COLUMNS),
        LookUp("job_types", "JobType", column="job_type_id", fields=("name",)),
        LookUp("services", "Service", relation="job_services.service", fields=("name",)),
        LookUp("custom_fields", "CustomField", relation="custom_field_data.custom_field"),
    ],
    pivots=["users"],
    doc="A job with who goes there and who was there; its tasks and notes are apart.",
)
