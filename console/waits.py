"""The chains that held records wait for, as the ledger has them now."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from clients.mysql import Database
from plumbing.settings import Settings
from sinks.chains import Link, chains, told
from sinks.store import Key, Ledger


async def chains_of(settings: Settings, records: Iterable[Key]) -> dict[Key, list[dict[str, Any]]]:
    """`{record: [{entity, key, state}]}`; empty chains while there is no ledger.

    Raises:
        SyncError: the ledger cannot be read.
    """
    wanted = set(records)
    async with Database(settings.ledger_db) as db, db.session() as tx:
        ledger = Ledger(db.name, run_id="")
        found = await chains(tx, ledger, wanted) if wanted and await ledger.exists(tx) else {}
    return {record: [asdict(link) for link in found.get(record, ())] for record in wanted}


async def longest_waits(settings: Settings, limit: int = 20) -> list[dict[str, Any]]:
    """`[{entity, key, since, chain}]` of the records that have been parked longest.

    Raises:
        SyncError: the ledger cannot be read.
    """
    async with Database(settings.ledger_db) as db, db.session() as tx:
        ledger = Ledger(db.name, run_id="")
        if not await ledger.exists(tx):
            return []
        rows = await ledger.longest_waiting(tx, limit)
        found = await chains(tx, ledger, [(row["entity"], row["record_key"]) for row in rows])
    return [
        {
            "entity": row["entity"],
            "key": row["record_key"],
            "since": f"{row['since'].isoformat()}Z",
            "chain": [asdict(link) for link in found[row["entity"], row["record_key"]]],
        }
        for row in rows
    ]


def waits_text(links: Iterable[Mapping[str, Any]]) -> str:
    """A chain for people."""
    return told([Link(one["entity"], one["key"], one["state"]) for one in links])
