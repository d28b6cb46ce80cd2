"""Payments that keep Sonar's ids, where the rules say `id_mode: preserve`: of a Splynx that was empty before.

Whoever has looked up payments by Sonar's number goes on doing so. Only a payment has one: its reversals and opposite
documents are rows of Splynx alone, and get ids from `FLOOR` on, so that none takes the id of a payment that is still to
come. An id that somebody else's row has is not taken from it: that payment gets one from `FLOOR` on, too.
"""

# ruff: noqa: S608 - the names in the SQL are our own; values are always passed beside it

from collections.abc import Sequence
from typing import Any

import structlog

from clients.mysql import Transaction
from plumbing.errors import ConfigurationError
from schemas.write_paths import WritePaths
from sinks.store import Ledger
from sinks.tables.base import marks

log = structlog.get_logger("sink")
FLOOR = 1_000_000_000
"""Half of what the column holds. Sonar's own ids are far below."""


def own_id(key: str, revision: int) -> int | None:
    """The id that a payment's document is to keep; None where it has none.

    >>> own_id("4711", 0), own_id("4711", 1), own_id("4711-R3", 0)
    (4711, None, None)
    """
    return int(key) if revision == 0 and key.isdecimal() and 0 < int(key) < FLOOR else None


async def insert_payments(
    tx: Transaction, columns: Sequence[str], rows: Sequence[Sequence[Any]], wanted: Sequence[int | None]
) -> list[int]:
    """Insert payments with the ids that they want, as far as these are free; each row's id."""
    asked = [id for id in wanted if id is not None]
    found = await tx.fetch(f"SELECT id FROM payments WHERE id IN ({marks(asked)})", asked) if asked else []
    taken = {int(row["id"]) for row in found}
    ids = [None if id in taken else id for id in wanted]
    if taken:
        log.warning("sink.ids_taken", records=len(taken))
    if None in ids and not await _has_begun(tx):
        # From here on the server counts by itself. Of two that come at once the other is rolled back, and repeated.
        ids[ids.index(None)] = FLOOR
    names = ", ".join(f"`{name}`" for name in columns)
    kept = [(id, *row) for id, row in zip(ids, rows, strict=True) if id is not None]
    await tx.insert_many(f"INSERT INTO payments (id, {names}) VALUES ({marks(('id', *columns))})", kept)
    rest = [tuple(row) for id, row in zip(ids, rows, strict=True) if id is None]
    numbered = iter(await tx.insert_numbered(f"INSERT INTO payments ({names}) VALUES ({marks(columns)})", rest))
    return [next(numbered) if id is None else id for id in ids]


async def _has_begun(tx: Transaction) -> bool:
    """Whether there are rows from `FLOOR` on. Looked at with a lock only if there seem to be none."""
    above = "SELECT id FROM payments WHERE id >= %s LIMIT 1"
    return bool(await tx.fetch_one(above, (FLOOR,)) or await tx.fetch_one(f"{above} FOR UPDATE", (FLOOR,)))


def check_sql(ways: WritePaths) -> None:
    """See that it is we who give the ids.

    Raises:
        ConfigurationError: Splynx does, for its database is not reachable beside the ledger.
    """
    if ways.keeps_ids and not ways.sql:
        raise ConfigurationError(
            "id_mode is preserve, and without Splynx's database Splynx gives the ids",
            remedy="Give splynx.db, with the ledger on the same server; or leave id_mode out of the rules.",
        )


async def check_empty(tx: Transaction, ledger: Ledger) -> None:
    """See that ids can be kept, before the first payment is written.

    Raises:
        ConfigurationError: Splynx has payments of somebody else.
    """
    if await ledger.exists(tx) and (await ledger.crosswalk_counts(tx)).get("payment"):
        return
    if await tx.fetch_one("SELECT id FROM payments WHERE field_4 NOT LIKE 'sonar:%%' AND id < %s LIMIT 1", (FLOOR,)):
        raise ConfigurationError(
            "id_mode is preserve, and Splynx has payments already that are none of ours",
            remedy="Sonar's ids can be kept in an empty Splynx only. Leave id_mode out of the rules.",
        )
