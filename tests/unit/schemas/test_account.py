"""What is mapped of an account, and what is left as it is."""

from typing import Any

import pytest

from schemas.bundle import bundle_hash
from schemas.entities.account import map_account
from tests.builders import (
    RULES,
    a_contact,
    a_status,
    an_account,
    rules,
)
from tests.unit.schemas.mapped import customer

WRITTEN = ("customer", "customer_info", "customer_billing", "internet_service")


def test_leads_own_nothing_where_the_rules_skip_them() -> None:
    lead = an_account(account_status=a_status(activates_account=False), activation_date=None)
    bundle = map_account(lead, rules(status_map={"leads": "skip"}))
    assert bundle.records == {entity: [] for entity in WRITTEN}
    assert bundle.reason == "leads are not carried"


@pytest.mark.parametrize(
    "scope", [{"accounts": [8]}, {"companies": [4]}, {"statuses": [2]}, {"accounts": [7], "companies": [4]}]
)
def test_an_account_outside_the_pilot_is_left_out_of_the_comparison(scope: dict[str, list[int]]) -> None:
    bundle = map_account(an_account(), rules(scope=scope))
    assert bundle.records == dict.fromkeys(WRITTEN)


def test_an_account_inside_the_pilot_is_mapped() -> None:
    assert customer(rules(scope={"accounts": [7], "companies": [3], "statuses": [1]})).key == "7"


@pytest.mark.parametrize(
    "unread",
    [
        {"contacts": None},
        {"contacts": [a_contact(phone_numbers=None)]},
        {"addresses": None},
        {"account_groups": None},
        {"serviceable_address_account_assignment_histories": None},
        {"custom_field_data": None},
    ],
)
def test_what_was_not_read_leaves_the_customer_as_it_is(unread: dict[str, Any]) -> None:
    given = rules(custom_fields={"map": {"Gate": {"name": "gate"}}})
    bundle = map_account(an_account(**unread), given)
    assert bundle.records == dict.fromkeys(WRITTEN)
    assert bundle.reason is not None
    assert next(iter(unread)) in bundle.reason


def test_custom_fields_that_no_rule_names_need_not_be_read() -> None:
    assert customer(custom_field_data=None).custom == {}


@pytest.mark.parametrize("unread", ["credit_cards", "bank_accounts"])
def test_instruments_that_were_not_read_leave_the_billing_settings_as_they_are(unread: str) -> None:
    records = map_account(an_account(**{unread: None}), RULES).records
    assert records["customer_billing"] is None
    assert records["customer"] is not None


def test_mapping_twice_gives_equal_hashes_whatever_the_order_of_what_was_read() -> None:
    contacts = [a_contact(), a_contact(id=72, primary=False)]
    once = map_account(an_account(contacts=contacts), RULES)
    again = map_account(an_account(contacts=contacts[::-1]), RULES)
    assert bundle_hash(once) == bundle_hash(again)
    assert bundle_hash(once) != bundle_hash(map_account(an_account(name="Bo"), RULES))
