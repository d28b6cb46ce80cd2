"""What a codec may believe of the registry below it."""

import json
from typing import Any

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from plumbing.avro import Codec, Undecodable
from plumbing.errors import ConfigurationError
from schemas.avro import bundle_schema, bundle_to_avro, envelope_schema, key_schema, value_of
from schemas.catalogue import aggregate
from schemas.entities.payment import map_payment
from schemas.envelope import Event, envelope_of
from tests.builders import RULES, a_payment, a_reversal, stamped

PAYMENT = aggregate("payment")
EVENT = Event(
    aggregate="payment",
    sonar_id=21,
    owner_id=7,
    op="u",
    after=value_of(a_payment(reversed_payments=[a_reversal()], description="Merci 🙏🏽")),
    sequence=2**60,
    snapshot=False,
    source_ts_ms=1,
    read_ts_ms=2,
    run_id="r",
    schema_fingerprint="f",
    instance="main",
)


def register(registry: SchemaRegistryClient, subject: str, schema: dict[str, Any]) -> int:
    """Register a schema as `crossfade topics` does; its id."""
    return registry.register_schema(subject, Schema(json.dumps(schema), "AVRO"))


class RegistryContract:
    """Every registry; fixtures `registry` and `subject` (fresh, without `-value`) give one."""

    def test_what_one_codec_writes_another_reads(self, registry: SchemaRegistryClient, subject: str) -> None:
        schema = envelope_schema(PAYMENT)
        register(registry, f"{subject}-value", schema)
        written = Codec(registry, f"{subject}-value", schema).encode(envelope_of(EVENT))
        assert Codec(registry, f"{subject}-value", schema).decode(written) == envelope_of(EVENT)

    def test_a_bundle_is_written_and_read(self, registry: SchemaRegistryClient, subject: str) -> None:
        schema = bundle_schema(PAYMENT)
        register(registry, f"{subject}-value", schema)
        codec = Codec(registry, f"{subject}-value", schema)
        bundle = bundle_to_avro(stamped("payment", 21, map_payment(a_payment(), RULES)))
        assert codec.decode(codec.encode(bundle)) == bundle

    def test_registering_again_gives_the_same_id(self, registry: SchemaRegistryClient, subject: str) -> None:
        first = register(registry, f"{subject}-key", key_schema(PAYMENT))
        assert register(registry, f"{subject}-key", key_schema(PAYMENT)) == first

    def test_an_older_message_is_read_in_todays_shape(self, registry: SchemaRegistryClient, subject: str) -> None:
        older: dict[str, Any] = {"type": "record", "name": "Row", "fields": [{"name": "id", "type": "long"}]}
        added = {"name": "note", "type": ["null", "string"], "default": None}
        newer: dict[str, Any] = {**older, "fields": [*older["fields"], added]}
        register(registry, f"{subject}-value", older)
        written = Codec(registry, f"{subject}-value", older).encode({"id": 5})
        register(registry, f"{subject}-value", newer)
        assert Codec(registry, f"{subject}-value", newer).decode(written) == {"id": 5, "note": None}

    def test_a_subject_or_a_schema_that_is_not_registered_halts(
        self, registry: SchemaRegistryClient, subject: str
    ) -> None:
        with pytest.raises(ConfigurationError, match="subject"):
            Codec(registry, f"{subject}-value", key_schema(PAYMENT))
        register(registry, f"{subject}-value", key_schema(PAYMENT))
        with pytest.raises(ConfigurationError, match="subject"):
            Codec(registry, f"{subject}-value", bundle_schema(PAYMENT))

    def test_a_schema_id_that_nobody_registered_can_never_be_read(
        self, registry: SchemaRegistryClient, subject: str
    ) -> None:
        register(registry, f"{subject}-key", key_schema(PAYMENT))
        codec = Codec(registry, f"{subject}-key", key_schema(PAYMENT))
        with pytest.raises(Undecodable, match="unknown"):
            codec.decode(b"\x00\x7f\xff\xff\xff\x02")
