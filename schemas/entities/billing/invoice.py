"""A Sonar invoice with its charges and what pays it (mapping B1, B3)."""

import datetime
from collections.abc import Mapping
from typing import Annotated, ClassVar

from schemas.aggregate import Aggregate, Collection, Owner, Touch
from schemas.entities.billing.lines import Charge, Credit
from schemas.entities.scoped import ScopedAccount, follows_account
from schemas.records import Instant, MinorUnits, Personal, ShownArchived, SonarRecord


class BillingRun(SonarRecord):
    """That an invoice is one of the monthly run. Source: Sonar schema, type MonthlyBillingCompletion."""

    left_out: ClassVar[Mapping[str, str]] = {
        "sonar_unique_id": "it says something of an invoice, whose own id tells a reused one"
    }

    id: int
    created_at: Instant | None = None
    updated_at: Instant | None = None
    account_id: int
    date: datetime.date
    invoice_id: int


class Invoice(SonarRecord):
    """An invoice, its total the sum of its charges and their taxes. Source: Sonar schema, type Invoice.

    Whether a payment that covers it is still pending is said by the payment, which shows the same credits.
    """

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    account_id: int
    auto_pay_attempts: int | None = None
    auto_pay_date: datetime.date | None = None
    child_invoice_remaining_due: MinorUnits | None = None
    company_id: int | None = None
    date: datetime.date
    delinquency_date: datetime.date | None = None
    delinquent: bool | None = None
    due_date: datetime.date
    end_date: datetime.date
    frozen: bool | None = None
    invoice_template_version_id: int | None = None
    late_fee_applied: bool | None = None
    late_fee_only: bool
    message: Annotated[str | None, Personal()] = None
    number_of_months: int | None = None
    parent_invoice_id: int | None = None
    pending_email: bool | None = None
    remaining_due: MinorUnits
    status: str | None = None
    tax_committed: bool | None = None
    tax_provider_id: int | None = None
    total_debits: MinorUnits
    total_taxes: MinorUnits
    void: bool
    voided_at: Instant | None = None
    account: Annotated[ScopedAccount | None, ShownArchived()] = None
    monthly_billing_completion: BillingRun | None = None
    debits: list[Charge] | None = None
    credits: list[Credit] | None = None


INVOICE = Aggregate(
    name="invoice",
    root=Collection("invoices", Invoice, "Invoice"),
    owned_by=[Owner("account_id")],
    touched_by=[
        Touch("debits", "Debit", [Owner("invoice_id")]),
        Touch(
            "tax_transactions",
            "TaxTransaction",
            [Owner("taxtransactionable_id", ("taxtransactionable_type", "Debit"), through="debits")],
        ),
        Touch("credits", "Credit", [Owner("invoice_id")]),
        Touch("monthly_billing_completions", "MonthlyBillingCompletion", [Owner("invoice_id")]),
    ],
    looks_up=follows_account("invoices"),
    doc="An invoice with its charges, their taxes, and the credits that pay it.",
)
