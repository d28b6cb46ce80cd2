"""A Sonar account as capture reads it, with all that belongs to it."""

from datetime import date
from typing import Annotated

from schemas.entities.customer.status import AccountStatus
from schemas.entities.scoped import ScopedAccount
from schemas.records import Foreign, Instant, NewerSonar, Personal, ShownArchived, SonarRecord


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
    country: str
    extension: str | None = None
    sms_opt_in: bool = False
    phone_number_type: PhoneNumberType | None = None


class Contact(SonarRecord):
    """Source: Sonar schema, type Contact."""

    id: int
    name: Annotated[str, Personal()]
    primary: bool
    role: str | None = None
    email_address: Annotated[str | None, Personal()] = None
    username: Annotated[str | None, Personal()] = None
    language: str | None = None
    marketing_opt_in: bool | None = None
    phone_numbers: list[PhoneNumber] | None = None


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


class PastAddress(SonarRecord):
    """Which address an account had. Source: Sonar schema, type ServiceableAddressAccountAssignmentHistory."""

    id: int
    start_date: date
    end_date: date | None = None
    address: Annotated[Address | None, Foreign()] = None


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
    parent_account: Annotated[ScopedAccount | None, ShownArchived()] = None
    account_status: AccountStatus | None = None
    account_type: AccountTypeOf | None = None
    company: CompanyOf | None = None
    account_groups: list[AccountGroupOf] | None = None
    account_billing_parameter: BillingParameter | None = None
    contacts: list[Contact] | None = None
    addresses: list[Address] | None = None
    serviceable_address_account_assignment_histories: list[PastAddress] | None = None
    custom_field_data: list[CustomFieldData] | None = None
    credit_cards: list[Instrument] | None = None
    bank_accounts: list[BankInstrument] | None = None
