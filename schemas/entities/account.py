"""A Sonar account and the Splynx customer it becomes, with its internet services (mapping C1, C2, C3, S2)."""

from collections.abc import Sequence

from schemas.aggregate import Aggregate, Collection, DeletePolicy, Owner, SourceRows, Target, WritePath
from schemas.bundle import Bundle, Refused
from schemas.entities.customer import billing, custom, identity, people, places
from schemas.entities.customer.changes import LOOK_UPS, PIVOTS, TOUCHES
from schemas.entities.customer.internet import internet_services
from schemas.entities.customer.source import Account, BillingParameter
from schemas.entities.customer.status import customer_status, is_left_lead
from schemas.entities.customer.target import Customer, CustomerBilling, CustomerInfo, InternetService
from schemas.entities.scoped import LEAD, OUT_OF_SCOPE
from schemas.entities.service.tariff import PLANS
from schemas.records import SplynxRecord
from schemas.rules import Rules


def map_account(account: Account, rules: Rules) -> Bundle:
    """The customer of an account with its info and billing settings, and the services of its plans.

    Raises:
        RequiredValueMissing: no name, or a look-up that Sonar requires is missing.
        UnmappedValue: the account type has no category, a custom field holds what it cannot, or the rules say nothing
            of a plan or of a credit.
        OutOfRange: the coordinates are no place on earth, or a price, a quantity or a frequency is none.
        NaturalKeyTooLong: a log-in does not fit.
    """
    if not rules.in_scope(account_id=account.id, company_id=account.company_id, status_id=account.account_status_id):
        return Bundle(records=_left_out(), reason=OUT_OF_SCOPE)
    notes: list[str] = []
    refused: list[Refused] = []
    if is_left_lead(account, rules):
        return Bundle(records={entity: [] for entity in _left_out()}, reason=LEAD)
    unread = _unread(account, rules)
    if unread:
        # Not read is not empty: a customer without its contacts would lose its e-mail in Splynx.
        return Bundle(records=_left_out(), reason=f"could not be read: {', '.join(unread)}")
    persons = people.people(account, rules, notes)
    service, mailing = places.service_address(account), places.mailing_address(account)
    place = places.place(service, rules, notes)
    status, login = customer_status(account, rules), identity.login(account, persons, rules)
    fields, info = custom.custom_values(account, rules, notes)
    category = identity.category(account, rules)
    key = str(account.id)
    customer = Customer(
        key=key,
        login=login,
        password=identity.password(account.id, rules),
        status=status,
        billing_type="recurring",
        partner_id=identity.partner(account, rules, notes),
        location_id=places.location(account, service, rules),
        parent_id=identity.parent(account, rules, notes),
        name=identity.name(account, notes),
        category=category,
        email=persons.email,
        billing_email=persons.billing_email,
        phone=persons.phone,
        street_1=place.street,
        zip_code=place.zip_code,
        city=place.city,
        subdivision_id=place.subdivision_id,
        gps=places.gps(account, service),
        date_add=identity.date_added(account, rules),
        conversion_date=identity.converted(account),
        customer_labels=identity.labels(account),
        sonar_unique_id=account.sonar_unique_id or "",
        sonar_account_number=key,
        sonar_status=identity.status_name(account, notes),
        sonar_activation_date=account.activation_date.isoformat() if account.activation_date else "",
        sonar_delinquent="1" if account.is_delinquent else "0",
        sonar_contacts=persons.others,
        sonar_mailing_address=places.full_address(mailing, notes),
        sonar_parent=str(account.parent_account_id or ""),
        sonar_portal_username=persons.username,
        sonar_city=place.full_city,
        sonar_billing=billing.billing_text(account.account_billing_parameter),
        custom=fields,
    )
    customer_info = CustomerInfo(
        key=key,
        birthday=info.get("birthday", ""),
        passport=info.get("passport", ""),
        company_id=info.get("company_id", "") if category == "company" else "",
        vat_id=info.get("vat_id", "") if category == "company" else "",
        contact_person=persons.contact_person if category == "company" or persons.name != customer.name else "",
    )
    parameter = account.account_billing_parameter
    mailing_place = places.place(mailing, rules, notes)
    person = persons.name if mailing is not None and mailing_place != place else ""
    records: dict[str, Sequence[SplynxRecord] | None] = {
        "customer": [customer],
        "customer_info": [customer_info],
        "customer_billing": None
        if parameter is None or account.credit_cards is None or account.bank_accounts is None
        else [_billing(account, parameter, rules, mailing_place, person, notes)],
        "internet_service": internet_services(account, status, login, rules, notes, refused),
    }
    return Bundle(records=records, notes=tuple(dict.fromkeys(notes)), refused=tuple(refused))


def _left_out() -> dict[str, Sequence[SplynxRecord] | None]:
    """Every target left out of the comparison: what was written before stays."""
    return dict.fromkeys(("customer", "customer_info", "customer_billing", "internet_service"))


def _unread(account: Account, rules: Rules) -> list[str]:
    """What a customer is made of and Sonar did not show."""
    parts: dict[str, Sequence[object] | None] = {
        "contacts": account.contacts,
        "addresses": account.addresses,
        "account_groups": account.account_groups,
        "serviceable_address_account_assignment_histories": account.serviceable_address_account_assignment_histories,
    }
    if rules.file.custom_fields.map:
        parts["custom_field_data"] = account.custom_field_data
    missing = [name for name, rows in parts.items() if rows is None]
    if any(contact.phone_numbers is None for contact in account.contacts or []):
        missing.append("contacts.phone_numbers")
    return missing


def _billing(
    account: Account, parameter: BillingParameter, rules: Rules, place: places.Place, person: str, notes: list[str]
) -> CustomerBilling:
    days = billing.billing_days(account, parameter, rules, notes)
    return CustomerBilling(
        key=str(account.id),
        enabled="0",
        make_invoices="0",
        type=billing.months(parameter, rules, notes),
        billing_date=days.billing_date,
        billing_due=days.billing_due,
        blocking_period=billing.blocking_period(parameter, rules, notes),
        # Sonar never deactivates a customer by itself.
        grace_period=rules.file.billing.no_deactivation,
        payment_method=billing.method(account, rules),
        min_balance=billing.min_balance(rules),
        request_auto_enable="0",
        reminder_enable="0",
        send_finance_notification="0",
        billing_person=person,
        billing_street_1=place.street,
        billing_zip_code=place.zip_code,
        billing_city=place.city,
        sub_billing_mode="independent",
    )


OF_PLANS = [{"reverse_relation_filters": [{"relation": "service", "search": PLANS}]}]
"""Sonar's search for what accounts have of plans."""

ACCOUNT = Aggregate(
    name="account",
    root=Collection("accounts", Account, "Account", include_archived=True),
    owned_by=[Owner("id")],
    touched_by=TOUCHES,
    looks_up=LOOK_UPS,
    pivots=PIVOTS,
    targets=[
        Target(
            "customer",
            Customer,
            table="customers",
            path=WritePath.REST,
            delete=DeletePolicy.DISABLE,
            once=("login",),
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
        # After the billing settings: those keep Splynx from charging what follows.
        Target(
            "internet_service",
            InternetService,
            table="services_internet",
            path=WritePath.REST,
            delete=DeletePolicy.END,
            endpoint="admin/customers/customer/{customer_id}/internet-services",
            module="services_internet",
            natural_key=("login",),
            comes_of=[SourceRows("account_services", search=OF_PLANS)],
        ),
    ],
    mapper=map_account,
    doc="An account becomes a customer with its info and billing settings. What it has of plans is read with it, for it"
    " follows the account's status, and becomes internet services. A list price that changes reads the accounts again"
    " that have the service.",
)
