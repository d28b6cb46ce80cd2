"""What accounts, addresses and telephone numbers are told apart by: look-ups of which each is a row or two of text."""

from schemas.aggregate import Aggregate, Collection
from schemas.entities.catalogued import Catalogued


class AccountStatusRow(Catalogued):
    """Source: Sonar schema, type AccountStatus."""

    name: str
    activates_account: bool
    color: str | None = None
    icon: str | None = None


class AddressStatus(Catalogued):
    """Source: Sonar schema, type AddressStatus."""

    name: str
    color: str | None = None
    icon: str | None = None


class PhoneNumberTypeRow(Catalogued):
    """Source: Sonar schema, type PhoneNumberType."""

    name: str
    sms_capable: bool | None = None


class CustomFieldRow(Catalogued):
    """What an operator asks beside Sonar's own columns (mapping F11). Source: Sonar schema, type CustomField."""

    name: str
    entity_type: str
    type: str
    enum_options: list[str] | None = None
    required: bool | None = None
    unique: bool | None = None


ACCOUNT_STATUS = Aggregate(
    name="account_status",
    root=Collection("account_statuses", AccountStatusRow, "AccountStatus"),
    doc="A status that accounts can have.",
)
ADDRESS_STATUS = Aggregate(
    name="address_status",
    root=Collection("address_statuses", AddressStatus, "AddressStatus"),
    doc="A status that addresses can have.",
)
PHONE_NUMBER_TYPE = Aggregate(
    name="phone_number_type",
    root=Collection("phone_number_types", PhoneNumberTypeRow, "PhoneNumberType"),
    doc="A kind of telephone numbers.",
)
CUSTOM_FIELD = Aggregate(
    name="custom_field",
    root=Collection("custom_fields", CustomFieldRow, "CustomField"),
    doc="A field that the operator has defined for accounts, tickets, jobs and others.",
)
