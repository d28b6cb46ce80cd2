"""A Sonar discount with its taxes and what it pays (mapping B4, B3)."""

from datetime import date
from typing import Annotated

from schemas.aggregate import Aggregate, Collection, Owner, Touch
from schemas.entities.billing.lines import Credit, TaxLine
from schemas.entities.scoped import ScopedAccount, follows_account
from schemas.records import Instant, MinorUnits, Personal, ShownArchived, SonarRecord


class ReversedCharge(SonarRecord):
    """The charge that a discount takes back, and the invoice it is on. Source: Sonar schema, type Debit."""

    id: int
    invoice_id: int | None = None


class Discount(SonarRecord):
    """Money given back, or taken off, `amount_remaining` of it unused yet. Source: Sonar schema, type Discount."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    account_id: int
    amount: MinorUnits
    amount_remaining: MinorUnits
    company_id: int | None = None
    debit_id: int | None = None
    description: Annotated[str | None, Personal()] = None
    general_ledger_code: str | None = None
    general_ledger_code_description: str | None = None
    minutes: str | None = None
    prorated_from: date | None = None
    prorated_to: date | None = None
    quantity: int
    quantity_prorated_from: int | None = None
    quantity_prorated_to: int | None = None
    reversed: bool
    reversed_at: Instant | None = None
    reversed_by_user_id: int | None = None
    service_id: int
    service_name: str
    service_transaction_type: str | None = None
    tax_committed: bool | None = None
    tax_provider_id: int | None = None
    type: str
    user_id: int | None = None
    account: Annotated[ScopedAccount | None, ShownArchived()] = None
    debit: ReversedCharge | None = None
    tax_transactions: list[TaxLine] | None = None
    credits: list[Credit] | None = None


DISCOUNT = Aggregate(
    name="discount",
    root=Collection("discounts", Discount, "Discount"),
    owned_by=[Owner("account_id")],
    touched_by=[
        Touch(
            "tax_transactions",
            "TaxTransaction",
            [Owner("taxtransactionable_id", ("taxtransactionable_type", "Discount"))],
        ),
        Touch("credits", "Credit", [Owner("creditable_id", ("creditable_type", "Discount"))]),
        # The charge may be billed after it was taken back.
        Touch("debits", "Debit", [Owner("discount.id")]),
    ],
    looks_up=follows_account("discounts"),
    doc="A discount, or a charge taken back, with its taxes and the credits that use it up.",
)
