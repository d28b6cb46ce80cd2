"""Servers beside each other have nothing in common, their temporary tables neither."""

from pathlib import Path

import pytest

from sandbox.local import mariadb
from sandbox.local.mariadb import MariaDb
from sandbox.local.processes import Command


def test_each_server_has_a_folder_of_its_own_for_temporary_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[Command] = []
    monkeypatch.setattr(mariadb, "run", lambda name, command, log: installed.append(command))
    monkeypatch.setattr(mariadb, "program", lambda name: name)
    for name in ("a", "b"):
        MariaDb(tmp_path / name).prepare()
    commands = [*installed, *(MariaDb(tmp_path / name).command() for name in ("a", "b"))]
    folders = [one.removeprefix("--tmpdir=") for each in commands for one in each.argv if "--tmpdir=" in one]
    assert folders == [str(tmp_path / name / "mariadb" / "tmp") for name in ("a", "b", "a", "b")]
    assert all(Path(one).is_dir() for one in folders)
