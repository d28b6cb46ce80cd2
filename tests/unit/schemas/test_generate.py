"""Generated schemas and pages follow the declarations, and the check says when they do not."""

from pathlib import Path

import pytest

from schemas.generate import differences, main, write


def test_the_committed_files_are_what_the_declarations_say() -> None:
    assert main(["--check"]) == 0


def test_written_files_pass_the_check(tmp_path: Path) -> None:
    write(tmp_path)
    assert differences(tmp_path) == []


def test_a_changed_a_missing_and_a_left_over_file_are_each_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path)
    (tmp_path / "schemas/avro/sonar.account.avsc").write_text("{}")
    (tmp_path / "docs/entities/payment.md").unlink()
    (tmp_path / "docs/entities/unicorn.md").write_text("# unicorn")
    assert main(["--check"], tmp_path) == 1
    said = capsys.readouterr().out
    assert "schemas/avro/sonar.account.avsc is out of date" in said
    assert "docs/entities/payment.md is missing" in said
    assert "docs/entities/unicorn.md belongs to nothing" in said
    assert main([], tmp_path) == 0
    assert differences(tmp_path) == []


def test_an_unknown_argument_is_refused() -> None:
    assert main(["--force"]) == 2
