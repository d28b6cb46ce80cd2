"""Payments by SQL: the payment, its ledger row and the customer's deposit, many at once, in the caller's transaction.

Splynx's invariant (fact sheet, the balance): deposit = sum of credits minus sum of debits of live ledger rows. So a
payment is a row of `payments`, one `credit` row of `billing_transactions` in the category Payment, and a change of
`customer_billing.deposit` by the difference, never by a sum. A reversal is a payment with a negative amount. A payment
that its aggregate no longer owns gets an opposite document; nothing is deleted.
"""

# ruff: noqa: S608 - the names in the SQL are our own; values are always passed beside it

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Self

from clients.mysql import Row, Transaction
from clients.mysql_errors import IdsUnknown, ValueRefused
from schemas.names import collated
from schemas.ownership import DECLARED, Ownership
from sinks.deposits import add_deposits, lock_deposits
from sinks.errors import KeyTaken, RowMissing
from sinks.payment_edits import PaymentEdits
from sinks.payment_ids import insert_payments, own_id
from sinks.payment_rows import PAYMENT_COLUMNS, TRANSACTION_COLUMNS, PaymentRows, amount_of, has, live_rows
from sinks.payment_work import Work, Written
from sinks.plan import Document, Verb
from sinks.receipts import RECEIPT_MAX, receipt_of
from sinks.swaps import granted
from sinks.tables.base import marks

_TAKEN = "a live payment in Splynx has this receipt number already"


class Payments:
    """Writes batches of payments.

    `not_ours`: columns that are left as they are in a row that is there. `keep_ids`: see `payment_ids`.
    """

    def __init__(
        self,
        rows: PaymentRows,
        ownership: Ownership = DECLARED,
        not_ours: Collection[str] = frozenset(),
        *,
        keep_ids: bool = False,
    ) -> None:
        self._rows, self._not_ours, self._keep_ids = rows, frozenset(not_ours), keep_ids
        self._edits = PaymentEdits(rows, ownership, self._not_ours)

    @classmethod
    async def of(
        cls,
        tx: Transaction,
        ownership: Ownership = DECLARED,
        not_ours: Collection[str] = frozenset(),
        *,
        keep_ids: bool = False,
    ) -> Self:
        """As this Splynx needs it.

        Raises:
            ConfigurationError: Splynx has no category for payments.
        """
        return cls(await PaymentRows.of(tx), ownership, not_ours, keep_ids=keep_ids)

    async def write(self, tx: Transaction, work: Sequence[Work], old: Mapping[str, Row] | None = None) -> Written:
        """Write all of `work` but what cannot pass; nothing is committed here. `old`: their live rows, locked already.

        The database refuses a batch for one value of it: then halves are written by themselves, until what it refuses
        stands alone.
        """
        done = Written()
        try:
            async with tx.attempt():
                return await self._write(tx, work, await self._old_rows(tx, work) if old is None else old)
        except ValueRefused as refused:
            if len(work) == 1:
                done.refused[work[0].step.key] = refused
                return done
        half = len(work) // 2
        for part in (work[:half], work[half:]):
            done.add(await self.write(tx, part, old))
        return done

    async def _write(self, tx: Transaction, work: Sequence[Work], old: Mapping[str, Row]) -> Written:
        """Write all of `work`.

        Customers' billing rows are locked first and in order, so that Splynx's own changes of a deposit wait.
        """
        done = Written()
        customers = {one.customer_id for one in work}
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
                done.told[step.key] = self._edits.withdrawn(one, row)
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
        await self._insert(tx, inserts, old, done)
        for one, _, amount, _, _ in inserts:
            deltas[one.customer_id] = deltas.get(one.customer_id, Decimal(0)) + amount
        merged = {one.step.key: self._edits.merged(one, row) for one, row in changes}
        wanted = {
            int(row["id"]): new
            for one, row in changes
            if "receipt_number" not in merged[one.step.key].left and (new := _receipt(one)) != row["receipt_number"]
        }
        fitting = {id: collated(new) for id, new in wanted.items() if len(new) <= RECEIPT_MAX}
        moving = granted(fitting, await _holders(tx, set(wanted.values())))
        for one, row in changes:
            if row["id"] in wanted.keys() - moving:
                done.refused[one.step.key] = KeyTaken(_TAKEN)
                continue
            done.told[one.step.key] = merged[one.step.key].told
            charged, after, wrote = await self._change(tx, one, row, merged[one.step.key].left)
            if not wrote:
                done.same.add(one.step.key)
            deltas[row["charged"]] = deltas.get(row["charged"], Decimal(0)) - Decimal(row["total"])
            deltas[charged] = deltas.get(charged, Decimal(0)) + after
            done.target_ids[one.step.key] = int(row["id"])
            done.before[one.step.key] = _image(row)
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
        return {keys[id]: row for id, row in (await live_rows(tx, keys, lock=True)).items()}

    async def _without_taken(
        self, tx: Transaction, inserts: list[tuple[Work, Document, Decimal, str, int]], done: Written
    ) -> list[tuple[Work, Document, Decimal, str, int]]:
        taken = set(await _holders(tx, {one[3] for one in inserts}))
        kept = []
        for one in inserts:
            receipt = collated(one[3])
            if receipt in taken or len(one[3]) > RECEIPT_MAX:
                done.refused[one[0].step.key] = KeyTaken(_TAKEN)
            else:
                taken.add(receipt)
                kept.append(one)
        return kept

    async def _insert(
        self,
        tx: Transaction,
        inserts: Sequence[tuple[Work, Document, Decimal, str, int]],
        old: Mapping[str, Row],
        done: Written,
    ) -> None:
        """Ledger rows first, then payments that carry their ids, then the way back; three statements for any number."""
        if not inserts:
            return
        transactions = await tx.insert_numbered(
            f"INSERT INTO billing_transactions ({_names(TRANSACTION_COLUMNS)}) VALUES ({marks(TRANSACTION_COLUMNS)})",
            [
                self._rows.transaction(one.customer_id, paid, amount, receipt)
                for one, paid, amount, receipt, _ in inserts
            ],
        )
        rows = [
            self._rows.payment(one.customer_id, transaction, document, amount, receipt)
            for transaction, (one, document, amount, receipt, _) in zip(transactions, inserts, strict=True)
        ]
        if self._keep_ids:
            wanted = [own_id(one.step.key, revision) for one, _, _, _, revision in inserts]
            ids = await insert_payments(tx, PAYMENT_COLUMNS, rows, wanted)
        else:
            ids = await tx.insert_numbered(
                f"INSERT INTO payments ({_names(PAYMENT_COLUMNS)}) VALUES ({marks(PAYMENT_COLUMNS)})", rows
            )
        joined = await tx.execute(
            "UPDATE billing_transactions t JOIN payments p ON p.transaction_id = t.id SET t.payment_id = p.id"
            f" WHERE p.id IN ({marks(ids)}) AND t.customer_id = p.customer_id AND t.total = p.amount",
            ids,
        )
        if joined != len(ids):
            raise IdsUnknown(f"of {len(ids)} new payments {joined} have the ids that the database told")
        for id, (one, _, _, _, revision) in zip(ids, inserts, strict=True):
            done.target_ids[one.step.key] = id
            # Of one that is taken back: what it was, for it may come back as another before that is undone.
            taken_back = one.step.verb is Verb.GONE
            done.before[one.step.key] = _image(old[one.step.key]) if taken_back else None
            done.revisions[one.step.key] = revision

    async def _change(self, tx: Transaction, one: Work, row: Row, left: Collection[str]) -> tuple[int, Decimal, bool]:
        """Change both rows, but for the fields that stay; customer and amount that they then have, and whether
        anything was written.
        """
        document, left = one.step.document or {}, self._not_ours.union(left)
        values = self._rows.own(document, _receipt(one)) | {"customer_id": one.customer_id}
        beside = self._rows.beside(document, _receipt(one))
        values = {name: value for name, value in values.items() if name not in left}
        beside = {name: value for name, value in beside.items() if name not in left}
        charged = int(row["charged"]) if "customer_id" in left else one.customer_id
        after = Decimal(row["total"]) if "amount" in left else amount_of(document)
        if has(row, values | beside | {"charged": charged, "total": after}):
            return charged, after, False
        if values:
            await tx.execute(
                f"UPDATE payments SET {', '.join(f'`{name}` = %s' for name in values)}, updated_at = CURRENT_TIMESTAMP"
                " WHERE id = %s",
                [*values.values(), row["id"]],
            )
        ledger = {name.removeprefix("ledger_"): value for name, value in beside.items()}
        ledger |= {"customer_id": charged, "price": after, "total": after}
        await tx.execute(
            f"UPDATE billing_transactions SET {', '.join(f'`{name}` = %s' for name in ledger)},"
            " updated_at = CURRENT_TIMESTAMP WHERE id = %s",
            [*ledger.values(), row["transaction_id"]],
        )
        return charged, after, True


def _image(row: Row) -> dict[str, str]:
    """A row as the journal keeps it."""
    return {name: str(value) for name, value in row.items()}


def _receipt(one: Work) -> str:
    """Of the record's document as it is to be."""
    revision = one.step.known.revision if one.step.known else 0
    return receipt_of((one.step.document or {})["receipt_number"], revision)


async def _holders(tx: Transaction, receipts: set[str]) -> dict[str, list[int]]:
    """`{receipt as the database compares it: live rows that have it}`.

    Splynx's tables have no unique index, so they are looked for before each write.
    """
    found: dict[str, list[int]] = {}
    if receipts:
        for row in await tx.fetch(
            f"SELECT id, receipt_number FROM payments WHERE receipt_number IN ({marks(receipts)}) AND deleted = '0'",
            sorted(receipts),
        ):
            found.setdefault(collated(row["receipt_number"]), []).append(row["id"])
    return found


def _names(columns: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in columns)
