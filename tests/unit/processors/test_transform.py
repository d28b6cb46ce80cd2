"""One message in, one bundle or one dead letter out; nothing else ever."""

import json
from typing import Any

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from plumbing.avro import Codec
from plumbing.errors import DependencyUnreachable
from processors.context import MAPPED
from processors.transform import Codecs, Coordinates, DeadLetter, Produced, transform
from schemas.avro import bundle_from_avro, bundle_schema, envelope_schema
from schemas.catalogue import aggregate
from schemas.envelope import Event, envelope_of
from schemas.rules import RulesFile, SourceFacts, compile_rules

REGISTRY = SchemaRegistryClient.new_client({"url": "mock://transform"})
RULES = compile_rules(
    RulesFile.model_validate(
        {
            "version": 1,
            "target": {"timezone": "America/Chicago"},
            "partners": {"default": 1},
            "locations": {"default": 1},
            "payment_methods": {"default": 5},
        }
    ),
    SourceFacts("USD", "AMERICACHICAGO", 0),
    generation=4,
)


def register(subject: str, schema: dict[str, Any], registry: SchemaRegistryClient = REGISTRY) -> int:
    """The id that a schema gets."""
    return registry.register_schema(subject, Schema(json.dumps(schema), "AVRO"))


def codec(subject: str, schema: dict[str, Any], registry: SchemaRegistryClient = REGISTRY) -> Codec:
    """Of a subject that is registered."""
    register(subject, schema, registry)
    return Codec(registry, subject, schema)


EVENTS = {one.name: codec(f"sonar.{one.name}", envelope_schema(one)) for one in MAPPED}
BUNDLES = {one.name: codec(f"splynx.{one.name}", bundle_schema(one)) for one in MAPPED}
CODECS = {one.name: Codecs(EVENTS[one.name], BUNDLES[one.name]) for one in MAPPED}
AT = Coordinates("account_group", "sonar.main.account_group", 1, 99)


def an_event(**changes: Any) -> Event:
    values: dict[str, Any] = {
        "aggregate": "account_group",
        "sonar_id": 7,
        "owner_id": None,
        "op": "u",
        "after": {"id": 7, "updated_at": 1_700_000_000_000, "name": "Wholesale"},
        "sequence": 12,
        "snapshot": False,
        "source_ts_ms": 1_700_000_000_000,
        "read_ts_ms": 1_700_000_001_000,
        "run_id": "r",
        "schema_fingerprint": "f",
        "instance": "main",
    }
    return Event(**(values | changes))


def put(event: Event) -> Produced | DeadLetter:
    return transform(AT, EVENTS["account_group"].encode(envelope_of(event)), CODECS, RULES)


def test_a_bundle_carries_where_it_came_from_and_by_which_rules() -> None:
    result = put(an_event())
    assert isinstance(result, Produced)
    stamped = bundle_from_avro(BUNDLES["account_group"].decode(result.value))
    assert (stamped.origin.partition, stamped.origin.offset, stamped.sequence) == (1, 99, 12)
    assert (stamped.rules_version, stamped.rules_generation) == (RULES.version, 4)
    (label,) = stamped.bundle.records["label"] or []
    assert label.key == "group:7"


def test_what_was_cut_on_the_way_is_told_beside_the_bundle() -> None:
    result = put(an_event(after={"id": 7, "updated_at": 1_700_000_000_000, "name": "W" * 70}))
    assert isinstance(result, Produced)
    assert result.notes == ("truncated:name",)


def test_a_delete_is_an_empty_bundle_marked_deleted() -> None:
    result = put(an_event(op="d", after=None))
    assert isinstance(result, Produced)
    stamped = bundle_from_avro(BUNDLES["account_group"].decode(result.value))
    assert stamped.bundle.deleted
    assert stamped.bundle.records == {"label": []}


@pytest.mark.parametrize(
    ("event", "code"),
    [
        pytest.param(an_event(op="x"), "event.invalid", id="an unknown operation"),
        pytest.param(an_event(op="u", after=None), "event.invalid", id="nothing after an update"),
        pytest.param(an_event(aggregate="payment"), "event.invalid", id="another aggregate's event"),
        pytest.param(
            an_event(after={"id": 7, "updated_at": 0, "name": "  "}), "mapping.required_value_missing", id="no name"
        ),
    ],
)
def test_what_cannot_pass_is_set_aside_with_its_code(event: Event, code: str) -> None:
    result = put(event)
    assert isinstance(result, DeadLetter)
    assert (result.code, result.at) == (code, AT)


def test_bytes_that_are_no_message_are_set_aside() -> None:
    result = transform(AT, b"\x01\x02", CODECS, RULES)
    assert isinstance(result, DeadLetter)
    assert result.code == "avro.undecodable"


def test_a_registry_that_is_away_sets_nothing_aside() -> None:
    class Away:
        def decode(self, data: bytes | None) -> dict[str, Any]:
            raise DependencyUnreachable("the schema registry does not answer")

    codecs = {"account_group": Codecs(Away(), BUNDLES["account_group"])}
    with pytest.raises(DependencyUnreachable):
        transform(AT, b"\x00", codecs, RULES)


def test_a_broken_mapper_tells_its_kind_of_error_and_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(event: Event, rules: object) -> None:
        raise KeyError("Ada Example")

    monkeypatch.setattr("processors.transform.map_event", broken)
    result = put(an_event())
    assert isinstance(result, DeadLetter)
    assert result.code == "mapping.failed"
    assert "Ada" not in result.reason


def test_every_mapped_aggregate_has_targets() -> None:
    assert [one.name for one in MAPPED] == ["company", "account_group", "account_type", "service", "account", "payment"]
    assert all(aggregate(one.name).targets for one in MAPPED)
