"""Where a customer is: which address counts, how it fits Splynx's columns, and the location it lies in."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from schemas.entities.customer.source import Account, Address
from schemas.rules import Rules
from schemas.values import text
from schemas.values.errors import OutOfRange


@dataclass(frozen=True)
class Place:
    """An address as Splynx's columns take it."""

    street: str
    zip_code: str
    city: str
    full_city: str
    """The whole name where the column took only a part of it, else empty."""
    subdivision_id: int | None


def service_address(account: Account) -> Address | None:
    """The physical address, newest if several; else the last known one; else the mailing address."""
    physical = [one for one in account.addresses or [] if one.type == "PHYSICAL"]
    if physical:
        return max(physical, key=lambda one: (one.updated_at, one.id))
    past = [one for one in account.serviceable_address_account_assignment_histories or [] if one.address is not None]
    if past:
        return max(past, key=lambda one: (one.end_date or date.max, one.start_date, one.id)).address
    return mailing_address(account)


def mailing_address(account: Account) -> Address | None:
    """The mailing address, newest if several."""
    found = [one for one in account.addresses or [] if one.type == "MAILING"]
    return max(found, key=lambda one: (one.updated_at, one.id), default=None)


def place(address: Address | None, rules: Rules, notes: list[str]) -> Place:
    """The address cut to Splynx's columns; a country that is not the default stands at the end of the street."""
    if address is None:
        return Place("", "", "", "", None)
    lines = [text.one_line(address.line1), text.one_line(address.line2)]
    if address.country and address.country != rules.file.customer.default_country:
        lines.append(address.country)
    subdivision = rules.file.customer.subdivisions.get(address.subdivision or "")
    if address.subdivision and subdivision is None:
        notes.append("unmapped:subdivision")
    whole_city = text.one_line(address.city)
    city = text.fitted("city", whole_city, 32, notes)
    return Place(
        street=text.fitted("street", ", ".join(line for line in lines if line), 255, notes),
        zip_code=text.fitted("zip", text.one_line(address.zip), 32, notes),
        city=city,
        full_city=text.fitted("sonar_city", whole_city, 255, notes) if city != whole_city else "",
        subdivision_id=subdivision,
    )


def full_address(address: Address | None, notes: list[str]) -> str:
    """All of an address in one line, for reading."""
    if address is None:
        return ""
    fields = [address.line1, address.line2, address.city, address.subdivision, address.zip, address.country]
    whole = ", ".join(text.one_line(field) for field in fields if text.one_line(field))
    return text.fitted("sonar_mailing_address", whole, 255, notes)


def gps(account: Account, address: Address | None) -> str:
    """`lat,lon` of the address, else of the account; empty when neither has one.

    Raises:
        OutOfRange: no point on earth.
    """
    if address is not None and address.latitude and address.longitude:
        return f"{_degrees(address.latitude, 90)},{_degrees(address.longitude, 180)}"
    if not text.one_line(account.geopoint):
        return ""
    latitude, _, longitude = (account.geopoint or "").partition(",")
    return f"{_degrees(latitude, 90)},{_degrees(longitude, 180)}"


def _degrees(value: str, limit: int) -> str:
    try:
        found = Decimal(value.strip())
    except InvalidOperation as exc:
        raise OutOfRange("gps") from exc
    if not found.is_finite() or abs(found) > limit:
        raise OutOfRange("gps")
    return f"{found + 0:f}"  # a zero has no sign


def location(account: Account, address: Address | None, rules: Rules) -> int:
    """The location that the first matching rule names."""
    facts: dict[str, set[str]] = {
        "address.city": {text.one_line(address.city)} if address is not None else set(),
        "address.subdivision": {address.subdivision or ""} if address is not None else set(),
        "address.country": {address.country or ""} if address is not None else set(),
        "account_group": {text.one_line(group.name) for group in account.account_groups or []},
        "company": {str(account.company_id)},
    }
    for rule in rules.file.locations.rules:
        if all(facts[field] & _wanted(value) for field, value in rule.when.items()):
            return rule.use.id
    return rules.file.locations.default


def _wanted(value: object) -> set[str]:
    return {str(one) for one in value} if isinstance(value, list) else {str(value)}
