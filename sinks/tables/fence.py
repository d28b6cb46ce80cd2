"""Who may write for a partition: a token that rises with each new owner, while the phase lets anybody write."""

# ruff: noqa: S608 - the names in the SQL are our own; values are always passed beside it

from collections.abc import Mapping

from clients.mysql import Transaction
from sinks.errors import Fenced
from sinks.tables.base import Tables, marks
from sinks.tables.phase import PHASE, check_phase


class Fence(Tables):
    """One row per partition."""

    async def take(self, tx: Transaction, partition: int, owner: str) -> int:
        """Become the writer of a partition; the token that older writers no longer have."""
        await tx.execute(
            f"INSERT INTO {self.table('fence')} (partition_no, token, owner, taken_at) VALUES (%s, 1, %s, %s)"
            " ON DUPLICATE KEY UPDATE token = token + 1, owner = VALUES(owner), taken_at = VALUES(taken_at)",
            (partition, owner, self.now()),
        )
        row = await tx.fetch_one(f"SELECT token FROM {self.table('fence')} WHERE partition_no = %s", (partition,))
        assert row is not None
        return int(row["token"])

    async def fence_off(self, tx: Transaction) -> None:
        """Take every partition from whoever has it."""
        await tx.execute(f"UPDATE {self.table('fence')} SET token = token + 1, taken_at = %s", (self.now(),))

    async def hold(self, tx: Transaction, tokens: Mapping[int, int]) -> None:
        """Check, and lock until the commit, that these partitions are still ours and that writing is allowed.

        Raises:
            Fenced: another writer took one over.
            CutOver: the phase lets nobody write any more.
        """
        if not tokens:
            return
        # One statement, and not a snapshot: a locking read sees what was committed last, in both tables.
        rows = await tx.fetch(
            f"SELECT f.partition_no, f.token, m.value AS phase FROM {self.table('fence')} f"
            f" JOIN {self.table('meta')} m ON m.name = %s"
            f" WHERE f.partition_no IN ({marks(tokens)}) ORDER BY f.partition_no LOCK IN SHARE MODE",
            [PHASE, *sorted(tokens)],
        )
        if {row["partition_no"]: row["token"] for row in rows} != dict(tokens):
            raise Fenced("another sink took over a partition of this one")
        check_phase(rows[0]["phase"])
