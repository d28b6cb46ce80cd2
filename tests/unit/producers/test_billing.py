"""Following money: a charge goes from waiting to its invoice, credits and taxes change, and no topic is left behind."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from plumbing.kafka import partition_of
from schemas.entities.billing.debit import DEBIT
from schemas.entities.billing.discount import DISCOUNT
from schemas.entities.billing.invoice import INVOICE
from schemas.entities.payment import PAYMENT
from tests.unit.producers.scene import Scene
from tests.unit.sandbox_sonar.shop import Shop

BOOKS = (INVOICE, DEBIT, PAYMENT, DISCOUNT)
DAY = "2026-03-01"
SAFETY_LAG = timedelta(seconds=10)


class Ledger:
    """A shop that bills one account, and capture over it. Charges, discounts and payments share ids, invoices none."""

    def __init__(self) -> None:
        self.scene = Scene(desk=Shop(), aggregates=BOOKS)
        self.shop, self.store = self.scene.shop, self.scene.shop.store
        self.account = self.shop.an_account("Ada")
        for _ in range(10):
            self.an_invoice()

    async def begin(self) -> None:
        """Snapshot all that is there."""
        await self.scene.begin()
        await self.scene.snapshot.run(BOOKS, asyncio.Event(), started=self.shop.clock.now, force=None)
        await self.follow()

    async def follow(self) -> None:
        """One poll, which meets all that it sees: no row is looked for where it never will be."""
        self.shop.clock.tick(60)
        assert await self.scene.following.poll() == self.shop.clock.now - SAFETY_LAG
        self.shop.clock.tick(60)

    def an_invoice(self, **columns: Any) -> int:
        values: dict[str, Any] = {
            "account_id": self.account, "auto_pay_attempts": 0, "child_invoice_remaining_due": 0,
            "company_id": self.shop.company, "date": DAY, "delinquent": False, "due_date": DAY, "end_date": DAY,
            "frozen": False, "late_fee_applied": False, "late_fee_only": False, "number_of_months": 1,
            "pending_email": False, "remaining_due": 100, "status": "COMPLETE", "tax_committed": True,
            "total_debits": 100, "total_taxes": 0, "void": False,
        }  # fmt: skip
        return self.store.insert("Invoice", **(values | columns))

    def _line(self, columns: dict[str, Any]) -> dict[str, Any]:
        return {
            "account_id": self.account, "amount": 100, "company_id": self.shop.company, "quantity": 1,
            "reversed": False, "service_id": 1, "service_name": "Air 100", "type": "DATA",
        } | columns  # fmt: skip

    def a_charge(self, **columns: Any) -> int:
        return self.store.insert("Debit", number_of_months=1, **self._line(columns))

    def a_discount(self, **columns: Any) -> int:
        return self.store.insert("Discount", amount_remaining=0, tax_committed=True, **self._line(columns))

    def a_tax(self, of: str, id: int, amount: int = 7) -> int:
        return self.store.insert(
            "TaxTransaction", amount=amount, amount_taxed=100, description="County", taxtransactionable_id=id,
            taxtransactionable_type=of,
        )  # fmt: skip

    def a_credit(self, of: str, id: int, invoice: int, amount: int = 40) -> int:
        return self.store.insert(
            "Credit", account_id=self.account, amount=amount, creditable_id=id, creditable_type=of,
            invoice_id=invoice, void=False,
        )  # fmt: skip

    def charges(self, invoice: int) -> dict[int, list[int]]:
        """`{charge: amounts of its taxes}` as the topic has the invoice."""
        shown = self.scene.folded("invoice")[invoice]["debits"]
        return {one["id"]: [tax["amount"] for tax in one["tax_transactions"]] for one in shown}

    def taxes(self, charge: int) -> list[int]:
        """The amounts of its taxes as the topic has the charge by itself."""
        return [one["amount"] for one in self.scene.folded("debit")[charge]["tax_transactions"]]


@pytest.mark.fault(36)
async def test_a_waiting_charge_that_gets_its_invoice_is_on_both_topics_with_its_taxes() -> None:
    ledger = Ledger()
    charge = ledger.a_charge()
    tax = ledger.a_tax("Debit", charge)
    await ledger.begin()
    assert ledger.scene.folded("debit")[charge]["invoice_id"] is None
    assert ledger.taxes(charge) == [7]
    invoice = ledger.an_invoice()
    ledger.store.update("Debit", charge, invoice_id=invoice)
    await ledger.follow()
    assert ledger.charges(invoice) == {charge: [7]}
    assert ledger.scene.folded("debit")[charge]["invoice_id"] == invoice
    # The tax did not change: that it is the invoice's from now on came with the charge.
    ledger.store.update("TaxTransaction", tax, amount=8)
    await ledger.follow()
    assert ledger.charges(invoice) == {charge: [8]}
    assert ledger.taxes(charge) == [8]
    assert [event["op"] for event in ledger.scene.events("debit")] == ["r", "u", "u"]


@pytest.mark.fault(36)
async def test_a_charge_that_goes_to_another_invoice_leaves_the_first_and_takes_its_taxes_along() -> None:
    ledger = Ledger()
    first, second = ledger.an_invoice(), ledger.an_invoice()
    charge = ledger.a_charge(invoice_id=first)
    tax = ledger.a_tax("Debit", charge)
    await ledger.begin()
    assert (ledger.charges(first), ledger.charges(second)) == ({charge: [7]}, {})
    ledger.store.update("Debit", charge, invoice_id=second)
    await ledger.follow()
    assert (ledger.charges(first), ledger.charges(second)) == ({}, {charge: [7]})
    before = len(ledger.scene.events("invoice"))
    ledger.store.update("TaxTransaction", tax, amount=8)
    await ledger.follow()
    assert ledger.charges(second) == {charge: [8]}
    assert len(ledger.scene.events("invoice")) == before + 1


async def test_the_tax_of_a_discount_is_read_with_it_and_with_no_charge_of_the_same_id() -> None:
    ledger = Ledger()
    invoice = ledger.an_invoice()
    charge, discount = ledger.a_charge(invoice_id=invoice), ledger.a_discount()
    assert charge == discount
    await ledger.begin()
    ledger.a_tax("Discount", discount, 3)
    await ledger.follow()
    assert [one["amount"] for one in ledger.scene.folded("discount")[discount]["tax_transactions"]] == [3]
    assert ledger.charges(invoice) == {charge: []}
    assert [len(ledger.scene.events(name)) for name in ("debit", "discount")] == [1, 2]


@pytest.mark.parametrize(("of", "topic"), [("Payment", "payment"), ("Discount", "discount")])
async def test_a_voided_credit_is_read_with_the_invoice_and_with_what_paid_it(of: str, topic: str) -> None:
    ledger = Ledger()
    invoice = ledger.an_invoice()
    payer = ledger.shop.a_payment(ledger.account)
    assert ledger.a_discount() == payer
    credit = ledger.a_credit(of, payer, invoice)
    await ledger.begin()
    ledger.store.update("Credit", credit, void=True)
    await ledger.follow()
    for shown in (ledger.scene.folded("invoice")[invoice], ledger.scene.folded(topic)[payer]):
        assert [(one["id"], one["invoice_id"], one["void"]) for one in shown["credits"]] == [(credit, invoice, True)]


@pytest.mark.fault(36)
async def test_the_credits_of_a_deleted_payment_leave_their_invoice() -> None:
    ledger = Ledger()
    invoice = ledger.an_invoice()
    payment = ledger.shop.a_payment(ledger.account)
    ledger.a_credit("Payment", payment, invoice)
    await ledger.begin()
    ledger.store.delete("Payment", payment)
    await ledger.follow()
    assert ledger.scene.folded("invoice")[invoice]["credits"] == []
    assert ledger.scene.folded("payment") == {}


async def test_a_charge_that_is_billed_after_it_was_taken_back_is_read_with_the_discount() -> None:
    ledger = Ledger()
    charge = ledger.a_charge(reversed=True)
    discount = ledger.a_discount(debit_id=charge)
    await ledger.begin()
    assert ledger.scene.folded("discount")[discount]["debit"] == {"id": charge, "invoice_id": None}
    invoice = ledger.an_invoice()
    ledger.store.update("Debit", charge, invoice_id=invoice)
    await ledger.follow()
    assert ledger.scene.folded("discount")[discount]["debit"] == {"id": charge, "invoice_id": invoice}


@pytest.mark.fault(36)
async def test_books_that_go_to_another_account_are_published_once_to_it_and_not_deleted() -> None:
    ledger = Ledger()
    other = ledger.shop.an_account("Bea")
    assert partition_of(other, 4) != partition_of(ledger.account, 4)
    invoice = ledger.an_invoice()
    rows = {
        "invoice": ("Invoice", invoice),
        "debit": ("Debit", ledger.a_charge(invoice_id=invoice)),
        "discount": ("Discount", ledger.a_discount()),
        "payment": ("Payment", ledger.shop.a_payment(ledger.account)),
    }
    await ledger.begin()
    for type_name, id in rows.values():
        ledger.store.update(type_name, id, account_id=other)
    await ledger.follow()
    for topic, (_, id) in rows.items():
        name = ledger.scene.topics.sonar(topic)
        partitions = [partition for on, partition, *_ in ledger.scene.broker.messages if on == name]
        told = [
            (partition, event["op"], event["source"]["owner_id"])
            for partition, event in zip(partitions, ledger.scene.events(topic), strict=True)
            if event["source"]["sonar_id"] == id
        ]
        assert told == [(partition_of(ledger.account, 4), "r", ledger.account), (partition_of(other, 4), "u", other)]


async def test_a_status_that_changes_is_read_with_all_that_its_accounts_have_archived_ones_too() -> None:
    ledger = Ledger()
    gone = ledger.shop.an_account("Bea", archived_at=ledger.shop.clock.now)
    for account in (ledger.account, gone):
        ledger.shop.a_payment(account)
        ledger.a_charge(account_id=account)
    await ledger.begin()
    ledger.store.update("AccountStatus", ledger.shop.status, name="Connected")
    await ledger.follow()
    for topic in ("invoice", "payment", "debit"):
        shown = ledger.scene.folded(topic).values()
        assert {one["account"]["account_status"]["name"] for one in shown} == {"Connected"}


async def test_a_collection_that_many_follow_is_asked_for_once() -> None:
    ledger = Ledger()
    await ledger.scene.begin()
    # Four aggregates follow their account: one page for all of them, and one that tells that nothing follows.
    assert asked_for("accounts", ledger.scene) == 2
    del ledger.scene.client.asked[:]
    await ledger.follow()
    for shared in ("accounts", "debits", "credits", "tax_transactions"):
        assert asked_for(shared, ledger.scene) == 1


def asked_for(collection: str, scene: Scene) -> int:
    """How many thin pages of a collection were asked for."""
    return sum(document.count(f": {collection}(") for document in scene.client.asked if "query Changed" in document)
