"""Whoever follows a link arrives, and every page can be reached."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from console.docs_errors import error_types
from console.main import app
from plumbing.errors import SyncError
from tests.unit.house.deployed import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def links(page: Path) -> list[Path]:
    """Files of ours that a page leads to."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    return [(page.parent / target).resolve() for target in targets if "://" not in target]


def test_every_link_leads_somewhere() -> None:
    broken = [f"{page.relative_to(ROOT)}: {target}" for page in PAGES for target in links(page) if not target.exists()]
    assert broken == []


def test_every_page_is_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    ahead = [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page.is_dir():
            ahead += sorted(page.glob("*.md"))
        elif page not in reached and page.suffix == ".md":
            reached.add(page)
            ahead += links(page)
    assert [str(page.relative_to(ROOT)) for page in PAGES if page not in reached] == []


def test_every_error_code_says_what_to_do_and_not_merely_where_to_read_on() -> None:
    for code, types in error_types().items():
        # The root's code is that of an error nobody foresaw; its page says that it is to be reported.
        if code != SyncError.code:
            assert types[0].remedy, code
        assert f"docs/errors/{code}" not in types[0].remedy


def test_every_question_is_in_the_index() -> None:
    index = links(ROOT / "docs" / "README.md")
    questions = set((ROOT / "docs").glob("what-if-*.md"))
    assert len(questions) >= 5
    assert questions <= set(index)


def commands() -> list[str]:
    """What pages and remedies tell to type, from `crossfade` on."""
    texts = [page.read_text() for page in PAGES] + [one.remedy or "" for some in error_types().values() for one in some]
    found = {one for text in texts for one in re.findall(r"`(crossfade [^`]+)`", text)}
    found |= {one for text in texts for one in re.findall(r"^\s*\$ (crossfade .+)$", text, flags=re.MULTILINE)}
    return sorted(" ".join(one.split()) for one in found if "<" not in one)


@pytest.mark.parametrize("told", commands())
def test_every_command_that_is_told_to_be_typed_is_one(told: str) -> None:
    """Its words and options are there, and their values are of the kind that is asked for; nothing is run."""
    words = [one for one in shlex.split(re.split("[#>]", told)[0]) if one != "…"][1:]
    command: Any = typer.main.get_command(app)
    while hasattr(command, "resolve_command") and words and not words[0].startswith("-"):
        _, found, words = command.resolve_command(command.context_class(command), words)
        assert found is not None
        command = found
    if not hasattr(command, "resolve_command"):
        try:
            command.make_context("crossfade", words)
        except Exception as exc:
            # One that is only named: what would stand behind it is left out.
            if not re.search("^Missing parameter|requires an argument", str(exc)):
                raise
