"""What jobs are made from: their types, and the lists of what is to be done (mapping J2, J3)."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from schemas.aggregate import Aggregate, Collection, Owner, Touch
from schemas.entities.catalogued import Catalogued, beside
from schemas.records import Personal, SonarRecord


class CompanyOf(SonarRecord):
    """A company that has jobs of a type. Source: Sonar schema, type Company."""

    id: int


class JobType(Catalogued):
    """Source: Sonar schema, type JobType."""

    name: str
    enabled: bool
    all_companies: bool
    default_length_in_minutes: int
    task_template_id: int | None = None
    contract_template_id: int | None = None
    color: str
    icon: str
    action_on_completion: str
    action_on_failure: str
    account_status_id_completion: int | None = None
    account_status_id_failure: int | None = None
    ticket_group_id_completion: int | None = None
    ticket_group_id_failure: int | None = None
    ticket_status_on_completion: str
    ticket_status_on_failure: str
    allow_completion_with_incomplete_tasks: bool
    disconnects_account: bool | None = None
    companies: list[CompanyOf] | None = None


class TaskTemplateItem(Catalogued):
    """Source: Sonar schema, type TaskTemplateItem."""

    task: Annotated[str, Personal()]
    completion_type: str
    list_order: int | None = None
    completable_type: str | None = None
    completable_id: int | None = None

    left_out: ClassVar[Mapping[str, str]] = beside(
        "task_template_id", read=("sonar_unique_id", "created_at", "updated_at")
    )


class TaskTemplate(Catalogued):
    """What is to be done on every job of a kind. Source: Sonar schema, type TaskTemplate."""

    name: str
    task_template_items: list[TaskTemplateItem] | None = None


JOB_TYPE = Aggregate(
    name="job_type",
    root=Collection("job_types", JobType, "JobType"),
    pivots=["companies"],
    doc="A kind of job, with the companies that have it.",
)
TASK_TEMPLATE = Aggregate(
    name="task_template",
    root=Collection("task_templates", TaskTemplate, "TaskTemplate"),
    touched_by=[Touch("task_template_items", "TaskTemplateItem", [Owner("task_template_id")])],
    doc="A list of what is to be done on jobs of a kind.",
)
