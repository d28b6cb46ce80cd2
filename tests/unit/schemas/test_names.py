"""Which names Sonar's objects share, and what the rules do about it."""

import json
from pathlib import Path

import pytest

from schemas.entities.company import map_company
from schemas.entities.labels import AccountGroup, map_account_group
from schemas.names import shared_names
from schemas.rules import read_rules
from tests.builders import NOON, a_company, only, rules

RULES = """version: 1
target: {timezone: America/Chicago}
partners:
  default: 1
  by_company: {5: 2}
locations: {default: 1}
payment_methods: {default: 5}
"""


def told(
    tmp_path: Path,
    more: str = "",
    *,
    companies: dict[int, str] | None = None,
    groups: dict[int, str] | None = None,
    types: dict[int, str] | None = None,
    plans: dict[int, str] | None = None,
) -> list[str]:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES + more, encoding="utf-8")
    found = shared_names(read_rules(path), companies or {}, groups or {}, types or {}, plans or {})
    return [one.replace(f"{path} ", "") for one in found]


def test_the_lowest_id_keeps_the_name_whichever_came_first(tmp_path: Path) -> None:
    expected = [
        'line 3: partners.names: company 7 would have the name of company 3 in Splynx; add `7: "Example Net #7"`',
        'line 3: partners.names: company 9 would have the name of company 3 in Splynx; add `9: "Example Net #9"`',
    ]
    assert told(tmp_path, companies={9: "Example Net", 3: " Example  Net", 7: "Example Net", 8: "Other"}) == expected
    assert told(tmp_path, companies={7: "Example Net", 9: "Example Net", 3: "Example Net"}) == expected


@pytest.mark.parametrize(("one", "other"), [("EXAMPLE net", "Example Net"), ("Caf\u00e9", "cafe"), ("A", "A ")])
def test_names_that_the_database_of_splynx_takes_for_one_are_one(tmp_path: Path, one: str, other: str) -> None:
    assert len(told(tmp_path, companies={3: one, 4: other})) == 1


def test_a_company_that_the_rules_map_to_a_partner_or_that_has_no_name_shares_none(tmp_path: Path) -> None:
    assert told(tmp_path, companies={3: "Example Net", 5: "Example Net", 6: "", 7: " "}) == []


def test_labels_of_two_kinds_are_told_apart_by_their_kind(tmp_path: Path) -> None:
    forms = "customer: {labels: {account_group: '{name}', account_type: '{name} '}}\n"
    assert told(tmp_path, forms, groups={4: "VIP", 2: "vip", 3: "Delinquent"}, types={1: "VIP"}) == [
        "line 8: customer.labels.names: group 3 would have the name of a label of our own in Splynx;"
        ' add `"group:3": "Delinquent (group)"`',
        'line 8: customer.labels.names: group 4 would have the name of group 2 in Splynx; add `"group:4": "VIP #4"`',
        'line 8: customer.labels.names: type 1 would have the name of group 2 in Splynx; add `"type:1": "VIP (type)"`',
    ]
    assert told(tmp_path, groups={2: "VIP"}, types={2: "VIP"}) == []


@pytest.mark.parametrize(
    ("groups", "types", "own"),
    [
        pytest.param({2: "VIP"}, {1: "VIP", 5: "VIP"}, ["VIP (type)", "VIP (type) #5"], id="two types and a group"),
        pytest.param({2: "VIP", 4: "VIP", 7: "vip #4"}, {}, ["VIP (group) #4"], id="the plain name is another's"),
        pytest.param(
            {2: "VIP", 4: "VIP", 7: "VIP #4", 8: "VIP (group) #4"}, {}, ["VIP (group) #4-2"], id="so is the next"
        ),
        pytest.param({2: "n" * 64, 4: "n" * 64}, {}, ["n" * 61 + " #4"], id="no longer than a label may be"),
    ],
)
def test_what_is_told_can_be_pasted_and_then_nothing_is_told(
    tmp_path: Path, groups: dict[int, str], types: dict[int, str], own: list[str]
) -> None:
    forms = "account_group: '{name}', account_type: '{name} '"
    lines = told(tmp_path, f"customer: {{labels: {{{forms}}}}}\n", groups=groups, types=types)
    named = [line.partition("add `")[2].removesuffix("`") for line in lines]
    assert [json.loads(f"{{{line}}}").popitem()[1] for line in named] == own
    pasted = f"customer: {{labels: {{{forms}, names: {{{', '.join(named)}}}}}}}\n"
    assert told(tmp_path, pasted, groups=groups, types=types) == []


def test_the_lines_that_are_told_make_the_names_differ_and_are_what_is_written(tmp_path: Path) -> None:
    named = 'customer: {labels: {names: {"group:4": "VIP #4"}}}\n'
    assert told(tmp_path, named, groups={2: "VIP", 4: "VIP"}) == []
    given = rules(
        partners={"default": 1, "names": {7: "Example Net #7"}}, customer={"labels": {"names": {"group:4": "VIP #4"}}}
    )
    assert getattr(only(map_company(a_company(id=7), given), "partner"), "name", "") == "Example Net #7"
    assert getattr(only(map_company(a_company(id=8), given), "partner"), "name", "") == "Example Net"
    groups = [AccountGroup(id=number, updated_at=NOON, name="VIP") for number in (4, 5)]
    labels = [only(map_account_group(group, given), "label") for group in groups]
    assert [getattr(one, "label", "") for one in labels] == ["VIP #4", "group: VIP"]


def test_plans_of_one_name_are_told_unless_the_rules_name_map_or_leave_out_one(tmp_path: Path) -> None:
    plans = {101: "Fiber 100", 205: "fiber 100"}
    (found,) = told(tmp_path, plans=plans)
    assert found.endswith('service 205 would have the name of service 101 in Splynx; add `205: "fiber 100 #205"`')
    for rule in ('names: {205: "fiber 100 #205"}', "map: {205: {internet: 3}}", "map: {101: ignore}"):
        assert told(tmp_path, f"tariffs: {{{rule}}}\n", plans=plans) == []
