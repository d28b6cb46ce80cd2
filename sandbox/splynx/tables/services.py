"""Services of a customer. `period` is an enum of -1 and 0 to 99, kept as the product has it."""

from sandbox.splynx.tables.model import table

PERIOD = "enum(" + "|".join(str(month) for month in range(-1, 100)) + ")"

_DISCOUNT = """
    discount flag10 = 0
    discount_value money null
    discount_type enum(percent|fixed) = percent
    discount_start_date date
    discount_end_date date
    discount_text str(512)
"""

SERVICES_INTERNET = table(
    "services_internet",
    f"""
    id uint auto
    customer_id uint
    tariff_id uint
    router_id uint = 0
    description str(512)
    quantity int
    unit str(128)
    unit_price money
    start_date date
    end_date date
    status str(64)
    {_DISCOUNT}
    login str(128)
    password str(512)
    ipv4 str(64)
    ipv4_route str(512) null
    ipv6 str(128)
    mac str(512)
    top_up_tariff_id uint = 0
    sector_id uint = 0
    taking_ipv4 enum(0|1|2) null
    ipv4_pool_id uint = 0
    taking_ipv6 enum(0|1|2) null
    ipv6_pool_id uint = 0
    port_id uint = 0
    ipv6_delegated str(128) null
    parent_id uint
    bundle_service_id uint
    status_new str(64)
    period {PERIOD} = -1
    old_end_date date
    on_approve flag10 = 0
    access_device uint = 0
    deleted flag = 0
    updated_at datetime null = now
    """,
    indexes=("(`customer_id`)",),
)

SERVICES_VOICE = table(
    "services_voice",
    f"""
    id uint auto
    parent_id uint
    customer_id uint index
    tariff_id uint
    bundle_service_id uint
    voice_device_id uint
    direction enum(incoming|outgoing) = outgoing
    description str(512)
    quantity int
    unit str(128)
    unit_price money
    start_date date
    end_date date
    status str(64) index
    status_new str(64)
    {_DISCOUNT}
    deleted flag = 0 index
    period {PERIOD} = -1
    updated_at datetime null = now
    old_end_date date
    on_approve flag10 = 0
    """,
    foreign={"customer_id": "customers.id"},
    exact=True,
)

SERVICES_CUSTOM = table(
    "services_custom",
    f"""
    id uint auto
    customer_id uint
    tariff_id uint
    quantity int
    unit_price money
    description str(512)
    start_date date
    status str(64)
    parent_id uint
    bundle_service_id uint
    unit str(128)
    end_date date
    {_DISCOUNT}
    status_new str(64)
    period {PERIOD} = -1
    old_end_date date
    on_approve flag10 = 0
    deleted flag = 0
    updated_at datetime null = now
    """,
    indexes=("(`customer_id`)",),
)

SERVICES_BUNDLE = table(
    "services_bundle",
    f"""
    id uint auto
    parent_id uint
    customer_id uint index
    bundle_id uint
    description str(512)
    unit_price money
    start_date date
    end_date date
    automatic_renewal flag10 = 0
    auto_reactivate flag10 = 0
    activation_fee money
    get_activation_fee_when enum(create_service|first_service_billing)
    issue_invoice_while_service_creation flag = 0
    activation_fee_transaction_id uint index
    cancellation_fee money
    cancellation_fee_transaction_id uint null
    prior_cancellation_fee money
    prior_cancellation_fee_transaction_id uint
    {_DISCOUNT}
    status str(64) index
    deleted flag = 0 index
    period {PERIOD} = -1
    updated_at datetime null = now
    on_approve flag10 = 0
    """,
    foreign={"customer_id": "customers.id"},
    exact=True,
)

SERVICES_PHONES = table(  # known by name only: the columns are what the API shows
    "services_phones",
    """
    id uint auto
    service_id uint index
    phone str(64) index
    deleted flag = 0
    """,
)

TABLES = (
    SERVICES_INTERNET,
    SERVICES_VOICE,
    SERVICES_PHONES,
    SERVICES_CUSTOM,
    SERVICES_BUNDLE,
)
