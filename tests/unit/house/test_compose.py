"""docker-compose.yml, Dockerfile and the example configuration name what there is; no engine is needed for it."""

import importlib.metadata
import importlib.util
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from console.docs_keys import leaves
from plumbing.settings import Settings, load_settings
from sandbox import containers
from tests.unit.house.deployed import DEPLOY, ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: one for name, one in SERVICES.items() if one["image"].startswith("crossfade:")}
STAGES = ("capture", "process", "sink")
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_it_is_a_compose_file() -> None:
    # The package cannot be imported beside this click, and only its copy of the specification is wanted.
    spec = importlib.util.find_spec("check_jsonschema")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    schema = Path(spec.submodule_search_locations[0]) / "builtin_schemas" / "vendor" / "compose-spec.json"
    jsonschema.validate(COMPOSE, json.loads(schema.read_text()))  # type: ignore[no-untyped-call]
    assert "version" not in COMPOSE


def test_every_image_is_pinned_to_a_version() -> None:
    images = [one["image"] for one in SERVICES.values()] + re.findall(r"^FROM (\S+:\S+)", DOCKERFILE, re.MULTILINE)
    assert len(images) > len(SERVICES)
    for image in images:
        assert re.search(r":v?\d+\.\d+\.\d+[\w.-]*$", image), image


def test_images_have_the_versions_that_demo_and_tests_run_on() -> None:
    pom = (DEPLOY / "local" / "pom.xml").read_text()
    for service, name in (("kafka", "kafka"), ("registry", "apicurio")):
        version = re.search(rf"<{name}.version>([^<]+)<", pom)
        assert version is not None
        assert SERVICES[service]["image"].endswith(f":{version[1]}")
    for one in SERVICES.values():
        if one["image"].startswith("crossfade"):
            assert one["image"].endswith(f":{PROJECT['project']['version']}")


def test_every_port_is_published_on_loopback_only() -> None:
    ports = [port for one in SERVICES.values() for port in one.get("ports", ())]
    assert len(ports) >= 5
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []
    published = [port.split(":")[1] for port in ports]
    assert len(set(published)) == len(published)


def test_every_variable_of_ours_is_a_setting() -> None:
    known = {"CROSSFADE_" + "__".join(path).upper() for path, _ in leaves(Settings)}
    known |= {"CROSSFADE_CONFIG", "CROSSFADE_SECRETS_DIR"}
    for name, one in OURS.items():
        assert set(one["environment"]) <= known, name


def test_no_secret_stands_in_the_file_and_every_secret_has_its_own() -> None:
    settings = {"crossfade_" + "__".join(path): field for path, field in leaves(Settings)}
    for name in (containers.SONAR_TOKEN, containers.KEY, containers.SECRET, containers.WRITER_PASSWORD):
        assert name in settings
    assert containers.HMAC_KEY in settings
    text = (ROOT / "docker-compose.yml").read_text()
    for secret in re.findall(r"/site/secrets/(\w+)", text):
        assert secret in settings
    for password in re.findall(r"/passwords/(\w+)", text):
        assert password in containers.SERVERS
    for name, one in SERVICES.items():
        for variable in one.get("environment", {}):
            secret = re.search(r"PASSWORD|SECRET|TOKEN", variable)
            assert secret is None or variable.endswith("_FILE") or variable == "CROSSFADE_SECRETS_DIR", name


def test_whatever_a_service_waits_for_exists_and_can_be_waited_for() -> None:
    for name, one in SERVICES.items():
        for other, wait in one.get("depends_on", {}).items():
            awaited = SERVICES[other]
            if wait["condition"] == "service_healthy":
                assert "healthcheck" in awaited, f"{name} waits for {other}"
            else:
                assert wait["condition"] == "service_completed_successfully"
                assert "restart" not in awaited, f"{other} is to end"
            # A service that is not started in this profile must not be waited for.
            if not set(awaited.get("profiles", ())) >= set(one.get("profiles", ("",))) and "profiles" in awaited:
                assert wait.get("required") is False, f"{name} waits for {other}"


def test_whatever_runs_on_has_a_health_check() -> None:
    for name, one in SERVICES.items():
        if "restart" in one or name in ("sonar", "splynx", "mariadb"):
            assert "healthcheck" in one, name


def test_the_sink_writes_only_when_it_is_asked_for() -> None:
    assert SERVICES["sink"]["profiles"] == ["apply", "sandbox"]
    assert [name for name, one in OURS.items() if "--apply" in one["command"] and name != "topics"] == ["sink"]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_asked_where_it_answers(stage: str) -> None:
    port = Settings.model_fields["http"].get_default(call_default_factory=True).model_dump()[f"{stage}_port"]
    assert SERVICES[stage]["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert f"http://127.0.0.1:{port}/readyz" in " ".join(SERVICES[stage]["healthcheck"]["test"])
    scraped = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())["scrape_configs"][0]
    assert {"targets": [f"{stage}:{port}"], "labels": {"stage": stage}} in scraped["static_configs"]


def test_our_containers_run_as_an_ordinary_user_on_a_file_system_they_cannot_change() -> None:
    assert re.search(r"^USER crossfade$", DOCKERFILE, re.MULTILINE)
    for name, one in OURS.items():
        assert one["read_only"] is True, name
        assert one["cap_drop"] == ["ALL"]


def test_volumes_and_mounted_folders_exist() -> None:
    for name, one in SERVICES.items():
        for mount in one.get("volumes", ()):
            source = re.sub(r"\$\{\w+:-(\w+)\}", r"\1", mount).split(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).is_dir(), name
            else:
                assert source in COMPOSE["volumes"], name


def test_the_image_copies_what_the_wheel_is_made_of_and_the_builder_is_sent_it() -> None:
    packages = set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    copied = set(re.findall(r"^COPY (?!--from)([a-z]+) ", DOCKERFILE, re.MULTILINE))
    assert packages <= copied <= packages | {"requirements", "pyproject", "sandbox"}
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert sent >= packages | {"sandbox", "pyproject.toml", "README.md"}
    for path in sent:
        assert (ROOT / path).exists(), path
    wanted = set(re.findall(r"requirements/\w+\.txt", DOCKERFILE))
    assert wanted <= sent
    assert "--require-hashes" in DOCKERFILE


def pins(path: str) -> dict[str, str]:
    """`{package: version}` of a file under requirements/."""
    text = (ROOT / "requirements" / path).read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


@pytest.mark.parametrize("path", ["runtime.txt", "build.txt"])
def test_what_the_image_installs_is_pinned_as_for_development(path: str) -> None:
    developed = pins("dev.txt")
    assert {name: developed.get(name) for name in pins(path)} == pins(path)


@pytest.mark.parametrize(("path", "asked"), [("runtime.txt", "project"), ("build.txt", "build")])
def test_pip_finds_every_requirement_pinned_where_it_wants_hashes(path: str, asked: str) -> None:
    pinned = set(pins(path))
    group: list[str] = {"project": PROJECT["project"]["dependencies"], "build": PROJECT["dependency-groups"]["build"]}[
        asked
    ]
    ahead, seen = [Requirement(text) for text in group], set[tuple[str, str]]()
    while ahead:
        one = ahead.pop()
        name = canonicalize_name(one.name)
        assert name in pinned, f"{path} lacks {name}"
        for extra in {"", *one.extras}:
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            for text in importlib.metadata.requires(name) or ():
                needed = Requirement(text)
                if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                    ahead.append(needed)


def test_the_example_is_whole_once_its_secrets_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "containers.md").read_text()
    for name in re.findall(r"`(crossfade_\w+__\w+)`", page):
        # Editors end a file with a line feed; it is no part of the secret.
        (tmp_path / name).write_text("s3cret\n")
    monkeypatch.setenv("CROSSFADE_SECRETS_DIR", str(tmp_path))
    settings = load_settings(DEPLOY / "site.example" / "crossfade.yaml")
    assert settings.sonar.token.get_secret_value() == "s3cret"
    assert settings.splynx.secret.get_secret_value() == "s3cret"
    assert settings.process.hmac_key.get_secret_value() == "s3cret"
    assert settings.ledger_db.password.get_secret_value() == "s3cret"
    assert not settings.splynx.disposable
