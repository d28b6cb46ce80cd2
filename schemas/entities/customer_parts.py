"""How the members of a customer follow from an account: status, people, places, labels, billing days."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from schemas.entities.labels import flag_label, group_label, type_label
from schemas.records import Ref
from schemas.rules import CustomerStatus, Rules
from schemas.values import text
from schemas.values.errors import RequiredValueMissing, UnmappedValue
from schemas.values.money import money
from schemas.values.time import local_day

if TYPE_CHECKING:
    from schemas.entities.account import Account, Address, BillingParameter, Contact, CustomFieldData

_PERSON = frozenset({"RESIDENTIAL", "SENIOR_CITIZEN"})
_COMPANY = frozenset({"COMMERCIAL", "GOVERNMENT", "INDUSTRIAL"})
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})


def status(account: "Account", rules: Rules) -> CustomerStatus:
    """Splynx's status of an account; the first rule that matches wins (mapping 4.15).

    Raises:
        RequiredValueMissing: the account's status could not be read.
    """
    chosen = rules.file.status_map
    if account.account_status_id in chosen.by_id:
        return chosen.by_id[account.account_status_id]
    found = account.account_status
    if found is None:
        raise RequiredValueMissing("account_status")
    if found.name in chosen.by_name:
        return chosen.by_name[found.name]
    if account.archived_at is not None:
        return "disabled"
    parameter = account.account_billing_parameter
    delinquency = parameter.delinquency_account_status_id if parameter is not None else None
    in_delinquency = account.is_delinquent and account.account_status_id == delinquency
    if found.activates_account:
        blocked = in_delinquency or (account.is_delinquent and chosen.delinquent_as_blocked)
        return "blocked" if blocked else "active"
    if in_delinquency:
        return chosen.inactive_delinquent
    return "new" if account.activation_date is None else "disabled"


def status_name(account: "Account") -> str:
    """The name of the status in Sonar."""
    return text.one_line(account.account_status.name) if account.account_status is not None else ""


def category(account: "Account", rules: Rules) -> Literal["person", "company"]:
    """Person or company.

    Raises:
        UnmappedValue: Sonar has a class of types that neither we nor the rules know.
    """
    override = rules.file.customer.category.by_account_type.get(account.account_type_id)
    if override is not None:
        return override
    if account.account_type is None:
        raise RequiredValueMissing("account_type")
    if account.account_type.type in _PERSON:
        return "person"
    if account.account_type.type in _COMPANY:
        return "company"
    raise UnmappedValue("account_type.type")


def name(account: "Account", notes: list[str]) -> str:
    """The account's own name, not its contact's.

    Raises:
        RequiredValueMissing: it is empty.
    """
    return _cut("name", text.required_text("name", text.one_line(account.name)), 256, notes)


def password(account_id: int, rules: Rules) -> str:
    """A password that is the same on every replay and that nobody can guess without the operator's key."""
    digest = hmac.new(rules.hmac_key, f"customer:{account_id}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest)[:20].decode()


def partner(account: "Account", rules: Rules, notes: list[str]) -> Ref | int:
    """The configured partner of the account's company, else the one it became.

    A disabled company becomes none, so its accounts go to the default partner instead of waiting for ever.
    """
    configured = rules.partner_of(account.company_id)
    if configured is not None:
        return configured
    if account.company is not None and not account.company.enabled:
        notes.append("default:partner")
        return rules.file.partners.default
    return Ref(entity="partner", key=str(account.company_id))


def parent(account: "Account") -> Ref | int:
    """The customer of the parent account, 0 for none."""
    if account.parent_account_id is None or account.parent_account_id == account.id:
        return 0
    return Ref(entity="customer", key=str(account.parent_account_id))


def labels(account: "Account") -> list[Ref]:
    """Groups, type and flags, each once."""
    found = [group_label(group.id) for group in sorted(account.account_groups or [], key=lambda one: one.id)]
    found.append(type_label(account.account_type_id))
    parameter = account.account_billing_parameter
    flags = {
        "delinquent": account.is_delinquent,
        "archived": account.archived_at is not None,
        "tax_exempt": parameter is not None and parameter.tax_exempt,
        "lifeline": parameter is not None and parameter.lifeline,
    }
    return found + [flag_label(flag) for flag, on in flags.items() if on]


def date_added(account: "Account", rules: Rules) -> date:
    """The local day on which the account was made. A UTC day would move evening sign-ups to tomorrow."""
    return local_day(account.created_at, rules.zone)


def converted(account: "Account") -> str | None:
    """When the account was first activated, local time; None if never. Sonar's day and time are local already."""
    if account.activation_date is None:
        return None
    return f"{account.activation_date.isoformat()} {(account.activation_time or '00:00:00')[:8]}"


@dataclass(frozen=True)
class People:
    """What a customer takes from the account's contacts."""

    email: str
    billing_email: str
    phone: str
    contact_person: str
    username: str
    others: str


def people(account: "Account", rules: Rules, notes: list[str]) -> People:
    """Primary contact, further addresses by role, and one line for each other contact."""
    contacts = sorted(account.contacts or [], key=lambda one: one.id)
    first = _primary(contacts)
    chosen = rules.file.customer.contacts
    mails = [one for one in contacts if one is first or _has_role(one, chosen.email_roles)]
    mails.sort(key=lambda one: one is not first)
    bad = [one for one in contacts if one.email_address and text.email(one.email_address) is None]
    if bad:
        notes.append("dropped:email_address")
    rest = [one for one in contacts if one is not first]
    lines = [_contact_line(one) for one in rest]
    if first is not None and first in bad:
        lines.insert(0, f"primary e-mail as entered: {text.one_line(first.email_address)}")
    return People(
        email=text.joined(_mails(mails), 256),
        billing_email=text.joined(_mails(one for one in contacts if _has_role(one, chosen.billing_roles)), 256),
        phone=text.joined(_phones(first, chosen.phone_order), 256) if first is not None else "",
        contact_person=text.cut(text.one_line(first.name), 256) if first is not None else "",
        username=text.cut(text.one_line(first.username), 255) if first is not None else "",
        others="\n".join(lines),
    )


def _primary(contacts: list["Contact"]) -> "Contact | None":
    for wanted in (lambda one: one.primary, lambda one: bool(one.email_address), lambda one: True):
        for contact in contacts:
            if wanted(contact):
                return contact
    return None


def _has_role(contact: "Contact", roles: Iterable[str]) -> bool:
    return text.one_line(contact.role).casefold() in {role.casefold() for role in roles}


def _mails(contacts: Iterable["Contact"]) -> list[str]:
    return [found for one in contacts if (found := text.email(one.email_address)) is not None]


def _phones(contact: "Contact", order: list[str]) -> list[str]:
    ranks = {kind.casefold(): rank for rank, kind in enumerate(order)}
    numbers = sorted(
        contact.phone_numbers or [],
        key=lambda one: (
            ranks.get(one.phone_number_type.name.casefold(), len(ranks)) if one.phone_number_type else len(ranks),
            one.id,
        ),
    )
    return [text.phone(one.number, one.country, one.extension) for one in numbers]


def _contact_line(contact: "Contact") -> str:
    phones = ", ".join(_phones(contact, []))
    flags = [contact.language or ""]
    if contact.marketing_opt_in:
        flags.append("marketing")
    if any(one.sms_opt_in for one in contact.phone_numbers or []):
        flags.append("sms")
    fields = [contact.name, contact.role, contact.email_address, phones, " ".join(flag for flag in flags if flag)]
    return " | ".join(text.one_line(field) for field in fields if text.one_line(field))


@dataclass(frozen=True)
class Place:
    """An address as Splynx's columns take it."""

    street: str
    zip_code: str
    city: str
    subdivision_id: int | None


def service_address(account: "Account") -> "Address | None":
    """The physical address, newest if several; else the last known one; else the mailing address."""
    physical = [one for one in account.addresses or [] if one.type == "PHYSICAL"]
    if physical:
        return max(physical, key=lambda one: (one.updated_at, one.id))
    past = [one for one in account.serviceable_address_account_assignment_histories or [] if one.address is not None]
    if past:
        return max(past, key=lambda one: (one.end_date or date.max, one.start_date, one.id)).address
    return mailing_address(account)


def mailing_address(account: "Account") -> "Address | None":
    """The mailing address, newest if several."""
    found = [one for one in account.addresses or [] if one.type == "MAILING"]
    return max(found, key=lambda one: (one.updated_at, one.id), default=None)


def place(address: "Address | None", rules: Rules, notes: list[str]) -> Place:
    """The address cut to Splynx's columns; a country that is not the default stands at the end of the street."""
    if address is None:
        return Place("", "", "", None)
    lines = [text.one_line(address.line1), text.one_line(address.line2)]
    if address.country and address.country != rules.file.customer.default_country:
        lines.append(address.country)
    subdivision = rules.file.customer.subdivisions.get(address.subdivision or "")
    if address.subdivision and subdivision is None:
        notes.append("unmapped:subdivision")
    return Place(
        street=_cut("street", ", ".join(line for line in lines if line), 255, notes),
        zip_code=_cut("zip", text.one_line(address.zip), 32, notes),
        city=_cut("city", text.one_line(address.city), 32, notes),
        subdivision_id=subdivision,
    )


def full_address(address: "Address | None") -> str:
    """All of an address in one line, for reading."""
    if address is None:
        return ""
    fields = [address.line1, address.line2, address.city, address.subdivision, address.zip, address.country]
    return text.cut(", ".join(text.one_line(field) for field in fields if text.one_line(field)), 255)


def gps(account: "Account", address: "Address | None") -> str:
    """`lat,lon` of the address, else of the account; empty when neither has one."""
    if address is not None and address.latitude and address.longitude:
        return f"{address.latitude},{address.longitude}"
    return (account.geopoint or "").replace(" ", "")


def location(account: "Account", address: "Address | None", rules: Rules) -> int:
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


def custom_values(account: "Account", rules: Rules, notes: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """`({additional field: value}, {customer_info column: value})`; the last non-empty value of a field wins.

    A field that the rules name and the account lacks is written empty, so that a deleted value goes in Splynx too.

    Raises:
        UnmappedValue: a flag or an option that is none.
    """
    custom: dict[str, str] = {}
    info: dict[str, str] = {}
    newest: dict[str, CustomFieldData] = {}
    for data in sorted(
        account.custom_field_data or [], key=lambda one: (bool(one.value.strip()), one.updated_at, one.id)
    ):
        if data.custom_field is not None:
            newest[data.custom_field.name] = data
    for field, rule in rules.file.custom_fields.map.items():
        if rule == "ignore":
            continue
        held = newest.get(field)
        declared = held.custom_field if held is not None else None
        kind = declared.type if declared is not None else "TEXT"
        options = (declared.enum_options if declared is not None else None) or []
        value = _custom_value(field, kind, options, held.value if held is not None else "")
        if rule.name is not None:
            custom[rule.name] = value
        elif rule.to is not None:
            column = rule.to.partition(".")[2]
            info[column] = _cut(column, value, 64 if column == "birthday" else 32, notes)
    return custom, info


def _custom_value(field: str, kind: str, options: list[str], value: str) -> str:
    found = text.one_line(value)
    if kind == "BOOLEAN":
        if found.lower() in _TRUE:
            return "1"
        if found.lower() in _FALSE:
            return "0"
        raise UnmappedValue(f"custom field {field}")
    if not found:
        return ""
    if kind == "DATE":
        try:
            return date.fromisoformat(found[:10]).isoformat()
        except ValueError as exc:
            raise UnmappedValue(f"custom field {field}") from exc
    if options and found not in {text.one_line(option) for option in options}:
        raise UnmappedValue(f"custom field {field}")
    return found[:255]


@dataclass(frozen=True)
class BillingDays:
    """Both within 1..28."""

    billing_date: int
    billing_due: int


def billing_days(parameter: "BillingParameter", next_bill_date: date | None, notes: list[str]) -> BillingDays:
    """Splynx has one day for the document and the period's start; the due days are counted from it.

    Where Sonar counts them from the other day, the gap between the two is added or taken away.
    """
    bill_day = parameter.bill_day or (next_bill_date.day if next_bill_date is not None else 1)
    invoice_day = parameter.invoice_day
    day = invoice_day if invoice_day is not None else bill_day
    due = parameter.due_days
    if invoice_day is not None and parameter.due_days_day == "BILL_DAY":
        # The period starts on invoice_day, later than bill_day: counted from there, fewer days are left.
        due -= (invoice_day - bill_day) % 30
    return BillingDays(_clamped("billing_date", day, notes), _clamped("billing_due", due, notes))


def _clamped(field: str, value: int, notes: list[str]) -> int:
    kept = min(max(value, 1), 28)
    if kept != value:
        notes.append(f"clamped:{field}")
    return kept


def months(parameter: "BillingParameter", rules: Rules, notes: list[str]) -> int:
    """Months paid in advance, 1..12; 0 (in arrears) only where the rules allow it."""
    if parameter.months_to_bill == 0 and rules.file.billing.postpaid:
        return 0
    kept = min(max(parameter.months_to_bill, 1), 12)
    if parameter.months_to_bill > 12:
        notes.append("clamped:months_to_bill")
    return kept


def method(account: "Account", rules: Rules) -> int:
    """The method of the instrument that pays by itself, cards before banks; else the default."""
    if any(card.auto for card in account.credit_cards or []):
        return rules.payment_method("CREDITCARD", None)
    if any(bank.auto for bank in account.bank_accounts or []):
        return rules.payment_method("BANKACCOUNT", None)
    return rules.file.payment_methods.default


def min_balance(rules: Rules) -> str:
    """Minus the amount from which Sonar counts delinquency, with four decimals as Splynx shows prices."""
    return f"{-money(rules.minimum_amount_due_minor, rules.exponent) + Decimal(0):.4f}"


def billing_text(parameter: "BillingParameter | None") -> str:
    """Billing parameters that have no home in Splynx, for reading."""
    if parameter is None:
        return ""
    fields = {
        "auto_pay": f"{parameter.auto_pay_days} days from {parameter.auto_pay_day}",
        "grace_days": str(parameter.grace_days),
        "grace_until": parameter.grace_until.isoformat() if parameter.grace_until else "",
        "print_invoice": "yes" if parameter.print_invoice else "",
        "lifeline": "yes" if parameter.lifeline else "",
        "bill_day_mode": parameter.bill_day_mode,
        "months_to_bill": str(parameter.months_to_bill),
    }
    return "; ".join(f"{field}: {value}" for field, value in fields.items() if value)


def _cut(field: str, value: str, characters: int, notes: list[str]) -> str:
    kept = text.cut(value, characters)
    if kept != value:
        notes.append(f"truncated:{field}")
    return kept
