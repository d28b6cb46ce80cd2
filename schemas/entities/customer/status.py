"""Which status a customer has in Splynx, from what Sonar says of the account (mapping 4.15)."""

from datetime import date
from typing import Protocol

from schemas.records import Instant, SonarRecord
from schemas.rules import CustomerStatus, Rules
from schemas.values.errors import RequiredValueMissing


class AccountStatus(SonarRecord):
    """Source: Sonar schema, type AccountStatus."""

    id: int
    name: str
    activates_account: bool


class Dunning(Protocol):
    """Billing parameters, as far as the status depends on them."""

    @property
    def delinquency_account_status_id(self) -> int | None:
        """The status into which Sonar puts the account when it is delinquent."""
        ...


class Standing(Protocol):
    """An account, as far as the status depends on it."""

    @property
    def account_status_id(self) -> int: ...
    @property
    def account_status(self) -> AccountStatus | None: ...
    @property
    def account_billing_parameter(self) -> Dunning | None: ...
    @property
    def activation_date(self) -> date | None: ...
    @property
    def archived_at(self) -> Instant | None: ...
    @property
    def is_delinquent(self) -> bool: ...


def customer_status(account: Standing, rules: Rules) -> CustomerStatus:
    """Splynx's status of an account; the first rule that matches wins.

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


def is_left_lead(account: Standing, rules: Rules) -> bool:
    """Whether an account was never active and the rules leave such out. One whose status was not read is no lead."""
    if rules.file.status_map.leads != "skip":
        return False
    try:
        return customer_status(account, rules) == "new"
    except RequiredValueMissing:
        return False
