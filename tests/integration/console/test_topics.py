"""`crossfade topics` on a real broker and registry: shown first, done once, by several at a time, and kept safe."""

import json
import subprocess
from contextlib import suppress
from typing import Any

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)
from confluent_kafka.schema_registry import Schema
from confluent_kafka.schema_registry.error import SchemaRegistryError

from console.shapes import members
from console.topics import COMPATIBILITY
from plumbing.avro import make_registry
from plumbing.errors import ExitCode
from plumbing.kafka import make_admin, reach_broker
from plumbing.settings import Settings, load_settings
from sandbox.local.library import ROOT
from schemas.avro import subjects
from schemas.catalogue import with_topics
from schemas.topics import Topics
from tests.integration.console.conftest import Site, bare_environment

pytestmark = pytest.mark.timeout(120)
_A_NUMBER = {"name": "number", "type": "int"}


def of(settings: Settings) -> list[tuple[str, dict[str, Any]]]:
    return subjects(Topics(settings.instance), with_topics(settings.sonar.leave_out))


def levels(settings: Settings) -> set[str]:
    with make_registry(settings.registry) as registry:
        return {registry.get_compatibility(subject) for subject, _ in of(settings)}


def registered(settings: Settings) -> list[str]:
    """The subjects that the registry has a schema of."""
    found = []
    with make_registry(settings.registry) as registry:
        for subject, _ in of(settings):
            with suppress(SchemaRegistryError):
                found += [subject] if registry.get_versions(subject) else []
    return found


def test_topics_are_shown_then_made_by_two_at_once_and_then_complete(site: Site) -> None:
    shown = site.crossfade("topics", "--json")
    assert shown.code == 0
    assert shown.document.keys() == {"version"} | members("topics")
    assert shown.document["applied"] is False
    assert len(shown.document["topics"]) > 10
    assert site.crossfade("topics").out.endswith("Do it with: crossfade topics --apply\n")

    both = [
        subprocess.Popen(
            site.command("topics", "--apply", "--json"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=bare_environment(),
        )
        for _ in range(2)
    ]
    told = [one.communicate(timeout=60) for one in both]
    assert [one.returncode for one in both] == [0, 0], [err for _, err in told]

    again = site.crossfade("topics", "--json")
    assert (again.document["topics"], again.document["subjects"], again.document["protect"]) == ([], [], [])
    assert levels(load_settings(site.config)) == {COMPATIBILITY}


def test_a_subject_that_lost_its_protection_is_found_and_protected_again(site: Site) -> None:
    site.crossfade("topics", "--apply")
    settings = load_settings(site.config)
    subject, _ = of(settings)[0]
    with make_registry(settings.registry) as registry:
        registry.set_compatibility(subject, "NONE")
    assert site.crossfade("topics", "--json").document["protect"] == [subject]
    assert f"would protect {subject}" in site.crossfade("topics").out.lower()
    assert site.crossfade("topics", "--apply").code == 0
    assert levels(settings) == {COMPATIBILITY}


def test_a_subject_that_only_the_registrys_own_level_protects_is_found(site: Site) -> None:
    site.crossfade("topics", "--apply")
    settings = load_settings(site.config)
    subject, _ = of(settings)[1]
    with make_registry(settings.registry) as registry:
        registry.delete_config(subject)
    assert site.crossfade("topics", "--json").document["protect"] == [subject]


def test_a_schema_that_the_registry_refuses_is_named_before_anything_is_made(site: Site) -> None:
    known = load_settings(site.config)
    settings = known.model_copy(update={"instance": f"{known.instance}-new"})
    subject, schema = next(one for one in of(settings) if one[0].endswith("account-value"))
    other = {"type": "record", "name": "Envelope", "namespace": schema["namespace"], "fields": [_A_NUMBER]}
    with make_registry(settings.registry) as registry:
        registry.register_schema(subject, Schema(json.dumps(other), "AVRO"))
        registry.set_compatibility(subject, COMPATIBILITY)
    for words in (("topics",), ("topics", "--apply")):
        ended = site.crossfade(*words, env={"CROSSFADE_INSTANCE": settings.instance})
        assert (ended.code, ended.out) == (ExitCode.USAGE, ""), ended.err
        assert f"crossfade: the registry refuses {subject}: its schema does not fit" in ended.err
        assert "Next: Use a new instance name" in ended.err
    assert not any(f".{settings.instance}." in name for name in reach_broker(settings.kafka))
    assert registered(settings) == [subject]


def test_a_topic_that_is_kept_otherwise_is_found_and_put_right_and_what_is_not_ours_stays(site: Site) -> None:
    site.crossfade("topics", "--apply")
    settings = load_settings(site.config)
    payments = Topics(settings.instance).sonar("payment")
    changed = {"cleanup.policy": "compact", "segment.ms": "3600000"}
    set_of(settings, payments, changed)
    wrong = [{"topic": payments, "setting": "cleanup.policy", "has": "compact", "wanted": "delete"}]
    assert site.crossfade("topics", "--json").document["put_right"] == wrong
    assert "to delete; it was compact" in site.crossfade("topics").out
    (told,) = [one for one in site.crossfade("doctor", "--json").document["checks"] if one["check"] == "topics"]
    assert (told["ok"], told["says"]) == (False, "1 topics are not kept as they must be: cleanup.policy")

    assert site.crossfade("topics", "--apply", "--json").document["put_right"] == wrong
    assert site.crossfade("topics", "--json").document["put_right"] == []
    assert {name: kept(settings, payments)[name] for name in changed} == changed | {"cleanup.policy": "delete"}


def set_of(settings: Settings, topic: str, values: dict[str, str]) -> None:
    entries = [ConfigEntry(*one, incremental_operation=AlterConfigOpType.SET) for one in values.items()]
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
    admin = make_admin(settings.kafka)  # its futures end with it
    admin.incremental_alter_configs([resource])[resource].result(30)


def kept(settings: Settings, topic: str) -> dict[str, str]:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    admin = make_admin(settings.kafka)
    return {name: entry.value for name, entry in admin.describe_configs([resource])[resource].result(30).items()}
