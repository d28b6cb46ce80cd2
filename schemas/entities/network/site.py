"""A network site with all that its description in Splynx is made of (mapping N1, N2, I4)."""

from typing import Annotated

from schemas.aggregate import Aggregate, Collection, LookUp, Owner, Touch
from schemas.entities.catalogued import Catalogued
from schemas.entities.correspondents import TELEPHONE_TYPES, Correspondent, Premises, reached_by
from schemas.records import Instant, NewerSonar, Personal, SonarRecord


class SiteNote(SonarRecord):
    """Part of a site's description, oldest first. Source: Sonar schema, type Note."""

    id: int
    created_at: Instant
    message: Annotated[str, Personal()]


class SiteField(SonarRecord):
    """Source: Sonar schema, type CustomField."""

    id: int
    name: str
    type: str
    enum_options: list[str] | None = None


class SiteFieldValue(SonarRecord):
    """Of two values of one field the later one counts. Source: Sonar schema, type CustomFieldData."""

    id: int
    updated_at: Instant
    value: Annotated[str, Personal()]
    custom_field: SiteField | None = None


class NetworkSite(Catalogued):
    """A place where the network has equipment. Source: Sonar schema, type NetworkSite."""

    name: str
    height_in_meters: str
    geopoint: str | None = None
    company_id: Annotated[int | None, NewerSonar()] = None
    contacts: list[Correspondent] | None = None
    addresses: list[Premises] | None = None
    custom_field_data: list[SiteFieldValue] | None = None
    notes: list[SiteNote] | None = None


_TYPE = "NetworkSite"
NETWORK_SITE = Aggregate(
    name="network_site",
    root=Collection("network_sites", NetworkSite, _TYPE),
    touched_by=[
        *reached_by(_TYPE),
        Touch(
            "custom_field_data",
            "CustomFieldData",
            [Owner("customfielddataable_id", ("customfielddataable_type", _TYPE))],
        ),
        Touch("notes", "Note", [Owner("noteable_id", ("noteable_type", _TYPE))]),
    ],
    looks_up=[
        TELEPHONE_TYPES,
        LookUp("custom_fields", "CustomField", relation="custom_field_data.custom_field"),
    ],
    doc="A network site with its contacts, addresses, notes and custom values.",
)
