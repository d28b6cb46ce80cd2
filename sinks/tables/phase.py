"""The phase of the migration: until Splynx is the system of record the sink writes, and afterwards nobody does."""

# ruff: noqa: S608 - the names in the SQL are our own; values are always passed beside it

from clients.mysql import Transaction
from schemas.ledger import SHADOW, WRITTEN_IN
from sinks.errors import CutOver
from sinks.tables.base import Tables

PHASE = "phase"
"""Its name among the ledger's named values."""


class Phases(Tables):
    """One row of `meta`. Whoever commits holds it shared, so a change of phase comes after what was begun before it."""

    async def phase(self, tx: Transaction) -> str:
        """The phase of now."""
        row = await tx.fetch_one(f"SELECT value FROM {self.table('meta')} WHERE name = %s", (PHASE,))
        return SHADOW if row is None else str(row["value"])

    async def enter(self, tx: Transaction, phase: str) -> None:
        """Change the phase: waits for the commits that hold it, and what commits later sees the new one."""
        await tx.execute(f"UPDATE {self.table('meta')} SET value = %s WHERE name = %s", (phase, PHASE))


def check_phase(phase: str) -> None:
    """Raises CutOver when nothing is written in this phase."""
    if phase not in WRITTEN_IN:
        raise CutOver(f"the migration is in phase {phase}: Splynx is the system of record")
