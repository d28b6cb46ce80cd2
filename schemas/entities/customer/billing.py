"""How Sonar's billing parameters become Splynx's billing settings (mapping C3)."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from schemas.entities.customer.source import Account, BillingParameter
from schemas.rules import Rules
from schemas.values.money import money
from schemas.values.time import local_day

_LAST_DAY = 28
"""Of a month, to both systems."""


@dataclass(frozen=True)
class BillingDays:
    """Both within 1..28."""

    billing_date: int
    billing_due: int


def billing_days(account: Account, parameter: BillingParameter, rules: Rules, notes: list[str]) -> BillingDays:
    """Splynx has one day for the document and the period's start; the due days are counted from it.

    Where Sonar counts them from the bill day and the document is of the invoice day, the days between are gone already.
    """
    following = account.next_bill_date
    bill_day = parameter.bill_day if parameter.bill_day is not None else following.day if following is not None else 1
    day = _clamped("billing_date", bill_day if parameter.invoice_day is None else parameter.invoice_day, 1, 28, notes)
    due = parameter.due_days
    if parameter.invoice_day is not None and parameter.due_days_day == "BILL_DAY":
        # Without services there is no next bill; the month of the sign-up gives the same gap on every replay.
        month = following if following is not None else local_day(account.created_at, rules.zone)
        due -= _gap(_clamped("bill_day", bill_day, 1, 28, notes), day, month)
    return BillingDays(day, _clamped("billing_due", due, 1, 28, notes))


def _gap(bill_day: int, invoice_day: int, month: date) -> int:
    """Days from a bill day to its invoice day, later in the month, else in the next one (mapping 5.5); days 1..28."""
    billed = month.replace(day=bill_day)
    invoiced = month.replace(day=invoice_day)
    if invoice_day <= bill_day:
        invoiced = (month.replace(day=28) + timedelta(days=4)).replace(day=invoice_day)
    return (invoiced - billed).days


def period_start(billed: date, parameter: BillingParameter) -> date:
    """The first day that a bill of that day charges for: the invoice day that follows, where there is one."""
    if parameter.invoice_day is None:
        return billed
    bill_day, invoice_day = min(billed.day, _LAST_DAY), min(max(parameter.invoice_day, 1), _LAST_DAY)
    return billed.replace(day=bill_day) + timedelta(days=_gap(bill_day, invoice_day, billed))


def blocking_period(parameter: BillingParameter, rules: Rules, notes: list[str]) -> int | None:
    """Days after the due day until Splynx would block; not at all where Sonar switches no status."""
    if not parameter.switch_status_after_delinquency:
        return rules.file.billing.do_not_block
    days = parameter.grace_days + (parameter.days_of_delinquency_for_status_switch or 0)
    return _clamped("blocking_period", days, 0, 99, notes)


def _clamped(field: str, value: int, low: int, high: int, notes: list[str]) -> int:
    kept = min(max(value, low), high)
    if kept != value:
        notes.append(f"clamped:{field}")
    return kept


def months(parameter: BillingParameter, rules: Rules, notes: list[str]) -> int:
    """Months paid in advance, 1..12; 0 (in arrears) only where the rules allow it."""
    if parameter.months_to_bill == 0 and rules.file.billing.postpaid:
        return 0
    return _clamped("months_to_bill", parameter.months_to_bill, 1, 12, notes)


def method(account: Account, rules: Rules) -> int:
    """The method of the instrument that pays by itself, cards before banks; else the default."""
    if any(card.auto for card in account.credit_cards or []):
        return rules.payment_method("CREDITCARD", None, autopay=True)
    if any(bank.auto for bank in account.bank_accounts or []):
        return rules.payment_method("BANKACCOUNT", None, autopay=True)
    return rules.file.payment_methods.default


def min_balance(rules: Rules) -> str:
    """Minus the amount from which Sonar counts delinquency, with four decimals as Splynx shows prices."""
    return f"{-money(rules.minimum_amount_due_minor, rules.exponent) + Decimal(0):.4f}"


def billing_text(parameter: BillingParameter | None) -> str:
    """Billing parameters that have no home in Splynx, for reading."""
    if parameter is None:
        return ""
    fields = {
        "auto_pay": f"{parameter.auto_pay_days} days from {parameter.auto_pay_day}",
        "grace_days": str(parameter.grace_days),
        "grace_until": parameter.grace_until.isoformat() if parameter.grace_until else "",
        "print_invoice": "yes" if parameter.print_invoice else "",
        "lifeline": "yes" if parameter.lifeline else "",
        "bill_day_mode": parameter.bill_day_mode,
        "months_to_bill": str(parameter.months_to_bill),
        "aggregate_invoice_taxes": "yes" if parameter.aggregate_invoice_taxes else "",
        "aggregate_linked_debits": "yes" if parameter.aggregate_linked_debits else "",
        "anchor_delinquency_logic": parameter.anchor_delinquency_logic,
        "service_period_duration": parameter.service_period_duration,
        "service_period_offset": parameter.service_period_offset,
    }
    return "; ".join(f"{field}: {value}" for field, value in fields.items() if value)
