"""What the ledger holds of one aggregate: outcome, rows in Splynx, what waits, before-images, calls."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from clients.mysql import Database
from plumbing.errors import ConfigurationError
from schemas.catalogue import TARGETS
from sinks.chains import chains
from sinks.store import Ledger

_TABLES = {
    "crosswalk": ("entity", "record_key", "target_id", "state", "sequence", "revision", "updated_at", "document"),
    "held": (
        "entity", "record_key", "state", "code", "reason", "waits_entity", "waits_key", "sequence", "since", "topic",
        "partition_no", "topic_offset", "document",
    ),
    "intents": (
        "entity", "record_key", "method", "target_id", "state", "answer", "sequence", "run_id", "batch", "created_at",
        "deadline",
    ),
}  # fmt: skip
_BY_RECORD = {
    "journal": ("entity", "record_key", "target_id", "action", "sequence", "at", "run_id", "batch", "before_image"),
    "conflicts": (
        "entity",
        "record_key",
        "target_id",
        "field",
        "state",
        "sequence",
        "since",
        "at",
        "settled_by",
        "settled_run",
        "base",
        "source",
        "target",
    ),
}
_VALUES = frozenset({"document", "before_image", "base", "source", "target"})


async def find_owner(db: Database, entity: str, target_id: int) -> tuple[str, int]:
    """The aggregate, and its id in Sonar, that a row of Splynx belongs to.

    Raises:
        ConfigurationError: there is no such entity, or the ledger does not know that row.
    """
    if entity not in TARGETS:
        raise ConfigurationError(
            f"{entity} is nothing that is written into Splynx", remedy=f"Name one of {', '.join(TARGETS)}."
        )
    rows = (
        await db.fetch(
            "SELECT aggregate, sonar_id FROM crosswalk WHERE entity = %s AND target_id = %s", (entity, target_id)
        )
        if await _exists(db)
        else []
    )
    if not rows:
        raise ConfigurationError(
            f"the ledger knows no {entity} {target_id} of Splynx",
            remedy="It was made by somebody else, or by another ledger: see the row in Splynx.",
        )
    return str(rows[0]["aggregate"]), int(rows[0]["sonar_id"])


async def _exists(db: Database) -> bool:
    return bool(
        await db.fetch(
            "SELECT 1 AS found FROM information_schema.tables WHERE table_schema = %s AND table_name = 'crosswalk'",
            (db.name,),
        )
    )


async def read_holdings(db: Database, aggregate: str, sonar_id: int, *, values: bool) -> dict[str, Any] | None:
    """`{newest, crosswalk, held, intents, journal, conflicts}`; None while there is no ledger.

    Each held record comes with the chain that it waits for. Documents and before-images come only with `values`: they
    hold personal data.
    """
    if not await _exists(db):
        return None
    async with db.session() as tx:
        await Ledger(db.name, run_id="").require_current(tx)
    whose = (aggregate, sonar_id)
    newest = await db.fetch(
        "SELECT sequence, hash, generation, rules_version, outcome, deleted, partition_no, topic_offset, run_id,"
        " updated_at FROM aggregates WHERE aggregate = %s AND sonar_id = %s",
        whose,
    )
    found: dict[str, Any] = {"newest": _plain(newest[0]) if newest else None}
    for name, columns in _TABLES.items():
        sql = f"SELECT {_list(columns, values)} FROM {name} WHERE aggregate = %s AND sonar_id = %s"  # noqa: S608
        order = "id" if name == "intents" else "entity, record_key"
        found[name] = [_plain(row) for row in await db.fetch(f"{sql} ORDER BY {order}", whose)]
    async with db.session() as tx:
        links = await chains(
            tx, Ledger(db.name, run_id=""), [(row["entity"], row["record_key"]) for row in found["held"]]
        )
    for row in found["held"]:
        row["chain"] = [asdict(link) for link in links[row["entity"], row["record_key"]]]
    for name, columns in _BY_RECORD.items():
        sql = (
            f"SELECT {_list(columns, values)} FROM {name} n WHERE (n.entity, n.record_key) IN"  # noqa: S608
            " (SELECT entity, record_key FROM crosswalk WHERE aggregate = %s AND sonar_id = %s) ORDER BY n.id"
        )
        found[name] = [_plain(row) for row in await db.fetch(sql, whose)]
    return found


def _list(columns: Sequence[str], values: bool) -> str:
    return ", ".join(one for one in columns if values or one not in _VALUES)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row as JSON takes it: instants as ISO text in UTC, documents parsed."""
    result = {}
    for name, value in row.items():
        if hasattr(value, "isoformat"):
            result[name] = f"{value.isoformat()}+00:00"
        else:
            result[name] = json.loads(value) if name in _VALUES and value is not None else value
    return result
