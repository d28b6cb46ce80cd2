"""What hangs on a customer: notes, documents, payment accounts, planned statuses, a lead's facts, discounts, places."""

from sandbox.splynx.tables.model import table

CUSTOMER_NOTES = table(
    "customer_notes",
    """
    id uint auto
    customer_id uint index
    datetime datetime
    administrator_id uint
    type enum(comment|message|call|customer|finance|service|support) = comment
    class str(32)
    title str(50) null
    name str(255)
    comment text
    values text
    scheduled_send_time datetime null
    assigned_to int
    is_done flag = 0
    is_send flag = 0
    deleted flag = 0
    updated_at datetime null = now
    is_pinned utinyint = 0
    pinned_date datetime null
    is_edited tinyint(1) = 0
    """,
    foreign={"customer_id": "customers.id"},
    exact=True,
)

CUSTOMER_DOCUMENTS = table(
    "customer_documents",
    """
    id uint auto
    hash_id str(64) = 0
    added_by enum(admin|api|customer|system) null
    added_by_id int null
    customer_id uint
    type enum(uploaded|generated|contract)
    title str(255)
    created_at datetime
    description text
    visible_by_customer flag = 0
    code text
    terms_month int null
    status str(32)
    filename_original str(256)
    filename_uploaded str(256)
    sign_date date = 0000-00-00
    end_of_term date null
    sign_contract flag = 0
    deleted flag = 0
    updated_at datetime null
    """,
    indexes=("(`customer_id`)",),
)

PAYMENT_ACCOUNT = table(
    "payment_account",
    """
    id uint auto
    title str(128)
    field_1 str(128)
    field_2 str(128)
    field_3 str(128)
    field_4 str(128)
    field_5 str(128)
    field_6 str(128) = ''
    field_7 str(128) = ''
    field_8 str(128) = ''
    field_9 str(128) = ''
    field_10 str(128) = ''
    deleted flag = 0
    """,
)

PAYMENT_ACCOUNT_DATA = table(
    "payment_account_data",
    """
    account_id uint = 0
    customer_id uint
    field_1 str(512)
    field_2 str(512)
    field_3 str(512)
    field_4 str(512)
    field_5 str(512)
    field_6 str(512) = ''
    field_7 str(512) = ''
    field_8 str(512) = ''
    field_9 str(512) = ''
    field_10 str(512) = ''
    """,
    primary=["customer_id", "account_id"],
)

STATUSES_PENDING = table(
    "statuses_pending",
    """
    id uint auto
    customer_id uint
    date date
    status str(64)
    done flag = 0
    administrator_id uint null
    deleted flag = 0
    """,
)

LEADS_INFO = table(
    "leads_info",
    """
    customer_id uint
    score uint = 0
    last_contacted datetime null
    crm_status uint = 0
    owner uint = 0
    source str(64) null
    deal_value money = 0.0000
    deal_comment str(255) null
    last_status_changed datetime null
    status_due_notification_sent flag = 0
    deleted flag = 0
    """,
    primary=["customer_id"],
)

SERVICE_GEO_DATA = table(
    "service_geo_data",
    """
    service_id uint
    address str(512)
    marker text null
    """,
    primary=(),
    indexes=("(`service_id`)",),
)

SERVICE_ADDITIONAL_DISCOUNT = table(
    "service_additional_discount",
    """
    id uint auto
    service_type enum(internet|voice|custom|bundle)
    service_id uint
    enabled flag10
    percent percent = 0.0000
    start_date date
    end_date date
    message str(512)
    deleted flag = 0
    """,
)

FINANCE_TEMPLATE_VALUES = table(
    "finance_template_values",
    """
    id uint auto
    company_name str(255) null
    street_1 str(255)
    street_2 str(255) null
    zip str(255) null
    city str(32)
    country str(255) null
    iso_country str(255) null
    email str(256)
    phone str(256)
    company_id str(32)
    company_vat str(255) null
    bank_account str(255) null
    bank_name str(255) null
    bank_address str(255) null
    splynx_url str(255) null
    invoice_template_id uint = 0
    credit_note_template_id uint = 0
    request_template_id uint = 0
    receipt_template_id uint = 0
    quote_template_id uint = 0
    reminder_mail_template_id uint = 0
    reminder_sms_template_id uint = 0
    report_statements_template_id uint = 0
    vat_percent percent = 0.0000
    bank_id uint = 0
    partner_percent money = 0.0000
    deleted flag = 0
    """,
)

TABLES = (
    CUSTOMER_NOTES,
    CUSTOMER_DOCUMENTS,
    PAYMENT_ACCOUNT,
    PAYMENT_ACCOUNT_DATA,
    STATUSES_PENDING,
    LEADS_INFO,
    SERVICE_GEO_DATA,
    SERVICE_ADDITIONAL_DISCOUNT,
    FINANCE_TEMPLATE_VALUES,
)
