"""The wheel holds the product and nothing else, and what the containers run works from it."""

import json
import subprocess
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.local.ports import free_port
from tests.integration.house.environment import ROOT, build_wheel, make_environment
from tests.integration.house.services import SERVICES, STAGES, Services
from tests.slice import BEYOND_THE_SLICE
from tests.unit.house.deployed import expressions

ROOMS = {"plumbing", "schemas", "clients", "producers", "processors", "sinks", "reconciliation", "console"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def bin_(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """The programs of an environment like the image's."""
    return make_environment(tmp_path_factory.mktemp("image") / "crossfade", wheel)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory, bin_: Path) -> Iterator[Services]:
    """`docker compose --profile sandbox up`, in the order in which one waits for the other."""
    running = Services(tmp_path_factory.mktemp("compose"), bin_)
    try:
        running.start("mariadb")
        # The container of the database makes its password of this file; ours made its own before.
        (running.folder / "passwords" / "mariadb_root").write_text(running.mariadb.password)
        running.finish("sandbox-prepare")
        settings = running.folder / "site" / "crossfade.yaml"
        here = yaml.safe_load(running.text("crossfade", settings.read_text()))
        here["sonar"]["leave_out"] = BEYOND_THE_SLICE
        settings.write_text(yaml.safe_dump(here))
        for name in ("kafka", "registry", "sonar", "splynx"):
            running.start(name)
        running.finish("sandbox-join")
        running.finish("topics")
        for name in STAGES:
            running.start(name)
        config = running.folder / "prometheus-config"
        for path in (ROOT / "deploy" / "prometheus").glob("*.yml"):
            (config / path.name).write_text(running.text("prometheus", path.read_text()).replace("15s", "1s"))
        running.start("prometheus")
        yield running
    finally:
        running.stop()


def asked(services: Services, path: str, **arguments: str) -> Any:
    """Prometheus' answer."""
    query = urllib.parse.urlencode(arguments)
    url = f"http://127.0.0.1:{services.ports['prometheus']}/api/v1/{path}?{query}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)["data"]


def test_the_wheel_holds_the_rooms_and_neither_sandbox_nor_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == ROOMS
    assert any(name.endswith(".avsc") for name in names), "the committed schemas are data that the program reads"


def test_the_program_runs_where_only_its_pinned_packages_are(bin_: Path, tmp_path: Path) -> None:
    def python(code: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(bin_ / "python"), "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin"}, timeout=60,
        )  # fmt: skip

    rooms = ", ".join(sorted(ROOMS))
    done = python(
        f"import pkgutil, importlib, {rooms}\n"
        f"for room in ({rooms}):\n"
        "    for one in pkgutil.walk_packages(room.__path__, room.__name__ + '.'):\n"
        "        if not one.name.endswith('__main__'):\n"
        "            importlib.import_module(one.name)\n"
    )
    assert done.returncode == 0, done.stderr
    for stranger in ("sandbox", "tests", "pytest", "psutil", "hatchling"):
        assert "ModuleNotFoundError" in python(f"import {stranger}").stderr, stranger


def test_every_service_that_stays_has_become_healthy(services: Services) -> None:
    for name, one in SERVICES.items():
        if "healthcheck" in one and name not in ("mariadb", "grafana"):
            assert services.is_healthy(name), name


def test_a_health_check_fails_where_nobody_answers(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "ports", {name: free_port() for name in services.ports})
    for name, one in SERVICES.items():
        if "healthcheck" in one and name not in ("mariadb", "grafana", "kafka"):
            assert not services.is_healthy(name), name


def test_what_the_sandbox_holds_arrives_in_splynx(
    services: Services, until: Callable[[Callable[[], bool]], None]
) -> None:
    def customers() -> int:
        with services.mariadb.connect("splynx") as connection, connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM customers")
            row = cursor.fetchone()
        return int(row[0]) if row else 0

    until(lambda: customers() >= 20)
    status = json.loads(services.finish("crossfade", "status", "--json"))
    assert status["watermark"] is not None


def test_prometheus_reads_all_stages_and_understands_every_question(
    services: Services, until: Callable[[Callable[[], bool]], None]
) -> None:
    def healthy() -> set[str]:
        targets = asked(services, "targets", state="active")["activeTargets"]
        return {one["labels"]["stage"] for one in targets if one["health"] == "up"}

    until(lambda: healthy() == set(STAGES))
    for group in asked(services, "rules")["groups"]:
        assert [rule["name"] for rule in group["rules"] if rule.get("lastError")] == []
    for one in expressions():
        assert isinstance(asked(services, "query", query=one.text)["result"], list), one.place
    services.finish("crossfade", "reconcile", "--wait", "60")
    until(lambda: bool(asked(services, "query", query="crossfade_last_reconciliation_timestamp_seconds > 0")["result"]))
    watermark = asked(services, "query", query="crossfade_watermark_timestamp_seconds > 0")["result"]
    assert [one["metric"]["stage"] for one in watermark] == ["capture"]


def test_secrets_are_for_their_owner_alone(services: Services) -> None:
    secrets = sorted((services.folder / "site" / "secrets").iterdir())
    assert len(secrets) == 5
    assert [path.name for path in secrets if path.stat().st_mode & 0o077] == []
    text = (services.folder / "site" / "crossfade.yaml").read_text()
    assert [path.name for path in secrets if path.read_text() in text] == []


def test_a_second_up_keeps_secrets_and_way_in(services: Services) -> None:
    folder = services.folder / "site" / "secrets"
    before = {path.name: path.read_text() for path in folder.iterdir()}
    settings = (services.folder / "site" / "crossfade.yaml").read_text()
    services.finish("sandbox-prepare")
    (services.folder / "site" / "crossfade.yaml").write_text(settings)
    services.finish("sandbox-join")
    assert {path.name: path.read_text() for path in folder.iterdir()} == before
