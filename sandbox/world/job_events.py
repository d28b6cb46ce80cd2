"""Events of jobs: they are made, given to somebody, put off, visited, done and called off."""

from __future__ import annotations

from datetime import timedelta

from sandbox.world.desk import staff
from sandbox.world.desk_life import desk_of, draw_open, worker
from sandbox.world.jobs import OUTCOMES, check_in, completion, template_tasks, tick, write_tasks
from sandbox.world.life import Life
from sandbox.world.registry import Row


def _is_open(row: Row) -> bool:
    return not row["complete"]


def job_made(life: Life) -> bool:
    found = life.registry.draw("Account", life.rng)
    if found is None:
        return False
    store = life.registry.store
    kind = life.rng.choice(desk_of(store).job_types)
    tickets = store.pointing("Ticket", "ticketable", ("Account", found[0]))
    job = life.registry.insert(
        "Job",
        complete=False,
        job_type_id=kind,
        jobbable_id=found[0],
        jobbable_type="Account",
        length_in_minutes=store.table("JobType")[kind]["default_length_in_minutes"],
        scheduled_datetime=store.now() + timedelta(hours=life.rng.randint(2, 200)),
        skips_validation=False,
        ticket_id=tickets[-1] if tickets and life.rng.random() < 0.5 else None,
    )
    write_tasks(life.registry, template_tasks(store, kind), job, None)
    return True


def job_dispatched(life: Life) -> bool:
    """Somebody is given a job: only the pivot changes."""
    found = draw_open(life, "Job", _is_open)
    if found is None:
        return False
    missing = sorted(set(staff(life.registry.store)) - set(life.registry.store.linked("Job", "users", found[0])))
    if not missing:
        return False
    life.registry.attach("Job", found[0], "users", life.rng.choice(missing))
    return True


def job_taken_back(life: Life) -> bool:
    store = life.registry.store
    found = draw_open(life, "Job", lambda row: _is_open(row) and bool(store.linked("Job", "users", row["id"])))
    if found is None:
        return False
    life.registry.detach("Job", found[0], "users", life.rng.choice(store.linked("Job", "users", found[0])))
    return True


def job_put_off(life: Life) -> bool:
    found = draw_open(life, "Job", _is_open)
    if found is None:
        return False
    moment = life.registry.store.now() + timedelta(hours=life.rng.randint(24, 400))
    life.registry.update("Job", found[0], scheduled_datetime=moment)
    return True


def job_checked_in(life: Life) -> bool:
    found = draw_open(life, "Job", _is_open)
    if found is None or _visits(life, found[0]):
        return False
    check_in(life.registry, found[0], worker(life), life.registry.store.now(), None)
    return True


def job_checked_out(life: Life) -> bool:
    found = draw_open(life, "JobCheckIn", lambda row: row["check_out_datetime"] is None)
    if found is None:
        return False
    _check_out(life, found[0])
    return True


def task_ticked(life: Life) -> bool:
    """One task is done; the job's row stays as it was."""
    found = draw_open(life, "Task", lambda row: not row["complete"])
    if found is None:
        return False
    tick(life.registry, [found[0]], worker(life), life.registry.store.now(), None)
    return True


def job_completed(life: Life) -> bool:
    """The visit ends, the list is ticked, the job is done, well or not."""
    found = draw_open(life, "Job", _is_open)
    if found is None:
        return False
    store = life.registry.store
    for visit in _visits(life, found[0]):
        _check_out(life, visit)
    user, well = worker(life), life.rng.random() < 0.9
    if well:
        tasks = store.pointing("Task", "taskable", ("Job", found[0]))
        tick(life.registry, [id for id in tasks if not store.table("Task")[id]["complete"]], user, store.now(), None)
    homes = life.homes(found[1]["jobbable_id"]) if found[1]["jobbable_type"] == "Account" else []
    home = store.table("Address")[homes[0]]["line1"] if homes else None
    notes = life.rng.choice(OUTCOMES) if well else "Nobody home."
    life.registry.update("Job", found[0], **completion(user, store.now(), home, notes, well=well))
    return True


def job_deleted(life: Life) -> bool:
    return life.delete_one("Job")


def job_type_switched(life: Life) -> bool:
    """A job type is taken out of use, or back into it."""
    kind = life.rng.choice(desk_of(life.registry.store).job_types)
    life.registry.update("JobType", kind, enabled=not life.registry.store.table("JobType")[kind]["enabled"])
    return True


def _visits(life: Life, job: int) -> list[int]:
    """The check-ins of a job that have not ended."""
    store = life.registry.store
    visits = store.pointing("JobCheckIn", "job_id", job)
    return [id for id in visits if store.table("JobCheckIn")[id]["check_out_datetime"] is None]


def _check_out(life: Life, visit: int) -> None:
    now = life.registry.store.now()
    life.registry.update("JobCheckIn", visit, check_out_datetime=now, checked_out_by_user_id=worker(life))
