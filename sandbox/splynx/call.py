"""One request on its way: who asks, on which connection, and what it leaves behind."""

# ruff: noqa: S608 - the names in the SQL are our own declarations, values are always passed beside it

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from sandbox.splynx import settings
from sandbox.splynx.clock import Clock
from sandbox.splynx.database import Session
from sandbox.splynx.effects import Effects
from sandbox.splynx.memory import Key, Memory
from sandbox.splynx.php import Tree
from sandbox.splynx.tables import TABLES
from sandbox.splynx.uploads import Upload
from sandbox.splynx.vault import Vault


@dataclass
class Call:
    """What handlers work with. Side effects are written with the rest of the transaction."""

    session: Session
    key: Key
    memory: Memory
    clock: Clock
    vault: Vault
    query: Tree
    customer_id: int = 0  # of the path, for services
    files: Sequence[Upload] = ()
    effects: Effects = field(default_factory=Effects)

    def is_on(self, where: tuple[str, str, str]) -> bool:
        """Whether a switch of the configuration is on."""
        return settings.on(self.memory.settings, where)

    def mail(self, kind: str, customer_id: int, to: str) -> None:
        if to:
            self.effects.mail(kind, customer_id, to, self.clock.datetime())

    def hook(self, action: str, model: str, row_id: Any, given: dict[str, Any]) -> None:
        self.effects.hook(action, model, row_id, self.clock.datetime(), given)

    def radius(self, command: str, customer_id: int, service_id: int) -> None:
        """A command to the network, unless nothing is written to it."""
        if self.is_on(settings.PROVISIONING):
            self.effects.command(command, customer_id, service_id, self.clock.datetime())

    def log_change(
        self,
        customer_id: int,
        *,
        service_id: int = 0,
        status: tuple[str | None, str | None] = (None, None),
        tariff: tuple[str | None, int | None, int | None] = (None, None, None),
    ) -> None:
        """A row of `logs_changes`, by the API key; a change of status or tariff is in `logs_services` too."""
        values = (customer_id, service_id, *status, self.clock.date(), self.clock.time(), *tariff, self.key.id)
        tables = ["logs_changes"]
        if status != (None, None) or tariff != (None, None, None):
            tables.append("logs_services")
        for table in tables:
            self.session.later(
                f"INSERT INTO {table} (customer_id, service_id, old_status, new_status, `date`, `time`, tariff_type,"
                " old_tariff, new_tariff, administrator_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                values,
            )

    def log_api(
        self, action: str, model: str, customer_id: int, given: dict[str, Any], *, errors: str | None = None
    ) -> None:
        """A row of `logs_api`, for a key with logging on; with `errors` of a write that was refused."""
        if not self.key.enable_logging:
            return
        own = {name: value for name, value in given.items() if name not in ("additional_attributes", "password")}
        self.session.later(
            "INSERT INTO logs_api (`date`, `time`, api_key_id, customer_id, action, model, attributes,"
            " attributes_additional, changed_attributes, ip, result, errors)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                self.clock.date(),
                self.clock.time(),
                self.key.id,
                customer_id,
                action,
                model,
                orjson.dumps(own).decode(),
                orjson.dumps(given.get("additional_attributes") or {}).decode(),
                orjson.dumps(own if action == "update" else {}).decode(),
                self.key.last_ip,
                "failed" if errors else "success",
                errors,
            ),
        )


async def exists(call: Call, table: str, row_id: Any) -> bool:
    """Whether a live row has this id."""
    if not str(row_id).isdigit():
        return False
    live = " AND deleted = '0'" if "deleted" in TABLES[table].by_name else ""
    row = await call.session.row(f"SELECT id FROM `{table}` WHERE id = %s{live}", (int(row_id),))
    return row is not None
