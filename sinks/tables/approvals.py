"""The columns of Splynx's tables as somebody approved them."""

# ruff: noqa: S608 - the names in the SQL are our own; values are always passed beside it

from collections.abc import Mapping

from clients.mysql import Transaction
from sinks.tables.base import Tables


class Approvals(Tables):
    """One row per column."""

    async def approved_columns(self, tx: Transaction) -> dict[tuple[str, str], str]:
        """`{(table, column): what it was}`; empty when nobody was asked yet."""
        rows = await tx.fetch(f"SELECT of_table, name, told FROM {self.table('approved_columns')}")
        return {(row["of_table"], row["name"]): row["told"] for row in rows}

    async def approve_columns(self, tx: Transaction, columns: Mapping[tuple[str, str], str]) -> None:
        """Take these instead of what was approved before."""
        await tx.execute(f"DELETE FROM {self.table('approved_columns')}")
        now = self.now()
        await tx.insert_many(
            f"INSERT INTO {self.table('approved_columns')} (of_table, name, told, run_id, at)"
            " VALUES (%s, %s, %s, %s, %s)",
            [(*key, told, self.run_id, now) for key, told in sorted(columns.items())],
        )
