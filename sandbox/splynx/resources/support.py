"""Tickets, their messages and files. Groups, types and statuses are read only: SQL makes them."""

from sandbox.splynx.resources.model import Link, Resource
from sandbox.splynx.resources.model import resource as _resource

_TICKETS = """
id integer ID
reporter string Reporter
reporter_id string Reporter ID
reporter_type string Reporter type
customer_id integer Customer ID
incoming_customer_id string Incoming customer
hidden boolean Hide
assign_to integer Assigned to
status_id integer Status
group_id integer Group
type_id integer! Type
task_id integer Task
subject string! Subject
priority string! Priority
star string Star
unread_by_customer string Unread_by_customer
unread_by_admin string Unread_by_admin
closed boolean Closed
created_at string Created Date & Time
source string Source
updated_at string Updated date & time
trash boolean Archive
shareable string Shareable
note string Note
watching string Watching
related_account_id integer Related to
related_account_type enum Related_account_type
hidden_from_related_account boolean Hidden from related account
unread_by_related_account boolean Unread_by_related_account
"""
_READ = ("GET",)

RESOURCES: tuple[Resource, ...] = (
    _resource(
        "support/tickets-groups",
        "ticket_groups",
        "support\\TicketsGroups",
        on_collection=_READ,
        on_item=_READ,
        links={"agent_ids": Link("ticket_agent_to_group", "group_id", "admin_id", "admins")},
    ),
    _resource("support/tickets-types", "ticket_types", "support\\TicketsTypes", on_collection=_READ, on_item=_READ),
    _resource(
        "support/tickets-statuses", "ticket_statuses", "support\\TicketsStatuses", on_collection=_READ, on_item=_READ
    ),
    _resource(
        "support/tickets",
        "ticket",
        "support\\Tickets",
        _TICKETS,
        module="ticket",
        refers={
            "customer_id": "customers",
            "incoming_customer_id": "incoming_customer",
            "status_id": "ticket_statuses",
            "group_id": "ticket_groups",
            "type_id": "ticket_types",
            "assign_to": "admins",
            "task_id": "scheduling_task",
        },
        choices={"priority": ("low", "medium", "high", "urgent")},
        protected=frozenset({"closed", "unread_by_customer", "unread_by_admin"}),
    ),
    _resource(
        "support/ticket-messages",
        "ticket_messages",
        "support\\TicketMessages",
        also_required=("ticket_id", "message"),
        refers={"ticket_id": "ticket", "admin_id": "admins"},
        stamps={"updated_at": "now"},
    ),
    _resource(
        "support/ticket-attachments",
        "ticket_messages_to_files_upload",
        "support\\TicketAttachments",
        on_item=("GET", "DELETE"),
        keys=("file_id",),
        hidden=frozenset({"file_id"}),
        computed=(
            "id",
            "type",
            "filename_original",
            "filename_uploaded",
            "download_link",
            "has_thumbnail",
            "thumbnail_link",
        ),
    ),
)
