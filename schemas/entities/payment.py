"""A Sonar payment with its reversals, and the payments they become in Splynx (mapping B2, B5)."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, ClassVar, Literal

from schemas.aggregate import (
    Aggregate,
    Collection,
    DeletePolicy,
    Disturbed,
    LookUp,
    Owner,
    SourceRows,
    Target,
    Touch,
    WritePath,
)
from schemas.bundle import Bundle
from schemas.entities.billing.lines import Credit
from schemas.entities.scoped import ScopedAccount, follows_account, left_out
from schemas.records import (
    After,
    Few,
    FieldOwner,
    Instant,
    MaxLength,
    MinorUnits,
    NewerSonar,
    Owned,
    Personal,
    Ref,
    ShownArchived,
    SonarRecord,
    SplynxRecord,
    To,
)
from schemas.rules import Rules
from schemas.values import text
from schemas.values.errors import MoneyMismatch, NaturalKeyTooLong, OutOfRange
from schemas.values.money import money
from schemas.values.time import local_day, local_text

_PROCESSORS_WORDS = "what a processor answers may hold secrets, and is never carried"


class ReversedPayment(SonarRecord):
    """The only row that takes a payment's effect back. Source: Sonar schema, type ReversedPayment."""

    id: int
    created_at: Instant
    amount: MinorUnits
    description: str | None = None
    sonar_unique_id: str | None = None
    updated_at: Instant | None = None
    payment_id: int | None = None
    user_id: int | None = None


class ProcessorNote(SonarRecord):
    """What happened at the processor; moves no balance. Source: Sonar schema, RefundedPayment and VoidedPayment."""

    left_out: ClassVar[Mapping[str, str]] = {
        "processor_response_message": _PROCESSORS_WORDS,
        "sonar_unique_id": "a line on the payment's memo, no record of its own: the payment tells a reused id",
    }

    id: int
    amount: MinorUnits
    created_at: Instant | None = None
    updated_at: Instant | None = None
    description: Annotated[str | None, Personal()] = None
    payment_id: int | None = None
    payment_tracker_id: Annotated[str | None, Personal()] = None
    transaction_id: Annotated[str | None, Personal()] = None
    transaction_successful: Annotated[bool | None, NewerSonar()] = None
    """Of a refund only."""
    user_id: int | None = None


class CardProcessor(SonarRecord):
    """Source: Sonar schema, type CreditCardProcessor."""

    id: int
    provider: str


class BankProcessor(SonarRecord):
    """Source: Sonar schema, type BankAccountProcessor."""

    id: int
    provider: str


class Card(SonarRecord):
    """Source: Sonar schema, type CreditCard; never its token."""

    id: int
    credit_card_type: str | None = None
    masked_number: Annotated[str | None, Personal()] = None
    credit_card_processor: CardProcessor | None = None


class Bank(SonarRecord):
    """Source: Sonar schema, type BankAccount; never its token."""

    id: int
    bank_account_type: str | None = None
    masked_account_number: Annotated[str | None, Personal()] = None
    bank_account_processor: BankProcessor | None = None


class Payment(SonarRecord):
    """A payment with what was reversed, refunded and voided of it, and what it pays.

    Source: Sonar schema, type Payment.
    """

    left_out: ClassVar[Mapping[str, str]] = {
        "creation_token": "a secret of the processor's",
        "full_processor_response": _PROCESSORS_WORDS,
        "processor_message": _PROCESSORS_WORDS,
        "processor_status": _PROCESSORS_WORDS,
    }

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    account_id: int
    company_id: int | None = None
    amount: MinorUnits
    amount_remaining: MinorUnits
    payment_datetime: Instant
    payment_type: str
    successful: bool
    status: str | None = None
    is_autopay: bool | None = None
    description: Annotated[str | None, Personal()] = None
    reference: Annotated[str | None, Personal()] = None
    transaction_id: Annotated[str | None, Personal()] = None
    payment_tracker_id: Annotated[str | None, Personal()] = None
    deposit_slip_id: int | None = None
    fee: MinorUnits | None = None
    account: Annotated[ScopedAccount | None, ShownArchived()] = None
    credit_card: Card | None = None
    bank_account: Bank | None = None
    reversed_payments: Annotated[list[ReversedPayment] | None, Few(4)] = None
    refunded_payments: Annotated[list[ProcessorNote] | None, Few(4)] = None
    voided_payments: Annotated[list[ProcessorNote] | None, Few(4)] = None
    credits: list[Credit] | None = None
    bank_account_id: int | None = None
    credit_card_id: int | None = None
    fractional_fee: int | None = None
    """As Sonar has it: of what unit is not said."""
    passed_3ds_check: bool | None = None
    passed_avs_check: bool | None = None
    passed_cvv_check: bool | None = None
    user_id: int | None = None


_LOCKED = Owned(FieldOwner.LOCKED)
"""Money is nobody's to edit in Splynx until the cutover."""


class SplynxPayment(SplynxRecord):
    """A row of `payments` with its ledger row. A reversal has a negative amount. Source: Splynx tables, payments."""

    customer_id: Annotated[Ref, To("customer"), _LOCKED]
    payment_type: Annotated[int, _LOCKED]
    receipt_number: Annotated[str, MaxLength(32), _LOCKED]
    date: Annotated[date, _LOCKED]
    real_create_datetime: Annotated[str, _LOCKED]
    amount_minor: Annotated[MinorUnits, _LOCKED]
    remind_minor: Annotated[MinorUnits, _LOCKED]
    exponent: int
    comment: Annotated[str, MaxLength(256), Personal()]
    field_1: Annotated[str, MaxLength(512), Personal()]
    field_2: Annotated[str, MaxLength(512), Personal()]
    field_3: Annotated[str, MaxLength(512), Personal()]
    field_4: Annotated[str, MaxLength(512), _LOCKED]
    field_5: Annotated[str, MaxLength(512), Personal()]
    memo: str
    is_sent: Literal["1"]
    reverses: Annotated[str | None, After("payment")]
    sonar_unique_id: str = ""
    """Of the payment; kept by the ledger only."""

    not_written = SplynxRecord.not_written | {"exponent", "is_sent", "reverses", "sonar_unique_id"}
    columns: ClassVar[Mapping[str, str]] = {"amount_minor": "amount", "remind_minor": "remind_amount"}
    not_over_rest = {  # noqa: RUF012 - declared as a ClassVar
        "real_create_datetime": "the moment of the call",
        "remind_minor": "the whole amount, as not allocated",
    }


def map_payment(payment: Payment, rules: Rules) -> Bundle:
    """The payment and one negative payment per reversal; none while the payment does not qualify.

    Raises:
        OutOfRange: the amount is not positive.
        MoneyMismatch: reversals exceed the payment, or more remains than was paid.
        LooksSecret: a text holds a card number.
        NaturalKeyTooLong: the receipt number does not fit.
    """
    why = left_out(payment.account_id, payment.account, rules)
    if why is not None:
        return Bundle(records={"payment": None}, reason=why)
    if not payment.successful or payment.status not in {"SUCCEEDED", None}:
        why = "pending" if payment.status == "PENDING" else "not successful"
        return Bundle(records={"payment": []}, reason=f"the payment is {why}")
    if payment.amount <= 0:
        raise OutOfRange("amount")
    if payment.reversed_payments is None:
        return Bundle(records={"payment": None}, reason="reversals could not be read")
    reversed_minor = sum(one.amount for one in payment.reversed_payments)
    if reversed_minor > payment.amount:
        raise MoneyMismatch("reversed_payments", "add up to more than the payment")
    if payment.amount_remaining > payment.amount:
        raise MoneyMismatch("amount_remaining", "is more than the payment")
    notes: list[str] = []
    method = rules.payment_method(payment.payment_type, _provider(payment), autopay=bool(payment.is_autopay))
    receipt = rules.file.billing.numbers.payment.replace("{id}", str(payment.id))
    root = SplynxPayment(
        key=str(payment.id),
        customer_id=Ref(entity="customer", key=str(payment.account_id)),
        payment_type=method,
        receipt_number=_receipt(receipt),
        date=local_day(payment.payment_datetime, rules.zone),
        real_create_datetime=local_text(payment.payment_datetime, rules.zone),
        amount_minor=payment.amount,
        remind_minor=payment.amount_remaining,
        exponent=rules.exponent,
        comment=_text("description", text.from_html(payment.description), 256, notes),
        field_1=_text("reference", text.one_line(payment.reference), 512, notes),
        field_2=_text("transaction_id", text.one_line(payment.transaction_id), 512, notes),
        field_3=_text("payment_tracker_id", text.one_line(payment.payment_tracker_id), 512, notes),
        field_4=f"sonar:Payment:{payment.id}",
        field_5=_instrument(payment),
        memo=_memo(payment, rules),
        is_sent="1",
        reverses=None,
        sonar_unique_id=payment.sonar_unique_id or "",
    )
    records = [root]
    for reversal in sorted(payment.reversed_payments, key=lambda one: one.id):
        if reversal.amount <= 0:
            raise OutOfRange("reversed_payments.amount")
        records.append(
            root.model_copy(
                update={
                    "key": f"{payment.id}-R{reversal.id}",
                    "receipt_number": _receipt(f"{receipt}-R{reversal.id}"),
                    "date": local_day(reversal.created_at, rules.zone),
                    "real_create_datetime": local_text(reversal.created_at, rules.zone),
                    "amount_minor": -reversal.amount,
                    "remind_minor": 0,
                    "comment": _text("description", text.from_html(reversal.description), 256, notes),
                    "field_4": f"sonar:ReversedPayment:{reversal.id}",
                    "memo": "",
                    "reverses": str(payment.id),
                }
            )
        )
    return Bundle(records={"payment": records}, notes=tuple(notes))


def _provider(payment: Payment) -> str | None:
    if payment.credit_card is not None and payment.credit_card.credit_card_processor is not None:
        return payment.credit_card.credit_card_processor.provider
    if payment.bank_account is not None and payment.bank_account.bank_account_processor is not None:
        return payment.bank_account.bank_account_processor.provider
    return None


def _receipt(value: str) -> str:
    if len(value) > 32:
        raise NaturalKeyTooLong("receipt_number")
    return value


def _text(field: str, value: str, characters: int, notes: list[str]) -> str:
    return text.fitted(field, text.without_card_number(field, value), characters, notes)


def _instrument(payment: Payment) -> str:
    """Brand and the last four digits, nothing more of the number.

    Raises:
        LooksSecret: the number is not masked.
    """
    if payment.credit_card is not None:
        field, brand, number = "masked_number", payment.credit_card.credit_card_type, payment.credit_card.masked_number
    elif payment.bank_account is not None:
        field, brand = "masked_account_number", payment.bank_account.bank_account_type
        number = payment.bank_account.masked_account_number
    else:
        return ""
    digits = "".join(sign for sign in text.without_card_number(field, number or "") if sign.isdigit())[-4:]
    return " ".join(part for part in (brand or "", digits) if part)


def _memo(payment: Payment, rules: Rules) -> str:
    lines = []
    if payment.deposit_slip_id is not None:
        lines.append(f"deposit slip {payment.deposit_slip_id}")
    if payment.fee:
        lines.append(f"fee {money(payment.fee, rules.exponent)}")
    if payment.refunded_payments:
        lines.append("refunded at processor")
    if payment.voided_payments:
        lines.append("voided at processor")
    return "\n".join(lines)


PAYMENT = Aggregate(
    name="payment",
    root=Collection("payments", Payment, "Payment"),
    owned_by=[Owner("account_id")],
    touched_by=[
        Touch("reversed_payments", "ReversedPayment", [Owner("payment_id")]),
        Touch("refunded_payments", "RefundedPayment", [Owner("payment_id")]),
        Touch("voided_payments", "VoidedPayment", [Owner("payment_id")]),
        Touch("credits", "Credit", [Owner("creditable_id", ("creditable_type", "Payment"))]),
    ],
    looks_up=[
        *follows_account("payments"),
        LookUp("credit_cards", "CreditCard", column="credit_card_id"),
        LookUp("bank_accounts", "BankAccount", column="bank_account_id"),
    ],
    targets=[
        Target(
            "payment",
            SplynxPayment,
            table="payments",
            path=WritePath.SQL,
            delete=DeletePolicy.COMPENSATE,
            endpoint="admin/finance/payments",
            natural_key=("receipt_number",),
            money=True,
            also=WritePath.REST,
            disturbs=Disturbed("customer_id", "status", "blocked", "active"),
            # Those that may qualify, and a payment of its own for each reversal.
            comes_of=[
                SourceRows("payments", [{"boolean_fields": [{"attribute": "successful", "search_value": True}]}]),
                SourceRows("reversed_payments"),
            ],
        )
    ],
    mapper=map_payment,
    doc="A payment and its reversals become payments with their ledger rows.",
)
