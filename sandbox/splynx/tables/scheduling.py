"""Projects, tasks and what hangs on them."""

from sandbox.splynx.tables.model import table

SCHEDULING_PROJECT_TYPE = table(
    "scheduling_project_type",
    """
    id uint auto
    title str(128)
    delete flag = 0
    deleted flag = 0
    """,
)

SCHEDULING_PROJECT_CATEGORY = table(
    "scheduling_project_category",
    """
    id uint auto
    title str(128)
    delete flag = 0
    deleted flag = 0
    """,
)

SCHEDULING_WORKFLOW = table(
    "scheduling_workflow",
    """
    id uint auto
    title str(64)
    delete flag10 = 1
    deleted flag = 0
    """,
)

SCHEDULING_WORKFLOW_ITEMS = table(
    "scheduling_workflow_items",
    """
    id uint auto
    workflow_id uint index
    title str(64)
    position uint = 0
    stage enum(new|in_progress|done)
    delete flag10 = 1
    deleted flag = 0
    """,
)

SCHEDULING_PROJECT = table(
    "scheduling_project",
    """
    id uint auto
    title str(128)
    description str(512)
    type_id uint null
    lead_id uint = 0
    category_id uint null
    workflow_id uint = 0
    is_archive flag = 0
    deleted flag = 0
    """,
)

SCHEDULING_PROJECT_TO_PARTNERS = table(
    "scheduling_project_to_partners",
    """
    project_id uint
    partner_id uint
    """,
    primary=(),
)

SCHEDULING_TEAM = table(
    "scheduling_team",
    """
    id uint auto
    title str(128)
    partner_id uint
    deleted flag = 0
    """,
)

SCHEDULING_TASK_TEMPLATE = table(
    "scheduling_task_template",
    """
    id uint auto
    title str(128)
    task_title str(255) null
    task_description str(255) null
    task_project_id uint = 0
    task_assigned_to enum(assigned_to_anyone|assigned_to_administrator|assigned_to_team)
    task_assigned_to_id uint = 0
    task_checklist_template_id uint = 0
    task_priority enum(priority_low|priority_medium|priority_high)
    delete flag = 0
    deleted flag = 0
    """,
)

SCHEDULING_CHECKLIST_TEMPLATE = table(
    "scheduling_checklist_template",
    """
    id uint auto
    title str(64)
    delete flag10 = 1
    deleted flag = 0
    """,
)

SCHEDULING_CHECKLIST_TEMPLATE_ITEM = table(
    "scheduling_checklist_template_item",
    """
    id uint auto
    checklist_template_id uint index
    name str(255)
    delete flag10 = 1
    deleted flag = 0
    """,
)

SCHEDULING_TASK = table(
    "scheduling_task",
    """
    id uint auto
    title str(250)
    description text
    partner_id int null
    reporter_id uint null = 0
    related_to_id uint null
    parent_task_id uint null
    project_id int
    location_id int = 0
    related_customer_id uint null
    related_service_id uint null = 0
    created_at datetime
    updated_at datetime
    resolved_at datetime
    assigned_to enum(assigned_to_anyone|assigned_to_administrator|assigned_to_team) = assigned_to_anyone index
    assignee uint
    assinged_at datetime
    priority enum(priority_low|priority_medium|priority_high) = priority_medium
    is_scheduled flag = 0
    scheduled_from datetime
    scheduled_to datetime
    travel_time_to mediumint = 0
    travel_time_from mediumint = 0
    checklist_template_id uint
    closed flag10 = 0
    deleted flag = 0 index
    workflow_status_id uint
    is_archived flag = 0
    address str(512) null
    gps str(512) null
    notification_send_interval uint = 0
    notification_enabled flag = 1 index
    last_status_changed datetime null
    """,
    exact=True,
)

SCHEDULING_TASK_CHECKLIST_ITEM_STATUS = table(
    "scheduling_task_checklist_item_status",
    """
    id uint auto
    task_id uint index
    item_id uint = 0
    name str(255)
    checked flag = 0
    deleted flag = 0
    """,
)

SCHEDULING_TASK_COMMENT = table(
    "scheduling_task_comment",
    """
    id uint auto
    task_id uint
    user_id uint = 0
    comment mediumtext
    created_at datetime
    is_edited tinyint(1) = 0
    is_pinned utinyint = 0
    deleted flag = 0
    """,
    indexes=("(`task_id`)",),
)

SCHEDULING_TASK_WORKLOG = table(
    "scheduling_task_worklog",
    """
    id uint auto
    task_id uint
    user_id uint = 0
    created_at datetime
    started_at datetime null
    stopped_at datetime null
    is_manual flag = 0
    time_spent uint null
    description str(512)
    deleted flag = 0
    """,
    indexes=("(`task_id`)",),
)

SCHEDULING_TASK_ATTACHMENT = table(
    "scheduling_task_attachment",
    """
    id uint auto
    task_id uint index
    comment_id uint = 0
    hash_id str(64)
    type str(32)
    filename_original str(256)
    filename_uploaded str(256)
    deleted flag = 0
    """,
)

SCHEDULING_TASKS_RELATIONSHIPS = table(
    "scheduling_tasks_relationships",
    """
    from_id uint index
    to_id uint index
    """,
    primary=(),
)

TABLES = (
    SCHEDULING_PROJECT_TYPE,
    SCHEDULING_PROJECT_CATEGORY,
    SCHEDULING_WORKFLOW,
    SCHEDULING_WORKFLOW_ITEMS,
    SCHEDULING_PROJECT,
    SCHEDULING_PROJECT_TO_PARTNERS,
    SCHEDULING_TEAM,
    SCHEDULING_TASK_TEMPLATE,
    SCHEDULING_CHECKLIST_TEMPLATE,
    SCHEDULING_CHECKLIST_TEMPLATE_ITEM,
    SCHEDULING_TASK,
    SCHEDULING_TASK_CHECKLIST_ITEM_STATUS,
    SCHEDULING_TASK_COMMENT,
    SCHEDULING_TASK_WORKLOG,
    SCHEDULING_TASK_ATTACHMENT,
    SCHEDULING_TASKS_RELATIONSHIPS,
)
