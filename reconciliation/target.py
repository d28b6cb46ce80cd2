"""Splynx's customers and payments as its database has them, and why the ledger says that one is missing."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from clients.mysql import Database
from reconciliation.expected import Books, Document, add_documents
from reconciliation.findings import Cause, Finding, differences


@dataclass(frozen=True)
class Target:
    """What Splynx has."""

    books: Books
    unbalanced: list[Finding]
    """Customers whose deposit is not the sum of their ledger rows (M1)."""


async def read_target(splynx: Database, ledger: Database, exponent: int) -> Target:
    """Read what was written from Sonar's records, found by the ledger's crosswalk."""
    customers = {
        int(row["target_id"]): str(row["record_key"])
        for row in await ledger.fetch(
            "SELECT record_key, target_id FROM crosswalk WHERE entity = 'customer' AND state = 'live'"
        )
    }
    keys = {
        int(row["target_id"]): str(row["record_key"])
        for row in await ledger.fetch(
            "SELECT record_key, target_id FROM crosswalk WHERE entity = 'payment' AND state = 'live'"
        )
    }
    books = Books()
    for row in await splynx.fetch("SELECT id, status FROM customers WHERE deleted = '0'"):
        if row["id"] in customers:
            books.statuses[customers[row["id"]]] = row["status"]
    rows = await splynx.fetch(
        "SELECT id, customer_id, `date`, payment_type, amount FROM payments WHERE deleted = '0' ORDER BY id"
    )
    ours = [row for row in rows if int(row["customer_id"]) in customers]
    add_documents(books, without_withdrawn([_document(row, keys, customers, exponent) for row in ours]))
    return Target(books, await _unbalanced(splynx, customers, exponent))


async def causes(ledger: Database) -> dict[tuple[str, str], Cause]:
    """`{(entity, key): cause}` of each record that the ledger holds back."""
    rows = await ledger.fetch("SELECT entity, record_key, state, code, topic, partition_no, topic_offset FROM held")
    return {
        (row["entity"], row["record_key"]): Cause(
            f"{row['state']}: {row['code']}", row["topic"], int(row["partition_no"]), int(row["topic_offset"])
        )
        for row in rows
    }


def minor_of(amount: Decimal, exponent: int) -> int:
    """The amount in minor units.

    Raises:
        ValueError: it has a fraction of one.
    """
    scaled = amount.scaleb(exponent)
    if scaled != scaled.to_integral_value():
        raise ValueError("an amount in Splynx has more digits than the currency")
    return int(scaled)


def _document(row: dict[str, Any], keys: dict[int, str], customers: dict[int, str], exponent: int) -> Document:
    key = keys.get(int(row["id"]), f"splynx:{row['id']}")
    day = row["date"].isoformat() if hasattr(row["date"], "isoformat") else str(row["date"])
    minor = minor_of(Decimal(row["amount"]), exponent)
    return Document(key, customers[int(row["customer_id"])], day, int(row["payment_type"]), minor)


def without_withdrawn(documents: list[Document]) -> list[Document]:
    """Without pairs of documents that no record stands for and that cancel out: a payment withdrawn by its opposite."""
    open_ones: dict[tuple[str, str, int, int], list[Document]] = {}
    kept: list[Document] = []
    for one in documents:
        if not one.key.startswith("splynx:"):
            kept.append(one)
            continue
        opposite = open_ones.get((one.account, one.day, one.method, -one.minor))
        if opposite:
            opposite.pop()
        else:
            open_ones.setdefault((one.account, one.day, one.method, one.minor), []).append(one)
    return kept + [one for group in open_ones.values() for one in group]


async def _unbalanced(splynx: Database, customers: dict[int, str], exponent: int) -> list[Finding]:
    rows = await splynx.fetch(
        "SELECT b.customer_id, b.deposit, COALESCE(SUM(IF(t.type = 'credit', t.total, -t.total)), 0) AS total"
        " FROM customer_billing b LEFT JOIN billing_transactions t"
        " ON t.customer_id = b.customer_id AND t.deleted = '0' GROUP BY b.customer_id, b.deposit"
    )
    ours = [row for row in rows if int(row["customer_id"]) in customers]
    ledger = {customers[int(row["customer_id"])]: str(minor_of(Decimal(row["total"]), exponent)) for row in ours}
    deposit = {customers[int(row["customer_id"])]: str(minor_of(Decimal(row["deposit"]), exponent)) for row in ours}
    return differences("M1", "customer_billing", "deposit_minor", ledger, deposit)
