"""Events of money: paid, taken back, refused, deleted. A payment and what is left of it always change together.

Whether an event finds a payment depends on what was taken back of it, never on what it has paid by now: that is
billing's, and the same things happen with and without it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sandbox.world.books import Books, unreversed
from sandbox.world.drafts import Payment
from sandbox.world.ledger import KINDS, REVERSED_BECAUSE, draft_amount
from sandbox.world.life import Life
from sandbox.world.people import PRICES
from sandbox.world.registry import Row
from sandbox.world.rows import payment_columns
from sandbox.world.summary import counts


def paid(life: Life) -> bool:
    found = life.registry.draw("Account", life.rng, lambda row: row["activation_date"] is not None)
    if found is None:
        return False
    account, row = found
    kind = life.rng.choices(tuple(KINDS), tuple(KINDS.values()))[0]
    price = row["next_recurring_charge_amount"] or life.rng.choice(PRICES)
    at = life.clock()
    payment = Payment(at, draft_amount(price, life.rng), kind, reference="3003" if kind == "CHECK" else None)
    if kind == "BANKACCOUNT" and life.rng.random() < 0.7:
        payment.status, payment.successful = "PENDING", life.rng.random() < 0.5
    elif kind == "CREDITCARD" and life.rng.random() < 0.05:
        payment.status, payment.successful = "FAILED", False
    elif kind in ("CASH", "CHECK", "WIRE", "OTHER"):
        payment.status = life.rng.choice(("SUCCEEDED", None))
    if life.rng.random() < 0.05:
        # Somebody types yesterday's counter receipts in.
        payment.at = at - timedelta(days=1)
    life.registry.insert(
        "Payment",
        account_id=account,
        company_id=row["company_id"],
        credit_card_id=life.registry.cards.get(account) if kind == "CREDITCARD" else None,
        bank_account_id=life.registry.banks.get(account) if kind == "BANKACCOUNT" else None,
        **payment_columns(payment, life.rng),
    )
    return True


def reversed_fully(life: Life) -> bool:
    return _reverse(life, whole=True)


def reversed_partly(life: Life) -> bool:
    return _reverse(life, whole=False)


def reversal_deleted(life: Life) -> bool:
    found = life.registry.draw("ReversedPayment", life.rng)
    if found is None:
        return False
    reversal, row = found
    life.registry.delete("ReversedPayment", reversal)
    if life.registry.row("Payment", row["payment_id"]) is not None:
        _settle(life, row["payment_id"])
    return True


def payment_deleted(life: Life) -> bool:
    found = life.registry.draw("Payment", life.rng)
    if found is None:
        return False
    books = Books(life.registry.store, life.registry)
    for credit in books.live_credits(of=("Payment", found[0])):
        books.void_credit(credit["id"])
    life.registry.delete("Payment", found[0])
    return True


def pending_succeeded(life: Life) -> bool:
    found = life.registry.draw_from(life.registry.pending, "Payment", life.rng)
    if found is None:
        return False
    amount = found[1]["amount"] if not found[1]["successful"] else found[1]["amount_remaining"]
    life.registry.update("Payment", found[0], status="SUCCEEDED", successful=True, amount_remaining=amount)
    return True


def pending_failed(life: Life) -> bool:
    found = life.registry.draw_from(life.registry.pending, "Payment", life.rng, lambda row: is_whole(life, row))
    if found is None:
        return False
    _settle(life, found[0], status="FAILED", successful=False)
    return True


def succeeded_failed(life: Life) -> bool:
    """A payment that counted stops counting. Only untouched ones do: a taken-back one has nothing left to fail."""
    found = life.registry.draw("Payment", life.rng, lambda row: counts(row) and is_whole(life, row))
    if found is None:
        return False
    _settle(life, found[0], status="FAILED", successful=False)
    return True


def refunded_at_processor(life: Life) -> bool:
    """Something happens at the processor only: no balance changes."""
    found = life.registry.draw("Payment", life.rng, lambda row: counts(row) and row["credit_card_id"] is not None)
    if found is None:
        return False
    life.registry.insert("RefundedPayment", amount=found[1]["amount"], description="Refunded", payment_id=found[0])
    return True


def voided_at_processor(life: Life) -> bool:
    found = life.registry.draw("Payment", life.rng, lambda row: not row["successful"] and row["status"] == "FAILED")
    if found is None:
        return False
    life.registry.insert("VoidedPayment", amount=found[1]["amount"], description="Voided", payment_id=found[0])
    return True


def _reverse(life: Life, *, whole: bool) -> bool:
    store = life.registry.store
    found = life.registry.draw(
        "Payment", life.rng, lambda row: counts(row) and unreversed(store, row) > (0 if whole else 1)
    )
    if found is None:
        return False
    payment, row = found
    left = unreversed(store, row)
    taken = left if whole else life.rng.randint(1, left - 1)
    why = life.rng.choice(REVERSED_BECAUSE)
    life.registry.insert("ReversedPayment", amount=taken, description=why, payment_id=payment)
    _settle(life, payment)
    return True


def _settle(life: Life, payment: int, **change: Any) -> None:
    """What is left of a payment after a change; what it has paid and no longer can is open again."""
    Books(life.registry.store, life.registry).settle("Payment", payment, **change)


def is_whole(life: Life, row: Row) -> bool:
    """Whether nothing of a payment was taken back."""
    return not row["successful"] or unreversed(life.registry.store, row) == row["amount"]
