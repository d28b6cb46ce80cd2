"""A Sonar account, read with all that belongs to it, and the Splynx customer it becomes (mapping C1, C2, C3)."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal

from schemas.aggregate import Aggregate, Collection, DeletePolicy, LookUp, Target, Touch, WritePath
from schemas.bundle import Bundle
from schemas.entities import customer_parts as parts
from schemas.records import AdditionalField, Instant, MaxLength, OnCreate, Personal, Ref, SonarRecord, SplynxRecord, To
from schemas.rules import CustomerStatus, Rules


class AccountStatus(SonarRecord):
    """Source: Sonar schema, type AccountStatus."""

    id: int
    name: str
    activates_account: bool


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
    address: Address | None = None


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
    print_invoice: bool
    lifeline: bool
    tax_exempt: bool
    switch_status_after_delinquency: bool
    days_of_delinquency_for_status_switch: int | None = None
    delinquency_account_status_id: int | None = None


class Account(SonarRecord):
    """A Sonar account with what belongs to it, read in one selection. Source: Sonar schema, type Account."""

    id: int
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


class Customer(SplynxRecord):
    """A Splynx customer, one per Sonar account. Source: Splynx REST, admin/customers/customer."""

    login: Annotated[str, MaxLength(128)]
    password: Annotated[str, OnCreate(), Personal()]
    status: CustomerStatus
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
    customer_labels: Annotated[list[Ref], To("label", required=False)]
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
    sonar_billing: Annotated[str, AdditionalField("Billing parameters in Sonar")]
    custom: Annotated[dict[str, str], Personal()]
    """The operator's own additional fields (C4), by name."""


class CustomerInfo(SplynxRecord):
    """Source: Splynx REST, admin/customers/customer-info."""

    birthday: Annotated[str, MaxLength(64), Personal()]
    passport: Annotated[str, MaxLength(32), Personal()]
    company_id: Annotated[str, MaxLength(32), Personal()]
    vat_id: Annotated[str, MaxLength(32), Personal()]
    contact_person: Annotated[str, MaxLength(256), Personal()]


class CustomerBilling(SplynxRecord):
    """Source: Splynx REST, admin/customers/customer-billing. Until cutover Splynx must bill nobody."""

    enabled: Literal["0"]
    make_invoices: Literal["0"]
    type: int
    billing_date: int
    billing_due: int
    payment_method: int
    min_balance: str
    request_auto_enable: Literal["0"]
    reminder_enable: Literal["0"]
    send_finance_notification: Literal["0"]
    billing_person: Annotated[str, MaxLength(256), Personal()]
    billing_street_1: Annotated[str, MaxLength(255), Personal()]
    billing_zip_code: Annotated[str, MaxLength(32), Personal()]
    billing_city: Annotated[str, MaxLength(32)]
    sub_billing_mode: Literal["independent"]


def map_account(account: Account, rules: Rules) -> Bundle:
    """The customer of an account with its info and billing settings.

    Raises:
        RequiredValueMissing: no name, or a look-up that Sonar requires is missing.
        UnmappedValue: the account type has no category.
    """
    if not rules.in_scope(account_id=account.id, company_id=account.company_id, status_id=account.account_status_id):
        return Bundle(records=_left_out(), reason="outside the scope of the pilot")
    notes: list[str] = []
    status = parts.status(account, rules)
    if status == "new" and rules.file.status_map.leads == "skip":
        return Bundle(records={entity: [] for entity in _left_out()}, reason="leads are not carried")
    if account.contacts is None or account.addresses is None:
        # Not read is not empty: a customer without its contacts would lose its e-mail in Splynx.
        return Bundle(records=_left_out(), reason="contacts or addresses could not be read")
    people = parts.people(account, rules, notes)
    service, mailing = parts.service_address(account), parts.mailing_address(account)
    place = parts.place(service, rules, notes)
    custom, info = parts.custom_values(account, rules, notes)
    category = parts.category(account, rules)
    key = str(account.id)
    customer = Customer(
        key=key,
        login=rules.file.customer.login_format.replace("{id}", key).lower(),
        password=parts.password(account.id, rules),
        status=status,
        billing_type="recurring",
        partner_id=parts.partner(account, rules, notes),
        location_id=parts.location(account, service, rules),
        parent_id=parts.parent(account),
        name=parts.name(account, notes),
        category=category,
        email=people.email,
        billing_email=people.billing_email,
        phone=people.phone,
        street_1=place.street,
        zip_code=place.zip_code,
        city=place.city,
        subdivision_id=place.subdivision_id,
        gps=parts.gps(account, service),
        date_add=parts.date_added(account, rules),
        conversion_date=parts.converted(account),
        customer_labels=parts.labels(account),
        sonar_account_number=key,
        sonar_status=parts.status_name(account),
        sonar_activation_date=account.activation_date.isoformat() if account.activation_date else "",
        sonar_delinquent="1" if account.is_delinquent else "0",
        sonar_contacts=people.others,
        sonar_mailing_address=parts.full_address(mailing),
        sonar_parent=str(account.parent_account_id or ""),
        sonar_portal_username=people.username,
        sonar_billing=parts.billing_text(account.account_billing_parameter),
        custom=custom,
    )
    customer_info = CustomerInfo(
        key=key,
        birthday=info.get("birthday", ""),
        passport=info.get("passport", ""),
        company_id=info.get("company_id", "") if category == "company" else "",
        vat_id=info.get("vat_id", "") if category == "company" else "",
        contact_person=people.contact_person if category == "company" or people.contact_person != customer.name else "",
    )
    records: dict[str, Sequence[SplynxRecord] | None] = {
        "customer": [customer],
        "customer_info": [customer_info],
        "customer_billing": [_billing(account, rules, mailing, people.contact_person, notes)]
        if account.account_billing_parameter is not None
        else None,
    }
    return Bundle(records=records, notes=tuple(notes))


def _left_out() -> dict[str, Sequence[SplynxRecord] | None]:
    """Every target left out of the comparison: what was written before stays."""
    return dict.fromkeys(("customer", "customer_info", "customer_billing"))


def _billing(account: Account, rules: Rules, mailing: Address | None, person: str, notes: list[str]) -> CustomerBilling:
    parameter = account.account_billing_parameter
    assert parameter is not None
    place = parts.place(mailing, rules, notes)
    days = parts.billing_days(parameter, account.next_bill_date, notes)
    return CustomerBilling(
        key=str(account.id),
        enabled="0",
        make_invoices="0",
        type=parts.months(parameter, rules, notes),
        billing_date=days.billing_date,
        billing_due=days.billing_due,
        payment_method=parts.method(account, rules),
        min_balance=parts.min_balance(rules),
        request_auto_enable="0",
        reminder_enable="0",
        send_finance_notification="0",
        billing_person=person if mailing is not None else "",
        billing_street_1=place.street,
        billing_zip_code=place.zip_code,
        billing_city=place.city,
        sub_billing_mode="independent",
    )


_CONTACT = ("contactable_type", "Account")
ACCOUNT = Aggregate(
    name="account",
    root=Collection("accounts", Account, "Account", include_archived=True),
    owner="id",
    touched_by=[
        Touch("contacts", "Contact", "contactable_id", _CONTACT),
        Touch("phone_numbers", "PhoneNumber", "contact.contactable_id", ("contact.contactable_type", "Account")),
        Touch("addresses", "Address", "addressable_id", ("addressable_type", "Account")),
        Touch("account_billing_parameters", "AccountBillingParameter", "account_id"),
        Touch(
            "custom_field_data",
            "CustomFieldData",
            "customfielddataable_id",
            ("customfielddataable_type", "Account"),
        ),
        Touch(
            "serviceable_address_account_assignment_histories",
            "ServiceableAddressAccountAssignmentHistory",
            "account_id",
        ),
        Touch("credit_cards", "CreditCard", "account_id"),
        Touch("bank_accounts", "BankAccount", "account_id"),
    ],
    looks_up=[
        LookUp("account_statuses", "AccountStatus", column="account_status_id"),
        LookUp("account_types", "AccountType", column="account_type_id"),
        LookUp("companies", "Company", column="company_id"),
        LookUp("account_groups", "AccountGroup", relation="account_groups"),
        LookUp("custom_fields", "CustomField", relation="custom_field_data.custom_field"),
        LookUp("phone_number_types", "PhoneNumberType", relation="contacts.phone_numbers.phone_number_type"),
    ],
    pivots=["account_groups"],
    targets=[
        Target(
            "customer",
            Customer,
            table="customers",
            path=WritePath.REST,
            delete=DeletePolicy.DISABLE,
            endpoint="admin/customers/customer",
            module="customers",
        ),
        Target(
            "customer_info",
            CustomerInfo,
            table="customer_info",
            path=WritePath.REST,
            delete=DeletePolicy.WITH_OWNER,
            endpoint="admin/customers/customer-info",
            part_of="customer",
        ),
        Target(
            "customer_billing",
            CustomerBilling,
            table="customer_billing",
            path=WritePath.REST,
            delete=DeletePolicy.WITH_OWNER,
            endpoint="admin/customers/customer-billing",
            part_of="customer",
        ),
    ],
    mapper=map_account,
    doc="An account becomes a customer with its info and billing settings.",
)
