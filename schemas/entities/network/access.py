"""What an account's line is known by in the network, and where it will be: RADIUS, MAC addresses, planned moves.

Mapping S2, 4.20, 8.14.
"""

from datetime import date
from typing import Annotated

from schemas.aggregate import Aggregate, Collection, Owner
from schemas.records import Instant, NewerSonar, Personal, Sealed, Secret, SonarRecord


class RadiusAccount(SonarRecord):
    """A log-in to the network. Source: Sonar schema, type RadiusAccount."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    account_id: int
    account_service_id: Annotated[int | None, NewerSonar()] = None
    username: Annotated[str, Personal()]
    password: Annotated[Sealed | None, Personal(), Secret("radius_passwords")] = None


class UninventoriedMacAddress(SonarRecord):
    """A device of the customer's own. Source: Sonar schema, type UninventoriedMacAddress."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    account_id: int
    account_service_id: Annotated[int | None, NewerSonar()] = None
    mac_address: Annotated[str, Personal()]


class PlannedMove(SonarRecord):
    """An address that an account is going to have. Source: Sonar schema, ServiceableAddressAccountAssignmentFuture."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    account_id: int
    address_id: int
    target_date: date
    note: Annotated[str | None, Personal()] = None


RADIUS_ACCOUNT = Aggregate(
    name="radius_account",
    root=Collection("radius_accounts", RadiusAccount, "RadiusAccount"),
    owned_by=[Owner("account_id")],
    doc="A log-in of an account to the network.",
)
UNINVENTORIED_MAC_ADDRESS = Aggregate(
    name="uninventoried_mac_address",
    root=Collection("uninventoried_mac_addresses", UninventoriedMacAddress, "UninventoriedMacAddress"),
    owned_by=[Owner("account_id")],
    doc="A MAC address of an account's own device.",
)
PLANNED_MOVE = Aggregate(
    name="serviceable_address_account_assignment_future",
    root=Collection(
        "serviceable_address_account_assignment_futures", PlannedMove, "ServiceableAddressAccountAssignmentFuture"
    ),
    owned_by=[Owner("account_id")],
    doc="A move of an account to another address, on a day to come.",
)
