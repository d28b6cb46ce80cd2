"""Tickets, their messages and files, and the rows that only SQL can write."""

from sandbox.splynx.tables.model import table

INCOMING_CUSTOMER = table(
    "incoming_customer",
    """
    id uint auto
    email str(256)
    name str(256)
    customer_id uint
    deleted flag = 0
    """,
)

TICKET_TYPES = table(
    "ticket_types",
    """
    id uint auto
    title str(255)
    background_color str(50) null
    """,
    exact=True,
)

TICKET_GROUPS = table(
    "ticket_groups",
    """
    id uint auto
    title str(128)
    description str(512)
    deleted flag = 0
    """,
)

TICKET_AGENT_TO_GROUP = table(
    "ticket_agent_to_group",
    """
    group_id uint null
    admin_id uint null
    """,
    primary=(),
)

TICKET_STATUSES = table(
    "ticket_statuses",
    """
    id uint auto
    title_for_agent str(255) null
    title_for_customer str(255) null
    label str(64)
    mark enum(open|unresolved|closed)
    icon str(255) null
    view_on_dashboard flag = 0
    deleted flag = 0
    """,
)

TICKET = table(
    "ticket",
    """
    id uint auto
    reporter_id uint = 0
    reporter_type enum(none|api|admin|customer|incoming) null = none
    source enum(api|administration|portal|incoming|widget) null
    customer_id uint index
    incoming_customer_id uint index
    hidden flag10 = 0
    assign_to uint
    group_id uint null index
    status_id uint
    type_id uint null index
    task_id uint null index
    subject str(256)
    priority str(128)
    star flag10 = 0
    unread_by_customer flag10
    unread_by_admin flag10
    closed flag10 = 0
    trash flag10 = 0 index
    shareable flag = 0
    created_at datetime index
    updated_at datetime
    deleted flag10 = 0 index
    note text
    related_account_id int = 0
    related_account_type enum(none|main|sub) = none
    hidden_from_related_account tinyint(1) = 0
    unread_by_related_account tinyint(1) = 1
    """,
    foreign={"task_id": "scheduling_task.id", "group_id": "ticket_groups.id", "type_id": "ticket_types.id"},
    exact=True,
)

TICKET_MESSAGES = table(
    "ticket_messages",
    """
    id uint auto
    ticket_id uint
    customer_id uint
    incoming_customer_id uint
    admin_id uint null
    date date
    time time
    message mediumtext
    message_type enum(message|note|change_ticket) null
    source enum(administration|api|portal|public_form|incoming) null
    author_type enum(admin|customer|api|system) null
    hide_for_customer flag = 0
    mail_to text null
    mail_cc text null
    deleted flag = 0
    updated_at datetime null = now
    """,
    indexes=("(`ticket_id`)",),
)

FILES_UPLOAD = table(
    "files_upload",
    """
    id uint auto
    module str(64) = ''
    filename_original str(256)
    filename_uploaded str(256) index
    content_type str(128)
    content longblob
    deleted flag = 0
    """,
)

TICKET_MESSAGES_TO_FILES_UPLOAD = table(
    "ticket_messages_to_files_upload",
    """
    message_id uint = 0
    file_id uint = 0
    """,
    primary=(),
)

TICKET_CANNED_RESPONSE_GROUP = table(
    "ticket_canned_response_group",
    """
    id uint auto
    title str(128)
    deleted flag = 0
    """,
)

TICKET_CANNED_RESPONSE = table(
    "ticket_canned_response",
    """
    id uint auto
    title str(128)
    code mediumtext
    canned_group uint null
    deleted flag = 0
    """,
)

TABLES = (
    INCOMING_CUSTOMER,
    TICKET_TYPES,
    TICKET_GROUPS,
    TICKET_AGENT_TO_GROUP,
    TICKET_STATUSES,
    TICKET,
    TICKET_MESSAGES,
    FILES_UPLOAD,
    TICKET_MESSAGES_TO_FILES_UPLOAD,
    TICKET_CANNED_RESPONSE_GROUP,
    TICKET_CANNED_RESPONSE,
)
