"""Mails and short messages on their way, calls, and the log of what else leaves the machine."""

from sandbox.splynx.tables.model import table

MAIL_POOL = table(
    "mail_pool",
    """
    id uint auto
    customer_id uint
    recipient str(255) null
    subject str(256)
    status str(64)
    datetime_added datetime null
    datetime_sent datetime null
    from str(256)
    bcc text null
    cc text null
    type enum(message|test|monitoring|add-on|ticket)
    message_id uint = 0
    datetime_start_sending datetime null
    message mediumtext
    admin_id uint null
    deleted flag = 0
    """,
    indexes=("(`customer_id`)",),
)

SMS_POOL = table(
    "sms_pool",
    """
    id uint auto
    customer_id uint
    recipient str(255) null
    message mediumtext
    status str(64)
    datetime_added datetime null
    datetime_sent datetime null
    type enum(message|test|monitoring|add-on|ticket)
    message_id uint = 0
    datetime_start_sending datetime null
    admin_id uint null
    deleted flag = 0
    """,
)

CALLS = table(
    "calls",
    """
    id uint auto
    from str(32) index
    to str(32) index
    duration uint
    direction enum(incoming|outgoing) null
    comment text null
    recording_url text null
    voice_file_url text null
    ticket_id uint null
    client_id uint null
    agent_id uint null
    datetime datetime
    added_by enum(system|api|admin) null
    added_by_id int null
    deleted flag = 0
    """,
    exact=True,
)

# The product keeps tables of these two names; what they hold is not public. Here they are the log, for ever, of what
# would have left the machine beside mails: hooks, and commands to RADIUS and the routers.
HOOK_EVENTS = table(
    "hook_events",
    """
    id ubigint auto
    type str(16)
    source str(16)
    model str(64)
    action str(32)
    item_id str(64)
    added datetime
    data mediumtext
    """,
)

QUEUE = table(
    "queue",
    """
    id ubigint auto
    command str(64)
    customer_id uint
    service_id uint
    added datetime
    """,
)

TABLES = (
    HOOK_EVENTS,
    QUEUE,
    MAIL_POOL,
    SMS_POOL,
    CALLS,
)
