"""The account that a record belongs to, as far as it depends on it whether the record is carried."""

from datetime import date

from schemas.aggregate import Hop, LookUp
from schemas.entities.customer.status import AccountStatus, is_left_lead
from schemas.records import Instant, SonarRecord
from schemas.rules import Rules

LEAD = "leads are not carried"
OUT_OF_SCOPE = "outside the scope of the pilot"
LEFT_OUT = frozenset({LEAD, OUT_OF_SCOPE})
"""Reasons of a bundle that tells nothing of its records because the rules leave them out: it was read all the same."""
SCOPE_COLUMNS = ("account_status_id", "company_id", "activation_date", "archived_at")
"""Columns of an account whose change takes what belongs to it in or out."""
LEAD_COLUMNS = ("activation_date", "is_delinquent")
"""Whether it is delinquent changes every month, and matters only of one that was never active: it is no lead then."""


def follows_account(collection: str) -> tuple[LookUp, ...]:
    """Look-ups of a collection of rows that carry an `account_id`, and the account as `ScopedAccount`.

    They come and go with their account in a pilot, and wait while it is a lead that is left out. The status is looked
    up by columns: a relation would not lead to what an archived account has.
    """
    return (
        LookUp("accounts", "Account", column="account_id", fields=SCOPE_COLUMNS, while_empty=LEAD_COLUMNS),
        LookUp(
            "account_statuses",
            "AccountStatus",
            ways=((Hop("accounts", "account_status_id"), Hop(collection, "account_id")),),
            fields=("name", "activates_account"),
        ),
    )


class DunningOf(SonarRecord):
    """The status of a delinquent account. Source: Sonar schema, type AccountBillingParameter."""

    id: int
    delinquency_account_status_id: int | None = None


class ScopedAccount(SonarRecord):
    """Source: Sonar schema, type Account."""

    id: int
    account_status_id: int
    company_id: int
    activation_date: date | None = None
    archived_at: Instant | None = None
    is_delinquent: bool = False
    account_status: AccountStatus | None = None
    account_billing_parameter: DunningOf | None = None


def left_out(account_id: int, account: ScopedAccount | None, rules: Rules) -> str | None:
    """Why an account has no customer, None when it has one. One that was not read is in no pilot by company or status.

    What belongs to such an account is left out too, or it would wait for the customer for ever.
    """
    if not rules.in_scope(
        account_id=account_id,
        company_id=account.company_id if account is not None else None,
        status_id=account.account_status_id if account is not None else None,
    ):
        return OUT_OF_SCOPE
    return LEAD if account is not None and is_left_lead(account, rules) else None
