"""Tickets and tasks, with messages, comments and files."""

from typing import Any

import aiohttp

from tests.integration.sandbox_splynx.conftest import Splynx
from tests.integration.sandbox_splynx.test_belongings import changed, form, read


async def test_a_ticket_takes_its_first_message_and_files_in_one_form(splynx: Splynx) -> None:
    customer = await splynx.customer(email="t@example.com")
    texts = {"type_id": "1", "subject": "No light", "priority": "high", "customer_id": str(customer)}
    data = form("log.txt", b"lost", "text/plain", "files[]", **texts, message="It went dark.")
    answer = await splynx.call("POST", "support/tickets", data=data)
    assert answer.status == 201, answer.body
    ticket = answer.body["id"]
    (message,) = await read(splynx, f"support/ticket-messages?main_attributes[ticket_id]={ticket}&files_with_content=1")
    assert (message["message"], message["author_type"]) == ("It went dark.", "api")
    assert [(file["filename_original"], file["content"]) for file in message["files"]] == [("log.txt", "bG9zdA==")]
    assert [mail["kind"] for mail in (await splynx.side_effects())["mails"][-2:]] == [
        "ticket_message",
        "ticket_auto_reply",
    ]


async def test_a_ticket_keeps_its_old_dates_and_closes_by_its_status(quiet: Splynx) -> None:
    body = {"type_id": 1, "subject": "Old", "priority": "low", "created_at": "2020-01-02 03:04:05"}
    ticket = await quiet.created("support/tickets", body)
    shown = await read(quiet, f"support/tickets/{ticket}")
    assert (shown["created_at"], shown["closed"], shown["group_id"]) == ("2020-01-02 03:04:05", "0", None)
    await changed(quiet, f"support/tickets/{ticket}", {"status_id": 3})
    assert (await read(quiet, f"support/tickets/{ticket}"))["closed"] == "1"
    wrong = await quiet.call("POST", "support/tickets", body | {"priority": "at once", "type_id": 99})
    assert (wrong.status, "Priority" in wrong.body["error"]["message"]) == (422, True)


async def test_a_note_on_a_ticket_mails_nobody_and_an_attachment_names_its_message(splynx: Splynx) -> None:
    customer = await splynx.customer(email="n@example.com")
    body = {"type_id": 1, "subject": "x", "priority": "low", "customer_id": customer}
    ticket = await splynx.created("support/tickets", body)
    await splynx.raw("DELETE", "/_sandbox/side-effects")
    note = {"ticket_id": ticket, "message": "inner", "message_type": "note"}
    message = await splynx.created("support/ticket-messages", note)
    assert (await splynx.side_effects())["mails"] == []
    path = f"support/ticket-attachments?message_id={message}"
    answer = await splynx.call("POST", path, data=form("a.png", b"png", "image/png", "files[]"))
    (attachment,) = answer.body["attachments"]
    shown = await read(splynx, f"support/ticket-attachments/{attachment}?with_content=1")
    assert (shown["message_id"], shown["type"], shown["content"]) == (message, "image", "cG5n")
    assert (await splynx.call("DELETE", f"support/ticket-attachments/{attachment}")).status == 204
    assert (await splynx.call("GET", f"support/ticket-attachments/{attachment}")).status == 404


async def project(splynx: Splynx) -> tuple[int, list[int]]:
    """A project, and the ids of its workflow's statuses: new and done."""
    stages = [{"title": "New", "stage": "new", "position": 1}, {"title": "Done", "stage": "done", "position": 2}]
    workflow = await splynx.created("config/scheduling-workflow", {"title": "Usual", "items": stages})
    statuses = [item["id"] for item in (await read(splynx, f"config/scheduling-workflow/{workflow}"))["items"]]
    kind = await splynx.created("config/scheduling-project-types", {"title": "Field"})
    category = await splynx.created("config/scheduling-project-categories", {"title": "Work"})
    body = {"title": "Installs", "type_id": kind, "category_id": category, "workflow_id": workflow, "partner_ids": [1]}
    return await splynx.created("scheduling/projects", body), statuses


async def task(splynx: Splynx, **more: Any) -> tuple[int, list[int]]:
    made, statuses = await project(splynx)
    body = {"title": "Climb", "project_id": made, "partner_id": 1, "priority": "priority_low", "is_scheduled": 0}
    return await splynx.created("scheduling/tasks", body | {"workflow_status_id": statuses[0]} | more), statuses


async def test_a_task_is_closed_by_its_workflow_and_tells_the_assignee(splynx: Splynx) -> None:
    made, (_, done) = await task(splynx, assignee=1, created_at="2021-02-03 04:05:06")
    assert [mail["kind"] for mail in (await splynx.side_effects())["mails"]] == ["task_assigned"]
    await changed(splynx, f"scheduling/tasks/{made}", {"workflow_status_id": done})
    shown = await read(splynx, f"scheduling/tasks/{made}")
    assert (shown["closed"], shown["created_at"]) == ("1", "2021-02-03 04:05:06")
    assert shown["resolved_at"] != "0000-00-00 00:00:00"


async def test_comments_logs_checklists_and_files_hang_on_a_task(quiet: Splynx) -> None:
    made, _ = await task(quiet)
    texts = {"task_id": str(made), "user_id": "1", "comment": "Bring a ladder"}
    data = form("plan.txt", b"up", "text/plain", "files[]", **texts)
    comment = (await quiet.call("POST", "scheduling/tasks-comments", data=data)).body["id"]
    shown = await read(quiet, f"scheduling/tasks-comments/{comment}")
    assert (shown["comment"], [file["filename_original"] for file in shown["files"]]) == (
        "Bring a ladder",
        ["plan.txt"],
    )
    await quiet.created("scheduling/tasks-worklogs", {"task_id": made, "user_id": 1, "time_spent": 90})
    assert (await read(quiet, f"scheduling/tasks/{made}"))["logged"] == 90
    item = await quiet.created("scheduling/tasks-checklist", {"task_id": made, "name": "Harness"})
    await changed(quiet, f"scheduling/tasks-checklist/{made}", {"id": item, "checked": True})
    (line,) = await read(quiet, f"scheduling/tasks-checklist/{made}")
    assert (line["checklist_template_item"]["name"], line["tasks_item_status"]["checked"]) == ("Harness", "1")
    assert (await quiet.call("DELETE", f"scheduling/tasks-checklist/{made}--{item}")).status == 204
    files = form("b.txt", b"b", "text/plain", "files[]", task_id=str(made), user_id="1")
    (file,) = (await quiet.call("POST", "scheduling/tasks-attachments", data=files)).body["files"]
    assert (await read(quiet, f"scheduling/tasks-attachments/{file}"))["task_id"] == made
    bare = aiohttp.FormData({"task_id": str(made)})
    assert (await quiet.call("POST", "scheduling/tasks-attachments", data=bare)).status == 422
