"""`make up` and `make down`, as the commands that they run."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pymysql
import pytest
import yaml

from plumbing.settings import load_settings
from sandbox.local.library import ROOT
from sandbox.local.processes import Managed
from sandbox.local.sandboxes import SplynxSandbox
from sandbox.local.site import NAMES
from tests.conftest import MariaDbAccess


def command(state: Path, action: str, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox.local", action, "--state", str(state), *more],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        check=False,
    )


def running(state: Path) -> list[str]:
    return sorted(name for name in NAMES if Managed(name, state).is_running)


def test_up_leaves_a_site_running_that_down_stops(tmp_path: Path) -> None:
    kept = tmp_path / "lib" / "a.jar"
    kept.parent.mkdir()
    kept.touch()
    try:
        up = command(tmp_path, "up", "--accounts", "5")
        assert up.returncode == 0, up.stderr
        assert running(tmp_path) == sorted(NAMES)

        settings = load_settings(tmp_path / "crossfade.yaml")
        for address in (settings.kafka.bootstrap, settings.registry.url, settings.sonar.url, settings.splynx.url):
            assert address in up.stdout
        assert f"\n  . {tmp_path / 'env'}\n" in up.stdout
        for secret in (settings.sonar.token, settings.splynx.secret):
            assert secret.get_secret_value() not in up.stdout
        db = settings.ledger_db
        pymysql.connect(
            host=db.host, port=db.port, user=db.user, password=db.password.get_secret_value(), database=db.name
        ).close()
        assert yaml.safe_load(settings.rules.read_text())["version"] == 1
        assert len(yaml.safe_load(settings.guards.read_text())["guards"]) >= 13
        open_to_others = [
            path
            for path in (tmp_path / "crossfade.yaml", *tmp_path.glob("*/*token*"), *tmp_path.glob("*/*password*"))
            if path.stat().st_mode & 0o077
        ]
        assert open_to_others == []

        found = subprocess.run(
            ["/bin/sh", "-c", f'. {tmp_path / "env"}; command -v crossfade; echo "$CROSSFADE_CONFIG"'],
            capture_output=True,
            text=True,
            check=True,
        )
        assert found.stdout.split() == [str(ROOT / ".venv" / "bin" / "crossfade"), str(tmp_path / "crossfade.yaml")]

        again = command(tmp_path, "up")
        assert again.returncode == 0
        assert settings.kafka.bootstrap in again.stdout
        assert command(tmp_path, "status").returncode == 0
    finally:
        down = command(tmp_path, "down")
    assert down.returncode == 0
    assert running(tmp_path) == []
    assert command(tmp_path, "down").stdout == "Nothing was running.\n"
    assert command(tmp_path, "status").returncode == 3
    assert kept.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-C", "SIGTERM"])
def test_an_interrupted_up_leaves_nothing_running(tmp_path: Path, number: signal.Signals) -> None:
    starting = subprocess.Popen(
        [sys.executable, "-m", "sandbox.local", "up", "--state", str(tmp_path), "--accounts", "5"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=ROOT,
        start_new_session=True,
    )
    with starting:
        deadline = time.monotonic() + 30
        while not Managed("mariadb", tmp_path).is_running:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.kill(starting.pid, number)
        assert starting.wait(60) == 130
    assert running(tmp_path) == []
    assert [json.loads(path.read_text()) for path in (tmp_path / "run").glob("*.json")] == []


def test_a_server_that_does_not_start_is_one_message_and_nothing_left(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    failed = subprocess.run(
        [sys.executable, "-m", "sandbox.local", "up", "--state", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "CROSSFADE_LIBRARY": str(tmp_path / "lib")},
        timeout=120,
        check=False,
    )
    assert failed.returncode == 4
    assert "Run `make setup`" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert running(tmp_path) == []


def test_without_database_access_the_writer_has_its_ledgers_schema_and_sees_nothing_of_splynx(
    splynx_sandbox: SplynxSandbox, mariadb: MariaDbAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splynx_sandbox, "database_access", False)
    splynx_sandbox.renew()
    writer = MariaDbAccess(mariadb.host, mariadb.port, splynx_sandbox.writer, splynx_sandbox.writer_password)
    with writer.connect(splynx_sandbox.ledger) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE crosswalk (id int)")
        cursor.execute("SHOW DATABASES")
        assert {name for (name,) in cursor.fetchall()} == {"information_schema", splynx_sandbox.ledger}
        with pytest.raises(pymysql.err.OperationalError) as refused:
            cursor.execute(f"SELECT 1 FROM `{splynx_sandbox.database}`.customers")
        assert refused.value.args[0] == 1142
