"""The files that `make up` writes are what Crossfade itself accepts."""

from pathlib import Path

import yaml

from sandbox import choices
from sandbox.splynx import settings as splynx_settings
from schemas.rules import load_rules
from sinks.guards import SWITCHES, judge, load_guards


def test_the_sandbox_rules_are_valid_rules(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(choices.rules()))
    rules = load_rules(path)
    assert rules.payment_methods.by_type["CASH"] == 1
    assert rules.status_map.by_name == {"Vacation hold": "disabled"}


def test_the_sandbox_guards_name_every_switch_and_hold_while_all_are_off(tmp_path: Path) -> None:
    path = tmp_path / "guards.yaml"
    path.write_text(yaml.safe_dump(choices.guards()))
    values: dict[tuple[str, str], dict[str, object]] = {}
    for module, below, key in splynx_settings.GUARDS:
        values.setdefault((module, below), {})[key] = False
    guards = load_guards(path).guards
    assert {guard.name for guard in guards} == set(SWITCHES)
    assert judge(guards, values) == []


def test_a_switch_of_the_sandbox_that_is_on_violates_its_guard(tmp_path: Path) -> None:
    path = tmp_path / "guards.yaml"
    path.write_text(yaml.safe_dump(choices.guards()))
    values: dict[tuple[str, str], dict[str, object]] = {}
    for module, below, key in splynx_settings.GUARDS:
        values.setdefault((module, below), {})[key] = True
    assert {one.name for one in judge(load_guards(path).guards, values)} == set(SWITCHES)
