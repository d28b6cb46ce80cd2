"""The account that a record belongs to, as far as a pilot's scope depends on it."""

from schemas.records import SonarRecord
from schemas.rules import Rules

SCOPE_COLUMNS = ("account_status_id", "company_id")
"""Columns of an account whose change takes what belongs to it in or out of a pilot."""


class ScopedAccount(SonarRecord):
    """Source: Sonar schema, type Account."""

    id: int
    account_status_id: int
    company_id: int


def is_in_scope(account_id: int, account: ScopedAccount | None, rules: Rules) -> bool:
    """Whether a pilot covers an account. One that was not read is in no pilot by company or status."""
    return rules.in_scope(
        account_id=account_id,
        company_id=account.company_id if account is not None else None,
        status_id=account.account_status_id if account is not None else None,
    )
