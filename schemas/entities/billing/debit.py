"""A Sonar charge, whether it waits for its invoice or is on one (mapping B7)."""

from typing import Annotated

from schemas.aggregate import Aggregate, Collection, Owner, Touch
from schemas.entities.billing.lines import Charge
from schemas.entities.scoped import ScopedAccount, follows_account
from schemas.records import ShownArchived


class Debit(Charge):
    """A charge by itself. Source: Sonar schema, type Debit.

    Its invoice shows it too, and is complete without this. This is what a charge is seen by that has no invoice yet:
    the event that gives it one says so here, so that what was made of the waiting charge ends as the invoice has it.
    """

    account: Annotated[ScopedAccount | None, ShownArchived()] = None


DEBIT = Aggregate(
    name="debit",
    root=Collection("debits", Debit, "Debit"),
    owned_by=[Owner("account_id")],
    touched_by=[
        Touch(
            "tax_transactions",
            "TaxTransaction",
            [Owner("taxtransactionable_id", ("taxtransactionable_type", "Debit"))],
        ),
    ],
    looks_up=follows_account("debits"),
    doc="A charge with its taxes; while it has no invoice, only here.",
)
