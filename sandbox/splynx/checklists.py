"""The checklist of a task: its items are listed and ticked by the task's id."""

from typing import Any

from sandbox.splynx.call import Call, exists
from sandbox.splynx.entity import Entity
from sandbox.splynx.problems import not_found
from sandbox.splynx.resources import RESOURCES
from sandbox.splynx.wire import Given


class Checklists(Entity):
    """`admin/scheduling/tasks-checklist`."""

    def __init__(self) -> None:
        super().__init__(RESOURCES["admin/scheduling/tasks-checklist"])

    async def view(self, call: Call, row_id: str) -> Any:
        """The items of a task, each with its state."""
        if not await exists(call, "scheduling_task", row_id):
            raise not_found()
        rows = await call.session.rows(
            "SELECT * FROM scheduling_task_checklist_item_status WHERE task_id = %s AND deleted = '0' ORDER BY id",
            (row_id,),
        )
        return [
            {
                "checklist_template_item": {"id": row["id"], "name": row["name"]},
                "tasks_item_status": {"task_id": row["task_id"], "item_id": row["id"], "checked": row["checked"]},
            }
            for row in rows
        ]

    async def update(self, call: Call, row_id: str, given: Given) -> None:
        """Tick an item, or untick it: `{"id", "checked"}`."""
        await super().update(call, f"{row_id}--{given.get('id', '')}", {"checked": given.get("checked", False)})
