"""What a payment becomes: what qualifies, reversals, amounts that do not add up, secrets."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from schemas.entities.payment import SplynxPayment, map_payment
from schemas.rules import Rules
from schemas.values.errors import LooksSecret, MoneyMismatch, NaturalKeyTooLong, OutOfRange
from tests.builders import NOON, RULES, a_payment, a_reversal, a_status, rules


def payments(given: Rules = RULES, **changes: Any) -> list[SplynxPayment]:
    records = map_payment(a_payment(**changes), given).records["payment"]
    assert records is not None
    return [one for one in records if isinstance(one, SplynxPayment)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"successful": False}, "the payment is not successful"),
        ({"status": "FAILED"}, "the payment is not successful"),
        ({"status": "PENDING"}, "the payment is pending"),
        ({"status": "PENDING", "reversed_payments": None}, "the payment is pending"),
    ],
)
def test_a_payment_that_does_not_qualify_owns_nothing(changes: dict[str, Any], reason: str) -> None:
    bundle = map_payment(a_payment(**changes), RULES)
    assert (bundle.records, bundle.reason) == ({"payment": []}, reason)


@pytest.mark.parametrize("status", ["SUCCEEDED", None])
def test_a_successful_payment_is_carried(status: str | None) -> None:
    (found,) = payments(status=status)
    assert (found.amount_minor, found.receipt_number, found.field_4) == (1250, "SP21", "sonar:Payment:21")


def test_reversals_that_were_not_read_leave_the_payment_as_it_is() -> None:
    assert map_payment(a_payment(reversed_payments=None), RULES).records == {"payment": None}


def test_each_reversal_is_a_negative_payment_on_its_own_day() -> None:
    later = datetime(2025, 6, 4, 4, 0, tzinfo=UTC)
    root, first, second = payments(reversed_payments=[a_reversal(id=32, amount=750, created_at=later), a_reversal()])
    assert [one.amount_minor for one in (root, first, second)] == [1250, -500, -750]
    assert [one.key for one in (first, second)] == ["21-R31", "21-R32"]
    assert [one.receipt_number for one in (first, second)] == ["SP21-R31", "SP21-R32"]
    assert second.date == date(2025, 6, 3)
    assert {one.reverses for one in (first, second)} == {"21"}


def test_a_refund_or_void_at_the_processor_moves_no_money() -> None:
    note = {"id": 1, "amount": 1250}
    (found,) = payments(refunded_payments=[note], voided_payments=[note], deposit_slip_id=4)
    assert found.memo == "deposit slip 4\nrefunded at processor\nvoided at processor"


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        pytest.param({"amount": 0}, OutOfRange, "amount", id="nothing paid"),
        pytest.param({"amount": -1}, OutOfRange, "amount", id="less than nothing paid"),
        pytest.param(
            {"reversed_payments": [a_reversal(amount=1251)]}, MoneyMismatch, "reversed_payments", id="one cent more"
        ),
        pytest.param(
            {"reversed_payments": [a_reversal(amount=1250), a_reversal(id=32, amount=1)]},
            MoneyMismatch,
            "reversed_payments",
            id="one cent more in two reversals",
        ),
        pytest.param(
            {"reversed_payments": [a_reversal(amount=-1)]}, OutOfRange, "reversed_payments", id="a negative reversal"
        ),
        pytest.param({"amount_remaining": 1251}, MoneyMismatch, "amount_remaining", id="one cent more remains"),
    ],
)
def test_amounts_that_do_not_add_up_set_the_payment_aside(
    changes: dict[str, Any], error: type[Exception], field: str
) -> None:
    with pytest.raises(error, match=field):
        map_payment(a_payment(**changes), RULES)


def test_a_payment_of_one_cent_that_is_reversed_to_the_cent_is_carried() -> None:
    found = payments(amount=1, amount_remaining=1, reversed_payments=[a_reversal(amount=1)])
    assert [one.amount_minor for one in found] == [1, -1]


@pytest.mark.parametrize("field", ["description", "reference", "transaction_id", "payment_tracker_id"])
def test_a_text_that_holds_a_card_number_sets_the_payment_aside_and_is_not_repeated(field: str) -> None:
    with pytest.raises(LooksSecret, match=field) as caught:
        map_payment(a_payment(**{field: "card 4111 1111 1111 1111"}), RULES)
    assert "4111" not in str(caught.value)


def test_a_long_number_that_is_no_card_number_is_carried() -> None:
    (found,) = payments(reference="4111111111111112")
    assert found.field_1 == "4111111111111112"


def test_of_a_card_the_brand_and_four_digits_are_carried() -> None:
    card = {"id": 1, "credit_card_type": "VISA", "masked_number": "4111********1234"}
    (found,) = payments(credit_card=card, payment_type="CREDITCARD")
    assert found.field_5 == "VISA 1234"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"credit_card": {"id": 1, "masked_number": "4111 1111 1111 1111"}}, "masked_number"),
        ({"bank_account": {"id": 1, "masked_account_number": "4111111111111111"}}, "masked_account_number"),
    ],
)
def test_an_instrument_that_is_not_masked_sets_the_payment_aside(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(LooksSecret, match=field) as caught:
        map_payment(a_payment(**changes), RULES)
    assert "1111" not in str(caught.value)


def test_the_method_follows_the_processor_then_the_type_then_the_default() -> None:
    given = rules(payment_methods={"default": 5, "by_type": {"CREDITCARD": 6}, "by_provider": {"STRIPE": 8}})
    card = {"id": 1, "credit_card_processor": {"id": 1, "provider": "STRIPE"}}
    assert payments(given)[0].payment_type == 5
    assert payments(given, payment_type="CREDITCARD")[0].payment_type == 6
    assert payments(given, payment_type="CREDITCARD", credit_card=card)[0].payment_type == 8
    assert payments(given, payment_type="CREDITCARD", credit_card=card, is_autopay=True)[0].payment_type == 8


def test_what_sonar_charged_by_itself_has_a_method_of_its_own_where_the_rules_name_one() -> None:
    given = rules(payment_methods={"default": 5, "by_provider": {"STRIPE": 8}, "autopay": 9})
    card = {"id": 1, "credit_card_processor": {"id": 1, "provider": "STRIPE"}}
    methods = [payments(given, credit_card=card, is_autopay=auto)[0].payment_type for auto in (True, False, None)]
    assert methods == [9, 8, 8]


def test_a_description_is_plain_text_cut_to_its_column() -> None:
    bundle = map_payment(a_payment(description="<p>Thanks &amp; bye</p>" + "x" * 300), RULES)
    (found,) = payments(description="<p>Thanks &amp; bye</p>" + "x" * 300)
    assert found.comment.startswith("Thanks & bye\nxxx")
    assert len(found.comment) == 256
    assert bundle.notes == ("truncated:description",)


def test_a_receipt_number_is_never_cut() -> None:
    with pytest.raises(NaturalKeyTooLong, match="receipt_number"):
        map_payment(a_payment(), rules(billing={"numbers": {"payment": "S" * 31 + "{id}"}}))


@pytest.mark.parametrize(
    "scope", [{"accounts": [8]}, {"companies": [4]}, {"statuses": [2]}, {"companies": [3], "statuses": [2]}]
)
def test_a_payment_outside_the_pilot_is_left_out_of_the_comparison(scope: dict[str, list[int]]) -> None:
    assert map_payment(a_payment(), rules(scope=scope)).records == {"payment": None}


@pytest.mark.parametrize("scope", [{"companies": [3]}, {"statuses": [1]}])
def test_a_payment_goes_with_its_account_into_a_pilot(scope: dict[str, list[int]]) -> None:
    assert len(payments(rules(scope=scope), company_id=9)) == 1
    assert map_payment(a_payment(account=None), rules(scope=scope)).records == {"payment": None}


LEAD = {"id": 7, "account_status_id": 1, "company_id": 3, "account_status": a_status(activates_account=False)}


@pytest.mark.parametrize(
    ("leads", "changes", "carried"),
    [
        pytest.param("skip", {}, False, id="a lead that is left out"),
        pytest.param("customers", {}, True, id="a lead that is a customer"),
        pytest.param("skip", {"activation_date": date(2025, 6, 2)}, True, id="it was active once"),
        pytest.param("skip", {"archived_at": NOON}, True, id="archived"),
        pytest.param("skip", {"account_status": a_status()}, True, id="a status that activates"),
        pytest.param("skip", {"account_status": None}, True, id="its status was not read"),
        pytest.param(
            "skip",
            {"is_delinquent": True, "account_billing_parameter": {"id": 1, "delinquency_account_status_id": 1}},
            True,
            id="in its delinquency status",
        ),
    ],
)
def test_a_payment_of_a_lead_that_is_left_out_waits_for_no_customer(
    leads: str, changes: dict[str, Any], carried: bool
) -> None:
    bundle = map_payment(a_payment(account=LEAD | changes), rules(status_map={"leads": leads}))
    assert (bundle.records["payment"] is not None) == carried
    assert bundle.reason == (None if carried else "leads are not carried")


def test_a_payment_whose_account_was_not_read_needs_no_pilot() -> None:
    assert len(payments(account=None)) == 1


def test_a_fee_is_noted_in_the_memo_in_the_currency_of_the_isp() -> None:
    (found,) = payments(fee=35)
    assert found.memo == "fee 0.35"
    assert payments(fee=0)[0].memo == ""


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        (datetime(2025, 3, 9, 7, 59, 59, tzinfo=UTC), "2025-03-09 01:59:59"),
        (datetime(2025, 3, 9, 8, 0, 0, tzinfo=UTC), "2025-03-09 03:00:00"),
        (datetime(2025, 11, 2, 6, 30, 0, tzinfo=UTC), "2025-11-02 01:30:00"),
        (datetime(2025, 11, 2, 7, 30, 0, tzinfo=UTC), "2025-11-02 01:30:00"),
    ],
)
def test_the_clock_of_the_isp_is_right_on_both_sides_of_a_change_of_the_hour(instant: datetime, expected: str) -> None:
    assert payments(payment_datetime=instant)[0].real_create_datetime == expected
