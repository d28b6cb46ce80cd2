"""What would have left the machine: mails, hooks, commands to RADIUS and the routers.

Each is a row of the product's own tables, `mail_pool`, `hook_events` and `queue`, written in the transaction of the
request: what was rolled back left nothing, and what was committed is known for ever, so that a test can say that
nothing left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from sandbox.splynx.database import Session


@dataclass
class Effects:
    """Those of one request."""

    mails: list[tuple[Any, ...]] = field(default_factory=list)
    hooks: list[tuple[Any, ...]] = field(default_factory=list)
    radius: list[tuple[Any, ...]] = field(default_factory=list)

    def mail(self, kind: str, customer: int, to: str, at: str) -> None:
        self.mails.append((customer, to, kind, "new", at, "message", ""))

    def hook(self, action: str, model: str, row_id: Any, at: str, given: Mapping[str, Any]) -> None:
        """An event as a webhook would carry it, without secrets."""
        own = {name: value for name, value in given.items() if name not in ("additional_attributes", "password")}
        data = {"attributes": own, "attributes_additional": given.get("additional_attributes") or {}}
        self.hooks.append(("event", "api", model, action, str(row_id), at, orjson.dumps(data).decode()))

    def command(self, command: str, customer: int, service: int, at: str) -> None:
        self.radius.append((command, customer, service, at))

    def store(self, session: Session) -> None:
        """Write them with the statements that wait."""
        _insert(
            session, "mail_pool", "customer_id, recipient, subject, status, datetime_added, type, message", self.mails
        )
        _insert(session, "hook_events", "type, source, model, action, item_id, added, data", self.hooks)
        _insert(session, "queue", "command, customer_id, service_id, added", self.radius)


@dataclass
class Log:
    """The rows of all requests, from a mark on. Moving the mark hides what came before; no row goes away."""

    mark: tuple[int, int, int] = (0, 0, 0)

    async def shown(self, session: Session, *, all_of_them: bool = False) -> dict[str, list[dict[str, Any]]]:
        """Mails, hooks and commands in their order."""
        mails, hooks, radius = (0, 0, 0) if all_of_them else self.mark
        return {
            "mails": await session.rows(
                "SELECT subject kind, customer_id, recipient `to`, datetime_added at FROM mail_pool"
                " WHERE id > %s ORDER BY id",
                (mails,),
            ),
            "hooks": [
                row | {"data": orjson.loads(row["data"])}
                for row in await session.rows(
                    "SELECT type, source, model, action, item_id id, added at, data FROM hook_events"
                    " WHERE id > %s ORDER BY id",
                    (hooks,),
                )
            ],
            "radius": await session.rows(
                "SELECT command, customer_id, service_id FROM queue WHERE id > %s ORDER BY id", (radius,)
            ),
        }

    async def hide(self, session: Session) -> None:
        """Show from now on only what comes."""
        row = await session.row(
            "SELECT (SELECT COALESCE(MAX(id), 0) FROM mail_pool) m, (SELECT COALESCE(MAX(id), 0) FROM hook_events) h,"
            " (SELECT COALESCE(MAX(id), 0) FROM queue) r"
        )
        assert row is not None
        self.mark = (row["m"], row["h"], row["r"])


def _insert(session: Session, table: str, names: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        marks = f"({', '.join(['%s'] * len(rows[0]))})"
        session.later(
            f"INSERT INTO {table} ({names}) VALUES {', '.join([marks] * len(rows))}",  # noqa: S608 - our own names
            [value for row in rows for value in row],
        )
