"""Which state of Splynx a subdivision of Sonar is: by code, then by name, and never by a guess."""

from typing import Any

import pytest
import yaml

from console.states import matched, template
from schemas.rules.customers import CustomerRules

SONAR = {
    "US_CA": "California",
    "US_GA": "Georgia",
    "US_TX": "",
    "CA_ON": "Ontario",
    "BE_VLI": "Limburg",
    "NL_LI": "Limburg",
    "GB_GA": "Georgia",
}


def state(id: int, code: str, name: str = "") -> dict[str, Any]:
    return {"id": id, "code": code, "name": name}


@pytest.mark.parametrize(
    ("row", "country", "value"),
    [
        pytest.param(state(5, "US_CA"), "US", "US_CA", id="Sonar's own code"),
        pytest.param(state(5, "US-CA"), "US", "US_CA", id="ISO 3166-2"),
        pytest.param(state(5, " us-ca "), "US", "US_CA", id="in small letters"),
        pytest.param(state(5, "CA"), "US", "US_CA", id="short, in the default country"),
        pytest.param(state(5, "CA"), "NL", None, id="short, and the default country is another"),
        pytest.param(state(5, "on", "Ontario"), "US", "CA_ON", id="by name"),
        pytest.param(state(5, "TX", "Ontario"), "US", "US_TX", id="the code beats the name"),
        pytest.param(state(5, "x", "georgia"), "US", "US_GA", id="a name of two, one at home"),
        pytest.param(state(5, "x", "Limburg"), "US", None, id="a name of two, neither at home"),
        pytest.param(state(5, "x", ""), "US", None, id="no name"),
    ],
)
def test_a_state_is_found_by_code_then_by_name(row: dict[str, Any], country: str, value: str | None) -> None:
    assert matched(SONAR, [row], country) == ({} if value is None else {value: 5})


def test_of_two_rows_for_one_subdivision_a_code_wins_and_then_the_first() -> None:
    rows = [state(1, "?", "California"), state(2, "US-CA"), state(3, "CA")]
    assert matched(SONAR, rows, "US") == {"US_CA": 2}


def test_the_lines_are_rules_and_name_what_was_not_found() -> None:
    text = template(SONAR, [state(1, "US-TX", "Texas"), state(2, "ON", "Ontario"), state(3, "?", "Atlantis")], "US")
    assert CustomerRules.model_validate(yaml.safe_load(text)).subdivisions == {"US_TX": 1, "CA_ON": 2}
    assert "2 of Splynx's 3 states are one of Sonar's subdivisions; not these: Atlantis" in text
