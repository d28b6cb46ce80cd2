"""The installation itself: API keys and their rights, settings, logs."""

from sandbox.splynx.tables.model import table

API = table(
    "api",
    """
    id uint auto
    partner_id uint index
    title str(128)
    key str(32)
    secret str(512)
    unsecure_auth flag = 0
    enable_logging flag10 = 0
    check_nonce flag10 = 0
    added_by_addon flag10 = 0
    last_ip str(128)
    last_dt datetime
    last_nonce ubigint
    white_list str(1024) = '[]'
    usage_count ubigint = 0
    deleted flag = 0 index
    """,
    exact=True,
)

_RULE = """
    module str(64) = ''
    controller str(128)
    action str(64)
    rule str(16) null
"""
"""Of whom it is, the id says."""

PERMISSIONS_API_KEY = table(
    "permissions_api_key",
    f"""
    id uint
    {_RULE}
    """,
    primary=("id", "module", "controller", "action"),
)

PERMISSIONS_ROLE = table(
    "permissions_role",
    f"""
    id str(32)
    {_RULE}
    """,
    primary=("id", "module", "controller", "action"),
)

CONFIG = table(
    "config",
    """
    module str(64)
    path str(64)
    key str(64)
    type text null
    value text
    """,
    primary=("module", "path", "key"),
    exact=True,
)

LOGS_CHANGES = table(
    "logs_changes",
    """
    id uint auto
    customer_id uint
    service_id uint
    old_status str(32) null
    new_status str(32) null
    date date
    time time
    tariff_type str(32) null
    old_tariff uint null
    new_tariff uint null
    administrator_id uint null
    deleted flag = 0
    """,
    indexes=("(`customer_id`)",),
)

LOGS_SERVICES = table(
    "logs_services",
    """
    id ubigint auto
    customer_id uint index
    service_id uint
    old_status str(32) null
    new_status str(32) null
    date date
    time time
    tariff_type str(32) null
    old_tariff uint null
    new_tariff uint null
    administrator_id uint null
    deleted flag = 0 index
    """,
    exact=True,
)

LOGS_API = table(
    "logs_api",
    """
    entry_id ubigint auto
    date date
    time time
    api_key_id uint index
    customer_id uint index
    action str(64)
    model str(128)
    result enum(success|failed) = success
    attributes text
    attributes_additional text
    changed_attributes text
    labels text
    extra text
    ip str(128)
    errors text null
    attributes_large mediumtext
    """,
    primary=("entry_id", "date", "time"),
    exact=True,
)

TABLES = (
    API,
    PERMISSIONS_API_KEY,
    PERMISSIONS_ROLE,
    CONFIG,
    LOGS_CHANGES,
    LOGS_SERVICES,
    LOGS_API,
)
