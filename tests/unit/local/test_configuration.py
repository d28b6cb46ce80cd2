"""The files that `make up` writes are what Crossfade itself accepts."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import yaml

from plumbing.settings import Settings, load_settings
from sandbox import choices
from sandbox.local import configuration
from sandbox.local.sandboxes import SonarSandbox, SplynxSandbox
from sandbox.local.stack import Addresses
from sandbox.splynx import settings as splynx_settings
from schemas.rules import load_rules
from sinks.guards import Guard, judge, load_guards
from sinks.switches import TIME_ZONE, needed

ZONE = choices.rules()["target"]["timezone"]


@pytest.mark.parametrize("database_access", [pytest.param(True, id="database"), pytest.param(False, id="no database")])
def test_crossfade_is_told_of_splynxs_database_only_where_it_may_use_it(tmp_path: Path, database_access: bool) -> None:
    settings = _settings(tmp_path, database_access=database_access)
    db = settings.splynx.db
    assert (db.name if db is not None else None) == ("splynx" if database_access else None)
    assert settings.ledger_beside_rows is database_access
    at = settings.ledger_db
    assert (at.user, at.password.get_secret_value(), at.name) == ("crossfade", "wr1ter", "crossfade")


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


def _settings(folder: Path, *, database_access: bool) -> Settings:
    """What is written where the servers are at these addresses, as Crossfade reads it."""
    sonar = SimpleNamespace(url="http://127.0.0.1:1/graphql", token="t0ken")
    splynx = SimpleNamespace(
        url="http://127.0.0.1:2",
        key="k",
        secret="s",
        database="splynx",
        ledger="crossfade",
        writer="crossfade",
        writer_password="wr1ter",
        database_access=database_access,
    )
    configuration.write(
        folder,
        Addresses("127.0.0.1:3", "http://127.0.0.1:4", "127.0.0.1", 5, "root", "unread"),
        cast("SonarSandbox", sonar),
        cast("SplynxSandbox", splynx),
    )
    return load_settings(folder / "crossfade.yaml")


def _guards(folder: Path) -> list[Guard]:
    path = folder / "guards.yaml"
    path.write_text(yaml.safe_dump(choices.guards()))
    return load_guards(path).guards


def _configuration(*, on: bool) -> dict[tuple[str, str], dict[str, object]]:
    values: dict[tuple[str, str], dict[str, object]] = {("main", "localization"): {"timezone": ZONE}}
    for module, below, key in splynx_settings.GUARDS:
        values.setdefault((module, below), {})[key] = on
    return values
