"""What every request needs to know and seldom changes: keys, rights, additional fields, settings. Read once a second.

A change made over the API or the control pages is seen at once (`forget`), one made by SQL within a second.
"""

# ruff: noqa: S608 - the names in the SQL are our own declarations, values are always passed beside it

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.splynx.database import Database, Row, Session

FRESH_SECONDS = 1.0


@dataclass
class Key:
    """An API key, with the counters that the product keeps in its row."""

    id: int
    partner_id: int
    key: str
    secret: str
    unsecure_auth: bool
    check_nonce: bool
    enable_logging: bool
    white_list: frozenset[str]
    last_nonce: int = 0
    uses: int = 0
    last_ip: str = ""


@dataclass(frozen=True)
class Field:
    """An additional field of a module."""

    name: str
    type: str
    is_unique: bool
    is_required: bool
    row: Mapping[str, Any]
    options: frozenset[str] = frozenset()


@dataclass
class Memory:
    """The copies, and how to renew them."""

    database: Database
    keys: dict[str, Key] = field(default_factory=dict)
    rights: frozenset[tuple[int, str, str]] = frozenset()
    settings: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    _fields: dict[str, tuple[float, list[Field]]] = field(default_factory=dict)
    _until: float = 0.0

    def forget(self) -> None:
        """Read again before the next request."""
        self._until = 0.0
        self._fields.clear()

    async def refresh(self) -> None:
        """Renew keys, rights and settings when they are older than a second."""
        if time.monotonic() < self._until:
            return
        self._until = time.monotonic() + FRESH_SECONDS
        async with self.database.session() as session:
            keys = await session.rows("SELECT * FROM api WHERE deleted = '0'")
            rights = await session.rows("SELECT id, controller, action, rule FROM permissions_api_key")
            settings = await session.rows("SELECT * FROM config")
        self.keys = {row["key"]: self._key(row) for row in keys}
        self.rights = frozenset(
            (row["id"], row["controller"], row["action"]) for row in rights if row["rule"] in (None, "", "allow")
        )
        self.settings = {}
        for row in settings:
            self.settings.setdefault((row["module"], row["path"]), {})[row["key"]] = typed(row["type"], row["value"])

    async def fields(self, session: Session, module: str) -> list[Field]:
        """The module's additional fields in their order.

        Read on the caller's connection: a request that waited for a second one while it holds the first could wait for
        ever.
        """
        until, known = self._fields.get(module, (0.0, []))
        if time.monotonic() >= until:
            rows = await session.rows(f"SELECT * FROM `{module}_fields` WHERE deleted = '0' ORDER BY position, name")
            known = [_field(row) for row in rows]
            self._fields[module] = (time.monotonic() + FRESH_SECONDS, known)
        return known

    def setting(self, module: str, path: str, key: str, default: Any = None) -> Any:
        """One setting, in its type."""
        return self.settings.get((module, path), {}).get(key, default)

    async def save_counters(self, now: str) -> None:
        """Write nonces and use counts of the keys; they are kept here and reach the table a little later."""
        for key in self.keys.values():
            if not key.uses:
                continue
            uses, key.uses = key.uses, 0
            async with self.database.session() as session:
                await session.execute(
                    "UPDATE api SET last_nonce = GREATEST(last_nonce, %s), usage_count = usage_count + %s,"
                    " last_ip = %s, last_dt = %s WHERE id = %s",
                    (key.last_nonce, uses, key.last_ip, now, key.id),
                )

    def _key(self, row: Row) -> Key:
        known = self.keys.get(row["key"])
        return Key(
            id=row["id"],
            partner_id=row["partner_id"],
            key=row["key"],
            secret=row["secret"],
            unsecure_auth=row["unsecure_auth"] == "1",
            check_nonce=row["check_nonce"] == "1",
            enable_logging=row["enable_logging"] == "1",
            white_list=frozenset(json.loads(row["white_list"] or "[]")),
            last_nonce=max(row["last_nonce"], known.last_nonce if known else 0),
            uses=known.uses if known else 0,
            last_ip=known.last_ip if known else row["last_ip"],
        )


def typed(kind: str | None, value: str | None) -> Any:
    """A setting's text in the type that its row names."""
    if value is None:
        return None
    if kind == "boolean":
        return value in ("1", "true")
    if kind == "integer":
        return int(value or 0)
    return value


def _field(row: Row) -> Field:
    return Field(
        name=row["name"],
        type=row["type"],
        is_unique=row["is_unique"] == "1",
        is_required=row["is_required"] == "1",
        row=row,
        options=frozenset(option.strip() for option in (row["select_values"] or "").split(",") if option.strip()),
    )
