"""One Splynx with its ledger, connected."""

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from clients.mysql import Database
from clients.splynx import SplynxClient
from plumbing.settings import Settings
from schemas.catalogue import TARGETS
from sinks.adoption import Marked
from sinks.columns import LiveColumns
from sinks.store import Ledger


@dataclass(frozen=True)
class Site:
    """Where the sink writes. `db` is Splynx's own schema where the ledger lies beside it, else the ledger's."""

    client: SplynxClient
    db: Database
    ledger: Ledger
    marked: Marked
    columns: LiveColumns | None
    """None where rows and ledger do not commit together: nothing is written by SQL then."""

    @property
    def rows_db(self) -> Database | None:
        """Splynx's database, if something is written by SQL."""
        return None if self.columns is None else self.db

    @staticmethod
    @asynccontextmanager
    async def open(settings: Settings) -> AsyncIterator["Site"]:
        """Connect; everything is closed at the end.

        Raises:
            DependencyUnreachable, DependencyRefused: the database.
        """
        beside = settings.ledger_beside_rows
        at = settings.splynx.db if beside and settings.splynx.db else settings.ledger_db
        run_id = f"{int(time.time())}-{secrets.token_hex(4)}"
        async with SplynxClient(settings.splynx) as client, Database(at) as db:
            ledger = Ledger(settings.ledger_db.name, run_id)
            columns = LiveColumns(at.name, ledger) if beside else None
            yield Site(client, db, ledger, Marked(client, db, TARGETS, sql=beside), columns)
