"""Splynx's rows by SQL."""

# ruff: noqa: S608 - the names in the SQL are our own; values are always passed beside it

from collections.abc import Mapping, Sequence

from clients.mysql import Database
from reconciliation.crosswalk import marks
from reconciliation.fields import PAYMENT_TEXTS
from reconciliation.rows import PART_TABLES, SERVICE_TABLES, Row

_LEDGER_SUM = (
    # Future items that no invoice has loaded yet are not part of the balance (fact sheet, the balance).
    "SELECT b.customer_id, b.deposit, COALESCE(SUM(IF(t.type = 'credit', t.total, -t.total)), 0) AS total"
    " FROM customer_billing b LEFT JOIN billing_transactions t ON t.customer_id = b.customer_id AND t.deleted = '0'"
    " AND NOT (t.to_invoice = '1' AND t.invoice_id IS NULL)"
)
_PAYMENT = (
    f"SELECT p.*, {', '.join(f'CHARSET(p.`{name}`) AS `charset_{name}`' for name in PAYMENT_TEXTS)},"
    " t.customer_id AS ledger_customer_id, t.type AS ledger_type, t.total AS ledger_total,"
    " t.`date` AS ledger_date, t.deleted AS ledger_deleted FROM payments p"
    " LEFT JOIN billing_transactions t ON t.id = p.transaction_id WHERE p.deleted = '0'"
)


class DatabaseRows:
    """As `rows.SplynxRows` says."""

    at_once = 500

    def __init__(self, splynx: Database) -> None:
        self._splynx = splynx

    def begin(self) -> None:
        """Nothing is kept."""

    async def customers(self, ids: Sequence[int]) -> Sequence[Row]:
        """Of customers."""
        return await self._splynx.fetch(
            f"SELECT id, status, login FROM customers WHERE deleted = '0' AND id IN ({marks(ids)})", ids
        )

    async def named(self, logins: Sequence[str]) -> Sequence[Row]:
        """By log-in."""
        return await self._splynx.fetch(
            f"SELECT id, login FROM customers WHERE deleted = '0' AND login IN ({marks(logins)}) ORDER BY id", logins
        )

    async def holders(self, entity: str, ids: Sequence[int]) -> set[int]:
        """Of a part, which customers have it."""
        rows = await self._splynx.fetch(
            f"SELECT customer_id AS id FROM `{PART_TABLES[entity]}` WHERE customer_id IN ({marks(ids)})", ids
        )
        return {int(row["id"]) for row in rows}

    async def parts(self, entity: str, ids: Sequence[int]) -> Mapping[int, Row]:
        """Of a part, the rows."""
        rows = await self._splynx.fetch(
            f"SELECT * FROM `{PART_TABLES[entity]}` WHERE customer_id IN ({marks(ids)})", ids
        )
        return {int(row["customer_id"]): row for row in rows}

    async def services(self, entity: str, customers: Sequence[int]) -> Sequence[Row]:
        """Of services."""
        return await self._splynx.fetch(
            f"SELECT id, customer_id, status FROM `{SERVICE_TABLES[entity]}` WHERE deleted = '0'"
            f" AND customer_id IN ({marks(customers)}) ORDER BY id",
            customers,
        )

    async def payments_of(self, customers: Sequence[int]) -> Sequence[Row]:
        """By customer."""
        return await self._splynx.fetch(
            "SELECT id, customer_id, `date`, payment_type, amount FROM payments"
            f" WHERE deleted = '0' AND customer_id IN ({marks(customers)}) ORDER BY id",
            customers,
        )

    async def balances(self, customers: Sequence[int]) -> Sequence[Row]:
        """By customer; the server sums up."""
        return await self._splynx.fetch(
            f"{_LEDGER_SUM} WHERE b.customer_id IN ({marks(customers)}) GROUP BY b.customer_id, b.deposit", customers
        )

    async def charges(self, customers: Sequence[int]) -> Sequence[Row]:
        """By customer."""
        return await self._splynx.fetch(
            "SELECT id, customer_id, type, `date`, total FROM billing_transactions"
            f" WHERE deleted = '0' AND COALESCE(payment_id, 0) = 0 AND customer_id IN ({marks(customers)}) ORDER BY id",
            customers,
        )

    async def payments(self, ids: Sequence[int]) -> Mapping[int, Row]:
        """By id."""
        rows = await self._splynx.fetch(f"{_PAYMENT} AND p.id IN ({marks(ids)})", ids)
        return {int(row["id"]): row for row in rows}
