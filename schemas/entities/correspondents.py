"""How sites and vendors are reached: their contacts, telephones and postal addresses, and what re-reads them for it."""

from typing import Annotated

from schemas.aggregate import LookUp, Owner, Touch
from schemas.records import Instant, Personal, SonarRecord


class TelephoneType(SonarRecord):
    """Source: Sonar schema, type PhoneNumberType."""

    id: int
    name: str


class Telephone(SonarRecord):
    """Source: Sonar schema, type PhoneNumber."""

    id: int
    number: Annotated[str, Personal()]
    country: str
    extension: Annotated[str | None, Personal()] = None
    phone_number_type: TelephoneType | None = None


class Correspondent(SonarRecord):
    """A person at a site or a vendor. Source: Sonar schema, type Contact."""

    id: int
    created_at: Instant
    updated_at: Instant
    name: Annotated[str, Personal()]
    primary: bool
    role: Annotated[str | None, Personal()] = None
    email_address: Annotated[str | None, Personal()] = None
    phone_numbers: list[Telephone] | None = None


class Premises(SonarRecord):
    """Where a site or a vendor is, or gets its mail. Source: Sonar schema, type Address."""

    id: int
    type: str
    serviceable: bool
    line1: Annotated[str | None, Personal()] = None
    line2: Annotated[str | None, Personal()] = None
    city: str | None = None
    county: str | None = None
    subdivision: str | None = None
    zip: str | None = None
    country: str | None = None
    latitude: Annotated[float | None, Personal()] = None
    longitude: Annotated[float | None, Personal()] = None


TELEPHONE_TYPES = LookUp("phone_number_types", "PhoneNumberType", relation="contacts.phone_numbers.phone_number_type")


def reached_by(type_name: str) -> list[Touch]:
    """Whose changes re-read the site or vendor (`type_name`) that they belong to."""
    contact = ("contactable_type", type_name)
    return [
        Touch("contacts", "Contact", [Owner("contactable_id", contact)]),
        Touch("phone_numbers", "PhoneNumber", [Owner("contact.contactable_id", (f"contact.{contact[0]}", type_name))]),
        Touch("addresses", "Address", [Owner("addressable_id", ("addressable_type", type_name))]),
    ]
