"""The columns of the tables that are written by SQL: as they are, as they were approved, and what differs.

What the vendor changes in them may change what a row means, so nothing is written before somebody has looked.
"""

import re
from collections.abc import Mapping

from clients.mysql import Row, Transaction
from plumbing.errors import ConfigurationError
from schemas.splynx_columns import COLUMNS
from sinks.errors import TablesChanged
from sinks.payment_rows import PAYMENT_COLUMNS, TRANSACTION_COLUMNS
from sinks.store import Ledger
from sinks.tables.base import marks

Columns = dict[tuple[str, str], str]
"""`{(table, column): what it is}`."""

_WIDTH = re.compile(r"\b((?:tiny|small|medium|big)?int)\(\d+\)")
_NOW = re.compile(r"current_timestamp(\(\))?", re.IGNORECASE)
_SET = {
    "payments": (*PAYMENT_COLUMNS, "updated_at"),
    "billing_transactions": (*TRANSACTION_COLUMNS, "payment_id", "updated_at"),
    "customer_billing": ("customer_id", "deposit"),
}
"""What our statements name."""


def told(row: Row) -> str:
    """One column as both kinds of server tell it: `{type, nullable, initial, extra}` of `information_schema`.

    MariaDB tells the width of integers, quotes defaults and calls the lack of one NULL.
    """
    parts = [_WIDTH.sub(r"\1", str(row["type"]))]
    if row["nullable"] == "YES":
        parts.append("null")
    initial = row["initial"]
    if initial is not None and initial != "NULL":
        text = str(initial)
        quoted = len(text) > 1 and text[0] == text[-1] == "'"
        parts.append(f"= {text[1:-1] if quoted else _NOW.sub('now', text)}")
    extra = str(row["extra"]).replace("DEFAULT_GENERATED", "").strip()
    if extra:
        parts.append("auto" if extra == "auto_increment" else _NOW.sub("now", extra))
    return " ".join(parts)


def known_columns() -> Columns:
    """As this release knows them."""
    found: Columns = {}
    for table, text in COLUMNS.items():
        for line in text.split("\n"):
            name, _, is_ = line.strip().partition(" ")
            if name:
                found[table, name] = is_
    return found


def differences(live: Mapping[tuple[str, str], str], approved: Mapping[tuple[str, str], str]) -> list[str]:
    """What is otherwise than it was approved, a sentence each."""
    found = []
    for key in sorted({*live, *approved}):
        name = ".".join(key)
        if key not in live:
            found.append(f"{name} is gone, and was {approved[key]}")
        elif key not in approved:
            found.append(f"{name} is new: {live[key]}")
        elif live[key] != approved[key]:
            found.append(f"{name} is {live[key]}, and was {approved[key]}")
    return found


def unusable(live: Mapping[tuple[str, str], str]) -> list[str]:
    """What would refuse our rows, whoever approves it, a sentence each."""
    found = [
        f"{table} has no {name}, which is written"
        for table, names in _SET.items()
        for name in names
        if (table, name) not in live
    ]
    for (table, name), is_ in sorted(live.items()):
        by_itself = any(words in f"{is_} " for words in (" null ", " = ", " auto ", " GENERATED "))
        if not by_itself and name not in _SET[table]:
            found.append(f"{table}.{name} needs a value, and none is written")
    return found


class LiveColumns:
    """Splynx's columns in `schema`, on the server that the transactions run on."""

    def __init__(self, schema: str, ledger: Ledger) -> None:
        self._schema, self._ledger = schema, ledger

    async def live(self, tx: Transaction) -> Columns:
        """As they are; of `customer_billing` what is used."""
        rows = await tx.fetch(
            "SELECT table_name AS of_table, column_name AS name, column_type AS type, is_nullable AS nullable,"  # noqa: S608
            " column_default AS initial, extra AS extra FROM information_schema.columns"
            f" WHERE table_schema = %s AND table_name IN ({marks(COLUMNS)})",
            [self._schema, *COLUMNS],
        )
        return {
            (row["of_table"], row["name"]): told(row)
            for row in rows
            if row["of_table"] != "customer_billing" or row["name"] in _SET["customer_billing"]
        }

    async def changed(self, tx: Transaction) -> list[str]:
        """What differs from what was approved, or from what this release knows where nobody was asked."""
        asked = await self._ledger.exists(tx, "approved_columns")  # an older release's ledger has no such table
        approved = await self._ledger.approved_columns(tx) if asked else {}
        return differences(await self.live(tx), approved or known_columns())

    async def check(self, tx: Transaction) -> None:
        """See that nothing differs.

        Raises:
            TablesChanged: something does.
        """
        if changed := await self.changed(tx):
            raise TablesChanged(f"Splynx's tables are not as they were approved: {'; '.join(changed)}")

    async def approve(self, tx: Transaction) -> list[str]:
        """Approve them as they are; what differed.

        Raises:
            ConfigurationError: our rows would be refused.
        """
        live = await self.live(tx)
        if refused := unusable(live):
            raise ConfigurationError(
                f"these columns cannot be written: {'; '.join(refused)}",
                remedy="A newer Crossfade may know this Splynx; payments wait without splynx.db in the settings.",
            )
        changed = await self.changed(tx)
        await self._ledger.approve_columns(tx, live)
        return changed
