"""Proforma invoices, credit notes, and which payer paid which invoice."""

from sandbox.splynx.resources.model import Resource
from sandbox.splynx.resources.model import resource as _resource

_CREDIT_NOTES = """
id integer ID
customer_id integer! Customer ID
number string Number
date_created date Document date
real_create_datetime datetime Created
date_updated date Last update
date_payment string Payment date
payment_id string Payment
total float Total
remind_amount string Unallocated amount
status string! Status
note string Note
is_sent string Sent?
invoicesId string InvoicesId
resetPeriodForService string ResetPeriodForService
partiallyUse string PartiallyUse
added_by string Added_by
added_by_id numeric Added by
"""
_PROFORMAS = """
id integer ID
customer_id integer! Customer ID
date_created date Document date
real_create_datetime string Created
date_updated date Last update
date_payment string Payment date
date_till date Payment due date
number string Number
total float Total
payment_id string Payment
status string! Status
is_sent string Sent?
note string Note
memo string Memo
is_crm_request boolean Is_crm_request
added_by string Added_by
added_by_id numeric Added by
"""
_READ = ("GET",)
_OWN = {"added_by": "api", "added_by_id": "key", "real_create_datetime": "now", "date_updated": "today"}

RESOURCES: tuple[Resource, ...] = (
    _resource(
        "finance/proforma-invoices",
        "requests",
        "finance\\Requests",
        _PROFORMAS,
        module="requests",
        unique=("number",),
        refers={"customer_id": "customers"},
        stamps=_OWN,
        computed=("items",),
        numbers=frozenset({"total"}),
        protected=frozenset({"total"}),
    ),
    _resource(
        "finance/credit-notes",
        "credit_notes",
        "finance\\CreditNotes",
        _CREDIT_NOTES,
        module="credit_notes",
        unique=("number",),
        refers={"customer_id": "customers"},
        stamps=_OWN,
        computed=("items", "invoicesId"),
        numbers=frozenset({"total"}),
        protected=frozenset({"total", "remind_amount"}),
    ),
    _resource(
        "finance/invoice-relations",
        "invoice_payers",
        "finance\\InvoiceRelations",
        asked_by=("customer_id", "invoice_id"),
        on_collection=_READ,
        on_item=_READ,
    ),
)
