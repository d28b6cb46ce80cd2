"""`doctor --learn-guard`: two pictures, told step by step; the guards file gets the key when it is asked for."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from console.guards_file import with_guard, write_guard
from console.learning import Learned, learn_by_asking, learn_guard, text_of
from plumbing.errors import ConfigurationError, ExitCode
from plumbing.settings import Settings
from sinks.guards import Confirmed, Guard, load_guards
from sinks.learning import picture_file, read_configuration

KEY = "finance/automation/reminders"
FILE = """\
# by hand
guards:
  # Reminders 1 to 3: off
  - name: reminders
  # nobody knows yet
  - name: remove_ips  # seen by Ada
    confirmed: {by: Ada, at: 2026-01-02}
"""


class Splynx:
    """A configuration that somebody changes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, value: str = "1") -> None:
        self.values = {KEY: value, "main/mail/password": "hunter2"}
        monkeypatch.setattr("console.learning.read_configuration", self._read)
        monkeypatch.setattr("console.learning.value_of", self._value)

    async def _read(self, *_: object) -> dict[str, str]:
        return dict(self.values)

    async def _value(self, _client: object, key: str) -> object:
        return self.values[key] == "1"

    def turn(self, value: str, key: str = KEY) -> None:
        self.values[key] = value


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "guards.yaml").write_text(FILE)
    return Settings.model_validate(
        {
            "instance": "main",
            "sonar": {"url": "http://127.0.0.1:1", "token": "t"},
            "splynx": {"url": "http://127.0.0.1:2", "key": "k", "secret": "s"},
            "ledger": {"host": "127.0.0.1", "user": "u", "password": "p", "name": "crossfade"},
            "kafka": {"bootstrap": "127.0.0.1:9092"},
            "registry": {"url": "http://127.0.0.1:3"},
            "rules": tmp_path / "rules.yaml",
            "guards": tmp_path / "guards.yaml",
            "state_dir": tmp_path / "state",
        }
    )


async def looked(settings: Settings, *, apply: bool = False) -> Learned:
    return await learn_guard(settings, "reminders", (), apply=apply)


async def test_in_two_runs_the_second_names_the_key_and_writes_it_only_when_asked(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    splynx = Splynx(monkeypatch)
    first = await looked(settings)
    assert (first.step, first.exit_code) == ("pictured", ExitCode.DONE)
    assert "Reminders 1 to 3: off" in first.next_step
    splynx.turn("0")
    shown = await looked(settings)
    assert (shown.step, shown.key, shown.expected, shown.applied) == ("learned", KEY, False, False)
    assert settings.guards.read_text() == FILE
    assert KEY in text_of(shown.document())
    done = await looked(settings, apply=True)
    assert done.applied
    (guard, _) = load_guards(settings.guards).guards
    assert (guard.name, guard.key, guard.expected) == ("reminders", KEY, False)
    assert not picture_file(settings.state_dir, "reminders").exists()


async def test_a_switch_that_was_off_is_turned_on_and_off_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    splynx = Splynx(monkeypatch, value="0")
    await looked(settings)
    assert (await looked(settings)).step == "unchanged"
    splynx.turn("1")
    wrong_way = await looked(settings, apply=True)
    assert (wrong_way.step, wrong_way.applied) == ("on", False)
    splynx.turn("0")
    assert (await looked(settings)).expected is False


async def test_several_changes_tell_no_key_and_nothing_is_written(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    splynx = Splynx(monkeypatch)
    await looked(settings)
    splynx.turn("0")
    splynx.turn("another", "main/mail/password")
    found = await looked(settings, apply=True)
    assert (found.step, found.exit_code, len(found.changed)) == ("several", ExitCode.FOUND, 2)
    assert "hunter2" not in text_of(found.document())
    assert settings.guards.read_text() == FILE


async def test_at_a_terminal_it_asks_until_the_switch_is_as_it_must_be(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    splynx = Splynx(monkeypatch, value="0")
    told: list[str] = []
    turns = iter(["0", "1", "0"])

    def ask(text: str) -> None:
        told.append(text)
        splynx.turn(next(turns))

    found = await learn_by_asking(settings, "reminders", (), ask, apply=False)
    assert (found.step, found.key) == ("learned", KEY)
    assert [next(one for one in ("Now set", "Nothing changed", "It is on now") if one in text) for text in told] == [
        "Now set",
        "Nothing changed",
        "It is on now",
    ]


async def test_an_unknown_guard_is_one_message_with_those_that_there_are(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="there is no guard reminder") as caught:
        await learn_guard(settings, "reminder", (), apply=False)
    assert "reminders" in caught.value.next_step


@pytest.mark.parametrize(
    ("look", "says"),
    [pytest.param((), "--look finance/automation", id="nowhere"), pytest.param(("finance",), "--look", id="no path")],
)
async def test_without_a_database_it_must_be_said_where_to_look(settings: Settings, look: Any, says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await read_configuration(settings, look)
    assert says in caught.value.next_step


LEARNED = Guard(name="reminders", key=KEY, expected=False)


def test_one_entry_is_changed_and_comments_stay() -> None:
    assert with_guard(FILE, LEARNED) == FILE.replace(
        "- name: reminders\n", f"- name: reminders\n    key: {KEY}\n    expected: false\n"
    )


def test_a_key_takes_the_place_of_a_confirmation() -> None:
    made = with_guard(FILE, LEARNED.model_copy(update={"name": "remove_ips"}))
    assert "confirmed" not in made
    assert made.startswith(FILE.partition("  - name: remove_ips")[0])


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("guards:\n- name: remove_ips\n", id="not there yet, without an indent"),
        pytest.param("guards:\n    - {name: reminders, key: a/b/c, expected: 3}\n# the end\n", id="in one line"),
        pytest.param(
            "guards:\n- name: reminders\n  confirmed:\n    by: Ada\n    at: 2026-01-02\n# the end\n", id="a block"
        ),
    ],
)
def test_a_key_goes_into_a_file_however_it_is_written(text: str, tmp_path: Path) -> None:
    path = tmp_path / "guards.yaml"
    path.write_text(text)
    path.chmod(0o640)
    write_guard(path, LEARNED)
    assert LEARNED in load_guards(path).guards
    assert ("# the end" in text) is ("# the end" in path.read_text())
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_file_that_would_lose_something_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "guards.yaml"
    path.write_text("guards: [{name: remove_ips}]\n")
    with pytest.raises(ConfigurationError) as caught:
        write_guard(path, LEARNED)
    assert f"key: {KEY}" in caught.value.next_step
    assert path.read_text() == "guards: [{name: remove_ips}]\n"


def test_what_was_confirmed_by_others_stays(tmp_path: Path) -> None:
    path = tmp_path / "guards.yaml"
    path.write_text(FILE)
    write_guard(path, LEARNED)
    assert load_guards(path).guards[1].confirmed == Confirmed(by="Ada", at=date(2026, 1, 2))
