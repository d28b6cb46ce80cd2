"""Where a customer is."""

from datetime import timedelta
from typing import Any

import pytest

from schemas.entities.account import map_account
from schemas.entities.customer.target import Customer
from schemas.values.errors import OutOfRange
from tests.builders import (
    NOON,
    RULES,
    an_account,
    an_address,
    only,
    rules,
)
from tests.unit.schemas.mapped import customer


def test_the_newest_physical_address_is_the_customers() -> None:
    older = an_address(id=99, line1="Old Street", updated_at=NOON - timedelta(days=1))
    mailing = an_address(id=98, type="MAILING", line1="Box 5", updated_at=NOON + timedelta(days=1))
    found = customer(addresses=[older, mailing, an_address()])
    assert found.street_1 == "1 Example Street"
    assert found.sonar_mailing_address == "Box 5, Springfield, US_TX, 78701, US"


def test_a_disconnected_account_keeps_its_last_address() -> None:
    past = [
        {"id": 1, "start_date": "2024-01-01", "end_date": "2024-06-01", "address": an_address(line1="First")},
        {"id": 2, "start_date": "2024-06-01", "end_date": "2025-01-01", "address": an_address(line1="Last")},
    ]
    mailing = an_address(type="MAILING", line1="Box 5")
    changes: dict[str, Any] = {"addresses": [mailing], "serviceable_address_account_assignment_histories": past}
    assert customer(RULES, **changes).street_1 == "Last"
    assert customer(addresses=[mailing]).street_1 == "Box 5"
    assert customer(addresses=[]).street_1 == ""


def test_a_foreign_country_stands_behind_the_street_and_an_unknown_subdivision_is_noted() -> None:
    bundle = map_account(an_account(addresses=[an_address(line2="Unit 2", country="CA", subdivision="CA_ON")]), RULES)
    found = only(bundle, "customer")
    assert isinstance(found, Customer)
    assert found.street_1 == "1 Example Street, Unit 2, CA"
    assert found.subdivision_id is None
    assert "unmapped:subdivision" in bundle.notes


def test_what_is_longer_than_its_column_is_cut_at_a_word_and_noted() -> None:
    city = "Saint Example of the Wide Water Falls"
    bundle = map_account(an_account(name="x" * 300, addresses=[an_address(city=city)]), RULES)
    found = only(bundle, "customer")
    assert isinstance(found, Customer)
    assert found.city == "Saint Example of the Wide Water"
    assert len(found.name) == 256
    assert {"truncated:city", "truncated:name"} <= set(bundle.notes)


def test_the_first_location_rule_whose_conditions_all_hold_wins() -> None:
    given = rules(
        locations={
            "default": 1,
            "rules": [
                {"when": {"address.city": "Springfield", "company": 4}, "use": {"id": 2}},
                {"when": {"address.city": ["Elsewhere", "Springfield"]}, "use": {"id": 3}},
                {"when": {"account_group": "Wireless"}, "use": {"id": 4}},
            ],
        }
    )
    assert customer(given).location_id == 3
    assert customer(given, addresses=[]).location_id == 4
    assert customer(given, addresses=[], account_groups=[]).location_id == 1


def test_a_city_that_was_cut_stands_in_full_beside_it() -> None:
    city = "Saint Example of the Wide Water Falls"
    assert customer(addresses=[an_address(city=city)]).sonar_city == city
    assert customer().sonar_city == ""


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, "30.1,-97.7", id="the address"),
        pytest.param({"addresses": [an_address(latitude=None)], "geopoint": "29.5, -98"}, "29.5,-98", id="the account"),
        pytest.param({"addresses": [an_address(latitude=None)]}, "", id="nothing known"),
        pytest.param({"addresses": [an_address(latitude="-0.0", longitude="1e-7")]}, "0.0,0.0000001", id="digits"),
        pytest.param({"addresses": [an_address(latitude=-90, longitude=180.0)]}, "-90,180.0", id="numbers, the limits"),
    ],
)
def test_coordinates_are_those_of_the_address_else_of_the_account(changes: dict[str, Any], expected: str) -> None:
    assert customer(**changes).gps == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"addresses": [an_address(latitude="90.1")]},
        {"addresses": [an_address(longitude="-180.5")]},
        {"addresses": [an_address(latitude="north")]},
        {"addresses": [an_address(latitude="NaN")]},
        {"addresses": [], "geopoint": "29.5"},
    ],
)
def test_coordinates_that_are_no_place_on_earth_set_the_account_aside(changes: dict[str, Any]) -> None:
    with pytest.raises(OutOfRange, match="gps"):
        customer(**changes)


def test_a_mailing_address_that_was_cut_is_noted() -> None:
    mailing = an_address(type="MAILING", line1="Box " + "5" * 300)
    bundle = map_account(an_account(addresses=[mailing, an_address()]), RULES)
    assert {"truncated:street", "truncated:sonar_mailing_address"} <= set(bundle.notes)
