"""What was noted, and what was said on the telephone (mapping D3, J6, D5)."""

from typing import Annotated

from schemas.aggregate import Aggregate, Collection, Hop, LookUp, Owner
from schemas.entities.belonging import JOB_OWNER, JOBS, JobOf, account_of, hangs_on_account
from schemas.entities.scoped import ScopedAccount, follows_account
from schemas.records import Instant, Morph, Personal, ShownArchived, SonarRecord


class Note(SonarRecord):
    """A note on whatever it is on; those on accounts and jobs are carried. Source: Sonar schema, type Note."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    noteable_type: str
    noteable_id: int
    message: Annotated[str, Personal()]
    priority: str
    user_id: int | None = None
    account: Annotated[ScopedAccount | None, Morph("noteable", "Account"), ShownArchived()] = None
    job: Annotated[JobOf | None, Morph("noteable", "Job"), ShownArchived()] = None


class CallLog(SonarRecord):
    """A call with a customer. Source: Sonar schema, type CallLog."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    account_id: int
    user_id: int
    subject: Annotated[str, Personal()]
    body: Annotated[str, Personal()]
    time_in_seconds: str
    account: Annotated[ScopedAccount | None, ShownArchived()] = None


_ON_ACCOUNT, _ON_JOB = (Hop("notes", "noteable_id", ("noteable_type", name)) for name in ("Account", "Job"))
NOTE = Aggregate(
    name="note",
    root=Collection("notes", Note, "Note"),
    owned_by=[account_of(morph="noteable"), account_of("job", morph="jobbable")],
    looks_up=[
        LookUp("jobs", "Job", ways=((_ON_JOB,),), fields=JOB_OWNER),
        *hangs_on_account((_ON_ACCOUNT,), (JOBS, _ON_JOB)),
    ],
    doc="A note on an account, a job or anything else.",
)
CALL_LOG = Aggregate(
    name="call_log",
    root=Collection("call_logs", CallLog, "CallLog"),
    owned_by=[Owner("account_id")],
    looks_up=follows_account("call_logs"),
    doc="A call with the customer, as it was written down.",
)
