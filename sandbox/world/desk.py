"""What help desk, dispatchers and office set up before their first ticket: groups, types, templates, roles."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sandbox.sonar.store import Store
from sandbox.world import desk_texts
from sandbox.world.catalogue import ICON, Catalogue

GROUPS = (
    ("Support", True, False),
    ("Billing", True, False),
    ("Network operations", True, True),
    ("Help desk before 2021", False, False),
)
CATEGORIES = (
    ("Outage", True),
    ("Slow speed", True),
    ("Billing", True),
    ("Relocation", True),
    ("Wi-Fi & router", True),
    ("Dial-up", False),
)
TEMPLATES = {
    "Installation": ("Mount radio", "Run cable", "Speed test photo", "Explain the bill"),
    "Service call": ("Check power", "Check alignment", "Speed test"),
}
JOB_TYPES = (
    ("Installation", 120, "Installation", True),
    ("Service call", 60, "Service call", True),
    ("Site survey", 30, None, True),
    ("Equipment pick-up", 30, None, True),
    ("Tower climb", 240, "Service call", True),
    ("Dial-up set-up", 45, None, False),
    ("Installation of outdoor equipment with underground conduit, trenching permit and inspection", 480, None, True),
)
"""Name, minutes, task template, enabled. The last name is longer than the title of a Splynx project."""

ROLES = {
    "Technician": ("READ_ACCOUNT", "READ_TICKET", "UPDATE_TICKET", "READ_JOB", "CHECK_IN_OWN_JOB", "COMPLETE_OWN_JOB"),
    "Billing desk": ("READ_ACCOUNT", "UPDATE_ACCOUNT", "CREATE_PAYMENT", "REFUND_PAYMENTS", "READ_FINANCIAL_REPORTS"),
    "Read only": ("READ_ACCOUNT", "READ_TICKET", "READ_JOB"),
    "Regional field operations supervisor": ("READ_JOB", "UPDATE_JOB", "CREATE_JOB", "DELETE_JOB", "CHECK_IN_ANY_JOB"),
    "Nobody yet": (),
}
"""Role → its permissions; one name is longer than the 32 characters that Splynx has for it."""

DEPARTMENTS = ("Billing", "Technical support")


@dataclass(frozen=True)
class Desk:
    """Ids of the set-up, each in the order of its ids."""

    groups: tuple[int, ...]
    categories: tuple[int, ...]
    mailboxes: tuple[int, ...]
    contract_templates: tuple[int, ...]
    job_types: tuple[int, ...]
    roles: tuple[int, ...]


def staff(store: Store) -> tuple[int, ...]:
    """The ids of those who work there now."""
    return tuple(id for id, row in sorted(store.table("User").items()) if row["enabled"])


def open_desk(store: Store, catalogue: Catalogue, at: datetime) -> Desk:
    """Write the set-up as of `at`."""
    groups = tuple(
        store.insert("TicketGroup", at=at, enabled=enabled, name=name, private=private)
        for name, enabled, private in GROUPS
    )
    for group in groups[:3]:
        for user in staff(store):
            store.attach("TicketGroup", group, "users", user, at=at)
    _departments(store, catalogue, at)
    _canned(store, at)
    contracts = _contract_templates(store, catalogue, at, groups[0])
    return Desk(
        groups=groups,
        categories=tuple(
            store.insert("TicketCategory", at=at, enabled=enabled, name=name) for name, enabled in CATEGORIES
        ),
        mailboxes=_mailboxes(store, at, groups),
        contract_templates=contracts,
        job_types=_job_types(store, catalogue, at, groups[0], contracts[0]),
        roles=tuple(
            store.insert("Role", at=at, applied_permissions=permissions, name=name)
            for name, permissions in ROLES.items()
        ),
    )


def _departments(store: Store, catalogue: Catalogue, at: datetime) -> None:
    for name in DEPARTMENTS:
        department = store.insert("Department", at=at, name=name)
        for company in catalogue.companies[:2]:
            store.insert(
                "CompanyDepartment",
                at=at,
                company_id=company,
                country="US",
                department_id=department,
                email_address=f"{name.split()[0].lower()}-{company}@example.com",
                number="8155550110",
                number_formatted="(815) 555-0110",
            )


def _canned(store: Store, at: datetime) -> None:
    category = store.insert("CannedReplyCategory", at=at, name="Outages & speed")
    for name, body in (
        ("Restart the router", "<p>Hello {{ contact.name }},</p><p>Please unplug the router for ten seconds.</p>"),
        ("Known outage", "<p>We know of an outage near {{ account.address }} and are on it.</p>"),
    ):
        store.insert("CannedReply", at=at, body=body, canned_reply_category_id=category, name=name)


def _mailboxes(store: Store, at: datetime, groups: tuple[int, ...]) -> tuple[int, ...]:
    domain = store.insert("EmailDomain", at=at, dkim=True, domain="mail.example.com", spf=True, verified=True)
    return tuple(
        store.insert(
            "InboundMailbox",
            at=at,
            append_signature=True,
            email_domain_id=domain,
            enable_slack_integration=False,
            enabled=True,
            from_mailbox=name,
            from_name=f"Prairie Lantern {name}",
            inbound_mailbox=name,
            name=name.capitalize(),
            priority="MEDIUM",
            send_auto_reply=False,
            signature="<p>--<br>Prairie Lantern Broadband</p>",
            ticket_group_id=group,
        )
        for name, group in (("support", groups[0]), ("billing", groups[1]))
    )


def _contract_templates(store: Store, catalogue: Catalogue, at: datetime, group: int) -> tuple[int, ...]:
    return tuple(
        store.insert(
            "ContractTemplate",
            at=at,
            body=desk_texts.CONTRACT_BODY,
            company_id=company,
            enabled=enabled,
            name=name,
            term_in_months=months,
            ticket_group_id=group,
        )
        for name, company, months, enabled in (
            ("Residential agreement", catalogue.companies[0], 12, True),
            ("Business agreement", catalogue.companies[1], 36, True),
            ("Month to month", None, None, False),
        )
    )


def _job_types(store: Store, catalogue: Catalogue, at: datetime, group: int, contract: int) -> tuple[int, ...]:
    templates: dict[str | None, int | None] = {None: None}
    for name, tasks in TEMPLATES.items():
        template = templates[name] = store.insert("TaskTemplate", at=at, name=name)
        for order, task in enumerate(tasks):
            store.insert(
                "TaskTemplateItem",
                at=at,
                completion_type="IMAGE_FILE" if task.endswith("photo") else "BOOLEAN",
                list_order=order,
                task=task,
                task_template_id=template,
            )
    kinds = []
    for name, minutes, named, enabled in JOB_TYPES:
        kind = store.insert(
            "JobType",
            at=at,
            account_status_id_completion=catalogue.statuses["active"] if name == "Installation" else None,
            action_on_completion="NONE",
            action_on_failure="CREATE_NEW_TICKET" if name == "Installation" else "NONE",
            all_companies=name != "Tower climb",
            allow_completion_with_incomplete_tasks=named is None,
            color="00838f",
            contract_template_id=contract if name == "Installation" else None,
            default_length_in_minutes=minutes,
            disconnects_account=name == "Equipment pick-up",
            enabled=enabled,
            icon=ICON,
            name=name,
            task_template_id=templates[named],
            ticket_group_id_failure=group if name == "Installation" else None,
            ticket_status_on_completion="CLOSED",
            ticket_status_on_failure="OPEN",
        )
        for company in () if name != "Tower climb" else catalogue.companies[:1]:
            store.attach("JobType", kind, "companies", company, at=at)
        kinds.append(kind)
    return tuple(kinds)
