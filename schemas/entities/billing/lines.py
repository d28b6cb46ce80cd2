"""What documents of money are made of: charges, their tax lines, and how a payment or discount is used up."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, ClassVar

from schemas.records import Instant, MinorUnits, NewerSonar, Personal, SonarRecord

_TOLD_BY_ITS_DOCUMENT = "it becomes no record of its own; a reused id is told by the document that shows it"


class TaxLine(SonarRecord):
    """One tax on one charge or discount. Source: Sonar schema, type TaxTransaction."""

    left_out: ClassVar[Mapping[str, str]] = {"sonar_unique_id": _TOLD_BY_ITS_DOCUMENT}

    id: int
    created_at: Instant | None = None
    updated_at: Instant | None = None
    amount: MinorUnits
    amount_taxed: MinorUnits | None = None
    description: str
    tax_provider_id: int | None = None
    taxdefinitionable_id: int | None = None
    taxdefinitionable_type: str | None = None
    taxtransactionable_id: int
    taxtransactionable_type: str


class Charge(SonarRecord):
    """A charge with its taxes; of `amount` nobody knows yet whether it is for all `quantity`, or for one (mapping Q5).

    Source: Sonar schema, type Debit.
    """

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    account_id: int
    amount: MinorUnits
    company_id: int | None = None
    description: Annotated[str | None, Personal()] = None
    general_ledger_code: str | None = None
    general_ledger_code_description: str | None = None
    invoice_id: int | None = None
    linked_debit_id: int | None = None
    minutes: str | None = None
    number_of_months: int | None = None
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
    service_override_name: Annotated[str | None, NewerSonar()] = None
    service_transaction_type: str | None = None
    type: str
    user_id: int | None = None
    voice_service_generic_parameter_id: int | None = None
    tax_transactions: list[TaxLine] | None = None


class Credit(SonarRecord):
    """What of a payment or discount pays an invoice; `void` once it was taken back.

    Source: Sonar schema, type Credit.
    """

    left_out: ClassVar[Mapping[str, str]] = {"sonar_unique_id": _TOLD_BY_ITS_DOCUMENT}

    id: int
    created_at: Instant
    updated_at: Instant | None = None
    account_id: int
    """Of the payer: not that of the invoice where a parent pays for a child."""
    amount: MinorUnits
    creditable_id: int
    creditable_type: str
    invoice_id: int
    void: bool
    voided_at: Instant | None = None
