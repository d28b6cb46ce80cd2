"""What is mapped of an account, and what is left as it is."""

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


def test_leads_own_nothing_where_the_rules_skip_them() -> None:
    lead = an_account(account_status=a_status(activates_account=False), activation_date=None)
    bundle = map_account(lead, rules(status_map={"leads": "skip"}))
    assert bundle.records == {"customer": [], "customer_info": [], "customer_billing": []}
    assert bundle.reason == "leads are not carried"


@pytest.mark.parametrize(
    "scope", [{"accounts": [8]}, {"companies": [4]}, {"statuses": [2]}, {"accounts": [7], "companies": [4]}]
)
def test_an_account_outside_the_pilot_is_left_out_of_the_comparison(scope: dict[str, list[int]]) -> None:
    bundle = map_account(an_account(), rules(scope=scope))
    assert bundle.records == {"customer": None, "customer_info": None, "customer_billing": None}


def test_an_account_inside_the_pilot_is_mapped() -> None:
    assert customer(rules(scope={"accounts": [7], "companies": [3], "statuses": [1]})).key == "7"


@pytest.mark.parametrize("unread", ["contacts", "addresses"])
def test_what_was_not_read_leaves_the_customer_as_it_is(unread: str) -> None:
    assert map_account(an_account(**{unread: None}), RULES).records["customer"] is None


def test_mapping_twice_gives_equal_hashes_whatever_the_order_of_what_was_read() -> None:
    contacts = [a_contact(), a_contact(id=72, primary=False)]
    once = map_account(an_account(contacts=contacts), RULES)
    again = map_account(an_account(contacts=contacts[::-1]), RULES)
    assert bundle_hash(once) == bundle_hash(again)
    assert bundle_hash(once) != bundle_hash(map_account(an_account(name="Bo"), RULES))
