"""Dead letters that an operator closed, with who, when and why; and taken back."""

# ruff: noqa: S608 - the names in the SQL are our own; values are always passed beside it

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from clients.mysql import Transaction
from schemas.ledger import DEAD, DISMISSED
from sinks.tables.base import Tables


@dataclass(frozen=True)
class Decision:
    """What an operator decided about a letter.

    `record`: entity, key, topic, partition and offset of the record that it is about, if it is about one.
    """

    letter: str
    dismissed: bool
    record: tuple[str, str, str, int, int] | None


@dataclass(frozen=True)
class Dismissal:
    """Who dismissed a letter, when (ISO text in UTC) and why."""

    by: str
    at: str
    reason: str


class Dismissals(Tables):
    """Rows are added, never changed: they are the record of who decided what."""

    async def decide(self, tx: Transaction, decisions: Sequence[Decision], *, by: str, reason: str) -> None:
        """Keep decisions; the records of their letters no longer count as dead, or do so again."""
        now = self.now()
        await tx.insert_many(
            f"INSERT INTO {self.table('dismissals')} (letter, dismissed, reason, by_whom, run_id, at)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [(one.letter, int(one.dismissed), reason, by, self.run_id, now) for one in decisions],
        )
        for one in decisions:
            if one.record is not None:
                before, after = (DEAD, DISMISSED) if one.dismissed else (DISMISSED, DEAD)
                await tx.execute(
                    f"UPDATE {self.table('held')} SET state = %s WHERE entity = %s AND record_key = %s AND topic = %s"
                    " AND partition_no = %s AND topic_offset = %s AND state = %s",
                    [after, *one.record, before],
                )

    async def dismissed(self, tx: Transaction, letters: Iterable[str]) -> dict[str, Dismissal]:
        """`{letter: who dismissed it}` of those that are."""
        wanted = set(letters)
        rows = await tx.fetch(f"SELECT * FROM {self.table('dismissals')} ORDER BY id") if wanted else []
        found: dict[str, Dismissal] = {}
        for row in rows:
            if row["letter"] not in wanted:
                continue
            found.pop(row["letter"], None)
            if row["dismissed"]:
                found[row["letter"]] = Dismissal(row["by_whom"], f"{row['at'].isoformat()}Z", row["reason"])
        return found
