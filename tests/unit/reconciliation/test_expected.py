"""What Sonar asks for, worked out without the mappers."""

from typing import Any

import pytest

from reconciliation.expected import (
    OF_A_LEAD,
    OUT_OF_SCOPE,
    account_facts,
    company_facts,
    expected_status,
    flag_label_facts,
    label_facts,
    payment_facts,
    tariff_facts,
)
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
        "updated_at": "2024-05-01T12:00:00Z",
        "company_id": "1",
        "account_status_id": "3",
        "is_delinquent": False,
        "archived_at": None,
        "activation_date": "2024-01-01",
        "account_status": {"name": "Active", "activates_account": True},
        "account_billing_parameter": {"delinquency_account_status_id": None},
        "account_services": {"entities": []},
    } | more


def sold(id: str = "501", **service: Any) -> dict[str, Any]:
    return {"id": id, "service": {"id": "101", "type": "DATA", "application": "DEBIT"} | service}


def a_payment(**more: Any) -> dict[str, Any]:
    return {
        "id": "9",
        "updated_at": "2024-05-01T12:00:00Z",
        "account_id": "5",
        "account": an_account(),
        "amount": 1250,
        "payment_datetime": "2024-05-02T03:00:00Z",
        "payment_type": "CASH",
        "successful": True,
        "status": "SUCCEEDED",
        "is_autopay": None,
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


def test_an_account_outside_the_pilot_is_left_out_and_so_are_its_payments() -> None:
    pilot = rules(scope={"accounts": [6]})
    facts = [*account_facts(an_account(), pilot), *payment_facts(a_payment(), pilot)]
    assert [(one.entity, one.key, one.skipped) for one in facts] == [
        ("customer", "5", OUT_OF_SCOPE),
        ("customer_info", "5", OUT_OF_SCOPE),
        ("customer_billing", "5", OUT_OF_SCOPE),
        ("payment", "9", OUT_OF_SCOPE),
    ]


@pytest.mark.parametrize("scope", [{"companies": [2]}, {"statuses": [4]}])
def test_a_payment_goes_with_its_account(scope: dict[str, Any]) -> None:
    assert [one.skipped for one in payment_facts(a_payment(), rules(scope=scope))] == [OUT_OF_SCOPE]


def test_an_account_becomes_a_customer_with_its_info_and_billing() -> None:
    facts = account_facts(an_account(), rules())
    assert [(one.entity, one.key, one.account, one.text, one.skipped) for one in facts] == [
        ("customer", "5", "5", "active", None),
        ("customer_info", "5", "5", "present", None),
        ("customer_billing", "5", "5", "present", None),
    ]


def test_of_billing_that_sonar_does_not_have_nothing_is_said() -> None:
    facts = account_facts(an_account(account_billing_parameter=None), rules())
    assert [one.skipped for one in facts] == [None, None, "no billing parameter"]


def test_a_lead_that_is_not_carried_is_not_expected() -> None:
    lead = an_account(account_status=INACTIVE, activation_date=None)
    assert account_facts(lead, rules(status_map={"leads": "skip"})) == []


def test_a_payment_of_a_lead_that_is_not_carried_is_left_out() -> None:
    lead = a_payment(account=an_account(account_status=INACTIVE, activation_date=None))
    assert [one.skipped for one in payment_facts(lead, rules(status_map={"leads": "skip"}))] == [OF_A_LEAD]
    assert [one.skipped for one in payment_facts(lead, rules())] == [None]


def test_a_payment_counts_on_the_operators_calendar_day_by_its_method() -> None:
    assert [(one.key, one.text) for one in payment_facts(a_payment(), rules())] == [("9", "5 2024-05-01 2 1250")]


def test_the_processors_provider_outranks_the_payment_type() -> None:
    card = {"credit_card_processor": {"provider": "STRIPE"}}
    assert [one.method for one in payment_facts(a_payment(credit_card=card), rules())] == [7]


def test_autopay_outranks_the_provider() -> None:
    card = {"credit_card_processor": {"provider": "STRIPE"}}
    given = rules(payment_methods={"default": 2, "by_provider": {"STRIPE": 7}, "autopay": 9})
    paid = [a_payment(credit_card=card, is_autopay=auto) for auto in (True, False)]
    assert [one.method for row in paid for one in payment_facts(row, given)] == [9, 7]


@pytest.mark.parametrize("change", [{"successful": False}, {"status": "PENDING"}, {"status": "FAILED"}])
def test_a_payment_that_does_not_qualify_is_not_expected(change: dict[str, Any]) -> None:
    assert payment_facts(a_payment(**change), rules()) == []


def test_a_reversal_is_taken_back_on_its_own_day() -> None:
    reversal = {"id": "4", "amount": 1000, "created_at": "2024-06-01T12:00:00Z"}
    facts = payment_facts(a_payment(reversed_payments={"entities": [reversal]}), rules())
    assert [(one.key, one.state, one.text) for one in facts] == [
        ("9", "payment", "5 2024-05-01 2 1250"),
        ("9-R4", "reversal", "5 2024-06-01 2 -1000"),
    ]


@pytest.mark.parametrize(
    ("company", "partners", "keys"),
    [
        pytest.param({"id": "3", "enabled": True}, {}, ["3"], id="its own partner"),
        pytest.param({"id": "3", "enabled": False}, {}, [], id="disabled"),
        pytest.param({"id": "3", "enabled": True}, {"by_company": {3: 1}}, [], id="one of Splynx's own"),
    ],
)
def test_an_enabled_company_without_a_configured_partner_becomes_one(
    company: dict[str, Any], partners: dict[str, Any], keys: list[str]
) -> None:
    chosen = rules(partners={"default": 1, **partners})
    assert [one.key for one in company_facts({**company, "updated_at": "x"}, chosen)] == keys


def test_groups_types_and_flags_become_labels() -> None:
    rows = [{"id": "7", "updated_at": "x"}]
    labels = [*label_facts("group", rows), *label_facts("type", rows), *flag_label_facts()]
    assert [one.key for one in labels] == [
        "group:7", "type:7", "flag:delinquent", "flag:archived", "flag:tax_exempt", "flag:lifeline",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("service", "tariffs", "keys"),
    [
        pytest.param({}, {}, ["101"], id="a plan"),
        pytest.param({"type": "VOICE"}, {}, [], id="no plan"),
        pytest.param({"application": "CREDIT"}, {}, [], id="a discount"),
        pytest.param({}, {"map": {101: {"internet": 4}}}, [], id="one of Splynx's own"),
        pytest.param({}, {"map": {101: "ignore"}}, [], id="left out"),
        pytest.param({}, {"mode": "map_only"}, [], id="only what is mapped"),
    ],
)
def test_a_plan_becomes_a_tariff_unless_the_rules_say_otherwise(
    service: dict[str, Any], tariffs: dict[str, Any], keys: list[str]
) -> None:
    row = {"id": "101", "updated_at": "x", "type": "DATA", "application": "DEBIT", **service}
    assert [one.key for one in tariff_facts([row], rules(tariffs=tariffs))] == keys


@pytest.mark.parametrize(
    ("account", "states"),
    [
        pytest.param({}, ["active"], id="an active customer"),
        pytest.param({"account_status_id": "4"}, ["active"], id="a blocked one"),
        pytest.param({"account_status": INACTIVE}, ["disabled"], id="a disabled one"),
        pytest.param({"account_status": INACTIVE, "activation_date": None}, [], id="a new one"),
        pytest.param({"archived_at": "2024-02-01T00:00:00Z"}, [], id="an archived account"),
    ],
)
def test_services_are_expected_as_their_customer_is(account: dict[str, Any], states: list[str]) -> None:
    row = an_account(account_services={"entities": [sold()]}, **account)
    facts = account_facts(row, rules(status_map={"by_id": {4: "blocked"}}))
    assert [one.state for one in facts if one.entity == "internet_service"] == states


@pytest.mark.parametrize(
    ("service", "tariffs", "keys"),
    [
        pytest.param({}, {}, ["501"], id="a plan"),
        pytest.param({"type": "VOICE"}, {}, [], id="no plan"),
        pytest.param({"application": "CREDIT"}, {}, [], id="a discount"),
        pytest.param({}, {"map": {101: {"internet": 4}}}, ["501"], id="on a tariff of Splynx's own"),
        pytest.param({}, {"map": {101: "ignore"}}, [], id="left out"),
    ],
)
def test_what_an_account_has_of_plans_is_expected(
    service: dict[str, Any], tariffs: dict[str, Any], keys: list[str]
) -> None:
    row = an_account(account_services={"entities": [sold(**service)]})
    facts = account_facts(row, rules(tariffs=tariffs))
    assert [(one.key, one.account) for one in facts if one.entity == "internet_service"] == [(key, "5") for key in keys]


def test_services_are_left_out_with_their_account_and_where_nobody_knows_how_it_is_billed() -> None:
    row = an_account(account_services={"entities": [sold()]})
    assert account_facts(row, rules(scope={"accounts": [6]}))[-1].skipped == OUT_OF_SCOPE
    unread = account_facts(row | {"account_billing_parameter": None}, rules())[-1]
    assert (unread.entity, unread.skipped) == ("internet_service", "no billing parameter")
