"""Oddities of money, planted on accounts old enough to have had them. Amounts are cents."""

from __future__ import annotations

from datetime import date, time, timedelta

from sandbox.world import names
from sandbox.world.drafts import Payment, Reversal
from sandbox.world.planter import Planter


def descriptions(p: Planter, at: list[int]) -> None:
    draft = p.activate(p.drafts[at[0]])
    for days, text in (
        (90, "Paid in person after a long talk about " + ", ".join(names.STREETS) + "; see the log book."),
        (60, "<p>Thank you,<br/><b>Inez</b> &amp; the billing desk</p><script>alert('no')</script>"),
        (30, "line one\r\nline two\ttabbed\x0b and a bell\x07"),
    ):
        draft.payments.append(Payment(p.ago(days), draft.price, "CASH", status=None, description=text))


def credit_balance(p: Planter, at: list[int]) -> None:
    draft = p.activate(p.drafts[at[0]])
    draft.payments.append(Payment(p.ago(40), draft.price * 24, "WIRE", status=None, description="Two years in advance"))


def amounts(p: Planter, at: list[int]) -> None:
    draft = p.activate(p.drafts[at[0]])
    draft.payments.append(Payment(p.ago(33), 1, "CASH", status=None, description="Found a cent"))
    draft.payments.append(Payment(p.ago(32), 123_456_789, "WIRE"))
    draft.payments += [Payment(p.ago(31), draft.price, "CHECK", reference="1001") for _ in range(2)]


def failed(p: Planter, at: list[int]) -> None:
    draft = p.activate(p.drafts[at[0]])
    draft.card = True
    draft.payments.append(Payment(p.ago(25), draft.price, "CREDITCARD", "FAILED", False, instrument="card"))


def pending(p: Planter, at: list[int]) -> None:
    for index, successful in zip(at, (False, True), strict=True):
        draft = p.activate(p.drafts[index])
        draft.bank = True
        draft.payments.append(Payment(p.ago(2), draft.price, "BANKACCOUNT", "PENDING", successful, instrument="bank"))


def reversals(p: Planter, at: list[int]) -> None:
    full, partial, twice = (p.activate(p.drafts[index]) for index in at)
    for draft, parts in ((full, (9900,)), (partial, (3333,)), (twice, (1, 9899))):
        payment = Payment(p.ago(50), 9900, "CHECK", reference="2002")
        payment.reversals = [Reversal(p.ago(45 - i), part, "Returned check") for i, part in enumerate(parts)]
        draft.payments.append(payment)


def refunds(p: Planter, at: list[int]) -> None:
    with_reversal, without = (p.activate(p.drafts[index]) for index in at)
    for draft in (with_reversal, without):
        draft.card = True
        payment = Payment(
            p.ago(70), 7500, "CREDITCARD", instrument="card", refunds=[Reversal(p.ago(65), 7500, "Goodwill")]
        )
        if draft is with_reversal:
            payment.reversals = [Reversal(p.ago(65), 7500, "Goodwill")]
        draft.payments.append(payment)


def voided(p: Planter, at: list[int]) -> None:
    draft = p.activate(p.drafts[at[0]])
    draft.card = True
    payment = Payment(p.ago(28), draft.price, "CREDITCARD", "FAILED", False, instrument="card")
    payment.voids = [Reversal(p.ago(28), draft.price, "Voided before settlement")]
    draft.payments.append(payment)


def moments(p: Planter, at: list[int]) -> None:
    """Local midnight, an evening that is the next day in UTC, and both half past ones of a DST night."""
    draft = p.activate(p.drafts[at[0]])
    calendar = p.drafter.calendar
    first = calendar.yesterday.replace(day=1)
    eve = first - timedelta(days=1)
    moments = [
        calendar.instant(first, time(0)),
        calendar.instant(eve, time(23, 59, 59)),
        calendar.instant(date(calendar.today.year, 1, 1) - timedelta(days=1), time(23, 30)),
    ]
    fold = calendar.last_fold()
    if fold is not None:
        moments += [calendar.instant(fold, time(1, 30)), calendar.instant(fold, time(1, 30), fold=1)]
    draft.payments += [Payment(moment, 5000 + i, "OTHER", status=None) for i, moment in enumerate(moments)]
