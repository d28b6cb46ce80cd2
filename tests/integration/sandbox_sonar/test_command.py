"""`python -m sandbox.sonar`: starts, says where it is, lives, ends cleanly."""

import json
import signal
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def running(token: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.sonar", "--token-file", str(token), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        yield process, json.loads(process.stdout.readline())
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=30)


def ask(url: str, token: Path, query: str) -> Any:
    request = urllib.request.Request(
        url,
        json.dumps({"query": query}).encode(),
        {"Authorization": f"Bearer {token.read_text().strip()}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def test_it_makes_a_token_that_only_its_owner_can_read_and_serves_an_empty_sonar(tmp_path: Path) -> None:
    token = tmp_path / "token"
    with running(token, "--extra-types", "50", "--currency", "EUR") as (_, ready):
        found = ask(ready["url"], token, "{ accounts { page_info { total_count } } system_setting { currency } }")
        types = ask(ready["url"], token, "{ __schema { types { name } } }")["data"]["__schema"]["types"]
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert found["data"] == {
        "accounts": {"page_info": {"total_count": 0}},
        "system_setting": {"currency": "EUR"},
    }
    assert sum(one["name"].startswith("Accessory") for one in types) == 100, "each with its connection"


def test_it_ends_cleanly_on_sigterm_while_the_world_lives(tmp_path: Path) -> None:
    token = tmp_path / "token"
    with running(token, "--accounts", "60", "--seed", "3", "--live", "50") as (process, ready):
        counted = ask(ready["url"], token, "{ accounts(include_archived: true) { page_info { total_count } } }")
        with urllib.request.urlopen(f"{ready['control']}/world", timeout=30) as answer:
            assert json.load(answer)
        process.send_signal(signal.SIGTERM)
        _, complaints = process.communicate(timeout=30)
    assert counted["data"]["accounts"]["page_info"]["total_count"] >= 60
    assert (process.returncode, complaints) == (0, "")


def test_an_empty_token_file_is_refused(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("\n")
    ended = subprocess.run(
        [sys.executable, "-m", "sandbox.sonar", "--token-file", str(token)], capture_output=True, text=True, timeout=60
    )
    assert ended.returncode != 0
    assert "holds no token" in ended.stderr


def test_a_newer_sonar_has_what_only_newer_schemas_have_and_ends_cleanly(tmp_path: Path) -> None:
    token = tmp_path / "token"
    query = "{ system_setting { enable_additional_services } account_services { entities { id is_additional } } }"
    with running(token, "--generation", "newer", "--accounts", "20") as (process, ready):
        found = ask(ready["url"], token, query)
        process.send_signal(signal.SIGTERM)
        _, complaints = process.communicate(timeout=30)
    assert found.keys() == {"data"}
    assert found["data"]["account_services"]["entities"]
    assert (process.returncode, complaints) == (0, "")
    with running(token, "--accounts", "20") as (_, ready):
        refused = ask(ready["url"], token, query)
    assert [one["message"] for one in refused["errors"]] == [
        "Cannot query field 'enable_additional_services' on type 'SystemSetting'.",
        "Cannot query field 'is_additional' on type 'AccountService'.",
    ]
