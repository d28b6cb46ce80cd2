"""Reading the operator's rules: whatever is wrong is told with file, line and what to do, in every block."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from plumbing.errors import ConfigurationError, ExitCode
from schemas.rules import (
    RulesFile,
    RulesText,
    load_rules,
    read_rules,
    unknown_ids,
    unknown_in_sonar,
    unmapped_statuses,
)

GOOD = """version: 1
target:
  timezone: America/Chicago
partners: {default: 1}
locations: {default: 1}
payment_methods:
  default: 5
"""
DOCS = Path(__file__).parents[3] / "docs" / "rules.md"


def read(tmp_path: Path, text: str) -> RulesText:
    path = tmp_path / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    return read_rules(path)


def complaint(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, text)
    assert caught.value.next_step
    assert caught.value.exit_code is ExitCode.USAGE
    return str(caught.value).replace(f"{tmp_path}/", "")


def test_a_short_file_is_enough(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD).file.partners.default == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("unicorns: 1", "line 8: unicorns: is no rule (known here: version, source, target,", id="a block"),
        pytest.param("source:\n  time_zone: UTC", "line 9: source.time_zone: is no rule (is timezone", id="source"),
        pytest.param("source: {currency: DOLLAR}", "line 8: source.currency: is no ISO 4217 code", id="a currency"),
        pytest.param("source: {timezone: Mars/Base}", "line 8: source.timezone: is no IANA time zone", id="own zone"),
        pytest.param(
            "status_map:\n  by_id:\n    4: gone",
            "line 10: status_map.by_id.4: Input should be 'new', 'active', 'blocked' or 'disabled'",
            id="an unknown status of Splynx",
        ),
        pytest.param(
            "status_map: {by_id: {Active: active}}",
            "line 8: status_map.by_id.Active: Input should be a valid integer (write a whole number",
            id="a name where an id belongs",
        ),
        pytest.param("status_map: {strcit: true}", "line 8: status_map.strcit: is no rule (is strict", id="typo"),
        pytest.param("customer:\n  login_format: same", "line 8: customer: login_format must hold {id}", id="a login"),
        pytest.param(
            "customer: {default_country: NO}",
            "default_country: Input should be a valid string (write it in",
            id="Norway",
        ),
        pytest.param("customer: {labels: {account_type: x}}", "line 8: customer.labels: a label form", id="a label"),
        pytest.param(
            "customer: {labels: {account_group: '{name}', account_type: '{name}'}}",
            "line 8: customer.labels: account_group and account_type need",
            id="labels that mix",
        ),
        pytest.param("customer: {contacts: {email_roles: a}}", "email_roles: Input should be a valid", id="no list"),
        pytest.param("customer: {subdivisions: {US_TX: '44'}}", "subdivisions.US_TX: Input should be", id="text"),
        pytest.param(
            "customer: {portal_auth: email}",
            "line 8: customer.portal_auth: email is not supported: Splynx then wants no address twice, and addresses"
            " that customers share are not ours to change; keep login, and see customer.login_format",
            id="portal",
        ),
        pytest.param("billing:\n  numbers:\n    payment: '{id}'", "line 9: billing.numbers: a number", id="bare"),
        pytest.param(
            "billing: {numbers: {payment: 'W-A{id}'}}", "must not end in -X or -A", id="as one that came again"
        ),
        pytest.param("billing: {numbers: {payment: 'W{id}-X'}}", "must not end in -X or -A", id="as one taken back"),
        pytest.param("billing: {do_not_block: 256}", "billing.do_not_block: Input should be less", id="much"),
        pytest.param("custom_fields: {map: {A: drop}}", "line 8: custom_fields.map.A: must be a block of", id="a way"),
        pytest.param("custom_fields: {map: {A: {}}}", "line 8: custom_fields.map.A: give either", id="no way"),
        pytest.param("scope:\n  accounts: ['7']", "line 9: scope.accounts.0: Input should be a valid", id="scope"),
        pytest.param("version: 1", "line 8: version stands here twice (first in line 1;", id="a repeat"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_remedy(tmp_path: Path, text: str, said: str) -> None:
    assert said in complaint(tmp_path, GOOD + text + "\n")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("version: 1", "version: 2", "line 1: version: Input should be 1"),
        ("America/Chicago", "America/Springfield", "line 3: target.timezone: is no IANA time zone"),
        ("  timezone: America/Chicago", "  {}", "line 2: target.timezone: is missing (add it)"),
        ("partners: {default: 1}", "partners: {default: true}", "line 4: partners.default: Input should be a valid"),
        ("partners: {default: 1}", "partners: {default: 1, by_company: {3: {creat: true}}}", "(is create meant?)"),
        ("partners: {default: 1}", "", "line 1: partners: is missing (add it)"),
        (
            "partners: {default: 1}",
            "tariffs: {map: {7: ignored}}",
            "line 4: tariffs.map.7: must be a block of rules (write `key: value` lines below it), or Input should be"
            " 'ignore'",
        ),
        (
            "partners: {default: 1}",
            "tariffs: {min_sped: 1}",
            "line 4: tariffs.min_sped: is no rule (is min_speed meant?)",
        ),
        ("locations: {default: 1}", "locations: {default: 1, rules: [{when: {planet: x}, use: {id: 1}}]}",
         "line 5: locations.rules.0.when.planet: Input should be 'address.city'"),
        ("locations: {default: 1}", "locations: {default: 1, rules: [{when: {company: 3}, use: {name: x}}]}",
         "line 5: locations.rules.0.use.id: is missing (add it)"),
        ("  default: 5", "  default: 0", "line 7: payment_methods.default: Input should be greater than or equal to 1"),
        ("  default: 5", "  default: 5\n  by_type: {CARD: 3}", "line 8: payment_methods.by_type.CARD: Input should be"),
        ("payment_methods:", "payment_methods: [", "not valid YAML"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_required_block_is_told_too(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert said in complaint(tmp_path, GOOD.replace(old, new))


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    said = complaint(tmp_path, GOOD.replace("default: 5", "default: x") + "scope: {acounts: []}\nbilling: 3\n")
    assert [part in said for part in ("line 7:", "line 8:", "line 9:")] == [True, True, True]


@pytest.mark.parametrize("text", ["- 1\n", "", "rules\n"])
def test_a_file_that_is_no_mapping_is_none(tmp_path: Path, text: str) -> None:
    assert "rules.yaml line 1: must hold a mapping of rules" in complaint(tmp_path, text)


def test_a_missing_file_and_one_that_is_no_text_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml: No such file"):
        load_rules(tmp_path / "nowhere.yaml")
    (tmp_path / "photo.yaml").write_bytes(b"\xff\xd8")
    with pytest.raises(ConfigurationError, match=r"photo\.yaml: it is no UTF-8 text"):
        load_rules(tmp_path / "photo.yaml")


ALL = """version: 1
target: {timezone: America/Chicago}
partners:
  default: 1
  by_company: {3: 2, 4: {create: true}}
locations:
  default: 3
  rules:
    - when: {company: 3}
      use: {id: 4}
payment_methods:
  default: 5
  by_type: {CASH: 6}
  by_provider:
    STRIPE: 7
  autopay: 9
customer:
  subdivisions:
    US_TX: 8
tariffs:
  map: {101: {internet: 10}, 102: ignore}
taxes: {map: {1: 11}}
"""


@pytest.mark.parametrize(
    ("kind", "id", "said"),
    [
        ("partner", 1, "line 4: partners.default: Splynx has no partner 1"),
        ("partner", 2, "line 5: partners.by_company.3: Splynx has no partner 2"),
        ("location", 3, "line 7: locations.default: Splynx has no location 3"),
        ("location", 4, "line 10: locations.rules.0.use.id: Splynx has no location 4"),
        ("payment_method", 5, "line 12: payment_methods.default: Splynx has no payment method 5"),
        ("payment_method", 6, "line 13: payment_methods.by_type.CASH: Splynx has no payment method 6"),
        ("payment_method", 7, "line 15: payment_methods.by_provider.STRIPE: Splynx has no payment method 7"),
        ("payment_method", 9, "line 16: payment_methods.autopay: Splynx has no payment method 9"),
        ("subdivision", 8, "line 19: customer.subdivisions.US_TX: Splynx has no subdivision 8"),
        ("internet_tariff", 10, "line 21: tariffs.map.101.internet: Splynx has no internet tariff 10"),
        ("tax", 11, "line 22: taxes.map.1: Splynx has no tax 11"),
    ],
)
def test_every_id_that_splynx_lacks_is_named_with_its_line(tmp_path: Path, kind: str, id: int, said: str) -> None:
    text = read(tmp_path, ALL)
    known = {"partner": {1, 2}, "location": {3, 4}, "payment_method": {5, 6, 7, 9}, "subdivision": {8}}
    known |= {"internet_tariff": {10}, "tax": {11}}
    assert unknown_ids(text, known) == []
    assert unknown_ids(text, known | {kind: known[kind] - {id}}) == [f"{text.path} {said}"]


NAMED = """partners: {default: 1, by_company: {1: 2}, names: {2: B}}
scope: {companies: [3], statuses: [4]}
status_map:
  by_id: {5: active}
  by_name: {Gone: disabled}
customer:
  category: {by_account_type: {6: company}}
  labels: {names: {"group:7": G, "type:8": T}}
locations: {default: 1, rules: [{when: {account_group: [Wholesale, VIP]}, use: {id: 1}}]}
tariffs: {map: {11: ignore}, names: {12: N}}
taxes: {map: {13: 1}}
custom_fields: {map: {Gate code: {name: gate_code}, Old id: ignore}}
version: 1
target: {timezone: America/Chicago}
payment_methods: {default: 1}
"""
HAD = {
    "companies": {1: "A", 2: "B", 3: "C"},
    "account_statuses": {4: "Active", 5: "Seasonal", 9: "Gone"},
    "account_types": {6: "Business", 8: "Home"},
    "account_groups": {7: "Cooperative", 20: " Wholesale ", 21: "VIP"},
    "services": {11: "x", 12: "y"},
    "taxes": {13: "z"},
    "custom_fields": {14: "Gate code", 15: "Old id"},
}


@pytest.mark.parametrize(
    ("collection", "id", "said"),
    [
        ("companies", 1, "line 1: partners.by_company: 1: Sonar has no company 1"),
        ("companies", 2, "line 1: partners.names: 2: Sonar has no company 2"),
        ("companies", 3, "line 2: scope.companies: 0: Sonar has no company 3"),
        ("account_statuses", 4, "line 2: scope.statuses: 0: Sonar has no account status 4"),
        ("account_statuses", 5, "line 4: status_map.by_id: 5: Sonar has no account status 5"),
        ("account_statuses", 9, "line 5: status_map.by_name: Gone: Sonar has no account status Gone"),
        ("account_types", 6, "line 7: customer.category.by_account_type: 6: Sonar has no account type 6"),
        ("account_types", 8, "line 8: customer.labels.names: type:8: Sonar has no account type 8"),
        ("account_groups", 7, "line 8: customer.labels.names: group:7: Sonar has no account group 7"),
        ("account_groups", 20, "line 9: locations.rules.0.when.account_group: Sonar has no account group Wholesale"),
        ("account_groups", 21, "line 9: locations.rules.0.when.account_group: Sonar has no account group VIP"),
        ("services", 11, "line 10: tariffs.map: 11: Sonar has no service 11"),
        ("services", 12, "line 10: tariffs.names: 12: Sonar has no service 12"),
        ("taxes", 13, "line 11: taxes.map: 13: Sonar has no tax 13"),
        ("custom_fields", 14, "line 12: custom_fields.map: Gate code: Sonar has no custom field Gate code"),
        ("custom_fields", 15, "line 12: custom_fields.map: Old id: Sonar has no custom field Old id"),
    ],
)
def test_everything_that_is_named_and_sonar_lacks_is_told_with_its_line(
    tmp_path: Path, collection: str, id: int, said: str
) -> None:
    text = read(tmp_path, NAMED)
    assert unknown_in_sonar(text, HAD) == []
    less = {number: name for number, name in HAD[collection].items() if number != id}
    assert unknown_in_sonar(text, HAD | {collection: less}) == [f"{text.path} {said}"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param("A: {name: sonar_id}", "A goes to sonar_id, which Crossfade fills itself", id="ours"),
        pytest.param("A: {name: crossfade_epoch}", "A goes to crossfade_epoch", id="our mark"),
        pytest.param("A: {name: a}, B: {name: a}", "B goes to a, and so does A", id="one field for two"),
        pytest.param(
            "A: {to: customer_info.vat_id}, B: {to: customer_info.vat_id}", "B goes to customer_info.vat_id",
            id="one column for two",
        ),
    ],
)  # fmt: skip
def test_a_custom_field_goes_to_a_place_of_its_own(tmp_path: Path, fields: str, said: str) -> None:
    assert f"line 8: custom_fields: {said}" in complaint(tmp_path, GOOD + f"custom_fields: {{map: {{{fields}}}}}\n")


def test_a_status_in_use_that_strict_rules_do_not_name_is_told_with_the_line_to_add_it_at(tmp_path: Path) -> None:
    named = "status_map:\n  strict: true\n  by_id:\n    3: active\n  by_name: {Gone: disabled}\n"
    text = read(tmp_path, GOOD + named)
    assert unmapped_statuses(text, {3: "Active", 4: "Gone"}) == []
    (said,) = unmapped_statuses(text, {3: "Active", 4: "Gone", 5: "Seasonal"})
    assert said.startswith(
        f"{text.path} line 10: status_map.by_id: status 5 (Seasonal) is in use and not named; add `5: "
    )
    assert unmapped_statuses(read(tmp_path, GOOD), {5: "Seasonal"}) == []


def documented() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(
        DOCS.read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    )
    return found


def test_the_documented_file_is_valid_and_holds_every_rule() -> None:
    assert RulesFile.model_validate(documented()).model_fields_set == set(RulesFile.model_fields)


def test_every_rule_says_what_it_is_for() -> None:
    rows = [line for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert len(rows) > 30
    assert [row for row in rows if row.endswith("|  |") or "`null`" in row] == []
