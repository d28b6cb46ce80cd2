"""The compiled rules: zones and currencies; the version covers all that matters."""

from typing import Any

import pytest

from plumbing.errors import ConfigurationError
from schemas.rules import RulesFile, SourceFacts, compile_rules
from schemas.values.money import exponent_of
from schemas.values.time import iana_zone
from tests.builders import FACTS


def file(**blocks: Any) -> RulesFile:
    values = {
        "version": 1,
        "target": {"timezone": "America/Chicago"},
        "partners": {"default": 1},
        "locations": {"default": 1},
        "payment_methods": {"default": 5},
    }
    return RulesFile.model_validate(values | blocks)


def test_a_zone_that_differs_from_splynx_halts_unless_it_is_meant() -> None:
    facts = SourceFacts("USD", "AMERICADENVER", 0)
    with pytest.raises(ConfigurationError, match="America/Denver"):
        compile_rules(file(), facts)
    assert compile_rules(file(source={"allow_zone_shift": True}), facts).zone.key == "America/Chicago"


@pytest.mark.parametrize("zone", ["AMERICASPRINGFIELD", ""])
def test_a_zone_that_is_none_must_be_given_in_the_rules(zone: str) -> None:
    with pytest.raises(ConfigurationError, match="stands for 0"):
        compile_rules(file(), SourceFacts("USD", zone, 0))
    assert compile_rules(file(source={"timezone": "America/Chicago"}), SourceFacts("USD", zone, 0)).exponent == 2


@pytest.mark.parametrize(
    ("sonar", "iana"),
    [
        ("UTC", "UTC"),
        ("AMERICANEW_YORK".replace("_", ""), "America/New_York"),
        ("AMERICAINDIANAINDIANAPOLIS", "America/Indiana/Indianapolis"),
    ],
)
def test_sonars_zones_are_found_without_their_signs(sonar: str, iana: str) -> None:
    assert iana_zone(sonar) == iana


@pytest.mark.parametrize(("currency", "exponent"), [("USD", 2), ("JPY", 0), ("KWD", 3)])
def test_each_currency_has_its_own_digits(currency: str, exponent: int) -> None:
    assert exponent_of(currency) == exponent


@pytest.mark.parametrize("currency", ["", "usd", "DOLLAR", "U5D", "XQX"])
def test_what_is_no_currency_code_halts(currency: str) -> None:
    with pytest.raises(ConfigurationError, match="ISO 4217"):
        exponent_of(currency)


def test_the_version_changes_with_the_rules_sonars_settings_and_the_key_only() -> None:
    version = compile_rules(file(), FACTS, b"k").version
    assert compile_rules(file(), FACTS, b"k", generation=9).version == version
    others = [
        compile_rules(file(partners={"default": 2}), FACTS, b"k"),
        compile_rules(file(), SourceFacts("CAD", FACTS.timezone, 1000), b"k"),
        compile_rules(file(), SourceFacts("USD", FACTS.timezone, 1001), b"k"),
        compile_rules(file(), FACTS, b"other"),
    ]
    assert len({version, *(one.version for one in others)}) == 5
