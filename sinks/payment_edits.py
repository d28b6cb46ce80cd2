"""What somebody edited in the two rows of a payment since they were written."""

from collections.abc import Collection, Mapping
from typing import Any

from clients.mysql import Row
from schemas.ledger import OVERWRITTEN
from schemas.ownership import Ownership
from sinks.payment_rows import PaymentRows, alike
from sinks.payment_work import Work
from sinks.plan import Document, Known
from sinks.receipts import receipt_of
from sinks.threeway import BY_POLICY, Merged, Told, merge


class PaymentEdits:
    """Compares rows with what was written last. `not_ours`: columns that are left as they are."""

    def __init__(self, rows: PaymentRows, ownership: Ownership, not_ours: Collection[str]) -> None:
        self._rows, self._ownership, self._not_ours = rows, ownership, not_ours

    def _fields(self, document: Document, revision: int, customer_id: int | None) -> dict[str, Any]:
        """`{field: value}` of both rows of a payment; without its customer where nobody knows that one."""
        receipt = receipt_of(document["receipt_number"], revision)
        values = self._rows.own(document, receipt) | self._rows.beside(document, receipt)
        values = {name: value for name, value in values.items() if name not in self._not_ours}
        return values if customer_id is None else values | {"customer_id": customer_id}

    def merged(self, one: Work, row: Row) -> Merged:
        """What is written of a payment that is there, what stays, and what is told."""
        known, document = one.step.known, one.step.document
        if known is None or document is None:
            return Merged()
        base = self._base(one)
        return merge(
            one.step.target,
            self._ownership,
            base=base,
            source=self._fields(document, known.revision, one.customer_id),
            current=_current(row, base),
            standing=one.standing,
            decided=one.step.decided,
            same=alike,
        )

    def edited(self, known: Known, row: Row, customer_id: int | None) -> dict[str, Any]:
        """`{field: Splynx's value}` of what somebody changed since a payment was written.

        `customer_id`: whom it was written for; None where nobody knows.
        """
        base = self._fields(known.document, known.revision, customer_id)
        current = _current(row, base)
        return {name: current[name] for name, value in base.items() if not alike(value, current[name])}

    def _base(self, one: Work) -> dict[str, Any]:
        """What was written last; nothing of a row that was adopted, of which nobody knows."""
        known, document = one.step.known, one.step.document
        if known is None or not known.document:
            return {}
        customer = one.was_customer_id
        if customer is None and (document is None or document["customer_id"] == known.document["customer_id"]):
            customer = one.customer_id
        return self._fields(known.document, known.revision, customer)

    def withdrawn(self, one: Work, row: Row) -> list[Told]:
        """Edits of a payment that is taken back as it is: what was typed goes with it."""
        base = self._base(one)
        current = _current(row, base)
        edited = {name for name, value in base.items() if not alike(value, current[name])} | one.standing.keys()
        told = []
        for name in sorted(edited):
            known = one.standing.get(name)
            before, row_id = (known.base, known.id) if known is not None else (base[name], None)
            told.append(Told(name, before, None, current.get(name), OVERWRITTEN, BY_POLICY, row_id))
        return told


def _current(row: Row, base: Mapping[str, Any]) -> Mapping[str, Any]:
    """A payment's two rows as one. Where they have two customers or amounts, the one that was not written counts."""
    found = dict(row)
    for name, beside in (("customer_id", "charged"), ("amount", "total")):
        if name in base and alike(base[name], row[name]):
            found[name] = row[beside]
    return found
