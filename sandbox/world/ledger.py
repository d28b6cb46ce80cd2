"""Money an account has paid over the last 18 months, and what of it was taken back. All amounts are cents."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from sandbox.world.calendar import HISTORY_DAYS, Calendar
from sandbox.world.drafts import Account, Payment, Reversal

KINDS = {"CREDITCARD": 45, "BANKACCOUNT": 18, "CHECK": 17, "CASH": 9, "OTHER": 4, "WIRE": 3, "PAYPAL": 4}

DESCRIPTIONS = (
    None,
    None,
    None,
    None,
    "Monthly payment",
    "Paid at the counter",
    "Thank you!",
    "Mailed in, opened by Inez",
    "Half now, half on the 15th",
    "Paid by neighbor",
)

REVERSED_BECAUSE = ("Returned check", "Chargeback", "Entered on the wrong account", "Duplicate", None)


def draft_payments(account: Account, rng: Random, calendar: Calendar, mean: float) -> list[Payment]:
    """About `mean` payments since the account was activated, oldest first; none for one that never was."""
    if account.activated is None:
        return []
    first = max(calendar.history_start, calendar.local_day(account.activated))
    days = (calendar.yesterday - first).days
    if days < 1:
        return []
    # Somebody who joined last month has not paid for a year and a half.
    share = 0.4 + 0.6 * days / HISTORY_DAYS
    count = int(rng.uniform(0.4, 1.6) * mean * share + rng.random())
    moments = sorted(
        calendar.second(first + timedelta(days=rng.randint(0, days)), rng.randint(0, 86_399)) for _ in range(count)
    )
    return [draft_payment(account, rng, calendar, at) for at in moments]


def draft_payment(account: Account, rng: Random, calendar: Calendar, at: datetime) -> Payment:
    """One payment at `at`, with whatever became of it since."""
    kind = rng.choices(tuple(KINDS), tuple(KINDS.values()))[0]
    payment = Payment(
        at=at,
        amount=draft_amount(account.price, rng),
        kind=kind,
        # Cash has no processor that could report a status.
        status="SUCCEEDED" if kind in ("CREDITCARD", "BANKACCOUNT", "PAYPAL") else rng.choice(("SUCCEEDED", None)),
        description=rng.choice(DESCRIPTIONS),
        reference=str(rng.randint(100, 9999)) if kind == "CHECK" else None,
        instrument=draft_instrument(account, kind, rng),
    )
    payment.autopay = payment.instrument is not None and rng.random() < 0.6
    fate = rng.random()
    recent = (calendar.today - calendar.local_day(at)).days <= 10
    if fate < 0.025:
        payment.status, payment.successful = "FAILED", False
        if rng.random() < 0.3 and kind == "CREDITCARD":
            payment.voids.append(Reversal(at + timedelta(minutes=5), payment.amount, "Voided at the processor"))
    elif recent and kind == "BANKACCOUNT" and fate < 0.5:
        # A bank debit is under way for days; some processors already call it successful.
        payment.status, payment.successful = "PENDING", rng.random() < 0.5
    elif fate < 0.055 and not recent:
        taken = payment.amount if rng.random() < 0.6 else max(1, payment.amount // rng.randint(2, 5))
        moment = at + timedelta(days=rng.randint(1, 9), seconds=rng.randint(0, 3600))
        payment.reversals.append(Reversal(moment, taken, rng.choice(REVERSED_BECAUSE)))
        if rng.random() < 0.4:
            payment.refunds.append(Reversal(moment, taken, "Refunded at the processor"))
    return payment


def draft_amount(price: int, rng: Random) -> int:
    """The plan's price mostly, else a part of it, several months of it, or an odd sum."""
    return rng.choices(
        (price, price // 2 or 1, price * 3, price * 12, rng.randint(1, 30_000), price + rng.randint(1, 999)),
        (70, 6, 5, 1, 8, 10),
    )[0]


def draft_instrument(account: Account, kind: str, rng: Random) -> str | None:
    """The stored instrument a payment went through; a card can also be read to the clerk and never stored."""
    if kind == "CREDITCARD" and account.card and rng.random() < 0.9:
        return "card"
    if kind == "BANKACCOUNT" and account.bank and rng.random() < 0.9:
        return "bank"
    return None
