"""Money: how a customer is billed, payments and the ledger, and what these refer to."""

from sandbox.splynx.tables.model import table

TAX = table(
    "tax",
    """
    id uint auto
    name str(128)
    rate percent = 0.0000
    archived flag null
    type str(64)
    accounting_tax_rates_id uint = 0
    einvoicing_tax_rates_id uint = 0
    is_system flag = 0
    deleted flag = 0
    """,
)

PAYMENTS_TYPES = table(
    "payments_types",
    """
    id uint auto
    name str(128)
    is_active flag = 0
    name_1 str(255) null
    name_2 str(255) null
    name_3 str(255) null
    name_4 str(255) null
    name_5 str(255) null
    accounting_bank_accounts_id uint = 0
    einvoicing_payment_methods_id uint = 0
    deleted flag = 0
    """,
)

BILLING_TRANSACTIONS_CATEGORIES = table(
    "billing_transactions_categories",
    """
    id uint auto
    name str(64) index
    deleted flag = 0 index
    is_base flag = 0
    accounting_category_id uint null index
    einvoicing_category_id uint null index
    einvoicing_private_person_category_id uint null index
    einvoicing_type_id uint null index
    einvoicing_private_person_type_id uint null index
    """,
    exact=True,
)

CUSTOMER_BILLING = table(
    "customer_billing",
    """
    customer_id uint
    enabled flag
    billing_person str(256) null
    billing_street_1 str(255) null
    billing_zip_code str(32) null
    billing_city str(32) null
    deposit money = 0.0000
    payment_method uint null
    billing_date utinyint
    billing_due utinyint = 0
    grace_period utinyint null
    blocking_period utinyint null
    min_balance money = 0.0000
    month_price money = 0.0000
    partner_percent money = 0.0000
    type utinyint
    make_invoices flag null
    request_auto_enable flag null
    request_auto_day utinyint null
    request_auto_period utinyint null
    reminder_enable flag null
    reminder_day_1 utinyint null
    reminder_day_2 utinyint null
    reminder_day_3 utinyint null
    reminder_payment flag null
    reminder_payment_value money = 0.0000
    reminder_payment_comment str(255) null
    reminder_type utinyint null
    request_auto_type utinyint null
    request_auto_next date null
    send_finance_notification flag null
    billing_street_2 str(255) null
    sub_billing_mode enum(independent|aggregated) null
    deleted flag = 0
    """,
    primary=("customer_id",),
)

PAYMENTS = table(
    "payments",
    """
    id uint auto
    customer_id uint index
    invoice_id uint null
    request_id uint null
    transaction_id uint
    payment_type uint
    receipt_number str(32) index
    date date
    real_create_datetime datetime
    amount money
    remind_amount money
    comment str(256)
    is_sent flag = 0
    field_1 str(512)
    field_2 str(512)
    field_3 str(512)
    field_4 str(512)
    field_5 str(512)
    note text
    memo text
    added_by enum(system|api|admin) null
    added_by_id int null
    deleted flag = 0 index
    updated_at datetime null = now
    credit_note_id int null
    payment_statement_id int null
    """,
    exact=True,
)

BILLING_TRANSACTIONS = table(
    "billing_transactions",
    """
    id uint auto
    customer_id uint index
    sub_account_id uint null
    type enum(debit|credit)
    quantity int = 1
    unit str(32)
    price money
    total money
    remind_amount money
    tax_percent percent
    tax_id uint
    date date index
    category uint index
    description str(255)
    comment str(512)
    period_from date
    period_to date
    to_invoice flag = 0
    service_id uint null index
    service_type enum(internet|voice|custom|bundle|one_time)
    payment_id uint null
    invoice_id uint null
    invoiced_by_id uint null
    source enum(manual|auto|cdr|config) = manual
    deleted flag = 0 index
    updated_at datetime null = now
    credit_note_id uint null
    """,
    foreign={"customer_id": "customers.id"},
    exact=True,
)

TABLES = (
    TAX,
    PAYMENTS_TYPES,
    BILLING_TRANSACTIONS_CATEGORIES,
    CUSTOMER_BILLING,
    PAYMENTS,
    BILLING_TRANSACTIONS,
)
