"""The ledger's version: tables of an earlier one are brought forward, under --apply; a later one is left alone."""

from collections.abc import Sequence

from clients.mysql import Transaction
from schemas import ledger
from schemas.ledger import MIGRATIONS, VERSION, Migration
from sinks.ledger_errors import LedgerBusy, LedgerNewer, LedgerOutdated
from sinks.tables.base import Tables

_VERSION = "version"
_PATIENCE_SECONDS = 60


class Versions(Tables):
    """One row of `meta`, and what the tables themselves show."""

    async def tables(self, tx: Transaction) -> set[str]:
        """Those that there are."""
        rows = await tx.fetch(
            "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = %s", (self.schema,)
        )
        return {str(row["name"]) for row in rows}

    async def version(self, tx: Transaction) -> int:
        """Of the tables; that of now where there are none yet."""
        if "meta" not in await self.tables(tx):
            return VERSION
        row = await tx.fetch_one(
            f"SELECT value FROM {self.table('meta')} WHERE name = %s",  # noqa: S608
            (_VERSION,),
        )
        return VERSION if row is None else int(row["value"])

    async def pending(self, tx: Transaction) -> list[Migration]:
        """What has to be done before this release may write, in its order.

        Raises:
            LedgerNewer: a later release has brought the tables further than this one knows.
        """
        version = await self.version(tx)
        if version > VERSION:
            raise LedgerNewer(f"the ledger has version {version}, and this release writes version {VERSION}")
        there = await self.tables(tx)
        rows = await tx.fetch(
            "SELECT table_name AS t, column_name AS c FROM information_schema.columns WHERE table_schema = %s",
            (self.schema,),
        )
        columns = {(str(row["t"]), str(row["c"])) for row in rows}
        # By what the tables show: a statement may have been run by a process that was killed before it could say so.
        return [one for one in MIGRATIONS if one.table in there and (one.table, one.column) not in columns]

    async def bring_forward(self, tx: Transaction) -> list[Migration]:
        """Make what is missing, change what is of an earlier version; what was changed.

        Raises:
            LedgerNewer: as `pending`.
            LedgerBusy: another process has been at it for too long.
        """
        name = f"{self.schema}.version"
        row = await tx.fetch_one("SELECT GET_LOCK(%s, %s) AS got", (name, _PATIENCE_SECONDS))
        if row is None or row["got"] != 1:
            raise LedgerBusy(f"another process has changed the ledger's tables for {_PATIENCE_SECONDS} s")
        try:
            return await self._bring_forward(tx)
        finally:
            await tx.fetch("SELECT RELEASE_LOCK(%s)", (name,))

    async def _bring_forward(self, tx: Transaction) -> list[Migration]:
        pending: Sequence[Migration] = await self.pending(tx)
        there = await self.tables(tx)
        for one in pending:
            await tx.execute(f"ALTER TABLE {self.table(one.table)} {one.alter}")
        for table, statement in zip(ledger.TABLES, ledger.statements(self.schema), strict=True):
            if table not in there:
                await tx.execute(statement)
        await tx.execute(
            f"INSERT INTO {self.table('meta')} (name, value) VALUES (%s, %s)"  # noqa: S608
            " ON DUPLICATE KEY UPDATE value = VALUES(value)",
            (_VERSION, str(VERSION)),
        )
        return list(pending)

    async def require_current(self, tx: Transaction) -> None:
        """See that what there is can be read. Of a ledger that is not made yet there is nothing to read.

        Raises:
            LedgerOutdated: the tables are of an earlier release.
            LedgerNewer: of a later one.
        """
        if pending := await self.pending(tx):
            tables = sorted({one.table for one in pending})
            raise LedgerOutdated(f"the ledger's tables are of an earlier release: {', '.join(tables)}")
