"""Tickets and their messages, which mail customers and agents, and the files that messages carry."""

# ruff: noqa: S608 - the names in the SQL are our own declarations, values are always passed beside it

from collections.abc import Sequence
from typing import Any

from sandbox.splynx import files, search, settings
from sandbox.splynx.call import Call, exists
from sandbox.splynx.database import Row
from sandbox.splynx.entity import Entity, OfCustomer
from sandbox.splynx.problems import Invalid, server_error
from sandbox.splynx.resources import RESOURCES
from sandbox.splynx.uploads import Upload
from sandbox.splynx.wire import Given


class Tickets(OfCustomer):
    """`admin/support/tickets`. The first message, with its files, may travel inside."""

    def __init__(self) -> None:
        super().__init__(RESOURCES["admin/support/tickets"])

    async def prepare(self, call: Call, given: Given) -> Given:
        now = call.clock.datetime()
        reporter = {"reporter_type": "api", "reporter_id": call.key.id, "source": "api"}
        status = await _status(call, "open")
        return {"created_at": now, "updated_at": now, "status_id": status, **reporter} | given

    def fixed(self, call: Call, row: Given) -> Given:
        # The foreign keys take null where nobody is meant; 0 is refused.
        return {name: row[name] or None for name in ("group_id", "type_id", "task_id")}

    async def created(self, call: Call, row: Given, given: Given) -> None:
        await _set_closed(call, int(row["id"]), row["status_id"])
        if call.is_on(settings.TICKET_AUTO_ASSIGN) and not row["assign_to"]:
            await self.write(call, row, {"assign_to": 1})
        text = given.get("message")
        if isinstance(text, dict):  # a form nests it
            text = text.get("message")
        if text:
            await add_message(call, row, {"message": text, "author_type": "api"})
        else:
            await _mail(call, settings.TICKET_NOTIFICATIONS, "ticket_created", row)
        await _mail(call, settings.TICKET_AUTO_REPLY, "ticket_auto_reply", row)

    async def updated(self, call: Call, before: Row, changes: Given, given: Given) -> None:
        if changes:
            await self.write(call, before, {"updated_at": changes.get("updated_at") or call.clock.datetime()})
        if "status_id" in changes and await _set_closed(call, int(before["id"]), changes["status_id"]):
            await _mail(call, settings.TICKET_FEEDBACK, "ticket_feedback", before)


class Messages(Entity):
    """`admin/support/ticket-messages`. A list without a filter by ticket failed on the recorded installation."""

    def __init__(self) -> None:
        super().__init__(RESOURCES["admin/support/ticket-messages"])

    async def index(self, call: Call) -> list[dict[str, Any]]:
        wanted = call.query.get("main_attributes")
        if not isinstance(wanted, dict) or "ticket_id" not in wanted:
            raise server_error()
        return await super().index(call)

    async def prepare(self, call: Call, given: Given) -> Given:
        now = call.clock
        usual = {"date": now.date(), "time": now.time(), "message_type": "message", "source": "api"}
        return usual | {"author_type": "api"} | given

    async def created(self, call: Call, row: Given, given: Given) -> None:
        ticket = await call.session.row("SELECT * FROM ticket WHERE id = %s", (row["ticket_id"],))
        assert ticket is not None  # the declaration refers to it
        await _after_message(call, ticket, row)

    async def computed(self, call: Call, rows: Sequence[Row], answers: Sequence[dict[str, Any]]) -> None:
        if not rows:
            return
        ids = ", ".join(str(row["id"]) for row in rows)
        found: dict[int, list[dict[str, Any]]] = {}
        whole = call.query.get("files_with_content") in ("1", "true")
        for file in await call.session.rows(
            f"SELECT l.message_id, f.* FROM ticket_messages_to_files_upload l JOIN files_upload f ON f.id = l.file_id"
            f" WHERE l.message_id IN ({ids}) AND f.deleted = '0' ORDER BY f.id"
        ):
            found.setdefault(file["message_id"], []).append(_file(file, whole=whole))
        for row, answer in zip(rows, answers, strict=True):
            answer["files"] = found.get(row["id"], [])


class Attachments(Entity):
    """`admin/support/ticket-attachments`: files of messages; a POST names its message in the query."""

    def __init__(self) -> None:
        super().__init__(RESOURCES["admin/support/ticket-attachments"])

    def base(self, call: Call) -> list[search.Clause]:
        return [search.Clause("t.`file_id` IN (SELECT id FROM files_upload WHERE deleted = '0')")]

    async def create(self, call: Call, given: Given) -> dict[str, Any]:
        message = call.query.get("message_id") or given.get("message_id")
        if not await exists(call, "ticket_messages", message):
            raise Invalid([("message_id", "Message is invalid.")])
        if not call.files:
            raise Invalid([("files", "Files cannot be blank.")])
        made = await _attach(call, int(str(message)), call.files)
        self._log(call, "create", {"file_id": made[0], "message_id": message}, {})
        return {"attachments": made}

    async def delete(self, call: Call, row_id: str) -> None:
        before = await self.find(call, row_id)
        call.session.later("UPDATE files_upload SET deleted = '1' WHERE id = %s", (before["file_id"],))
        self._log(call, "delete", before, {})

    async def answers(self, call: Call, rows: Sequence[Row]) -> list[dict[str, Any]]:
        if not rows:
            return []
        ids = ", ".join(str(row["file_id"]) for row in rows)
        stored = await call.session.rows(f"SELECT * FROM files_upload WHERE id IN ({ids}) AND deleted = '0'")
        by_id = {row["id"]: row for row in stored}
        whole = call.query.get("with_content") in ("1", "true")
        return [_file(by_id[row["file_id"]], whole=whole) | {"message_id": row["message_id"]} for row in rows]


async def add_message(call: Call, ticket: Row, given: Given) -> int:
    """A message of a ticket, with the files of the request; its id."""
    row = {
        "ticket_id": ticket["id"],
        "customer_id": ticket["customer_id"] or 0,
        "incoming_customer_id": ticket["incoming_customer_id"] or 0,
        "date": call.clock.date(),
        "time": call.clock.time(),
        "message_type": "message",
        "source": "api",
        **given,
    }
    names = ", ".join(f"`{name}`" for name in row)
    row["id"] = await call.session.insert(
        f"INSERT INTO ticket_messages ({names}) VALUES ({', '.join(['%s'] * len(row))})", list(row.values())
    )
    await _after_message(call, ticket, row)
    return int(row["id"])


async def _after_message(call: Call, ticket: Row, message: Given) -> None:
    """What a new message does to its ticket, and the mail that it sends."""
    await _attach(call, int(message["id"]), call.files)
    call.session.later(
        "UPDATE ticket SET updated_at = %s, unread_by_customer = '1' WHERE id = %s",
        (call.clock.datetime(), ticket["id"]),
    )
    hidden = str(message.get("hide_for_customer", "0")) == "1" or message.get("message_type") == "note"
    if not hidden:
        await _mail(call, settings.TICKET_NOTIFICATIONS, "ticket_message", ticket)


async def _attach(call: Call, message: int, uploads: Sequence[Upload]) -> list[int]:
    made = []
    for upload in uploads:
        file, _ = await files.keep(call, "ticket_messages", upload)
        call.session.later(
            "INSERT INTO ticket_messages_to_files_upload (message_id, file_id) VALUES (%s, %s)", (message, file)
        )
        made.append(file)
    return made


async def _mail(call: Call, switch: tuple[str, str, str], kind: str, ticket: Given) -> None:
    """Tell the ticket's customer, if the switch is on."""
    customer = int(ticket["customer_id"] or 0)
    if not call.is_on(switch):
        return
    row = await call.session.row("SELECT email FROM customers WHERE id = %s", (customer,))
    if row is not None:
        call.mail(kind, customer, row["email"])


async def _status(call: Call, mark: str) -> int:
    row = await call.session.row(
        "SELECT id FROM ticket_statuses WHERE mark = %s AND deleted = '0' ORDER BY id LIMIT 1", (mark,)
    )
    return int(row["id"]) if row else 1


async def _set_closed(call: Call, ticket: int, status: Any) -> bool:
    """A ticket is closed when its status is marked so; whether it is."""
    row = await call.session.row("SELECT mark FROM ticket_statuses WHERE id = %s", (status,))
    closed = row is not None and row["mark"] == "closed"
    call.session.later("UPDATE ticket SET closed = %s WHERE id = %s", ("1" if closed else "0", ticket))
    return closed


def _file(row: Row, *, whole: bool) -> dict[str, Any]:
    shown = {
        "id": row["id"],
        "type": row["content_type"].partition("/")[0],
        "filename_original": row["filename_original"],
        "filename_uploaded": row["filename_uploaded"],
        "download_link": f"/admin/config/download/ticket_attachment--{row['id']}",
        "has_thumbnail": False,
        "thumbnail_link": "",
    }
    return shown | files.content(row) if whole else shown
