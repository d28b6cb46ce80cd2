"""Who a customer is: status, category, name, log-in, partner, parent, labels, days."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from schemas.entities.account import map_account
from schemas.entities.customer.target import Customer
from schemas.records import Ref
from schemas.values.errors import NaturalKeyTooLong, RequiredValueMissing, UnmappedValue
from tests.builders import (
    NOON,
    RULES,
    a_contact,
    a_parameter,
    a_status,
    an_account,
    only,
    rules,
)
from tests.unit.schemas.mapped import customer

DELINQUENCY = a_parameter(delinquency_account_status_id=1)
IDLE = a_status(activates_account=False)


@pytest.mark.parametrize(
    ("status_map", "changes", "expected"),
    [
        pytest.param({"by_id": {1: "new"}}, {"archived_at": NOON}, "new", id="a rule by id beats archived"),
        pytest.param({"by_name": {"Active": "blocked"}}, {"archived_at": NOON}, "blocked", id="a rule by name too"),
        pytest.param(
            {"by_id": {1: "new"}, "by_name": {"Active": "blocked"}}, {}, "new", id="a rule by id beats one by name"
        ),
        pytest.param({}, {"archived_at": NOON}, "disabled", id="archived beats a status that activates"),
        pytest.param(
            {},
            {"is_delinquent": True, "account_billing_parameter": DELINQUENCY},
            "blocked",
            id="delinquent in the delinquency status that still activates",
        ),
        pytest.param({}, {"is_delinquent": True}, "active", id="delinquent alone cuts nobody off"),
        pytest.param(
            {"delinquent_as_blocked": True}, {"is_delinquent": True}, "blocked", id="delinquent where rules say blocked"
        ),
        pytest.param({}, {}, "active", id="a status that activates"),
        pytest.param(
            {},
            {"is_delinquent": True, "account_status": IDLE, "account_billing_parameter": DELINQUENCY},
            "disabled",
            id="an idle delinquency status",
        ),
        pytest.param(
            {"inactive_delinquent": "blocked"},
            {"is_delinquent": True, "account_status": IDLE, "account_billing_parameter": DELINQUENCY},
            "blocked",
            id="an idle delinquency status where rules say blocked",
        ),
        pytest.param({}, {"account_status": IDLE, "activation_date": None}, "new", id="never activated"),
        pytest.param({}, {"account_status": IDLE}, "disabled", id="a former customer"),
    ],
)
def test_the_first_status_rule_that_matches_wins(
    status_map: dict[str, Any], changes: dict[str, Any], expected: str
) -> None:
    assert customer(rules(status_map=status_map), **changes).status == expected


def test_a_status_that_was_not_read_is_no_guess() -> None:
    with pytest.raises(RequiredValueMissing, match="account_status"):
        customer(account_status=None)


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        pytest.param(datetime(2025, 1, 1, 5, 59, tzinfo=UTC), date(2024, 12, 31), id="before winter midnight"),
        pytest.param(datetime(2025, 1, 1, 6, 0, tzinfo=UTC), date(2025, 1, 1), id="at winter midnight"),
        pytest.param(datetime(2025, 7, 1, 4, 59, tzinfo=UTC), date(2025, 6, 30), id="before summer midnight"),
        pytest.param(datetime(2025, 7, 1, 5, 0, tzinfo=UTC), date(2025, 7, 1), id="at summer midnight"),
    ],
)
def test_a_customer_is_added_on_the_local_day(instant: datetime, day: date) -> None:
    assert customer(created_at=instant).date_add == day


def test_a_name_of_spaces_is_no_name() -> None:
    with pytest.raises(RequiredValueMissing, match="name"):
        customer(name="  \t ")


@pytest.mark.parametrize(
    ("sort", "expected"),
    [("RESIDENTIAL", "person"), ("SENIOR_CITIZEN", "person"), ("GOVERNMENT", "company"), ("INDUSTRIAL", "company")],
)
def test_the_sort_of_the_account_type_makes_a_person_or_a_company(sort: str, expected: str) -> None:
    assert customer(account_type={"id": 2, "name": "T", "type": sort}).category == expected


def test_an_unknown_sort_is_set_aside_unless_the_rules_name_the_type() -> None:
    kind = {"id": 2, "name": "T", "type": "SOMETHING_NEW"}
    with pytest.raises(UnmappedValue, match=r"account_type\.type"):
        customer(account_type=kind)
    assert customer(rules(customer={"category": {"by_account_type": {2: "company"}}}), account_type=kind).category == (
        "company"
    )


def test_labels_name_groups_type_and_flags_each_once() -> None:
    parameter = a_parameter(tax_exempt=True, lifeline=True)
    found = customer(is_delinquent=True, archived_at=NOON, account_billing_parameter=parameter).customer_labels
    flags = [f"flag:{name}" for name in ("delinquent", "archived", "tax_exempt", "lifeline")]
    assert found == [Ref(entity="label", key=key) for key in ("group:4", "type:2", *flags)]


def test_a_parent_is_a_reference_and_nobody_is_their_own() -> None:
    assert customer(parent_account_id=9).parent_id == Ref(entity="customer", key="9")
    assert customer(parent_account_id=7).parent_id == 0


def test_a_password_depends_on_the_operators_key() -> None:
    assert customer().password == customer().password
    assert customer().password != customer(id=8).password


@pytest.mark.parametrize(
    ("scope", "parent", "expected"),
    [
        pytest.param({"accounts": [7]}, {}, 0, id="an account that is not named"),
        pytest.param({"accounts": [7, 9]}, {}, Ref(entity="customer", key="9"), id="an account that is named"),
        pytest.param({"statuses": [1]}, {"account_status_id": 2}, 0, id="a status outside"),
        pytest.param({"statuses": [1]}, {}, Ref(entity="customer", key="9"), id="a status inside"),
        pytest.param({"companies": [3]}, {"company_id": 4}, 0, id="a company outside"),
        pytest.param({"statuses": [1]}, None, 0, id="not read"),
        pytest.param({}, None, Ref(entity="customer", key="9"), id="no pilot"),
    ],
)
def test_a_parent_outside_the_pilot_keeps_no_child_waiting(
    scope: dict[str, list[int]], parent: dict[str, int] | None, expected: Ref | int
) -> None:
    held = None if parent is None else {"id": 9, "account_status_id": 1, "company_id": 3} | parent
    bundle = map_account(an_account(parent_account_id=9, parent_account=held), rules(scope=scope))
    found = only(bundle, "customer")
    assert isinstance(found, Customer)
    assert found.parent_id == expected
    assert ("default:parent_id" in bundle.notes) == (expected == 0)


def test_a_parent_that_is_a_lead_and_left_out_keeps_no_child_waiting() -> None:
    lead = {"id": 9, "account_status_id": 4, "company_id": 3, "account_status": IDLE | {"id": 4}}
    for leads, expected in (("skip", 0), ("customers", Ref(entity="customer", key="9"))):
        given = rules(status_map={"leads": leads})
        assert customer(given, parent_account_id=9, parent_account=lead).parent_id == expected


def test_accounts_of_a_disabled_company_go_to_the_default_partner_for_it_has_none_of_its_own() -> None:
    assert customer().partner_id == Ref(entity="partner", key="3")
    closed = map_account(an_account(company={"id": 3, "enabled": False}), RULES)
    found = only(closed, "customer")
    assert isinstance(found, Customer)
    assert found.partner_id == 1
    assert "default:partner" in closed.notes
    assert customer(rules(partners={"default": 1, "by_company": {3: 9}})).partner_id == 9


@pytest.mark.parametrize(
    ("form", "changes", "expected"),
    [
        pytest.param("S{id}", {}, "s7", id="the id, in lower case"),
        pytest.param("{username}", {}, "ada-7", id="a user name, kept apart by the id"),
        pytest.param("{id}.{email}", {}, "7.ada@example.com", id="an address"),
        pytest.param("{username}", {"contacts": [a_contact(username=None)]}, "sonar-7", id="without a user name"),
        pytest.param("{email}", {"contacts": []}, "sonar-7", id="without an address"),
        pytest.param("{username}", {"contacts": [a_contact(username="{id}")]}, "{id}-7", id="a name is no form"),
    ],
)
def test_a_login_is_written_as_the_rules_say_and_never_shared(
    form: str, changes: dict[str, Any], expected: str
) -> None:
    assert customer(rules(customer={"login_format": form}), **changes).login == expected


def test_a_login_is_never_cut() -> None:
    by_name = rules(customer={"login_format": "{username}"})
    assert customer(by_name, contacts=[a_contact(username="u" * 126)]).login == "u" * 126 + "-7"
    with pytest.raises(NaturalKeyTooLong, match="login"):
        customer(by_name, contacts=[a_contact(username="u" * 127)])
