"""The ledger as the sink reads and writes it. Every method runs in the transaction that it is handed."""

from clients.mysql import Transaction
from schemas import ledger
from sinks.tables.aggregates import AppliedAggregates
from sinks.tables.approvals import Approvals
from sinks.tables.base import AggregateKey, Key, dumped
from sinks.tables.conflicts import Conflicts
from sinks.tables.crosswalk import Crosswalk
from sinks.tables.dismissals import Dismissals
from sinks.tables.fence import Fence
from sinks.tables.held import HeldRecords
from sinks.tables.intents import Intent, Intents
from sinks.tables.journal import Journal, JournalEntry
from sinks.tables.phase import PHASE, Phases
from sinks.tables.progress import Progress
from sinks.tables.versions import Versions

__all__ = ["AggregateKey", "Intent", "JournalEntry", "Key", "Ledger", "dumped"]

LETTERS = "letters"
"""Name of the value that marks the dead letters of a ledger: one that begins anew meets those before it again."""


class Ledger(
    Versions,
    Fence,
    Phases,
    AppliedAggregates,
    Crosswalk,
    HeldRecords,
    Progress,
    Intents,
    Journal,
    Conflicts,
    Approvals,
    Dismissals,
):
    """The whole ledger: its tables by subject, and what is said of it as a whole."""

    async def create(self, tx: Transaction) -> None:
        """Make what is missing, and bring forward what is of an earlier version."""
        await self.bring_forward(tx)
        await self.first_meta(tx, PHASE, ledger.SHADOW)

    async def exists(self, tx: Transaction, table: str = "crosswalk") -> bool:
        """Whether the ledger was made, with this table."""
        rows = await tx.fetch(
            "SELECT 1 AS found FROM information_schema.tables WHERE table_schema = %s AND table_name = %s",
            (self.schema, table),
        )
        return bool(rows)

    async def begun(self, tx: Transaction) -> bool:
        """Whether a sink has begun with it."""
        return await self.exists(tx) and await self.meta(tx, "epoch") is not None

    async def meta(self, tx: Transaction, name: str) -> str | None:
        """A named value."""
        row = await tx.fetch_one(f"SELECT value FROM {self.table('meta')} WHERE name = %s", (name,))  # noqa: S608
        return None if row is None else str(row["value"])

    async def set_meta(self, tx: Transaction, name: str, value: str) -> None:
        """Keep a named value."""
        await tx.execute(
            f"INSERT INTO {self.table('meta')} (name, value) VALUES (%s, %s)"  # noqa: S608
            " ON DUPLICATE KEY UPDATE value = VALUES(value)",
            (name, value),
        )

    async def first_meta(self, tx: Transaction, name: str, value: str) -> str:
        """Keep a named value unless there is one; what stands then, whoever was first."""
        await tx.execute(
            f"INSERT INTO {self.table('meta')} (name, value) VALUES (%s, %s) ON DUPLICATE KEY UPDATE name = name",  # noqa: S608
            (name, value),
        )
        return await self.meta(tx, name) or value

    async def tell(self, tx: Transaction, name: str, text: str) -> None:
        """Keep a text for `status`, cut to what fits; an empty one is forgotten."""
        await (self.set_meta(tx, name, text[:512]) if text else self.drop_meta(tx, name))

    async def drop_meta(self, tx: Transaction, name: str) -> None:
        """Forget a named value."""
        await tx.execute(f"DELETE FROM {self.table('meta')} WHERE name = %s", (name,))  # noqa: S608

    async def forget_records(self, tx: Transaction) -> None:
        """Forget what was written, what waits, and how far the topics were consumed."""
        for name in ("crosswalk", "aggregates", "held", "outcomes", "exceptions", "checkpoint"):
            await tx.execute(f"DELETE FROM {self.table(name)}")  # noqa: S608
        await self.drop_meta(tx, LETTERS)
