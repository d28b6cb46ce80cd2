"""The demo as `make demo` runs it, with few accounts: it ends well, says what was promised, leaves nothing running."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pymysql
import pytest
import yaml

from sandbox.local.library import ROOT
from sandbox.local.processes import Managed
from sandbox.local.site import NAMES

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
ENTITIES = (
    "partner", "label", "internet_tariff", "customer", "customer_info", "customer_billing", "internet_service",
    "payment",
)  # fmt: skip
STEPS = (
    "servers and sandboxes", "topics and schemas", "first copy", "the ISP lives, and is followed", "the last changes",
    "reconciliation", "comparison",
)  # fmt: skip


def demo(state: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(
        [sys.executable, "-m", "sandbox.demo", "--state", str(state)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def down(state: Path) -> str:
    """What `make down` says."""
    command = [sys.executable, "-m", "sandbox.local", "down", "--state", str(state)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True).stdout


def typed(state: Path, command: str) -> subprocess.CompletedProcess[str]:
    """A command in a shell of the site."""
    return subprocess.run(
        ["/bin/sh", "-c", f". {state / 'env'}; {command}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def running(state: Path) -> list[str]:
    return [name for name in NAMES if Managed(name, state).is_running]


def test_the_demo_proves_both_sides_equal_and_can_be_looked_at_and_stopped_as_it_says(tmp_path: Path) -> None:
    try:
        done = demo(tmp_path, ACCOUNTS="20", KEEP="1")
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        assert_equal(done.stdout)
        for step in STEPS:
            assert re.search(rf"^  {step} +\d+\.\d s$", done.stdout, re.MULTILINE), step
        assert sorted(running(tmp_path)) == sorted(NAMES)
        after = done.stdout.partition("Left running:")[2]
        for address in json.loads((tmp_path / "state.json").read_text()).values():
            assert str(address) in after or address == "root"
        # What it says, typed.
        (source,) = re.findall(r"^  (\. .+)$", after, re.MULTILINE)
        commands = re.findall(r"^  (crossfade (?:status|trace .+))$", after, re.MULTILINE)
        assert len(commands) == 2
        assert source == f". {tmp_path / 'env'}"
        for command in commands:
            done = typed(tmp_path, command)
            assert done.returncode == 0, done.stdout + done.stderr
        assert f"make down STATE={tmp_path}" in after
    finally:
        said = down(tmp_path)
    assert set(NAMES) <= set(re.findall(r"\w+", said))
    assert running(tmp_path) == []


@pytest.mark.long
def test_without_splynxs_database_both_sides_are_proved_equal_and_what_that_costs_is_said(tmp_path: Path) -> None:
    try:
        done = demo(tmp_path, ACCOUNTS="20", KEEP="1", DATABASE="no")
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        assert_equal(done.stdout)
        settings = yaml.safe_load((tmp_path / "crossfade.yaml").read_text())
        assert "db" not in settings["splynx"]
        login = settings["ledger"]
        login["database"] = login.pop("name")
        with pymysql.connect(**login) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM crosswalk WHERE entity = 'payment'")
            assert cursor.fetchone() != (0,)
            cursor.execute("SHOW DATABASES")
            assert {name for (name,) in cursor.fetchall()} == {"information_schema", "crossfade"}
        # What was left out, by the commands' own words.
        plan = json.loads(typed(tmp_path, "crossfade plan --json").stdout)
        costs = {one["entity"]: one["cost"] for one in plan["target"] if one["cost"]}
        assert "payment" in costs
        at_the_end = done.stdout.partition("Without Splynx's database, as `crossfade plan` says\n")[2]
        for entity, cost in costs.items():
            assert f"  {entity}: {cost}\n" in at_the_end
            assert f"\nok   write paths: {entity}: {cost}\n" in done.stdout  # the doctor
        reconciled = json.loads(typed(tmp_path, "crossfade reconcile --wait 0 --json").stdout)
        assert reconciled["read_by"] == "rest"
        assert "\nread over REST: " in done.stdout
        for entity, fields in reconciled["not_shown"].items():
            assert f"\nnot compared: {', '.join(fields)} of {entity}, " in done.stdout
        assert "\nEqual: no differences.\n" in done.stdout
    finally:
        down(tmp_path)
    assert running(tmp_path) == []


def assert_equal(said: str) -> None:
    """The table and the sums, each line of them."""
    assert "An ISP with 20 accounts" in said
    rows = {name: numbers.split() for name, numbers in re.findall(r"^(\w+) +((?:\d+ *){7})$", said, re.MULTILINE)}
    assert tuple(rows) == ENTITIES
    for name, numbers in rows.items():
        source, _, target, parked, deferred, dead, different = map(int, numbers)
        assert source == target > 0, name
        assert (parked, deferred, dead, different) == (0, 0, 0, 0), name
    sums = re.findall(r"^  (?:Sonar|Splynx): [\w ]+? +(-?[\d,]+\.\d\d)$", said, re.MULTILINE)
    assert len(sums) == 4
    assert len(set(sums)) == 1
    assert "Both sides are equal, to the cent." in said


def test_a_demo_whose_servers_do_not_start_is_one_message(tmp_path: Path) -> None:
    done = demo(tmp_path, CROSSFADE_LIBRARY=str(tmp_path / "nothing"), KEEP="1")
    assert done.returncode == 4
    assert "Run `make setup`" in done.stderr
    assert "Traceback" not in done.stderr
    assert running(tmp_path) == []
