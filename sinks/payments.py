"""Payments by SQL: the payment, its ledger row and the customer's deposit, many at once, in the caller's transaction.

Splynx's invariant (fact sheet, the balance): deposit = sum of credits minus sum of debits of live ledger rows. So a
payment is a row of `payments`, one `credit` row of `billing_transactions` in the category Payment, and a change of
`customer_billing.deposit` by the difference, never by a sum. A reversal is a payment with a negative amount. A payment
that its aggregate no longer owns gets an opposite document; nothing is deleted.
"""

# ruff: noqa: S608 - the names in the SQL are our own; values are always passed beside it

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Self

from clients.mysql import Row, Transaction
from plumbing.errors import ConfigurationError
from schemas.values.text import UTF8MB4, storable
from sinks.deposits import add_deposits, lock_deposits
from sinks.errors import KeyTaken, RowMissing
from sinks.plan import Document, Step, Verb
from sinks.receipts import RECEIPT_MAX, receipt_of
from sinks.tables.base import marks

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
_TAKEN = "a live payment in Splynx has this receipt number already"


def amount_of(document: Document, field: str = "amount_minor") -> Decimal:
    """The amount in the currency's main unit, exact.

    >>> amount_of({"amount_minor": -1250, "exponent": 2})
    Decimal('-12.50')
    """
    return Decimal(int(document[field])).scaleb(-int(document["exponent"]))


@dataclass(frozen=True)
class Work:
    """One step on a payment, its customer resolved (for a change, the old one too)."""

    step: Step
    customer_id: int
    sequence: int


@dataclass
class Written:
    """What a batch did: per `(entity, key)` the row's id, its before-image, and the document's revision."""

    target_ids: dict[str, int]
    before: dict[str, Any]
    revisions: dict[str, int]
    refused: dict[str, KeyTaken | RowMissing]
    edited: dict[str, list[str]]
    """Columns that no longer are as they were written last: somebody else changed them."""


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


class Payments:
    """Writes batches of payments. `charsets`: see `text_charsets`."""

    def __init__(self, category: int, charsets: Mapping[str, str]) -> None:
        self._category, self._charsets = category, charsets

    @classmethod
    async def of(cls, tx: Transaction) -> Self:
        """As this Splynx needs it.

        Raises:
            ConfigurationError: Splynx has no category for payments.
        """
        return cls(await payment_category(tx), await text_charsets(tx))

    async def write(self, tx: Transaction, work: Sequence[Work]) -> Written:
        """Write all of `work`; nothing is committed here.

        Customers' billing rows are locked first and in order, so that Splynx's own changes of a deposit wait.
        """
        done = Written({}, {}, {}, {}, {})
        customers = {one.customer_id for one in work}
        old = await self._old_rows(tx, work)
        customers |= {int(row["charged"]) for row in old.values()}
        billed = await lock_deposits(tx, customers)
        deltas: dict[int, Decimal] = {}
        inserts: list[tuple[Work, Document, Decimal, str, int]] = []
        changes: list[tuple[Work, Row]] = []
        for one in work:
            step = one.step
            charged = old[step.key]["charged"] if step.key in old else one.customer_id
            if not {one.customer_id, charged} <= billed:
                done.refused[step.key] = RowMissing("the customer's billing row is not in Splynx")
                continue
            revision = step.known.revision if step.known else 0
            if step.verb is Verb.CREATE:
                document = step.document or {}
                inserts.append((one, document, amount_of(document), receipt_of(document["receipt_number"], 0), 0))
            elif step.verb is Verb.GONE and step.key in old:
                # What is there is taken back, where it is: somebody may have changed or moved it since.
                row, document = old[step.key], step.known.document if step.known else {}
                done.edited[step.key] = self._edited(one, row)
                receipt = receipt_of(document["receipt_number"], revision + 1)
                there = replace(one, customer_id=charged)
                inserts.append((there, document, -Decimal(row["total"]), receipt, revision + 1))
            elif step.verb is not Verb.GONE and step.known is not None and step.known.state != "live":
                document = step.document or {}
                receipt = receipt_of(document["receipt_number"], revision + 1)
                inserts.append((one, document, amount_of(document), receipt, revision + 1))
            elif step.key in old:
                changes.append((one, old[step.key]))
            else:
                done.refused[step.key] = RowMissing("the payment's row is no longer in Splynx")
        inserts = await self._without_taken(tx, inserts, done)
        await self._insert(tx, inserts, done)
        for one, _, amount, _, _ in inserts:
            deltas[one.customer_id] = deltas.get(one.customer_id, Decimal(0)) + amount
        taken = await _taken(tx, {new for one, row in changes if (new := _receipt(one)) != row["receipt_number"]})
        for one, row in changes:
            document = one.step.document or {}
            new = _receipt(one)
            if new != row["receipt_number"] and (new in taken or len(new) > RECEIPT_MAX):
                done.refused[one.step.key] = KeyTaken(_TAKEN)
                continue
            done.edited[one.step.key] = self._edited(one, row)
            await self._change(tx, one, row)
            before, after = Decimal(row["total"]), amount_of(document)
            deltas[row["charged"]] = deltas.get(row["charged"], Decimal(0)) - before
            deltas[one.customer_id] = deltas.get(one.customer_id, Decimal(0)) + after
            done.target_ids[one.step.key] = int(row["id"])
            done.before[one.step.key] = {name: str(value) for name, value in row.items()}
            done.revisions[one.step.key] = one.step.known.revision if one.step.known else 0
        await add_deposits(tx, deltas)
        return done

    async def _old_rows(self, tx: Transaction, work: Sequence[Work]) -> dict[str, Row]:
        """The live payment and its ledger row of each record that has them, locked."""
        keys = {
            one.step.known.target_id: one.step.key
            for one in work
            if one.step.known is not None and one.step.known.state == "live"
        }
        if not keys:
            return {}
        rows = await tx.fetch(
            "SELECT p.*, t.total, t.customer_id AS charged FROM payments p"
            " JOIN billing_transactions t ON t.id = p.transaction_id"
            f" WHERE p.id IN ({marks(keys)}) AND p.deleted = '0' AND t.deleted = '0' ORDER BY p.id FOR UPDATE",
            sorted(keys),
        )
        return {keys[row["id"]]: row for row in rows}

    async def _without_taken(
        self, tx: Transaction, inserts: list[tuple[Work, Document, Decimal, str, int]], done: Written
    ) -> list[tuple[Work, Document, Decimal, str, int]]:
        taken = await _taken(tx, {one[3] for one in inserts})
        kept = []
        for one in inserts:
            if one[3] in taken or len(one[3]) > RECEIPT_MAX:
                done.refused[one[0].step.key] = KeyTaken(_TAKEN)
            else:
                taken.add(one[3])
                kept.append(one)
        return kept

    async def _insert(
        self, tx: Transaction, inserts: Sequence[tuple[Work, Document, Decimal, str, int]], done: Written
    ) -> None:
        """Ledger rows first, then payments that carry their ids, then the way back; five statements for any number."""
        if not inserts:
            return
        described = {f"Payment {receipt}": receipt for _, _, _, receipt, _ in inserts}
        first = await tx.insert_many(
            f"INSERT INTO billing_transactions ({_names(TRANSACTION_COLUMNS)}) VALUES ({marks(TRANSACTION_COLUMNS)})",
            [self._transaction(one.customer_id, paid, amount, receipt) for one, paid, amount, receipt, _ in inserts],
        )
        # Read, not computed: another writer's ids may lie between ours.
        transactions = {
            described[row["description"]]: row["id"]
            for row in await tx.fetch(
                "SELECT id, description FROM billing_transactions"
                f" WHERE id >= %s AND description IN ({marks(described)})",
                [first, *described],
            )
        }
        first = await tx.insert_many(
            f"INSERT INTO payments ({_names(PAYMENT_COLUMNS)}) VALUES ({marks(PAYMENT_COLUMNS)})",
            [
                self._payment(one.customer_id, transactions[receipt], document, amount, receipt)
                for one, document, amount, receipt, _ in inserts
            ],
        )
        receipts = [receipt for _, _, _, receipt, _ in inserts]
        ids = {
            row["receipt_number"]: row["id"]
            for row in await tx.fetch(
                f"SELECT id, receipt_number FROM payments WHERE id >= %s AND receipt_number IN ({marks(receipts)})",
                [first, *receipts],
            )
        }
        await tx.execute(
            "UPDATE billing_transactions t JOIN payments p ON p.transaction_id = t.id SET t.payment_id = p.id"
            f" WHERE p.id IN ({marks(ids)})",
            sorted(ids.values()),
        )
        for one, _, _, receipt, revision in inserts:
            done.target_ids[one.step.key] = ids[receipt]
            done.before[one.step.key] = None
            done.revisions[one.step.key] = revision

    def _columns(self, one: Work, row: Row, document: Document) -> dict[str, Any]:
        """The columns of a payment's row that we own, as `document` has them; the customer's is not among them."""
        receipt = receipt_of(document["receipt_number"], one.step.known.revision if one.step.known else 0)
        values = self._payment(one.customer_id, row["transaction_id"], document, amount_of(document), receipt)
        columns = dict(zip(PAYMENT_COLUMNS, values, strict=True))
        for kept in ("customer_id", "transaction_id", "added_by", "note", "deleted", "is_sent"):
            columns.pop(kept)
        return columns

    def _edited(self, one: Work, row: Row) -> list[str]:
        known = one.step.known
        if known is None or not known.document:
            return []
        written = self._columns(one, row, known.document)
        if one.step.document is None or one.step.document["customer_id"] == known.document["customer_id"]:
            written["charged"] = one.customer_id
        return sorted(
            "customer_id" if name == "charged" else name
            for name, value in written.items()
            if not _has(row, {name: value})
        )

    async def _change(self, tx: Transaction, one: Work, row: Row) -> None:
        document = one.step.document or {}
        amount = amount_of(document)
        values = self._columns(one, row, document) | {"customer_id": one.customer_id}
        if _has(row, values | {"total": amount, "charged": one.customer_id}):
            return
        await tx.execute(
            f"UPDATE payments SET {', '.join(f'`{name}` = %s' for name in values)}, updated_at = CURRENT_TIMESTAMP"
            " WHERE id = %s",
            [*values.values(), row["id"]],
        )
        await tx.execute(
            "UPDATE billing_transactions SET customer_id = %s, price = %s, total = %s, `date` = %s, description = %s,"
            " updated_at = CURRENT_TIMESTAMP WHERE id = %s",
            [
                one.customer_id,
                amount,
                amount,
                document["date"],
                f"Payment {values['receipt_number']}",
                row["transaction_id"],
            ],
        )

    def _transaction(self, customer: int, document: Document, amount: Decimal, receipt: str) -> tuple[Any, ...]:
        # service_type has no empty member; `internet` is what Splynx's own payments carry, left out by it.
        return (
            customer, "credit", 1, "", amount, amount, 0, 0, 0, document["date"], self._category, f"Payment {receipt}",
            "", NO_DATE, NO_DATE, "internet", "auto", "0",
        )  # fmt: skip

    def _payment(
        self, customer: int, transaction: int, document: Document, amount: Decimal, receipt: str
    ) -> tuple[Any, ...]:
        # A character that the column cannot hold would be refused, and with it the whole batch.
        texts = {name: storable(document.get(name) or "", self._charsets.get(name, UTF8MB4)) for name in _TEXTS}
        remind = max(Decimal(0), min(amount, amount_of(document, "remind_minor")))
        return (
            customer, transaction, document["payment_type"], receipt, document["date"],
            document["real_create_datetime"], amount, remind, texts["comment"], "1", texts["field_1"], texts["field_2"],
            texts["field_3"], texts["field_4"], texts["field_5"], "", texts["memo"], "api", "0",
        )  # fmt: skip


def _has(row: Row, values: Mapping[str, Any]) -> bool:
    """Whether a row read has these values already: an adopted one is written only where it differs."""
    return all(
        Decimal(row[name]) == value if isinstance(value, Decimal) else str(row[name]) == str(value)
        for name, value in values.items()
    )


def _receipt(one: Work) -> str:
    """Of the record's document as it is to be."""
    revision = one.step.known.revision if one.step.known else 0
    return receipt_of((one.step.document or {})["receipt_number"], revision)


async def _taken(tx: Transaction, receipts: set[str]) -> set[str]:
    """Those that a live row has: Splynx's tables have no unique index, so they are looked for before each write."""
    if not receipts:
        return set()
    rows = await tx.fetch(
        f"SELECT receipt_number FROM payments WHERE receipt_number IN ({marks(receipts)}) AND deleted = '0'",
        sorted(receipts),
    )
    return {row["receipt_number"] for row in rows}


def _names(columns: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in columns)
