"""Rows of money that change together: lines with their taxes, invoices, and the credits that pay them. All in cents.

What is left of an invoice, a payment or a discount is never counted on: it is always what its credits leave of it.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.sonar.store import Store
from sandbox.world.registry import Row
from sandbox.world.rows import Writer


@dataclass(frozen=True)
class TaxLine:
    """One tax on one line."""

    name: str
    taxed: int
    amount: int


@dataclass(frozen=True)
class Line:
    """What a debit or discount is made from; `amount` is for all `quantity` and `months` together, net of `taxes`."""

    service: Row
    amount: int
    taxes: tuple[TaxLine, ...]
    quantity: int = 1
    months: int = 1
    description: str | None = None

    @property
    def is_discount(self) -> bool:
        """Whether it is taken off and not charged."""
        return bool(self.service["application"] == "CREDIT")

    @property
    def tax(self) -> int:
        return sum(one.amount for one in self.taxes)

    @property
    def total(self) -> int:
        return self.amount + self.tax


class Books:
    """Reads from `store` and writes through `writer`, which is the store itself or stands in front of it.

    `at` None means now, by the store's clock.
    """

    def __init__(self, store: Store, writer: Writer) -> None:
        self.store, self.writer = store, writer

    def line(
        self,
        account: Row,
        service: Row,
        amount: int,
        *,
        quantity: int = 1,
        months: int = 1,
        description: str | None = None,
    ) -> Line:
        """A line for an account, with the taxes that the account pays on the service today."""
        taxes = tuple(self._taxes(account, service["id"], amount))
        return Line(service, amount, taxes, quantity, months, description)

    def _taxes(self, account: Row, service: int, amount: int) -> Iterable[TaxLine]:
        parameters = self.store.pointing("AccountBillingParameter", "account_id", account["id"])
        if any(self.store.table("AccountBillingParameter")[id]["tax_exempt"] for id in parameters):
            return
        for id in self.store.pointing("ServiceTax", "service_id", service):
            link = self.store.table("ServiceTax")[id]
            tax = self.store.table("Tax")[link["tax_id"]]
            rate = self._rate(account["id"], tax)
            taxed = max(0, amount - link["exemption_amount"])
            if rate is None or taxed == 0:
                continue
            # A flat tax is in whole units of the currency, the others in percent.
            exact = rate * 100 if tax["application"] == "FLAT" else taxed * rate / 100
            yield TaxLine(tax["name"], taxed, int(exact.quantize(Decimal(1), ROUND_HALF_UP)))

    def _rate(self, account: int, tax: Row) -> Decimal | None:
        for id in self.store.pointing("TaxOverride", "account_id", account):
            override = self.store.table("TaxOverride")[id]
            if override["tax_id"] == tax["id"]:
                return Decimal(str(override["rate"]))
        if tax["type"] == "GLOBAL":
            return Decimal(str(tax["rate"]))
        for id in self.store.linked("Account", "geo_tax_zones", account):
            zone = self.store.table("GeoTaxZone")[id]
            if zone["tax_id"] == tax["id"]:
                return Decimal(str(zone["rate"]))
        return None

    def invoice(
        self,
        account: Row,
        day: date,
        lines: Sequence[Line],
        *,
        months: int = 1,
        monthly: bool = True,
        loose: Sequence[int] = (),
        parent: int | None = None,
        at: datetime | None = None,
        **columns: Any,
    ) -> int:
        """An invoice over new lines and over debits that were on none (`loose`); `monthly` runs leave a completion."""
        debits = [self.store.table("Debit")[id] for id in loose]
        charged = sum(line.amount for line in lines) + sum(row["amount"] for row in debits)
        taxed = sum(line.tax for line in lines) + sum(self.tax_on("Debit", id) for id in loose)
        (parameter,) = self.store.pointing("AccountBillingParameter", "account_id", account["id"])
        due_days = self.store.table("AccountBillingParameter")[parameter]["due_days"]
        invoice = self.writer.insert(
            "Invoice",
            at=at,
            account_id=account["id"],
            auto_pay_attempts=0,
            child_invoice_remaining_due=0,
            company_id=account["company_id"],
            date=day,
            delinquent=False,
            due_date=day + timedelta(days=due_days),
            end_date=months_later(day, months) - timedelta(days=1),
            frozen=False,
            late_fee_applied=False,
            late_fee_only=columns.pop("late_fee_only", False),
            number_of_months=months,
            parent_invoice_id=parent,
            pending_email=False,
            remaining_due=charged + taxed,
            status="COMPLETE",
            tax_committed=True,
            total_debits=charged,
            total_taxes=taxed,
            void=False,
            **columns,
        )
        for line in lines:
            self.debit(account, line, invoice, at=at)
        for id in loose:
            self.writer.update("Debit", id, at=at, invoice_id=invoice)
        if monthly:
            self.writer.insert(
                "MonthlyBillingCompletion", at=at, account_id=account["id"], date=day, invoice_id=invoice
            )
        self._settle_parent(parent, at)
        return invoice

    def debit(self, account: Row, line: Line, invoice: int | None = None, *, at: datetime | None = None) -> int:
        """A charge with its tax lines; without an invoice it waits for the next one."""
        debit = self.writer.insert(
            "Debit", at=at, invoice_id=invoice, number_of_months=line.months, **self._columns(account, line)
        )
        self._tax_rows("Debit", debit, line, at)
        return debit

    def discount(
        self, account: Row, line: Line, *, debit: int | None = None, user: int | None = None, at: datetime | None = None
    ) -> int:
        """Money given back, of which nothing is used yet; `debit` is the charge that it takes back."""
        discount = self.writer.insert(
            "Discount",
            at=at,
            amount_remaining=line.total,
            debit_id=debit,
            tax_committed=True,
            user_id=user,
            **self._columns(account, line),
        )
        self._tax_rows("Discount", discount, line, at)
        return discount

    def _columns(self, account: Row, line: Line) -> dict[str, Any]:
        service = line.service
        ledger = self.store.table("GeneralLedgerCode").get(service["general_ledger_code_id"])
        return {
            "account_id": account["id"],
            "amount": line.amount,
            "company_id": account["company_id"],
            "description": line.description,
            "general_ledger_code": ledger["code"] if ledger else None,
            "general_ledger_code_description": ledger["description"] if ledger else None,
            "quantity": line.quantity,
            "reversed": False,
            "service_id": service["id"],
            "service_name": service["name"],
            "service_transaction_type": "BASE_SERVICE",
            "type": service["type"],
        }

    def _tax_rows(self, type_name: str, id: int, line: Line, at: datetime | None) -> None:
        for one in line.taxes:
            self.writer.insert(
                "TaxTransaction",
                at=at,
                amount=one.amount,
                amount_taxed=one.taxed,
                description=one.name,
                taxtransactionable_id=id,
                taxtransactionable_type=type_name,
            )

    def reverse(self, debit: int, *, user: int, at: datetime | None = None) -> int:
        """Take a charge of an invoice back, by a discount of the same lines that is applied to the invoice.

        Returns:
            The discount.
        """
        row = self.store.table("Debit")[debit]
        account, service = (
            self.store.table("Account")[row["account_id"]],
            self.store.table("Service")[row["service_id"]],
        )
        taxes = tuple(
            TaxLine(one["description"], one["amount_taxed"], one["amount"]) for one in self._taxes_on("Debit", debit)
        )
        line = Line(service, row["amount"], taxes, row["quantity"], row["number_of_months"], "Reversal of charge")
        self.writer.update(
            "Debit", debit, at=at, reversed=True, reversed_at=at or self.store.now(), reversed_by_user_id=user
        )
        discount = self.discount(account, line, debit=debit, user=user, at=at)
        self.apply("Discount", discount, row["invoice_id"], at=at)
        return discount

    def apply(self, type_name: str, id: int, invoice: int, *, at: datetime | None = None) -> int:
        """Pay an invoice with what is left of a payment or discount, as far as both go.

        Returns:
            The amount applied; 0 leaves no trace.
        """
        source, target = self.store.table(type_name)[id], self.store.table("Invoice")[invoice]
        amount: int = min(source["amount_remaining"], 0 if target["void"] else target["remaining_due"])
        if amount <= 0:
            return 0
        self.writer.insert(
            "Credit",
            at=at,
            account_id=source["account_id"],
            amount=amount,
            creditable_id=id,
            creditable_type=type_name,
            invoice_id=invoice,
            void=False,
        )
        self.settle(type_name, id, at)
        self.settle_invoice(invoice, at)
        return amount

    def void_credit(self, credit: int, at: datetime | None = None) -> None:
        """Take an allocation back: the money is free again, and the invoice open."""
        row = self.store.table("Credit")[credit]
        self.writer.update("Credit", credit, at=at, void=True, voided_at=at or self.store.now())
        self.settle(row["creditable_type"], row["creditable_id"], at)
        self.settle_invoice(row["invoice_id"], at)

    def void_invoice(self, invoice: int, at: datetime | None = None) -> None:
        """An invoice that was never meant to be; all that paid it is free again."""
        for credit in self.live_credits(invoice=invoice):
            self.void_credit(credit["id"], at)
        self.writer.update("Invoice", invoice, at=at, void=True, voided_at=at or self.store.now(), delinquent=False)
        self._settle_parent(self.store.table("Invoice")[invoice]["parent_invoice_id"], at)

    def live_credits(self, *, of: tuple[str, int] | None = None, invoice: int | None = None) -> list[Row]:
        """The credits that count, of a payment or discount or on an invoice, the oldest first."""
        via, key = ("creditable", of) if of is not None else ("invoice_id", invoice)
        table = self.store.table("Credit")
        return [table[id] for id in self.store.pointing("Credit", via, key) if not table[id]["void"]]

    def settle(self, type_name: str, id: int, at: datetime | None = None, **change: Any) -> None:
        """Write what is left of a payment or discount, along with a change of it.

        Where more was applied than there is, the newest credits are void from now on.
        """
        row = {**self.store.table(type_name)[id], **change}
        usable = self.usable(type_name, row)
        applied = self.live_credits(of=(type_name, id))
        while sum(credit["amount"] for credit in applied) > usable:
            credit = applied.pop()
            self.writer.update("Credit", credit["id"], at=at, void=True, voided_at=at or self.store.now())
            self.settle_invoice(credit["invoice_id"], at)
        remaining = usable - sum(credit["amount"] for credit in applied)
        if change or row["amount_remaining"] != remaining:
            self.writer.update(type_name, id, at=at, **change, amount_remaining=remaining)

    def settle_invoice(self, invoice: int, at: datetime | None = None) -> None:
        """Write what is still due of an invoice."""
        row = self.store.table("Invoice")[invoice]
        paid = sum(credit["amount"] for credit in self.live_credits(invoice=invoice))
        due = row["total_debits"] + row["total_taxes"] - paid
        if row["remaining_due"] != due:
            change = {"delinquent": False} if due == 0 else {}
            self.writer.update("Invoice", invoice, at=at, remaining_due=due, **change)
            self._settle_parent(row["parent_invoice_id"], at)

    def _settle_parent(self, parent: int | None, at: datetime | None) -> None:
        if parent is None:
            return
        table = self.store.table("Invoice")
        due = sum(
            table[id]["remaining_due"]
            for id in self.store.pointing("Invoice", "parent_invoice_id", parent)
            if not table[id]["void"]
        )
        if table[parent]["child_invoice_remaining_due"] != due:
            self.writer.update("Invoice", parent, at=at, child_invoice_remaining_due=due)

    def usable(self, type_name: str, row: Row) -> int:
        """What of a payment or discount can be applied: what of it counts and was not taken back."""
        if type_name == "Discount":
            return 0 if row["reversed"] else int(row["amount"]) + self.tax_on("Discount", row["id"])
        return unreversed(self.store, row)

    def tax_on(self, type_name: str, id: int) -> int:
        """All taxes on a debit or discount."""
        return sum(one["amount"] for one in self._taxes_on(type_name, id))

    def _taxes_on(self, type_name: str, id: int) -> list[Row]:
        table = self.store.table("TaxTransaction")
        return [table[one] for one in self.store.pointing("TaxTransaction", "taxtransactionable", (type_name, id))]


def unreversed(store: Store, payment: Row) -> int:
    """What of a payment was not taken back; nothing of one that did not succeed."""
    if not payment["successful"]:
        return 0
    table = store.table("ReversedPayment")
    taken = sum(table[id]["amount"] for id in store.pointing("ReversedPayment", "payment_id", payment["id"]))
    return int(payment["amount"] - taken)


def months_later(day: date, months: int) -> date:
    """The same day of a later (or, below zero, earlier) month, or its last day where it is shorter."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
