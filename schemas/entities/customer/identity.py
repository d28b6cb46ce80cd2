"""Who a customer is: category, name, log-in, partner, parent, labels and days."""

import base64
import hashlib
import hmac
from datetime import date
from typing import Literal

from schemas.entities.customer.people import People
from schemas.entities.customer.source import Account
from schemas.entities.labels import flag_label, group_label, type_label
from schemas.entities.scoped import left_out
from schemas.records import Ref
from schemas.rules import DEFAULT_LOGIN, Rules
from schemas.values import text
from schemas.values.errors import NaturalKeyTooLong, RequiredValueMissing, UnmappedValue
from schemas.values.time import local_day

_PERSON = frozenset({"RESIDENTIAL", "SENIOR_CITIZEN"})
_COMPANY = frozenset({"COMMERCIAL", "GOVERNMENT", "INDUSTRIAL"})


def status_name(account: Account, notes: list[str]) -> str:
    """The name of the status in Sonar."""
    found = account.account_status
    return text.fitted("sonar_status", text.one_line(found.name), 255, notes) if found is not None else ""


def category(account: Account, rules: Rules) -> Literal["person", "company"]:
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


def name(account: Account, notes: list[str]) -> str:
    """The account's own name, not its contact's.

    Raises:
        RequiredValueMissing: it is empty.
    """
    return text.fitted("name", text.required_text("name", text.one_line(account.name)), 256, notes)


def login(account: Account, people: People, rules: Rules) -> str:
    """The log-in as the rules write it, in lower case; the account's id in it keeps any two apart (mapping 5.8).

    A form that needs a user name or an e-mail address which the account lacks gives way to the default form.

    Raises:
        NaturalKeyTooLong: it does not fit Splynx's column.
    """
    form = rules.file.customer.login_format
    known = {"{username}": people.username, "{email}": people.email.partition(",")[0]}
    if any(name in form and not value for name, value in known.items()):
        form = DEFAULT_LOGIN
    if "{id}" not in form:
        form += "-{id}"
    found = form.replace("{id}", str(account.id))
    for name, value in known.items():
        found = found.replace(name, value)
    if len(found) > 128:
        raise NaturalKeyTooLong("login")
    return found.lower()


def password(account_id: int, rules: Rules) -> str:
    """A password that is the same on every replay and that nobody can guess without the operator's key."""
    digest = hmac.new(rules.hmac_key, f"customer:{account_id}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest)[:20].decode()


def partner(account: Account, rules: Rules, notes: list[str]) -> Ref | int:
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


def parent(account: Account, rules: Rules, notes: list[str]) -> Ref | int:
    """The customer of the parent account, 0 for none.

    A parent that is left out has no customer: its child is written without it instead of waiting for ever.
    """
    if account.parent_account_id is None or account.parent_account_id == account.id:
        return 0
    if left_out(account.parent_account_id, account.parent_account, rules) is not None:
        notes.append("default:parent_id")
        return 0
    return Ref(entity="customer", key=str(account.parent_account_id))


def labels(account: Account) -> list[Ref]:
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


def date_added(account: Account, rules: Rules) -> date:
    """The local day on which the account was made. A UTC day would move evening sign-ups to tomorrow."""
    return local_day(account.created_at, rules.zone)


def converted(account: Account) -> str | None:
    """When the account was first activated, local time; None if never. Sonar's day and time are local already."""
    if account.activation_date is None:
        return None
    return f"{account.activation_date.isoformat()} {(account.activation_time or '00:00:00')[:8]}"
