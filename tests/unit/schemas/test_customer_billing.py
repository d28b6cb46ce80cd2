"""A customer's billing settings."""

from datetime import date
from typing import Any

import pytest

from schemas.entities.account import map_account
from tests.builders import (
    RULES,
    a_contact,
    a_parameter,
    an_account,
    an_address,
    rules,
)
from tests.unit.schemas.mapped import billing, customer


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, (1, 14), id="the bill day"),
        pytest.param({"bill_day": None}, (9, 14), id="the day of the next bill"),
        pytest.param({"bill_day": 31, "due_days": 40}, (28, 28), id="clamped at the top"),
        pytest.param({"due_days": 0}, (1, 1), id="clamped at the bottom"),
        pytest.param({"invoice_day": 5}, (5, 10), id="the invoice day, with the gap taken from the due days"),
        pytest.param({"invoice_day": 5, "due_days_day": "INVOICE_DAY"}, (5, 14), id="counted from the invoice day"),
    ],
)
def test_billing_days_lie_within_the_first_28(changes: dict[str, Any], expected: tuple[int, int]) -> None:
    found = billing(account_billing_parameter=a_parameter(**changes), next_bill_date=date(2025, 7, 9))
    assert (found.billing_date, found.billing_due) == expected


def test_splynx_bills_nobody_until_cutover() -> None:
    found = billing()
    assert (found.enabled, found.make_invoices, found.send_finance_notification) == ("0", "0", "0")


def test_the_instrument_that_pays_by_itself_names_the_method_cards_first() -> None:
    methods = rules(payment_methods={"default": 5, "by_type": {"CREDITCARD": 6, "BANKACCOUNT": 7}})
    bank = {"bank_accounts": [{"id": 1, "auto": True}]}
    assert billing(methods).payment_method == 5
    assert billing(methods, **bank).payment_method == 7
    assert billing(methods, **bank, credit_cards=[{"id": 1, "auto": False}]).payment_method == 7
    assert billing(methods, **bank, credit_cards=[{"id": 1, "auto": True}]).payment_method == 6
    of_its_own = rules(payment_methods={"default": 5, "by_type": {"BANKACCOUNT": 7}, "autopay": 9})
    assert [billing(of_its_own).payment_method, billing(of_its_own, **bank).payment_method] == [5, 9]


@pytest.mark.parametrize(
    ("bill_day", "invoice_day", "following", "due"),
    [
        pytest.param(1, 5, date(2025, 2, 1), 24, id="later in the month"),
        pytest.param(20, 5, date(2025, 2, 20), 15, id="across the end of a short February"),
        pytest.param(20, 5, date(2024, 2, 20), 14, id="across the end of a leap February"),
        pytest.param(20, 5, date(2025, 4, 20), 13, id="across the end of a month of 30 days"),
        pytest.param(20, 5, date(2025, 12, 20), 12, id="across the end of the year"),
        pytest.param(5, 5, date(2025, 3, 5), 1, id="the same day is a month later, and the days are over"),
        pytest.param(20, 5, None, 13, id="without a next bill, from the month of the sign-up"),
    ],
)
def test_due_days_counted_from_the_bill_day_lose_the_real_days_up_to_the_invoice_day(
    bill_day: int, invoice_day: int, following: date | None, due: int
) -> None:
    parameter = a_parameter(bill_day=bill_day, invoice_day=invoice_day, due_days=28)
    found = billing(account_billing_parameter=parameter, next_bill_date=following)
    assert (found.billing_date, found.billing_due) == (invoice_day, due)


def test_clamped_days_are_noted() -> None:
    parameter = a_parameter(bill_day=31, invoice_day=30, due_days=60, months_to_bill=13)
    notes = map_account(an_account(account_billing_parameter=parameter), RULES).notes
    days = ("billing_date", "bill_day", "billing_due", "months_to_bill")
    assert sorted(notes) == sorted(f"clamped:{name}" for name in days)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"switch_status_after_delinquency": False, "grace_days": 9}, 200, id="Sonar switches no status"),
        pytest.param(
            {
                "switch_status_after_delinquency": True,
                "grace_days": 3,
                "days_of_delinquency_for_status_switch": 10,
            },
            13,
            id="grace and days of delinquency",
        ),
        pytest.param({"switch_status_after_delinquency": True, "grace_days": 0}, 0, id="at once"),
        pytest.param({"switch_status_after_delinquency": True, "grace_days": 200}, 99, id="clamped"),
    ],
)
def test_the_blocking_period_is_what_sonar_waits_and_a_customer_is_never_deactivated(
    changes: dict[str, Any], expected: int
) -> None:
    sentinels = rules(billing={"do_not_block": 200, "no_deactivation": 201})
    found = billing(sentinels, account_billing_parameter=a_parameter(**changes))
    assert (found.blocking_period, found.grace_period) == (expected, 201)


def test_unless_the_rules_know_splynx_own_word_no_period_is_no_value() -> None:
    assert (billing().blocking_period, billing().grace_period) == (None, None)


@pytest.mark.parametrize(
    ("months", "postpaid", "expected"), [(1, False, 1), (12, False, 12), (13, False, 12), (0, False, 1), (0, True, 0)]
)
def test_months_are_paid_in_advance_unless_the_rules_allow_arrears(months: int, postpaid: bool, expected: int) -> None:
    given = rules(billing={"postpaid": postpaid})
    assert billing(given, account_billing_parameter=a_parameter(months_to_bill=months)).type == expected


@pytest.mark.parametrize(
    ("mailing", "person", "street"),
    [
        pytest.param([], "", "", id="no mailing address"),
        pytest.param([an_address(id=92, type="MAILING")], "", "1 Example Street", id="the same place"),
        pytest.param([an_address(id=92, type="MAILING", line1="Box 5")], "Ada Example", "Box 5", id="another place"),
    ],
)
def test_a_person_to_bill_is_named_where_the_bill_goes_elsewhere(
    mailing: list[dict[str, Any]], person: str, street: str
) -> None:
    found = billing(addresses=[an_address(), *mailing], contacts=[a_contact(role="owner")])
    assert (found.billing_person, found.billing_street_1) == (person, street)


def test_the_least_balance_is_minus_the_amount_from_which_sonar_counts_delinquency() -> None:
    assert billing().min_balance == "-10.0000"


def test_what_has_no_home_in_splynx_is_kept_for_reading() -> None:
    parameter = a_parameter(
        auto_pay_days=3,
        auto_pay_day="INVOICE_DAY",
        grace_until=date(2025, 7, 1),
        print_invoice=True,
        aggregate_invoice_taxes=True,
        anchor_delinquency_logic="ANCHOR_ONLY",
        service_period_duration=2,
    )
    assert customer(account_billing_parameter=parameter).sonar_billing == (
        "auto_pay: 3 days from INVOICE_DAY; grace_days: 0; grace_until: 2025-07-01; print_invoice: yes;"
        " bill_day_mode: FIXED; months_to_bill: 1; aggregate_invoice_taxes: yes;"
        " anchor_delinquency_logic: ANCHOR_ONLY; service_period_duration: 2"
    )
    assert customer(account_billing_parameter=None).sonar_billing == ""


def test_billing_parameters_that_were_not_read_leave_the_settings_as_they_are() -> None:
    assert map_account(an_account(account_billing_parameter=None), RULES).records["customer_billing"] is None
