"""Custom fields as additional fields and columns of a customer's info."""

from datetime import timedelta
from typing import Any

import pytest

from schemas.entities.account import map_account
from schemas.entities.customer.target import CustomerInfo
from schemas.values.errors import UnmappedValue
from tests.builders import (
    NOON,
    a_custom_value,
    an_account,
    only,
    rules,
)
from tests.unit.schemas.mapped import customer, info

FIELDS = rules(
    custom_fields={"map": {"Gate": {"name": "gate"}, "VAT": {"to": "customer_info.vat_id"}, "Junk": "ignore"}}
)
BOOLEAN = {"type": "BOOLEAN"}


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        pytest.param([], "", id="a missing value clears"),
        pytest.param([a_custom_value("Gate", " 12 \n34 ")], "12 34", id="text is one line"),
        pytest.param([a_custom_value("Gate", "x" * 300)], "x" * 255, id="text is cut"),
        pytest.param([a_custom_value("Gate", "Yes", custom_field=BOOLEAN)], "1", id="yes"),
        pytest.param([a_custom_value("Gate", "off", custom_field=BOOLEAN)], "0", id="off"),
        pytest.param([a_custom_value("Gate", "", custom_field=BOOLEAN)], "0", id="an empty flag is off"),
        pytest.param(
            [a_custom_value("Gate", "2025-02-03T00:00", custom_field={"type": "DATE"})], "2025-02-03", id="a day"
        ),
        pytest.param(
            [a_custom_value("Gate", "new"), a_custom_value("Gate", "", id=52, updated_at=NOON + timedelta(days=1))],
            "new",
            id="the last value that is not empty wins",
        ),
        pytest.param(
            [a_custom_value("Gate", "new"), a_custom_value("Gate", "old", id=52, updated_at=NOON - timedelta(days=1))],
            "new",
            id="the newest wins",
        ),
    ],
)
def test_a_custom_field_becomes_an_additional_field(held: list[dict[str, Any]], expected: str) -> None:
    assert customer(FIELDS, custom_field_data=held).custom == {"gate": expected}


@pytest.mark.parametrize(
    ("value", "kind"),
    [("maybe", BOOLEAN), ("02/03/2025", {"type": "DATE"}), ("purple", {"enum_options": ["red", "blue"]})],
)
def test_a_value_that_a_custom_field_cannot_have_is_set_aside_without_its_value(
    value: str, kind: dict[str, Any]
) -> None:
    with pytest.raises(UnmappedValue, match="custom field Gate") as caught:
        customer(FIELDS, custom_field_data=[a_custom_value("Gate", value, custom_field=kind)])
    assert value not in str(caught.value)


def test_a_tax_number_is_written_for_companies_only() -> None:
    held = [a_custom_value("VAT", "X1")]
    company = {"id": 2, "name": "T", "type": "COMMERCIAL"}
    assert info(FIELDS, custom_field_data=held).vat_id == ""
    assert info(FIELDS, custom_field_data=held, account_type=company).vat_id == "X1"


@pytest.mark.parametrize(
    ("value", "expected", "noted"),
    [
        ("1980-02-03", "1980-02-03", False),
        ("1980-02-03T00:00:00", "1980-02-03", False),
        ("Feb 3", "", True),
        ("", "", False),
    ],
)
def test_a_birthday_is_a_day_or_nothing(value: str, expected: str, noted: bool) -> None:
    given = rules(custom_fields={"map": {"Born": {"to": "customer_info.birthday"}}})
    bundle = map_account(an_account(custom_field_data=[a_custom_value("Born", value)]), given)
    found = only(bundle, "customer_info")
    assert isinstance(found, CustomerInfo)
    assert found.birthday == expected
    assert ("dropped:birthday" in bundle.notes) is noted


def test_a_custom_field_that_was_cut_is_noted() -> None:
    bundle = map_account(an_account(custom_field_data=[a_custom_value("Gate", "x" * 300)]), FIELDS)
    assert bundle.notes == ("truncated:custom_field",)
