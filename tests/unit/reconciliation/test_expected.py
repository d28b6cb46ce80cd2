"""What Sonar asks for, worked out without the mappers."""

from typing import Any

import pytest

from reconciliation.expected import Books, Document, add_documents, expected_books, expected_documents, expected_status
from schemas.rules import Rules, RulesFile, SourceFacts, compile_rules


def rules(**more: Any) -> Rules:
    file = RulesFile.model_validate(
        {
            "version": 1,
            "target": {"timezone": "America/Chicago"},
            "partners": {"default": 1},
            "locations": {"default": 1},
            "payment_methods": {"default": 1, "by_type": {"CASH": 2}, "by_provider": {"STRIPE": 7}},
        }
        | more
    )
    return compile_rules(file, SourceFacts("USD", "AMERICACHICAGO", 0))


def an_account(**more: Any) -> dict[str, Any]:
    return {
        "id": "5",
        "company_id": "1",
        "account_status_id": "3",
        "is_delinquent": False,
        "archived_at": None,
        "activation_date": "2024-01-01",
        "account_status": {"name": "Active", "activates_account": True},
        "account_billing_parameter": {"delinquency_account_status_id": None},
    } | more


def a_payment(**more: Any) -> dict[str, Any]:
    return {
        "id": "9",
        "account_id": "5",
        "account": {"company_id": "1", "account_status_id": "3"},
        "amount": 1250,
        "payment_datetime": "2024-05-02T03:00:00Z",
        "payment_type": "CASH",
        "successful": True,
        "status": "SUCCEEDED",
        "credit_card": None,
        "bank_account": None,
        "reversed_payments": {"entities": []},
    } | more


INACTIVE = {"name": "Lead", "activates_account": False}


@pytest.mark.parametrize(
    ("account", "chosen", "status"),
    [
        pytest.param({}, {}, "active", id="activating"),
        pytest.param({"is_delinquent": True}, {}, "active", id="delinquent alone"),
        pytest.param({"is_delinquent": True}, {"delinquent_as_blocked": True}, "blocked", id="delinquent blocks"),
        pytest.param(
            {"is_delinquent": True, "account_billing_parameter": {"delinquency_account_status_id": "3"}},
            {},
            "blocked",
            id="switched for delinquency",
        ),
        pytest.param({"archived_at": "2024-02-01T00:00:00Z"}, {}, "disabled", id="archived"),
        pytest.param({"account_status": INACTIVE}, {}, "disabled", id="was active once"),
        pytest.param({"account_status": INACTIVE, "activation_date": None}, {}, "new", id="lead"),
        pytest.param(
            {"account_status": INACTIVE, "activation_date": None}, {"leads": "skip"}, None, id="lead not carried"
        ),
        pytest.param({}, {"by_name": {"Active": "blocked"}}, "blocked", id="named by name"),
        pytest.param({}, {"by_id": {3: "disabled"}, "by_name": {"Active": "blocked"}}, "disabled", id="id wins"),
    ],
)
def test_a_status_follows_the_first_rule_that_matches(
    account: dict[str, Any], chosen: dict[str, Any], status: str | None
) -> None:
    assert expected_status(an_account(**account), rules(status_map=chosen)) == status


def test_an_account_outside_the_pilot_is_not_expected_and_neither_are_its_payments() -> None:
    books = expected_books([an_account()], [a_payment()], rules(scope={"accounts": [6]}))
    assert books == Books()


def test_a_payment_counts_on_the_operators_calendar_day_by_its_method() -> None:
    books = expected_books([an_account()], [a_payment()], rules())
    assert books.payments == {"9": "5 2024-05-01 2 1250"}
    assert books.daily == {"2024-05-01 2": "1 1250"}
    assert books.balances == {"5": "1250"}


def test_the_processors_provider_outranks_the_payment_type() -> None:
    card = {"credit_card_processor": {"provider": "STRIPE"}}
    assert [one.method for one in expected_documents(a_payment(credit_card=card), rules())] == [7]


@pytest.mark.parametrize("change", [{"successful": False}, {"status": "PENDING"}, {"status": "FAILED"}])
def test_a_payment_that_does_not_qualify_is_not_expected(change: dict[str, Any]) -> None:
    assert expected_documents(a_payment(**change), rules()) == []


def test_a_reversal_is_taken_back_on_its_own_day() -> None:
    reversal = {"id": "4", "amount": 1000, "created_at": "2024-06-01T12:00:00Z"}
    books = expected_books([an_account()], [a_payment(reversed_payments={"entities": [reversal]})], rules())
    assert books.payments["9-R4"] == "5 2024-06-01 2 -1000"
    assert books.daily == {"2024-05-01 2": "1 1250", "2024-06-01 2": "1 -1000"}
    assert books.balances == {"5": "250"}
    assert books.payments_minor == 250


def test_documents_of_one_day_and_method_add_up() -> None:
    books = Books()
    add_documents(books, [Document("1", "5", "2024-05-01", 2, 10), Document("2", "6", "2024-05-01", 2, 20)])
    assert books.daily == {"2024-05-01 2": "2 30"}
