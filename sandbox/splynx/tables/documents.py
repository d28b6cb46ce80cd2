"""Invoices, credit notes and proforma invoices, with their items, and who paid which invoice."""

from sandbox.splynx.tables.model import table

_SOLD = """
    description str(256)
    quantity int
    unit str(16)
    price money
    tax percent
"""
"""What an item of each kind of document tells."""

INVOICES = table(
    "invoices",
    """
    id uint auto
    customer_id uint index
    number str(64) index
    date_created date
    real_create_datetime datetime
    date_updated date
    date_payment date
    date_till date
    total money
    due money
    status enum(not_paid|paid|deleted|pending) = not_paid
    payment_id uint
    is_sent flag = 0
    payd_from_deposit flag = 0
    use_transactions flag = 1
    note text
    memo text
    added_by enum(system|api|admin) null
    added_by_id int null
    deleted flag = 0 index
    type enum(one_time|recurring) = one_time index
    """,
    foreign={"customer_id": "customers.id"},
    exact=True,
)

INVOICES_ITEMS = table(
    "invoices_items",
    f"""
    id int auto
    invoice_id uint null
    pos usmallint
    {_SOLD}
    tax_id uint
    period_from date
    period_to date
    transaction_id uint
    sub_account_id uint null
    deleted flag = 0
    """,
    indexes=("(`invoice_id`)",),
)

INVOICE_PAYERS = table(
    "invoice_payers",
    """
    id uint auto
    customer_id uint index
    payer_id int index
    type enum(payment|credit_note|transaction)
    invoice_id uint null index
    transaction_id uint null index
    amount money
    """,
    exact=True,
)

INVOICES_CACHE = table(
    "invoices_cache",
    """
    id uint auto
    invoice_id uint index
    date_created datetime
    version uint
    html longtext
    """,
    foreign={"invoice_id": "invoices.id"},
    exact=True,
)

CREDIT_NOTES = table(
    "credit_notes",
    """
    id uint auto
    customer_id uint
    number str(64)
    total money
    remind_amount money = 0.0000
    status enum(not_refunded|refunded|deleted)
    date_created date
    real_create_datetime datetime
    note text
    date_updated date
    date_payment date
    payment_id uint
    is_sent flag = 0
    added_by enum(system|api|admin) null
    added_by_id int null
    deleted flag = 0
    """,
    indexes=("(`customer_id`)",),
)

CREDIT_NOTES_ITEMS = table(
    "credit_notes_items",
    f"""
    id int auto
    {_SOLD}
    sub_account_id uint null
    credit_note_id uint null
    pos usmallint
    tax_id uint
    deleted flag = 0
    """,
)

CREDIT_NOTES_TO_INVOICES = table(
    "credit_notes_to_invoices",
    """
    credit_note_id uint null
    invoice_id uint null
    """,
    primary=(),
)

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
    f"""
    id int auto
    request_id uint index
    sub_account_id uint null
    pos usmallint index
    {_SOLD}
    tax_id uint
    period_from date
    period_to date
    deleted flag = 0 index
    """,
    foreign={"request_id": "requests.id"},
    exact=True,
)

TABLES = (
    INVOICES,
    INVOICES_ITEMS,
    INVOICE_PAYERS,
    INVOICES_CACHE,
    CREDIT_NOTES,
    CREDIT_NOTES_ITEMS,
    CREDIT_NOTES_TO_INVOICES,
    REQUESTS,
    REQUESTS_ITEMS,
)
