"""Projects, tasks, what hangs on them, and their settings."""

from sandbox.splynx.resources.model import Link, Parts, Resource
from sandbox.splynx.resources.model import resource as _resource

_TASKS = """
id integer ID
title string! Title
address string Address
gps string Coordinates
description string Description
reporter_id integer Reporter
project_id integer! Project
location_id integer Location
parent_task_id integer Parent task
related_customer_id integer Customer
related_service_id integer Related service
created_at datetime Created at
updated_at datetime Updated at
resolved_at datetime Resolved at
assigned_to string Assigned to type
assignee integer Assigned to
assinged_at string Assigned at
priority string! Priority
is_scheduled boolean! Scheduled?
scheduled_from datetime Start date & time
relatedTasks array RelatedTasks
travel_time_to integer Travel time to task location
travel_time_from integer Travel time from task location
checklist_template_id integer Checklist template
workflow_status_id integer! Status
is_archived boolean Archived?
closed boolean Closed
partner_id integer! Partner
notification_send_interval string Send before
notification_enabled string Enable notifications
createdFromTicket string CreatedFromTicket
remaining string Remaining
logged string Logged
last_status_changed string Last status change
formatted_duration string Scheduled duration
"""
_COMMENTS = """
id integer ID
task_id integer! Task
user_id integer! User
comment string! Comment
created_at datetime Created at
files array Attachments
is_edited boolean Is_edited
is_pinned boolean Pinned
"""
_WORKLOGS = """
id integer ID
task_id integer! Task
user_id integer! User
created_at datetime Created at
started_at datetime Started at
stopped_at datetime Stopped_at
is_manual boolean Is_manual
time_spent string! Time spent
description string Description
"""
_ATTACHMENTS = """
task_id string Task_id
comment_id string Comment_id
id integer ID
type string Type
hash_id string Hash_id
filename_original string Filename_original
filename_uploaded string Filename_uploaded
"""
_POST = ("POST",)


def _settings(path: str, table: str, controller: str, **more: object) -> Resource:
    return _resource(f"config/scheduling-{path}", table, f"config\\{controller}", "", also_required=("title",), **more)


RESOURCES: tuple[Resource, ...] = (
    _settings(
        "project-types",
        "scheduling_project_type",
        "SchedulingProjectTypes",
        used_by=(("scheduling_project", "type_id"),),
    ),
    _settings(
        "project-categories",
        "scheduling_project_category",
        "SchedulingProjectCategories",
        used_by=(("scheduling_project", "category_id"),),
    ),
    _settings(
        "workflow",
        "scheduling_workflow",
        "SchedulingWorkflow",
        parts={"items": Parts("scheduling_workflow_items", "workflow_id", ("title", "position", "stage", "delete"))},
        used_by=(("scheduling_project", "workflow_id"),),
    ),
    _settings("teams", "scheduling_team", "SchedulingTeams", item_path="config/scheduling-team"),
    _settings("task-templates", "scheduling_task_template", "SchedulingTaskTemplates"),
    _settings(
        "checklist-templates",
        "scheduling_checklist_template",
        "SchedulingChecklistTemplates",
        parts={"items": Parts("scheduling_checklist_template_item", "checklist_template_id", ("name", "delete"))},
    ),
    _resource(
        "scheduling/projects",
        "scheduling_project",
        "scheduling\\Projects",
        module="scheduling_project",
        also_required=("title", "type_id", "category_id", "workflow_id"),
        refers={
            "type_id": "scheduling_project_type",
            "category_id": "scheduling_project_category",
            "workflow_id": "scheduling_workflow",
            "lead_id": "admins",
        },
        used_by=(("scheduling_task", "project_id"),),
        links={"partner_ids": Link("scheduling_project_to_partners", "project_id", "partner_id", "partners")},
    ),
    _resource(
        "scheduling/tasks",
        "scheduling_task",
        "scheduling\\Tasks",
        _TASKS,
        module="scheduling_task",
        refers={
            "project_id": "scheduling_project",
            "partner_id": "partners",
            "workflow_status_id": "scheduling_workflow_items",
            "related_customer_id": "customers",
            "parent_task_id": "scheduling_task",
            "checklist_template_id": "scheduling_checklist_template",
        },
        protected=frozenset({"resolved_at", "assinged_at", "last_status_changed"}),
    ),
    _resource(
        "scheduling/tasks-checklist",
        "scheduling_task_checklist_item_status",
        "scheduling\\TasksChecklist",
        on_collection=_POST,
        keys=("task_id", "id"),
        forms={"/{task_id}": ("GET", "PUT"), "/{task_id}--{item_id}": ("DELETE",)},
        also_required=("task_id", "name"),
        refers={"task_id": "scheduling_task"},
    ),
    _resource(
        "scheduling/tasks-comments",
        "scheduling_task_comment",
        "scheduling\\TasksComments",
        _COMMENTS,
        on_collection=_POST,
        actions={"upload": _POST},
        refers={"task_id": "scheduling_task", "user_id": "admins"},
        computed=("files",),
        protected=frozenset({"is_edited"}),
    ),
    _resource(
        "scheduling/tasks-worklogs",
        "scheduling_task_worklog",
        "scheduling\\TasksWorklogs",
        _WORKLOGS,
        on_collection=_POST,
        refers={"task_id": "scheduling_task", "user_id": "admins"},
    ),
    _resource(
        "scheduling/tasks-attachments",
        "scheduling_task_attachment",
        "scheduling\\TasksAttachments",
        _ATTACHMENTS,
        on_collection=_POST,
        on_item=("GET", "DELETE"),
    ),
)
