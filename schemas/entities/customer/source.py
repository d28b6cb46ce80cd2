"""A Sonar account as capture reads it, with all that belongs to it."""

from datetime import date
from typing import Annotated, ClassVar

from schemas.entities.catalogued import beside
from schemas.entities.customer.equipment import Device, DidAssignment, HeldIp, MacAddress, RadiusAccount
from schemas.entities.customer.services import (
    AccountService,
    Disconnection,
    StatusChange,
    TaxExemption,
    TaxOverride,
    TaxZoneOf,
)
from schemas.entities.customer.status import AccountStatus
from schemas.entities.scoped import ScopedAccount
from schemas.records import Few, Foreign, Instant, MinorUnits, NewerSonar, Newest, Personal, ShownArchived, SonarRecord


class AccountTypeOf(SonarRecord):
    """The type of an account. Source: Sonar schema, type AccountType."""

    id: int
    name: str
    type: str


class AccountGroupOf(SonarRecord):
    """A group an account is in. Source: Sonar schema, type AccountGroup."""

    id: int
    name: str


class CompanyOf(SonarRecord):
    """The company an account is billed under. Source: Sonar schema, type Company."""

    id: int
    enabled: bool


class PhoneNumberType(SonarRecord):
    """Source: Sonar schema, type PhoneNumberType."""

    id: int
    name: str


class PhoneNumber(SonarRecord):
    """Source: Sonar schema, type PhoneNumber."""

    id: int
    number: Annotated[str, Personal()]
    number_formatted: Annotated[str | None, Personal()] = None
    country: str
    extension: Annotated[str | None, Personal()] = None
    sms_opt_in: bool = False
    phone_number_type: PhoneNumberType | None = None

    left_out = beside("contact_id", phone_number_type_id="it is phone_number_type.id")


class CustomField(SonarRecord):
    """Source: Sonar schema, type CustomField."""

    id: int
    name: str
    type: str
    enum_options: list[str] | None = None


class CustomFieldData(SonarRecord):
    """Source: Sonar schema, type CustomFieldData."""

    id: int
    updated_at: Instant
    value: Annotated[str, Personal()]
    custom_field: CustomField | None = None

    left_out = beside(
        "customfielddataable_id",
        "customfielddataable_type",
        read=("updated_at",),
        custom_field_id="it is custom_field.id",
    )


class Contact(SonarRecord):
    """Source: Sonar schema, type Contact."""

    id: int
    name: Annotated[str, Personal()]
    primary: bool
    role: Annotated[str | None, Personal()] = None
    email_address: Annotated[str | None, Personal()] = None
    username: Annotated[str | None, Personal()] = None
    language: str | None = None
    marketing_opt_in: bool | None = None
    phone_numbers: Annotated[list[PhoneNumber] | None, Few(4)] = None
    custom_field_data: Annotated[list[CustomFieldData] | None, Few(2)] = None

    left_out = beside(read=("created_at", "updated_at"))


class Address(SonarRecord):
    """Source: Sonar schema, type Address."""

    id: int
    updated_at: Instant
    type: str
    serviceable: bool
    line1: Annotated[str | None, Personal()] = None
    line2: Annotated[str | None, Personal()] = None
    city: str | None = None
    zip: str | None = None
    subdivision: str | None = None
    country: str | None = None
    latitude: Annotated[str | None, Personal()] = None
    longitude: Annotated[str | None, Personal()] = None

    left_out = beside(
        read=("updated_at",),
        billing_default_id="what a new account there would start with; those that are there have their own parameters",
        avalara_pcode="a key of the outer tax engine",
        **dict.fromkeys(("census_year", "fips", "fips_source"), "a census code, made from the coordinates"),
    )


class HeldAddress(Address):
    """An address that the account has, with what stands there. Source: Sonar schema, type Address."""

    address_status_id: int | None = None
    county: str | None = None
    timezone: str | None = None
    is_anchor: bool | None = None
    anchor_address_id: int | None = None
    attainable_download_speed: int | None = None
    attainable_upload_speed: int | None = None
    custom_field_data: Annotated[list[CustomFieldData] | None, Few(2)] = None
    inventory_items: Annotated[list[Device] | None, Few(4)] = None


class PastAddress(SonarRecord):
    """Which address an account had. Source: Sonar schema, type ServiceableAddressAccountAssignmentHistory."""

    id: int
    start_date: date
    end_date: date | None = None
    address: Annotated[Address | None, Foreign()] = None

    left_out = beside("account_id", address_id="it is address.id")


class Instrument(SonarRecord):
    """A stored card, as far as the payment method depends on it. Source: Sonar schema, type CreditCard."""

    id: int
    auto: bool


class BankInstrument(SonarRecord):
    """A stored bank account, as far as the payment method depends on it. Source: Sonar schema, type BankAccount."""

    id: int
    auto: bool


class BillingParameter(SonarRecord):
    """Source: Sonar schema, type AccountBillingParameter."""

    id: int
    bill_day: int | None = None
    invoice_day: int | None = None
    due_days: int
    due_days_day: str
    grace_days: int
    grace_until: date | None = None
    months_to_bill: int
    bill_mode: str
    bill_day_mode: str
    auto_pay_days: int
    auto_pay_day: str
    aggregate_invoice_taxes: bool | None = None
    aggregate_linked_debits: bool | None = None
    anchor_delinquency_logic: str | None = None
    service_period_duration: Annotated[str | None, NewerSonar()] = None
    service_period_offset: Annotated[str | None, NewerSonar()] = None
    print_invoice: bool
    lifeline: bool
    tax_exempt: bool
    switch_status_after_delinquency: bool
    days_of_delinquency_for_status_switch: int | None = None
    delinquency_account_status_id: int | None = None
    delinquency_removal_account_status_id: int | None = None
    billing_default_id: int | None = None
    default_for: str | None = None

    left_out = beside("account_id")


class Account(SonarRecord):
    """A Sonar account with what belongs to it, read in one selection. Source: Sonar schema, type Account."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    name: Annotated[str, Personal()]
    account_status_id: int
    account_type_id: int
    company_id: int
    parent_account_id: int | None = None
    activation_date: date | None = None
    activation_time: str | None = None
    archived_at: Instant | None = None
    is_delinquent: bool
    geopoint: Annotated[str | None, Personal()] = None
    next_bill_date: date | None = None
    next_recurring_charge_amount: MinorUnits | None = None
    archived_by_user_id: int | None = None
    disconnection_reason_id: Annotated[int | None, NewerSonar()] = None
    parent_account: Annotated[ScopedAccount | None, ShownArchived(), Foreign()] = None
    account_status: AccountStatus | None = None
    account_type: AccountTypeOf | None = None
    company: CompanyOf | None = None
    account_groups: Annotated[list[AccountGroupOf] | None, Few(5)] = None
    account_billing_parameter: BillingParameter | None = None
    contacts: Annotated[list[Contact] | None, Few(5)] = None
    addresses: Annotated[list[HeldAddress] | None, Few(4)] = None
    serviceable_address_account_assignment_histories: Annotated[list[PastAddress] | None, Few(4)] = None
    custom_field_data: list[CustomFieldData] | None = None
    credit_cards: Annotated[list[Instrument] | None, Few(3)] = None
    bank_accounts: Annotated[list[BankInstrument] | None, Few(3)] = None
    account_services: list[AccountService] | None = None
    did_assignments: Annotated[list[DidAssignment] | None, Few(4)] = None
    radius_accounts: Annotated[list[RadiusAccount] | None, Few(3)] = None
    uninventoried_mac_addresses: Annotated[list[MacAddress] | None, Few(3)] = None
    ip_assignments: Annotated[list[HeldIp] | None, Few(4)] = None
    tax_overrides: Annotated[list[TaxOverride] | None, Few(2)] = None
    tax_exemptions: Annotated[list[TaxExemption] | None, Few(2)] = None
    geo_tax_zones: Annotated[list[TaxZoneOf] | None, Few(4)] = None
    disconnection_logs: Annotated[list[Disconnection] | None, Few(3)] = None
    status_changes: Annotated[
        list[StatusChange] | None, Newest("account_events", ("event", "STATUS_UPDATED"), "event_datetime")
    ] = None

    left_out: ClassVar = {
        "data_usage_percentage": "Sonar works it out from the usage, which is captured; the account does not change",
        "is_eligible_for_archive": "Sonar works it out when it is asked; the account does not change",
    }
