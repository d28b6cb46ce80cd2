"""Customers and what belongs to one: info, CAP, labels; partners, locations and the staff."""

from sandbox.splynx.tables.model import table

PARTNERS = table(
    "partners",
    """
    id uint auto
    name str(128)
    deleted flag = 0
    """,
)

LOCATIONS = table(
    "locations",
    """
    id uint auto
    name str(128)
    tax_for_tariff_bundle uint null
    tax_for_tariff_internet uint null
    tax_for_tariff_voice uint null
    tax_for_tariff_recurring uint null
    tax_for_tariff_onetime uint null
    tax_for_inventory_items uint null
    deleted flag = 0
    """,
)

SUBDIVISIONS = table(
    "subdivisions",
    """
    id uint auto
    code str(128)
    name str(128)
    date_changed date = 0000-00-00
    is_default flag = 0
    deleted flag = 0
    """,
)

ROLES = table(
    "roles",
    """
    name str(32)
    title str(32)
    is_base flag10 = 0
    """,
    primary=("name",),
    exact=True,
)

ADMINS = table(
    "admins",
    """
    id uint auto
    partner_id uint index
    role_name str(32) index
    router_access enum(none|read|write|full) = none
    login str(64)
    name str(64)
    email str(64)
    password str(512)
    otp_secret str(512)
    timeout uint = 0
    deleted flag = 0 index
    last_ip str(15)
    last_dt datetime
    phone str(256) = ''
    photo_version str(50)
    default_photo int = 0
    send_from_my_name flag null = 0
    updated_at datetime null = now
    calendar_color str(50) null
    """,
    foreign={"role_name": "roles.name"},
    exact=True,
)

CUSTOMERS = table(
    "customers",
    """
    id uint auto
    billing_type enum(recurring|prepaid|prepaid_monthly)
    partner_id uint
    location_id uint
    parent_id int null = 0 index
    added_by enum(admin|api|widget) = admin index
    added_by_id uint
    status enum(new|active|blocked|disabled) = new index
    login str(128) index
    category enum(person|company|lead) = person
    password str(512)
    name str(256)
    email str(256)
    billing_email str(256) null
    phone str(256)
    street_1 str(255)
    zip_code str(32)
    city str(32)
    subdivision_id int null
    gps str(256) null
    gdpr_agreed enum(empty_answer|decline|accept) null = empty_answer
    date_add date index
    last_online datetime
    deleted flag10 = 0 index
    last_update datetime
    daily_prepaid_cost money
    mrr_total money unsigned = 0.0000
    conversion_date datetime null
    """,
    exact=True,
)

CUSTOMER_INFO = table(
    "customer_info",
    """
    customer_id uint
    birthday str(64)
    passport str(32)
    company_id str(32)
    vat_id str(32)
    contact_person str(256) = ''
    updated_at datetime null = now
    """,
    primary=("customer_id",),
    foreign={"customer_id": "customers.id"},
    exact=True,
)

CUSTOMER_CAP = table(
    "customer_cap",
    """
    customer_id uint auto
    auto_cap flag10 = 0
    limitation_type enum(auto_top_up|manual_top_up|any_top_up) = auto_top_up
    max_cap_during_month int null = 10
    transfer_usage_to_new_service flag10 = 1
    deleted flag10 = 0
    """,
    primary=("customer_id",),
    foreign={"customer_id": "customers.id"},
    exact=True,
)

LABELS = table(
    "labels",
    """
    id uint auto
    label str(64)
    color str(32) null
    module str(64) = ''
    deleted flag = 0
    """,
)

CUSTOMERS_LABELS = table(
    "customers_labels",
    """
    customer_id uint
    label_id uint = 0
    """,
    primary=(),
    indexes=("(`customer_id`)",),
)

TABLES = (
    PARTNERS,
    LOCATIONS,
    SUBDIVISIONS,
    ROLES,
    ADMINS,
    CUSTOMERS,
    CUSTOMER_INFO,
    CUSTOMER_CAP,
    LABELS,
    CUSTOMERS_LABELS,
)
