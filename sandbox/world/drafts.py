"""An account before it is written: plain values, so that oddities are planted without touching a store."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any


@dataclass(slots=True)
class Phone:
    """`number` is digits as typed, leading zeros kept; `kind` indexes the catalogue's phone number types."""

    number: str
    kind: int
    country: str = "US"
    extension: str | None = None
    sms_opt_in: bool = False


@dataclass(slots=True)
class Contact:
    name: str
    email: str | None
    primary: bool
    role: str | None = None
    username: str | None = None
    language: str | None = None
    marketing_opt_in: bool | None = None
    phones: list[Phone] = field(default_factory=list)


@dataclass(slots=True)
class Address:
    """A PHYSICAL address is a serviceable one that the account holds since `since`; MAILING is where bills go."""

    type: str
    line1: str | None
    city: str | None
    subdivision: str | None
    zip: str | None
    line2: str | None = None
    country: str = "US"
    latitude: str | None = None
    longitude: str | None = None
    since: date | None = None


@dataclass(slots=True)
class PastAddress:
    """A serviceable address the account has left; nobody holds it now."""

    address: Address
    start: date
    end: date


@dataclass(slots=True)
class Reversal:
    """Money taken back, `amount` in cents."""

    at: datetime
    amount: int
    description: str | None = None


@dataclass(slots=True)
class Payment:
    """`amount` in cents. `instrument` is "card" or "bank" where the payment used the account's stored one."""

    at: datetime
    amount: int
    kind: str
    status: str | None = "SUCCEEDED"
    successful: bool = True
    description: str | None = None
    reference: str | None = None
    instrument: str | None = None
    autopay: bool | None = None
    reversals: list[Reversal] = field(default_factory=list)
    refunds: list[Reversal] = field(default_factory=list)
    voids: list[Reversal] = field(default_factory=list)


@dataclass(slots=True)
class Account:
    """Keys (`status`, `type`, custom fields) and group indexes are the catalogue's; `parent` indexes the drafts."""

    name: str
    created: datetime
    company: int
    status: str
    type: str
    billing: dict[str, Any]
    price: int
    delinquent: bool = False
    activated: datetime | None = None
    archived: datetime | None = None
    parent: int | None = None
    groups: list[int] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    addresses: list[Address] = field(default_factory=list)
    past_addresses: list[PastAddress] = field(default_factory=list)
    custom: list[tuple[str, str, datetime]] = field(default_factory=list)
    card: bool = False
    bank: bool = False
    payments: list[Payment] = field(default_factory=list)
