"""General ledger codes, under which services are booked (mapping F8)."""

from schemas.aggregate import Aggregate, Collection
from schemas.entities.catalogued import Catalogued


class GeneralLedgerCode(Catalogued):
    """Source: Sonar schema, type GeneralLedgerCode."""

    code: str
    description: str


GENERAL_LEDGER_CODE = Aggregate(
    name="general_ledger_code",
    root=Collection("general_ledger_codes", GeneralLedgerCode, "GeneralLedgerCode"),
    doc="A code of the general ledger under which services are booked.",
)
