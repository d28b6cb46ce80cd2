"""Tariffs and the links that say to whom they are offered."""

from sandbox.splynx.tables.model import table

TARIFFS_INTERNET = table(
    "tariffs_internet",
    """
    id uint auto
    title str(64)
    service_name str(64)
    price money
    with_vat flag = 1
    vat_percent percent = 0.0000
    tax_id uint
    speed_download uint = 0
    speed_upload uint = 0
    aggregation uint null
    priority enum(low|normal|high) = normal
    available_for_services flag = 1
    show_on_customer_portal flag = 0
    speed_limit_type enum(none|percent|fixed)
    speed_limit_at uint = 0
    speed_limit_fixed_up uint = 0
    speed_limit_fixed_down uint = 0
    burst_type enum(none|percent|fixed)
    burst_limit uint = 0
    burst_limit_fixed_up uint = 0
    burst_limit_fixed_down uint = 0
    burst_threshold uint = 0
    burst_threshold_fixed_up uint = 0
    burst_threshold_fixed_down uint = 0
    burst_time uint = 0
    billing_days_count usmallint null
    tariffs_for_change str(512)
    transaction_category_id uint = 0
    hide_on_admin_portal flag = 0
    deleted flag = 0
    updated_at datetime null = now
    """,
)

TARIFFS_VOICE = table(
    "tariffs_voice",
    """
    id uint auto
    tariffs_for_change str(512)
    title str(64)
    available_for_services flag = 1
    show_on_customer_portal flag = 0
    hide_on_admin_portal flag = 0
    service_name str(64)
    customer_rate_table_id uint null
    buy_price_increase smallint = 0
    price money
    billing_days_count usmallint null
    type enum(voip|mobile|fix) = voip
    connection_cost_included flag = 1
    with_vat flag = 1
    vat_percent percent = 0.0000
    tax_id uint
    transaction_category_id uint = 0
    transaction_category_id_for_calls uint
    transaction_category_id_for_messages uint
    transaction_category_id_for_data uint
    deleted flag = 0 index
    updated_at datetime null = now
    """,
    exact=True,
)

TARIFFS_CUSTOM = table(
    "tariffs_custom",
    """
    id uint auto
    title str(64)
    price money
    service_name str(64)
    billing_days_count usmallint null
    with_vat flag = 1
    vat_percent percent = 0.0000
    available_for_services flag = 1
    tariffs_for_change str(512)
    transaction_category_id uint = 0
    tax_id uint
    hide_on_admin_portal flag = 0
    show_on_customer_portal flag = 0
    deleted flag = 0
    updated_at datetime null = now
    """,
)

TARIFFS_ONE_TIME = table(
    "tariffs_one_time",
    """
    id uint auto
    title str(64)
    service_description str(255) null
    price money
    enabled flag
    with_vat flag = 1
    vat_percent percent = 0.0000
    tax_id uint
    transaction_category_id uint = 0
    show_on_customer_portal flag = 0
    hide_on_admin_portal flag = 0
    deleted flag = 0
    updated_at datetime null = now
    """,
)

BUNDLE = table(
    "bundle",
    """
    id uint auto
    title str(64)
    service_description str(255) null
    price money
    billing_days_count usmallint null
    with_vat flag = 1
    vat_percent percent = 0.0000
    activation_fee money
    get_activation_fee_when enum(create_service|first_service_billing)
    issue_invoice_while_service_creation flag = 0
    contract_duration uint null
    automatic_renewal flag10 = 0
    auto_reactivate flag10 = 0
    cancellation_fee money
    prior_cancellation_fee money
    change_to_other_bundle_fee money = 0.0000
    discount_period uint null
    discount_value money null
    discount_type enum(percent|fixed) = percent
    available_for_services flag = 1
    transaction_category_id uint = 0
    tax_id uint
    hide_on_admin_portal flag = 0
    show_on_customer_portal flag = 0
    deleted flag = 0
    updated_at datetime null = now
    """,
)

TABLES = (
    TARIFFS_INTERNET,
    TARIFFS_VOICE,
    TARIFFS_CUSTOM,
    TARIFFS_ONE_TIME,
    BUNDLE,
)
