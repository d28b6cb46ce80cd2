"""The jobs of the past: who was sent where, for how long, what was done, and how it ended; a handful of them odd."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sandbox.sonar.store import Row, Store
from sandbox.world.desk import JOB_TYPES, Desk, staff
from sandbox.world.past import Past, sites_at
from sandbox.world.rows import Writer

OUTCOMES = (
    "Replaced the power injector.",
    "Aligned the radio to sector 3.\nSpeed test 94/20.",
    "Nobody home.",
    "Customer declined the roof mount.",
    None,
)


@dataclass(slots=True)
class Draft:
    """One job before it is written; `completion` are the columns that its end sets."""

    at: datetime
    owner: tuple[str, int]
    kind: int
    columns: dict[str, Any]
    crew: list[int] = field(default_factory=list)
    check_ins: list[tuple[datetime, datetime | None, int]] = field(default_factory=list)
    """(from, until or None for still there, who)."""
    done: datetime | None = None
    completion: dict[str, Any] = field(default_factory=dict)


def begin_jobs(store: Store, desk: Desk, past: Past, mean: float) -> None:
    """Write jobs, `mean` for each account, in the order in which they were made."""
    tickets: dict[int, list[Row]] = defaultdict(list)
    for _, row in sorted(store.table("Ticket").items()):
        if row["ticketable_type"] == "Account":
            tickets[row["ticketable_id"]].append(row)
    homes, users = _homes(store), staff(store)
    drafts = [
        _draft(past, users, account["id"], homes.get(account["id"]), tickets[account["id"]], at)
        for account, first in past.accounts()
        for at in past.moments(first, mean)
    ]
    drafts.sort(key=lambda draft: draft.at)
    for draft in drafts:
        sites = sites_at(store, draft.at) if JOB_TYPES[draft.kind][0] == "Tower climb" else []
        if sites:
            draft.owner, draft.columns["ticket_id"] = ("NetworkSite", past.rng.choice(sites)), None
    for plant, draft in zip(PLANTS, (one for one in drafts if one.done), strict=False):
        plant(draft)
    _write(store, desk, drafts)


def write_tasks(store: Writer, tasks: Sequence[tuple[str, str]], job: int, at: datetime | None) -> list[int]:
    """The check-list of a job, from (task, completion type) pairs."""
    return [
        store.insert(
            "Task",
            at=at,
            complete=False,
            completion_type=kind,
            list_order=order,
            task=task,
            taskable_id=job,
            taskable_type="Job",
        )
        for order, (task, kind) in enumerate(tasks)
    ]


def template_tasks(store: Store, job_type: int) -> list[tuple[str, str]]:
    """(task, completion type) of a job type's template, in order; empty when it has none."""
    template = store.table("JobType")[job_type]["task_template_id"]
    if template is None:
        return []
    items = (
        store.table("TaskTemplateItem")[id] for id in store.pointing("TaskTemplateItem", "task_template_id", template)
    )
    return [(item["task"], item["completion_type"]) for item in sorted(items, key=lambda item: item["list_order"])]


def _homes(store: Store) -> Mapping[int, str]:
    """`{account id: its serviceable address in one line}`."""
    return {
        row["addressable_id"]: ", ".join(part for part in (row["line1"], row["city"], row["zip"]) if part)
        for _, row in sorted(store.table("Address").items())
        if row["addressable_type"] == "Account" and row["serviceable"]
    }


def _draft(past: Past, users: Sequence[int], account: int, home: str | None, tickets: list[Row], at: datetime) -> Draft:
    rng = past.rng
    kind = rng.choices(range(len(JOB_TYPES)), (20, 40, 10, 12, 4, 2, 1))[0]
    minutes = JOB_TYPES[kind][1]
    due = at + timedelta(days=rng.randint(1, 9))
    ticket = next((row["id"] for row in reversed(tickets) if row["created_at"] <= at), None)
    draft = Draft(
        at,
        ("Account", account),
        kind,
        {"length_in_minutes": minutes, "ticket_id": ticket if rng.random() < 0.5 else None},
    )
    draft.crew = sorted(rng.sample(users, rng.choices((0, 1, 2), (1, 7, 2))[0]))
    if rng.random() < 0.9:
        draft.columns["scheduled_datetime"] = due
    if due + timedelta(minutes=2 * minutes) > past.end or rng.random() < 0.06:
        return draft
    who = draft.crew[0] if draft.crew else users[0]
    draft.done = due + timedelta(minutes=minutes + rng.randint(-20, 40))
    draft.check_ins.append((due, draft.done - timedelta(minutes=2), who))
    successful = rng.random() < 0.9
    draft.completion = completion(
        who, draft.done, home, rng.choice(OUTCOMES) if successful else "Nobody home.", well=successful
    )
    return draft


def _write(store: Store, desk: Desk, drafts: list[Draft]) -> None:
    ids, services = [], sorted(store.table("Service"))
    for draft in drafts:
        job = store.insert(
            "Job",
            at=draft.at,
            complete=False,
            job_type_id=desk.job_types[draft.kind],
            jobbable_id=draft.owner[1],
            jobbable_type=draft.owner[0],
            skips_validation=False,
            **draft.columns,
        )
        ids.append(job)
        for user in draft.crew:
            store.attach("Job", job, "users", user, at=draft.at)
        write_tasks(store, template_tasks(store, desk.job_types[draft.kind]), job, draft.at)
        if services and JOB_TYPES[draft.kind][0] == "Installation":
            store.insert("JobService", at=draft.at, job_id=job, quantity=1, service_id=services[job % len(services)])
    visits = [
        (start, end, who, job) for draft, job in zip(drafts, ids, strict=True) for start, end, who in draft.check_ins
    ]
    for start, end, who, job in sorted(visits, key=lambda visit: visit[0]):
        visit = check_in(store, job, who, start, start)
        if end is not None:
            store.update("JobCheckIn", visit, at=end, check_out_datetime=end, checked_out_by_user_id=who)
    for draft, job in zip(drafts, ids, strict=True):
        if draft.done is not None:
            tick(
                store,
                store.pointing("Task", "taskable", ("Job", job)),
                draft.completion["completed_by_user_id"],
                draft.done,
                draft.done,
            )
            store.update("Job", job, at=draft.done, **draft.completion)


def completion(user: int, at: datetime, home: str | None, notes: str | None, *, well: bool) -> dict[str, Any]:
    """The columns that the end of a job sets; `home` is where it was done."""
    return {
        "address_on_completion": home,
        "complete": True,
        "completed_by_user_id": user,
        "completed_successfully": well,
        "completion_datetime": at,
        "completion_notes": notes,
    }


def check_in(store: Writer, job: int, user: int, since: datetime, at: datetime | None) -> int:
    """Somebody arrives at a job."""
    return store.insert(
        "JobCheckIn", at=at, check_in_datetime=since, checked_in_by_user_id=user, job_id=job, user_id=user
    )


def tick(store: Writer, tasks: Sequence[int], user: int, moment: datetime, at: datetime | None) -> None:
    """Complete tasks, done at `moment` and written at `at`."""
    for task in list(tasks):
        store.update("Task", task, at=at, complete=True, completed_at=moment, completed_by_user_id=user)


def _short_visit(draft: Draft) -> None:
    start, _, who = draft.check_ins[0]
    draft.check_ins[0] = (start, start + timedelta(seconds=20), who)


def _three_visits(draft: Draft) -> None:
    start, end, who = draft.check_ins[0]
    draft.check_ins += [(start - timedelta(hours=2), start - timedelta(hours=1), who), (start, end, who)]


PLANTS: tuple[Callable[[Draft], None], ...] = (
    _short_visit,
    _three_visits,
    lambda draft: draft.completion.update(completion_notes="<b>Done</b>\r\n\r\n\r\n\r\nok\x0b \U0001f44d"),
    lambda draft: draft.completion.update(address_on_completion=None),
    lambda draft: draft.completion.update(address_on_completion="Unit 7, " * 80),
    lambda draft: draft.columns.update(length_in_minutes=0),
    lambda draft: draft.check_ins.clear(),
    lambda draft: draft.columns.update(scheduled_datetime=None),
)
"""Oddities, one to a finished job, the oldest first."""
