"""A payment as Splynx's rows: columns and values of `payments` and of its row in the ledger of the customer."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any, Self

from clients.mysql import Row, Transaction
from plumbing.errors import ConfigurationError
from schemas.values.text import UTF8MB4, storable
from sinks.plan import Document
from sinks.tables.base import marks

_AT_ONCE = 500

_TEXTS = ("comment", "field_1", "field_2", "field_3", "field_4", "field_5", "memo")
PAYMENT_COLUMNS = (
    "customer_id", "transaction_id", "payment_type", "receipt_number", "date", "real_create_datetime", "amount",
    "remind_amount", "comment", "is_sent", "field_1", "field_2", "field_3", "field_4", "field_5", "note", "memo",
    "added_by", "deleted",
)  # fmt: skip
TRANSACTION_COLUMNS = (
    "customer_id", "type", "quantity", "unit", "price", "total", "remind_amount", "tax_percent", "tax_id", "date",
    "category", "description", "comment", "period_from", "period_to", "service_type", "source", "deleted",
)  # fmt: skip
NO_DATE = "0000-00-00"


def amount_of(document: Document, field: str = "amount_minor") -> Decimal:
    """The amount in the currency's main unit, exact.

    >>> amount_of({"amount_minor": -1250, "exponent": 2})
    Decimal('-12.50')
    """
    return Decimal(int(document[field])).scaleb(-int(document["exponent"]))


async def payment_category(tx: Transaction) -> int:
    """The id of the base category Payment, which differs between installations.

    Raises:
        ConfigurationError: Splynx has none.
    """
    row = await tx.fetch_one(
        "SELECT id FROM billing_transactions_categories WHERE name = 'Payment' AND is_base = '1' AND deleted = '0'"
        " ORDER BY id LIMIT 1"
    )
    if row is None:
        raise ConfigurationError(
            "Splynx has no base transaction category called Payment",
            remedy="Look at Config / Finance / Transaction categories; splynx.db may name another schema.",
        )
    return int(row["id"])


async def text_charsets(tx: Transaction) -> dict[str, str]:
    """`{column: character set}` of the texts of a payment, which may differ between installations."""
    rows = await tx.fetch(
        "SELECT column_name AS name, character_set_name AS charset FROM information_schema.columns"
        " WHERE table_schema = DATABASE() AND table_name = 'payments' AND character_set_name IS NOT NULL"
    )
    return {row["name"]: row["charset"] for row in rows if row["name"] in _TEXTS}


class PaymentRows:
    """Makes the values of rows. `category`: see `payment_category`; `charsets`: see `text_charsets`."""

    def __init__(self, category: int, charsets: Mapping[str, str]) -> None:
        self._category, self._charsets = category, charsets

    @classmethod
    async def of(cls, tx: Transaction) -> Self:
        """As this Splynx needs it.

        Raises:
            ConfigurationError: Splynx has no category for payments.
        """
        return cls(await payment_category(tx), await text_charsets(tx))

    def transaction(self, customer: int, document: Document, amount: Decimal, receipt: str) -> tuple[Any, ...]:
        """Values of `TRANSACTION_COLUMNS`."""
        # service_type has no empty member; `internet` is what Splynx's own payments carry, left out by it.
        return (
            customer, "credit", 1, "", amount, amount, 0, 0, 0, document["date"], self._category, f"Payment {receipt}",
            "", NO_DATE, NO_DATE, "internet", "auto", "0",
        )  # fmt: skip

    def payment(
        self, customer: int, transaction: int, document: Document, amount: Decimal, receipt: str
    ) -> tuple[Any, ...]:
        """Values of `PAYMENT_COLUMNS`."""
        # A character that the column cannot hold would be refused, and with it the whole batch.
        texts = {name: storable(document.get(name) or "", self._charsets.get(name, UTF8MB4)) for name in _TEXTS}
        remind = max(Decimal(0), min(amount, amount_of(document, "remind_minor")))
        return (
            customer, transaction, document["payment_type"], receipt, document["date"],
            document["real_create_datetime"], amount, remind, texts["comment"], "1", texts["field_1"], texts["field_2"],
            texts["field_3"], texts["field_4"], texts["field_5"], "", texts["memo"], "api", "0",
        )  # fmt: skip

    def own(self, document: Document, receipt: str) -> dict[str, Any]:
        """`{column: value}` of what we own in a payment's row that is there; whose it is, is not among them."""
        columns = dict(zip(PAYMENT_COLUMNS, self.payment(0, 0, document, amount_of(document), receipt), strict=True))
        for kept in ("customer_id", "transaction_id", "added_by", "note", "deleted", "is_sent"):
            columns.pop(kept)
        return columns

    def beside(self, document: Document, receipt: str) -> dict[str, Any]:
        """`{field: value}` of what we own in its row of the customer's ledger, called as `ROW` reads it."""
        return {
            "ledger_date": document["date"],
            "ledger_description": f"Payment {receipt}",
        }


ROW = "p.*, t.total, t.customer_id AS charged, t.`date` AS ledger_date, t.description AS ledger_description"
"""Columns of a payment `p` joined with its ledger row `t`."""


async def live_rows(tx: Transaction, ids: Collection[int], *, lock: bool) -> dict[int, Row]:
    """`{id: row}` of the payments, joined with their ledger rows, that nobody deleted; `lock`: from now on."""
    rows: dict[int, Row] = {}
    ordered = sorted(ids)
    for first in range(0, len(ordered), _AT_ONCE):
        part = ordered[first : first + _AT_ONCE]
        found = await tx.fetch(
            f"SELECT {ROW} FROM payments p JOIN billing_transactions t ON t.id = p.transaction_id"  # noqa: S608
            f" WHERE p.id IN ({marks(part)}) AND p.deleted = '0' AND t.deleted = '0'"
            f" ORDER BY p.id{' FOR UPDATE' if lock else ''}",
            part,
        )
        rows |= {row["id"]: row for row in found}
    return rows


def alike(ours: Any, theirs: Any) -> bool:
    """Whether two values of a column are one; either may be as text, as the ledger keeps it."""
    if type(ours) is str and type(theirs) is str:  # nearly all, of many columns of many rows
        return ours == theirs
    if isinstance(ours, Decimal) or isinstance(theirs, Decimal):
        return Decimal(str(ours)) == Decimal(str(theirs))
    return str(ours) == str(theirs)


def has(row: Row, values: Mapping[str, Any]) -> bool:
    """Whether a row read has these values already: an adopted one is written only where it differs."""
    return all(alike(value, row[name]) for name, value in values.items())
