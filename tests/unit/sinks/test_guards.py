"""Guards: missing, unknown or violated counts as violated."""

from datetime import date
from pathlib import Path

import pytest
import yaml

from plumbing.errors import ConfigurationError
from sinks.guards import SWITCHES, Confirmed, Guard, guards_template, judge, load_guards

CONFIRMED = [Guard(name=name, confirmed=Confirmed(by="Ada", at=date(2026, 1, 2))) for name in SWITCHES]


def test_all_confirmed_holds() -> None:
    assert judge(CONFIRMED, {}) == []


def test_a_switch_that_the_file_lacks_is_violated() -> None:
    assert [one.name for one in judge(CONFIRMED[1:], {})] == [CONFIRMED[0].name]


def test_the_template_as_written_confirms_nothing(tmp_path: Path) -> None:
    path = tmp_path / "guards.yaml"
    path.write_text(guards_template())
    assert {one.name for one in judge(load_guards(path).guards, {})} == set(SWITCHES)


@pytest.mark.parametrize(("have", "holds"), [(False, True), ("0", True), (0, True), (True, False), ("1", False)])
def test_a_key_is_compared_with_what_splynx_has(have: object, holds: bool) -> None:
    guards = [Guard(name=CONFIRMED[0].name, key="finance/automation/x", expected=False), *CONFIRMED[1:]]
    assert (judge(guards, {("finance", "automation"): {"x": have}}) == []) is holds


def test_a_key_that_splynx_does_not_know_is_violated() -> None:
    guards = [Guard(name=CONFIRMED[0].name, key="finance/automation/x", expected=False), *CONFIRMED[1:]]
    assert len(judge(guards, {})) == 1


@pytest.mark.parametrize(
    "content",
    [
        "guards: [",
        yaml.safe_dump({"guards": [{"name": "a", "kee": "x"}]}),
        yaml.safe_dump({"guards": [{"name": "a", "key": "only/two", "expected": False}]}),
        yaml.safe_dump({"guards": [{"name": "a", "key": "a/b/c"}]}),
    ],
)
def test_a_broken_file_is_one_clear_message(tmp_path: Path, content: str) -> None:
    path = tmp_path / "guards.yaml"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=r"guards\.yaml"):
        load_guards(path)


def test_a_missing_file_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_guards(tmp_path / "none.yaml")
    assert "--guards-template" in caught.value.next_step
