"""Every setting, rule, error code and exit code is documented, and the generated pages are up to date."""

import inspect
from pathlib import Path

import pytest
from pydantic import BaseModel

from console import docs
from console.docs_errors import error_types
from console.docs_keys import leaves
from console.shapes import SHAPES
from plumbing.errors import ExitCode, SyncError
from plumbing.settings import Settings
from schemas.rules import RulesFile

ROOT = Path(__file__).parents[3]


def test_the_committed_pages_are_what_the_code_says() -> None:
    assert docs.stale(ROOT / "docs") == []


@pytest.mark.parametrize(("model", "page"), [(Settings, "configuration.md"), (RulesFile, "rules.md")])
def test_every_key_has_its_row(model: type[BaseModel], page: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    for path, field in leaves(model):
        assert f"| `{'.'.join(path)}` |" in text
        assert field.description, path


def test_what_is_required_only_within_its_block_says_so() -> None:
    rows = (ROOT / "docs" / "configuration.md").read_text().splitlines()
    for key, default in (
        ("ledger.host", "required where there is a `ledger`"),
        ("splynx.db.host", "required where there is a `splynx.db`"),
        ("splynx.url", "required"),
    ):
        (row,) = [one for one in rows if one.startswith(f"| `{key}` |")]
        assert f"| {default} |" in row


def test_every_command_has_an_example_and_a_documented_document() -> None:
    commands = dict(docs.commands())
    assert set(commands) == set(SHAPES)
    for name, command in commands.items():
        assert command.epilog.startswith(f"Example: crossfade {name}")
        assert f"## {name}\n\n{inspect.cleandoc(command.help)}" in (ROOT / "docs" / "commands.md").read_text()


def test_every_error_code_has_its_page_with_its_remedy() -> None:
    errors = error_types()
    assert len(errors) > 40
    for code, types in errors.items():
        text = (ROOT / "docs" / "errors" / f"{code}.md").read_text()
        assert types[0].remedy in text


@pytest.mark.parametrize("code", list(ExitCode))
def test_every_exit_code_is_documented(code: ExitCode) -> None:
    assert f"| {int(code)} |" in (ROOT / "docs" / "exit-codes.md").read_text()


def test_every_page_that_a_remedy_names_exists() -> None:
    named = {
        word.strip(".,:;")
        for types in error_types().values()
        for kind in types
        for word in kind.remedy.split()
        if word.startswith("docs/")
    }
    assert named
    assert [page for page in named if not (ROOT / page).is_file()] == []


def test_a_page_of_a_code_that_is_gone_is_stale(tmp_path: Path) -> None:
    docs.write(tmp_path)
    assert docs.stale(tmp_path) == []
    (tmp_path / "errors" / "old.code.md").touch()
    (tmp_path / "errors.md").write_text("other")
    assert sorted(docs.stale(tmp_path)) == ["errors.md", "errors/old.code.md"]


def test_every_type_stands_under_its_own_code() -> None:
    assert all(kind.code == code for code, types in error_types().items() for kind in types)
    assert SyncError in error_types()["unexpected"]
