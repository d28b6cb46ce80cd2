"""What a customer takes from the contacts of its account: addresses, numbers, and a line for each other person."""

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.entities.customer.source import Account, Contact, PhoneNumber
from schemas.rules import ContactRules, Rules
from schemas.values import text


@dataclass(frozen=True)
class People:
    """What a customer takes from the account's contacts."""

    email: str
    billing_email: str
    phone: str
    name: str
    """Of the primary contact."""
    contact_person: str
    """That name with the contact's role."""
    username: str
    others: str


def people(account: Account, rules: Rules, notes: list[str]) -> People:
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
    lines = [_contact_line(one, chosen) for one in rest]
    if first is not None and first in bad:
        lines.insert(0, f"primary e-mail as entered: {text.one_line(first.email_address)}")
    return People(
        email=text.joined("email", _mails(mails), 256, notes),
        billing_email=text.joined(
            "billing_email", _mails(one for one in contacts if _has_role(one, chosen.billing_roles)), 256, notes
        ),
        phone=text.joined("phone", _phones(first, chosen.phone_order, chosen), 256, notes) if first is not None else "",
        name=text.fitted("contact_name", text.one_line(first.name), 256, notes) if first is not None else "",
        contact_person=text.fitted("contact_person", _with_role(first), 256, notes) if first is not None else "",
        username=text.fitted("username", text.one_line(first.username), 255, notes) if first is not None else "",
        others="\n".join(lines),
    )


def _with_role(contact: Contact) -> str:
    name, role = text.one_line(contact.name), text.one_line(contact.role)
    return f"{name} ({role})" if name and role else name


def _primary(contacts: list[Contact]) -> Contact | None:
    for wanted in (lambda one: one.primary, lambda one: bool(one.email_address), lambda one: True):
        for contact in contacts:
            if wanted(contact):
                return contact
    return None


def _has_role(contact: Contact, roles: Iterable[str]) -> bool:
    return text.one_line(contact.role).casefold() in {role.casefold() for role in roles}


def _mails(contacts: Iterable[Contact]) -> list[str]:
    return [found for one in contacts if (found := text.email(one.email_address)) is not None]


def _phones(contact: Contact, order: list[str], chosen: ContactRules) -> list[str]:
    ranks = {kind.casefold(): rank for rank, kind in enumerate(order)}
    numbers = sorted(
        contact.phone_numbers or [],
        key=lambda one: (
            ranks.get(one.phone_number_type.name.casefold(), len(ranks)) if one.phone_number_type else len(ranks),
            one.id,
        ),
    )
    return [_phone(one, chosen) for one in numbers]


def _phone(number: PhoneNumber, chosen: ContactRules) -> str:
    formatted = text.one_line(number.number_formatted)
    if chosen.phone_form == "formatted" and formatted:
        return formatted + text.extended(number.extension)
    return text.phone(number.number, number.country, number.extension)


def _contact_line(contact: Contact, chosen: ContactRules) -> str:
    phones = ", ".join(_phones(contact, [], chosen))
    flags = [contact.language or ""]
    if contact.marketing_opt_in:
        flags.append("marketing")
    if any(one.sms_opt_in for one in contact.phone_numbers or []):
        flags.append("sms")
    fields = [contact.name, contact.role, contact.email_address, phones, " ".join(flag for flag in flags if flag)]
    return " | ".join(text.one_line(field) for field in fields if text.one_line(field))
