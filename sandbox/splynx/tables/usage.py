"""Traffic, calls, sessions, and the limits on them."""

from sandbox.splynx.tables.model import Table, table


def _counter(name: str) -> Table:
    """Bytes of a service on a day."""
    return table(
        name,
        """
    service_id uint
    date date
    up ubigint = 0
    down ubigint = 0
    """,
        primary=["service_id", "date"],
    )


_RECORD = """customer_id uint
    service_id uint
    transaction_id uint
    category str(64)
    source str(64) null
    amount uint = 0
    sell_price money = 0.0000
    buy_price money = 0.0000
    rate_buy_price money = 0.0000
    comment str(256)
    is_price_from_import flag = 0
    sell_price_total money = 0.0000
    buy_price_total money = 0.0000
    import_id uint
    deleted flag = 0"""
"""What calls, data and messages have in common."""

SERVICES_VOICE_CALLS = table(
    "services_voice_calls",
    f"""
    id uint auto
    start datetime null
    stop datetime null
    direction_type str(255) null
    {_RECORD}
    """,
)

SERVICES_VOICE_DATA = table(
    "services_voice_data",
    f"""
    id uint auto
    datetime datetime
    {_RECORD}
    """,
)

SERVICES_VOICE_MESSAGES = table(
    "services_voice_messages",
    f"""
    id uint auto
    send_at datetime null
    destination str(48) null = ''
    direction_type str(255) null
    {_RECORD}
    """,
)

STATISTICS = table(
    "statistics",
    """
    id ubigint auto
    service_id uint
    login str(128)
    in_bytes ubigint = 0
    out_bytes ubigint = 0
    start_date date
    start_time time null
    end_date date
    end_time time null
    ipv4 varbinary(16)
    session_id str(128)
    terminate_cause str(64) null
    customer_id uint
    tariff_id uint
    partner_id uint
    nas_id uint = 0
    ipv6 str(128)
    mac str(512)
    call_to str(255) null
    port str(255) null
    error int = 0
    error_repeat uint = 0
    price money = 0.0000
    """,
)

CUSTOMERS_ONLINE = table(
    "customers_online",
    """
    id uint auto
    in_bytes ubigint = 0
    out_bytes ubigint = 0
    start_session datetime
    ipv4 varbinary(16)
    ipv6 varbinary(16)
    ipv6_prefix utinyint null
    time_on uint null
    last_change datetime null
    type str(32)
    blocked flag null
    customer_id uint
    service_id uint
    tariff_id uint
    partner_id uint
    nas_id uint = 0
    login str(128)
    username_real str(255) null
    mac str(512)
    call_to str(255) null
    port str(255) null
    price money = 0.0000
    login_is str(255) null
    session_id str(128)
    nas_identifier str(255) null
    deleted flag = 0
    """,
)

CAP_TARIFF = table(
    "cap_tariff",
    """
    id uint auto
    tariff_id uint
    title str(64)
    amount bigint
    amount_in enum(mb|gb) = mb
    price money = 0.0000
    type enum(manual|automatic) = manual
    validity str(20)
    to_invoice flag = 0
    transaction_category_id uint = 0
    deleted flag = 0
    """,
    exact=True,
)

CAPPED_DATA = table(
    "capped_data",
    """
    id uint auto
    service_id uint
    quantity int
    quantity_remind uint null
    over_usage uint = 0
    valid_till date null
    end_of_period date null
    transaction_id uint
    price money = 0.0000
    added_by enum(system|api|admin) null
    type enum(admin_top_up|customer_top_up|api_top_up|auto_top_up|rollover_unused|rollover_to_next_month)
    description str(512)
    tariff_id uint
    deleted flag = 0
    """,
)

FUP_LIMITS = table(
    "fup_limits",
    """
    tariff_id uint
    cap_tariff_id uint = 0
    traffic_from str(255) null
    online_from str(255) null
    traffic_to str(255) null
    online_to str(255) null
    traffic_days str(255) null
    online_days str(255) null
    traffic_amount uint = 0
    traffic_direction enum(up|down|up_down)
    traffic_in enum(kb|mb|gb|tb)
    bonus_traffic uint = 0
    bonus_traffic_in str(255) null
    bonus_is_unlimited flag = 0
    use_bonus_when_normal_ended flag = 0
    override_traffic flag = 0
    online_amount uint = 0
    override_online flag = 0
    online_in enum(minutes|hours)
    action str(64)
    percent money = 0.0000
    fixed_up ubigint = 0
    fixed_down ubigint = 0
    rollover_data flag = 0
    rollover_time flag = 0
    top_up_over_usage flag = 0
    top_up_trigger_percent uint = 0
    """,
    primary=["tariff_id"],
)

TABLES = (
    _counter("traffic_counter"),
    _counter("bonus_traffic_counter"),
    SERVICES_VOICE_CALLS,
    SERVICES_VOICE_DATA,
    SERVICES_VOICE_MESSAGES,
    STATISTICS,
    CUSTOMERS_ONLINE,
    CAP_TARIFF,
    CAPPED_DATA,
    FUP_LIMITS,
)
