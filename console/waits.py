"""The chains that held records wait for, as the ledger has them now."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from clients.mysql import Database
from plumbing.settings import Settings
from sinks.chains import chains
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
