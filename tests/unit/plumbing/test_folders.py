"""A folder that takes nothing is one message, before anything was done."""

import os
from pathlib import Path

import pytest

from plumbing.errors import ConfigurationError, ExitCode
from plumbing.folders import writable


def test_a_folder_is_made(tmp_path: Path) -> None:
    assert writable(tmp_path / "a" / "b").is_dir()
    assert writable(tmp_path / "a" / "b") == tmp_path / "a" / "b"


def test_one_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        ConfigurationError, match=r"file/logs, of state_dir in the settings .*: Not a directory"
    ) as caught:
        writable(tmp_path / "file" / "logs")
    assert caught.value.exit_code is ExitCode.USAGE


def test_one_in_which_nothing_may_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(ConfigurationError, match="of --into: nothing may be written there"):
        writable(tmp_path, "--into")
