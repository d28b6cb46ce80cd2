"""The files that `make up` writes are what Crossfade itself accepts."""

from pathlib import Path

import yaml

from sandbox import choices
from sandbox.splynx import settings as splynx_settings
from schemas.rules import load_rules
from sinks.guards import Guard, judge, load_guards
from sinks.switches import TIME_ZONE, needed

ZONE = choices.rules()["target"]["timezone"]


def test_the_sandbox_rules_are_valid_rules(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(choices.rules()))
    rules = load_rules(path)
    assert rules.payment_methods.by_type["CASH"] == 1
    assert rules.status_map.by_name == {"Vacation hold": "disabled"}


def test_the_sandbox_guards_name_every_switch_and_hold_while_all_are_off(tmp_path: Path) -> None:
    guards = _guards(tmp_path)
    assert {guard.name for guard in guards} >= set(needed())
    assert judge(guards, _configuration(on=False), ZONE) == []


def test_a_switch_of_the_sandbox_that_is_on_violates_its_guard(tmp_path: Path) -> None:
    violated = {one.name for one in judge(_guards(tmp_path), _configuration(on=True), ZONE)}
    assert violated == set(needed()) - {TIME_ZONE}  # which is no switch, and as it must be


def _guards(folder: Path) -> list[Guard]:
    path = folder / "guards.yaml"
    path.write_text(yaml.safe_dump(choices.guards()))
    return load_guards(path).guards


def _configuration(*, on: bool) -> dict[tuple[str, str], dict[str, object]]:
    values: dict[tuple[str, str], dict[str, object]] = {("main", "localization"): {"timezone": ZONE}}
    for module, below, key in splynx_settings.GUARDS:
        values.setdefault((module, below), {})[key] = on
    return values
