"""What an account becomes in Splynx: the customer, its info and its billing settings."""

from datetime import date
from typing import Annotated, Literal

from schemas.records import AdditionalField, FieldOwner, MaxLength, OnCreate, Owned, Personal, Ref, SplynxRecord, To
from schemas.rules import CustomerStatus

Switch = Annotated[Literal["0"], Owned(FieldOwner.LOCKED)]
"""What Splynx must not do by itself before the cutover."""


class Customer(SplynxRecord):
    """A Splynx customer, one per Sonar account. Source: Splynx REST, admin/customers/customer."""

    login: Annotated[str, MaxLength(128)]
    password: Annotated[str, OnCreate(), Personal()]
    status: Annotated[CustomerStatus, Owned(FieldOwner.LOCKED)]
    billing_type: Literal["recurring"]
    partner_id: Annotated[Ref | int, To("partner")]
    location_id: int
    parent_id: Annotated[Ref | int, To("customer")]
    name: Annotated[str, MaxLength(256), Personal()]
    category: Literal["person", "company"]
    email: Annotated[str, MaxLength(256), Personal()]
    billing_email: Annotated[str, MaxLength(256), Personal()]
    phone: Annotated[str, MaxLength(256), Personal()]
    street_1: Annotated[str, MaxLength(255), Personal()]
    zip_code: Annotated[str, MaxLength(32), Personal()]
    city: Annotated[str, MaxLength(32)]
    subdivision_id: int | None
    gps: Annotated[str, MaxLength(256), Personal()]
    date_add: date
    conversion_date: str | None
    customer_labels: Annotated[list[Ref], To("label", required=False), Owned(FieldOwner.LOCKED)]
    sonar_unique_id: Annotated[str, AdditionalField("Sonar unique id")] = ""
    sonar_account_number: Annotated[str, AdditionalField("Sonar account")]
    sonar_status: Annotated[str, AdditionalField("Sonar status")]
    sonar_activation_date: Annotated[str, AdditionalField("Sonar activation date")]
    sonar_delinquent: Annotated[str, AdditionalField("Delinquent in Sonar", kind="boolean")]
    sonar_contacts: Annotated[
        str, AdditionalField("Other contacts in Sonar", kind="textarea", fallback="string"), Personal()
    ]
    sonar_mailing_address: Annotated[str, AdditionalField("Mailing address in Sonar"), Personal()]
    sonar_parent: Annotated[str, AdditionalField("Parent account in Sonar")]
    sonar_portal_username: Annotated[str, AdditionalField("Portal user in Sonar"), Personal()]
    sonar_city: Annotated[str, AdditionalField("City in full")] = ""
    sonar_billing: Annotated[str, AdditionalField("Billing parameters in Sonar", kind="textarea", fallback="string")]
    custom: Annotated[dict[str, str], Personal()]
    """The operator's own additional fields (C4), by name."""


class InternetService(SplynxRecord):
    """Source: Splynx REST, admin/customers/customer/{customer}/internet-services."""

    customer_id: Annotated[Ref, To("customer")]
    tariff_id: Annotated[Ref | int, To("internet_tariff")]
    status: Literal["active", "disabled"]
    description: Annotated[str, MaxLength(512)]
    quantity: int
    unit_price: str
    """Of a month and one unit, four decimals; always said, so that Splynx takes none from the tariff."""
    period: str
    """Months between two charges; -1: those of the customer."""
    start_date: date
    end_date: str
    """A day, or `0000-00-00`: without end."""
    discount: Literal["0", "1"]
    discount_type: Literal["fixed"]
    discount_value: str
    discount_start_date: str
    discount_end_date: str
    discount_text: Annotated[str, MaxLength(512)]
    login: Annotated[str, MaxLength(128)]
    taking_ipv4: Annotated[Literal["0"], OnCreate()]
    sonar_unique_id: Annotated[str, AdditionalField("Sonar unique id")]
    sonar_start_date: Annotated[str, AdditionalField("Since when in Sonar")]
    sonar_package: Annotated[str, AdditionalField("Package in Sonar")]
    sonar_service: Annotated[str, AdditionalField("Details in Sonar", kind="textarea", fallback="string"), Personal()]


class CustomerInfo(SplynxRecord):
    """Source: Splynx REST, admin/customers/customer-info."""

    birthday: Annotated[str, MaxLength(64), Personal()]
    passport: Annotated[str, MaxLength(32), Personal()]
    company_id: Annotated[str, MaxLength(32), Personal()]
    vat_id: Annotated[str, MaxLength(32), Personal()]
    contact_person: Annotated[str, MaxLength(256), Personal()]


class CustomerBilling(SplynxRecord):
    """Source: Splynx REST, admin/customers/customer-billing. Until cutover Splynx must bill nobody."""

    enabled: Switch
    make_invoices: Switch
    type: int
    billing_date: int
    billing_due: int
    blocking_period: int | None = None
    grace_period: int | None = None
    payment_method: int
    min_balance: str
    request_auto_enable: Switch
    reminder_enable: Switch
    send_finance_notification: Switch
    billing_person: Annotated[str, MaxLength(256), Personal()]
    billing_street_1: Annotated[str, MaxLength(255), Personal()]
    billing_zip_code: Annotated[str, MaxLength(32), Personal()]
    billing_city: Annotated[str, MaxLength(32)]
    sub_billing_mode: Literal["independent"]
