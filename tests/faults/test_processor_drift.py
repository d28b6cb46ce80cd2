"""Events that were written with another schema than ours, one after another: null, the same, or set aside as declared.

A release of capture before or after this one may have written them, or Sonar's own schema has changed meanwhile.
"""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient

from plumbing.avro import Codec, parse, writing
from plumbing.dead_letters import DeadLetterBudget, Spending
from plumbing.kafka import AckedProducer
from processors.output import Output
from processors.transform import Codecs, Coordinates, DeadLetter, Produced, transform
from schemas.avro import bundle_from_avro, bundle_schema, envelope_schema, value_of
from schemas.bundle import Bundle
from schemas.catalogue import aggregate
from schemas.envelope import Event, envelope_of
from schemas.topics import Topics
from tests.builders import RULES, a_payment, an_account
from tests.faults.alarms import dead_letters, rings
from tests.faults.seeds import seeds
from tests.unit.processors.test_transform import codec, register

EVENTS = 20
"""Of a stream, each of which has a drift of its own."""
Change = Callable[[list[dict[str, Any]], dict[str, Any]], None]
"""What drifts: the fields of the root's record, and the value that is written."""


def _added(fields: list[dict[str, Any]], value: dict[str, Any]) -> None:
    fields.append({"name": "new_in_sonar", "type": ["null", "string"], "default": None})
    value["new_in_sonar"] = "whatever it says"


def _gone(name: str) -> Change:
    def change(fields: list[dict[str, Any]], value: dict[str, Any]) -> None:
        fields[:] = [one for one in fields if one["name"] != name]
        del value[name]

    return change


def _renamed(name: str) -> Change:
    def change(fields: list[dict[str, Any]], value: dict[str, Any]) -> None:
        _field(fields, name)["name"] = f"{name}_total"
        value[f"{name}_total"] = value.pop(name)

    return change


def _typed(name: str, kind: Any, made: Callable[[Any], Any]) -> Change:
    def change(fields: list[dict[str, Any]], value: dict[str, Any]) -> None:
        _field(fields, name)["type"] = kind
        value[name] = made(value[name])

    return change


def _one_more_value(fields: list[dict[str, Any]], value: dict[str, Any]) -> None:
    value["account_type"]["type"] = "COOPERATIVE"


def _field(fields: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(one for one in fields if one["name"] == name)


SAME = "the same bundle"
NULL = "null "
"""Before a field's name: the bundle of an event in which it is null."""
DRIFTS: dict[str, tuple[str, Change, str]] = {
    "as it was": ("payment", lambda fields, value: None, SAME),
    "a field is added": ("payment", _added, SAME),
    "a field that may be null is gone": ("payment", _gone("status"), f"{NULL}status"),
    "a field that may be null has another name": ("payment", _renamed("deposit_slip_id"), f"{NULL}deposit_slip_id"),
    "a nested list is gone": ("account", _gone("account_groups"), f"{NULL}account_groups"),
    "a nested list has another name": ("account", _renamed("account_groups"), f"{NULL}account_groups"),
    "a required field is gone": ("payment", _gone("amount"), "avro.undecodable"),
    "a required field has another name": ("payment", _renamed("amount"), "avro.undecodable"),
    "a type is narrower": ("payment", _typed("amount", "int", int), SAME),
    "a type is wider": ("payment", _typed("amount", "double", float), "avro.undecodable"),
    "a number is a text": ("payment", _typed("amount", "string", str), "avro.undecodable"),
    "a switch is a number": ("payment", _typed("successful", "long", int), "avro.undecodable"),
    "an enum has one more value": ("account", _one_more_value, "mapping.unmapped_value"),
}
"""`{name: (aggregate, what drifts, what becomes of the event)}`"""


class Broker:
    """The producer's side of one that takes whatever it is given."""

    def produce(self, topic: str, **message: Any) -> None:
        """Taken."""

    def flush(self, timeout_seconds: float = 120) -> None:
        """Acknowledged."""


class Stream:
    """Events of one topic each, and what both engines make of them and publish."""

    def __init__(self, mark: str) -> None:
        self._registry = SchemaRegistryClient.new_client({"url": f"mock://{mark}"})
        self._codecs = {
            name: Codecs(
                codec(f"sonar.{name}", envelope_schema(aggregate(name)), self._registry),
                codec(f"splynx.{name}", bundle_schema(aggregate(name)), self._registry),
            )
            for name in ("account", "payment")
        }
        spending = Spending(DeadLetterBudget(10_000, 1_000))
        self._output = Output(cast(AckedProducer, Broker()), Topics("main"), spending, RULES.version)

    def result(self, event: Event, drift: Change) -> Produced | DeadLetter:
        """Of an event that is written with a schema that drifted."""
        envelope = json.loads(json.dumps(envelope_of(event)))
        schema = json.loads(json.dumps(envelope_schema(aggregate(event.aggregate))))
        drift(_record_in(schema)["fields"], envelope["after"])
        id = register(f"drifted.{event.aggregate}", schema, self._registry)
        written = b"\0" + id.to_bytes(4, "big") + writing(parse(schema))(envelope)
        at = Coordinates(event.aggregate, f"sonar.main.{event.aggregate}", 0, event.sequence)
        result = transform(at, written, self._codecs, RULES)
        self._output.publish(at, b"k", result)
        return result

    def bundle(self, event: Event, result: Produced | DeadLetter) -> Bundle:
        assert isinstance(result, Produced), result
        encoder = self._codecs[event.aggregate].bundles
        assert isinstance(encoder, Codec)
        return bundle_from_avro(encoder.decode(result.value)).bundle


def _record_in(schema: dict[str, Any]) -> dict[str, Any]:
    (record,) = [one for one in _field(schema["fields"], "before")["type"] if one != "null"]
    return dict(record)


def _event(name: str, chance: random.Random, sequence: int) -> Event:
    number = chance.randrange(1, 10_000)
    record = (
        an_account(id=number, name=f"{number} Example")
        if name == "account"
        else a_payment(id=number, amount=chance.randrange(1, 99_999), deposit_slip_id=chance.choice([None, number]))
    )
    return Event(
        aggregate=name, sonar_id=number, owner_id=number, op="u", after=value_of(record), sequence=sequence,
        snapshot=False, source_ts_ms=1_700_000_000_000, read_ts_ms=1_700_000_001_000, run_id="r",
        schema_fingerprint="f", instance="main",
    )  # fmt: skip


@pytest.mark.fault(14)
@rings(dead_letters("process"))
@seeds(30, guards={"what was written otherwise is read as ours": 1, "a value without a rule is set aside": 1})
def test_events_of_another_schema_are_null_or_set_aside_and_never_guessed(seed: int) -> None:
    chance, stream = random.Random(seed), Stream(f"drift-{seed}")
    names = [*DRIFTS, *chance.choices([*DRIFTS], k=EVENTS - len(DRIFTS))]
    chance.shuffle(names)
    for sequence, drifted in enumerate(names, 1):
        name, change, expected = DRIFTS[drifted]
        event = _event(name, chance, sequence)
        found = stream.result(event, change)
        undisturbed = stream.bundle(event, stream.result(event, DRIFTS["as it was"][1]))
        if expected == SAME:
            assert stream.bundle(event, found) == undisturbed, drifted
        elif expected.startswith(NULL):
            nulled = replace(event, after={**(event.after or {}), expected.removeprefix(NULL): None})
            as_null = stream.bundle(event, stream.result(nulled, DRIFTS["as it was"][1]))
            assert stream.bundle(event, found) == as_null, drifted
            assert name != "account" or as_null != undisturbed, drifted
        else:
            assert isinstance(found, DeadLetter), drifted
            assert (found.code, found.at.offset) == (expected, sequence), drifted
