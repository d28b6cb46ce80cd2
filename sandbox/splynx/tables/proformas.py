"""Proforma invoices, and which credit note is for which invoice."""

from sandbox.splynx.tables.model import table

REQUESTS = table(
    "requests",
    """
    id uint auto
    customer_id uint
    date_created date
    real_create_datetime datetime
    date_updated date
    date_payment date
    date_till date
    number str(64)
    total money
    payment_id uint
    status enum(not_paid|paid|pending) = not_paid
    is_sent flag = 0
    note text
    memo text
    is_crm_request flag = 0
    added_by enum(system|api|admin) null
    added_by_id int null
    deleted flag = 0
    """,
)

REQUESTS_ITEMS = table(
    "requests_items",
    """
    id int auto
    request_id uint index
    sub_account_id uint null
    pos usmallint index
    description str(256)
    quantity int
    unit str(16)
    price money
    tax percent
    tax_id uint
    period_from date
    period_to date
    deleted flag = 0 index
    """,
    foreign={"request_id": "requests.id"},
    exact=True,
)

CREDIT_NOTES_TO_INVOICES = table(
    "credit_notes_to_invoices",
    """
    credit_note_id uint null
    invoice_id uint null
    """,
    primary=(),
)

TABLES = (REQUESTS, REQUESTS_ITEMS, CREDIT_NOTES_TO_INVOICES)
