"""A guard's key is found by what changed between two pictures; nothing of the configuration itself is kept."""

import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sinks.learning import Configuration, Picture, is_on, keep_picture, kept_picture, picture_file

BEFORE: Configuration = {"main/mail/password": "hunter2", "finance/automation/issue": "1", "main/cron/last": "17"}


@pytest.mark.parametrize(
    ("after", "changed"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"finance/automation/issue": "0"}, ["finance/automation/issue"], id="one"),
        pytest.param({"main/new/key": "0"}, ["main/new/key"], id="one that was not there before"),
        pytest.param({"main/cron/last": "18", "finance/automation/issue": "0"}, 2, id="several"),
    ],
)
def test_what_changed_is_named(after: Configuration, changed: list[str] | int) -> None:
    found = Picture.of(BEFORE).changed(BEFORE | after)
    assert (len(found) if isinstance(changed, int) else found) == changed


@pytest.mark.parametrize(("value", "on"), [("1", True), ("True", True), ("0", False), ("", False), ("15", False)])
def test_a_switch_that_is_on_is_known(value: str, on: bool) -> None:
    assert is_on(value) is on


def test_a_kept_picture_holds_no_value_and_is_ours_alone(tmp_path: Path) -> None:
    path = picture_file(tmp_path / "state", "reminders")
    assert kept_picture(path) is None
    keep_picture(path, Picture.of(BEFORE))
    assert "hunter2" not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = kept_picture(path)
    assert kept is not None
    assert kept.changed(BEFORE) == []
    assert kept.changed(BEFORE | {"main/mail/password": "another"}) == ["main/mail/password"]


def test_a_picture_of_yesterday_is_not_compared_with(tmp_path: Path) -> None:
    path = picture_file(tmp_path, "reminders")
    picture = Picture.of(BEFORE)
    keep_picture(path, replace(picture, taken_at=picture.taken_at - timedelta(hours=2)))
    assert kept_picture(path) is None
    path.write_text("{")
    assert kept_picture(path) is None
