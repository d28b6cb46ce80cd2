"""Tasks of the schedule, and what hangs on them: comments, work logs, files."""

# ruff: noqa: S608 - the names in the SQL are our own declarations, values are always passed beside it

from collections.abc import Sequence
from typing import Any

from sandbox.splynx import files, settings
from sandbox.splynx.call import Call, exists
from sandbox.splynx.database import Row
from sandbox.splynx.entity import Entity, Errors
from sandbox.splynx.problems import Invalid
from sandbox.splynx.resources import RESOURCES
from sandbox.splynx.uploads import Upload
from sandbox.splynx.wire import Given

_TASK = "admin/scheduling/tasks"


class Tasks(Entity):
    """`admin/scheduling/tasks`. Times of a task are the product's, but for its creation, which may be sent."""

    def __init__(self) -> None:
        super().__init__(RESOURCES[_TASK])

    async def prepare(self, call: Call, given: Given) -> Given:
        now = call.clock.datetime()
        return {"created_at": now, "updated_at": now, "assigned_to": "assigned_to_anyone"} | given

    async def created(self, call: Call, row: Given, given: Given) -> None:
        await self._follow(call, row, {name: row[name] for name in ("workflow_status_id", "assignee") if row[name]})

    async def updated(self, call: Call, before: Row, changes: Given, given: Given) -> None:
        if changes:
            await self.write(call, before, {"updated_at": changes.get("updated_at") or call.clock.datetime()})
        await self._follow(call, before, changes)

    async def _follow(self, call: Call, row: Row, changes: Given) -> None:
        """What a new status and a new assignee bring with them."""
        now = call.clock.datetime()
        if "workflow_status_id" in changes:
            status = await call.session.row(
                "SELECT stage FROM scheduling_workflow_items WHERE id = %s", (changes["workflow_status_id"],)
            )
            done = status is not None and status["stage"] == "done"
            more = {"closed": "1", "resolved_at": now} if done else {"closed": "0"}
            await self.write(call, row, more | {"last_status_changed": now, "updated_at": row["updated_at"]})
        if changes.get("assignee"):
            await self.write(call, row, {"assinged_at": now, "updated_at": row["updated_at"]})
            if call.is_on(settings.TASK_NOTIFICATIONS):
                admin = await call.session.row("SELECT email FROM admins WHERE id = %s", (changes["assignee"],))
                call.mail("task_assigned", 0, admin["email"] if admin else "")

    async def computed(self, call: Call, rows: Sequence[Row], answers: Sequence[dict[str, Any]]) -> None:
        if not rows:
            return
        ids = ", ".join(str(row["id"]) for row in rows)
        logged = {
            row["task_id"]: row["n"]
            for row in await call.session.rows(
                "SELECT task_id, SUM(time_spent) n FROM scheduling_task_worklog"
                f" WHERE task_id IN ({ids}) AND deleted = '0' GROUP BY task_id"
            )
        }
        for row, answer in zip(rows, answers, strict=True):
            answer["logged"] = int(logged.get(row["id"]) or 0)


class Comments(Entity):
    """`admin/scheduling/tasks-comments`: read by id, with files; there is no list."""

    def __init__(self) -> None:
        super().__init__(RESOURCES[f"{_TASK}-comments"])

    async def prepare(self, call: Call, given: Given) -> Given:
        return {"created_at": call.clock.datetime()} | given

    async def created(self, call: Call, row: Given, given: Given) -> None:
        await attach(call, int(row["task_id"]), int(row["id"]), call.files)

    async def updated(self, call: Call, before: Row, changes: Given, given: Given) -> None:
        if "comment" in changes:
            await self.write(call, before, {"is_edited": 1})

    async def act(self, call: Call, row_id: str, action: str, given: Given) -> tuple[int, Any]:
        before = await self.find(call, row_id)
        if not call.files:
            raise Invalid([("files", "Files cannot be blank.")])
        await attach(call, before["task_id"], before["id"], call.files)
        return 202, None

    async def computed(self, call: Call, rows: Sequence[Row], answers: Sequence[dict[str, Any]]) -> None:
        for row, answer in zip(rows, answers, strict=True):
            answer["files"] = await call.session.rows(
                "SELECT id, hash_id, type, filename_original, filename_uploaded, task_id, comment_id"
                " FROM scheduling_task_attachment WHERE comment_id = %s AND deleted = '0' ORDER BY id",
                (row["id"],),
            )


class Worklogs(Entity):
    """`admin/scheduling/tasks-worklogs`: time spent, in seconds."""

    def __init__(self) -> None:
        super().__init__(RESOURCES[f"{_TASK}-worklogs"])

    async def prepare(self, call: Call, given: Given) -> Given:
        return {"created_at": call.clock.datetime(), "is_manual": "1"} | given

    async def validate(self, call: Call, given: Given, before: Row | None) -> Errors:
        spent = given.get("time_spent")
        if spent not in (None, "") and not str(spent).isdigit():
            return [("time_spent", "Time spent must be a number.")]
        return []


class TaskFiles(Entity):
    """`admin/scheduling/tasks-attachments`: files of a task that belong to no comment."""

    def __init__(self) -> None:
        super().__init__(RESOURCES[f"{_TASK}-attachments"])

    async def create(self, call: Call, given: Given) -> dict[str, Any]:
        if not await exists(call, "scheduling_task", given.get("task_id")):
            raise Invalid([("task_id", "Task is invalid.")])
        if not call.files:
            raise Invalid([("files", "Files cannot be blank.")])
        made = await attach(call, int(given["task_id"]), 0, call.files)
        self._log(call, "create", {"id": made[0]}, {})
        return {"files": made}


async def attach(call: Call, task: int, comment: int, uploads: Sequence[Upload]) -> list[int]:
    """Files of a task; the ids of their rows."""
    made = []
    for upload in uploads:
        _, name = await files.keep(call, "scheduling_task", upload)
        made.append(
            await call.session.insert(
                "INSERT INTO scheduling_task_attachment (task_id, comment_id, hash_id, type, filename_original,"
                " filename_uploaded) VALUES (%s, %s, %s, %s, %s, %s)",
                (task, comment, name.partition(".")[0], upload.content_type.partition("/")[0], upload.name, name),
            )
        )
    return made
