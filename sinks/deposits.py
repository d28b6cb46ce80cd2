"""Customers' deposits: locked while their ledger rows are written, and changed by differences, never by a sum."""

# ruff: noqa: S608 - the names in the SQL are our own; values are always passed beside it

from collections.abc import Mapping
from decimal import Decimal

from clients.mysql import Transaction
from sinks.tables.base import marks


async def lock_deposits(tx: Transaction, customers: set[int]) -> set[int]:
    """Lock the billing rows of these customers, in order; those of them that have one."""
    if not customers:
        return set()
    among = f"FROM customer_billing WHERE customer_id IN ({marks(customers)})"
    # Nearly always all have one. To count rows locks them as reading them does, and a number is read sooner.
    found = await tx.fetch_one(f"SELECT COUNT(DISTINCT customer_id) AS n {among} FOR UPDATE", sorted(customers))
    if found is not None and found["n"] == len(customers):
        return customers
    rows = await tx.fetch(f"SELECT customer_id {among} ORDER BY customer_id FOR UPDATE", sorted(customers))
    return {row["customer_id"] for row in rows}


async def add_deposits(tx: Transaction, deltas: Mapping[int, Decimal]) -> None:
    """Change each deposit by its difference, in one statement; the rows are locked by us."""
    moved = {customer: delta for customer, delta in sorted(deltas.items()) if delta}
    if not moved:
        return
    cases = " ".join(["WHEN %s THEN %s"] * len(moved))
    await tx.execute(
        f"UPDATE customer_billing SET deposit = deposit + CASE customer_id {cases} ELSE 0 END"
        f" WHERE customer_id IN ({marks(moved)})",
        [value for pair in moved.items() for value in pair] + list(moved),
    )
