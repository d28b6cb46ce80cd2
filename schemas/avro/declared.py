"""The Avro schema of every topic's keys and values, made from the declarations.

Instants travel as `long` milliseconds, money as `long` minor units, days as ISO text, enums as strings, references as
a record `{entity, key}`. What joins a record later has a default, so that every version reads every other
(FULL_TRANSITIVE).
"""

import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from schemas.aggregate import Aggregate
from schemas.records import AdditionalField, Personal, SplynxRecord
from schemas.selection import morph_of, sonar_field
from schemas.shapes import Kind, Member, members
from schemas.topics import Topics

_PLAIN = {
    Kind.TEXT: "string",
    Kind.WHOLE: "long",
    Kind.FLAG: "boolean",
    Kind.NUMBER: "double",
    Kind.DAY: "string",
    Kind.INSTANT: "long",
}
_TYPES = re.compile(r"Sonar schema, (?:types? )?(\w+)(?:(?:,| and) (\w+))?")
_FORMS = {Kind.DAY: "iso-date", Kind.INSTANT: "epoch-milliseconds"}
_REF = {
    "type": "record",
    "name": "Ref",
    "namespace": "splynx",
    "doc": "A Splynx record named by what it comes from.",
    "fields": [{"name": "entity", "type": "string"}, {"name": "key", "type": "string"}],
}
REF_NAME = "splynx.Ref"


def key_schema(declared: Aggregate) -> dict[str, Any]:
    """The key of an aggregate's events and bundles."""
    return {
        "type": "record",
        "name": "Key",
        "namespace": f"sonar.{declared.name}",
        "fields": [{"name": "id", "type": "long", "doc": "Sonar's id of the root."}],
    }


def value_schema(declared: Aggregate) -> Any:
    """The aggregate's record: `after` in its events."""
    return _record_schema(declared.root.record, "Value", f"sonar.{declared.name}", {})


def envelope_schema(declared: Aggregate) -> dict[str, Any]:
    """Debezium's envelope around the aggregate's record. No instance in the names."""
    namespace, value = f"sonar.{declared.name}", value_schema(declared)
    source_fields = [
        ("version", "string", "Version of the envelope."),
        ("connector", "string", "Always sonar."),
        ("name", "string", "The instance."),
        ("ts_ms", "long", "Sonar's updated_at of the root; for a delete, when it was read."),
        ("snapshot", "string", "true or false."),
        ("db", "string", "The instance."),
        ("sequence", "string", "Ours: a higher one is newer."),
        ("table", "string", "The aggregate."),
        ("sonar_id", "long", "The root's id."),
        ("owner_id", ["null", "long"], "The account that owns it; for a delete, the last one known."),
        ("run_id", "string", "Which run of capture read it."),
        ("schema_fingerprint", "string", "Of Sonar's schema at that time."),
    ]
    source = {
        "type": "record",
        "name": "Source",
        "namespace": namespace,
        "fields": [
            {"name": name, "type": kind, "doc": doc} | ({"default": None} if isinstance(kind, list) else {})
            for name, kind, doc in source_fields
        ],
    }
    return {
        "type": "record",
        "name": "Envelope",
        "namespace": namespace,
        "doc": declared.doc,
        "fields": [
            {"name": "before", "type": ["null", value], "default": None, "doc": "Always null."},
            {"name": "after", "type": ["null", f"{namespace}.Value"], "default": None, "doc": "Null for a delete."},
            {"name": "source", "type": source},
            {"name": "op", "type": "string", "doc": "r read, c created, u updated, d deleted."},
            {"name": "ts_ms", "type": "long", "doc": "When capture read it, milliseconds since the epoch."},
        ],
    }


def _refused(namespace: str) -> dict[str, Any]:
    told = {
        "entity": "What it would be in Splynx.",
        "key": "Of the record.",
        "code": "Of the error.",
        "reason": "Names the field, never its value.",
    }
    fields = [{"name": name, "type": "string", "doc": doc} for name, doc in told.items()]
    return {"type": "record", "name": "Refused", "namespace": namespace, "fields": fields}


def _default(name: str, kind: object) -> dict[str, Any]:
    """Of a field of bundles: those without what came later stay readable."""
    if name == "refused":
        return {"default": []}
    return {"default": None} if isinstance(kind, list) else {}


def bundle_schema(declared: Aggregate) -> dict[str, Any]:
    """The bundle of an aggregate: one array per target, null where it could not be read."""
    namespace = f"splynx.{declared.name}"
    known: dict[str, str] = {}
    head = [
        ("aggregate", "string", "The aggregate."),
        ("sonar_id", "long", "The root's id."),
        ("owner_id", ["null", "long"], "The account that owns it."),
        ("deleted", "boolean", "The aggregate is gone from Sonar."),
        ("reason", ["null", "string"], "Why the bundle is empty."),
        ("notes", {"type": "array", "items": "string"}, "Codes of what was changed on the way, without values."),
        ("day", ["null", "string"], "The ISP's calendar day on which capture read it."),
        ("refused", {"type": "array", "items": _refused(namespace)}, "Records that cannot be mapped."),
        ("sequence", "long", "Of the event."),
        ("hash", "string", "Over the records."),
        ("rules_version", "string", "Of the rules that mapped it."),
        ("rules_generation", "long", "A bundle of an older one is superseded."),
        ("source_ts_ms", "long", "Sonar's updated_at of the root."),
        ("read_ts_ms", "long", "When capture read it."),
        ("run_id", "string", "Which run of capture read it."),
        ("origin_topic", "string", "Where the event lies."),
        ("origin_partition", "long", "Where the event lies."),
        ("origin_offset", "long", "Where the event lies."),
    ]
    fields: list[dict[str, Any]] = [
        {"name": name, "type": kind, "doc": doc} | _default(name, kind) for name, kind, doc in head
    ]
    for target in declared.targets:
        items = _record_schema(target.record, target.record.__name__, namespace, known)
        fields.append(
            {
                "name": target.entity,
                "type": ["null", {"type": "array", "items": items}],
                "default": None,
                "doc": "All that the aggregate owns; null when it could not be read.",
            }
        )
    return {"type": "record", "name": "Bundle", "namespace": namespace, "doc": declared.doc, "fields": fields}


def subjects(topics: Topics, aggregates: Iterable[Aggregate]) -> list[tuple[str, dict[str, Any]]]:
    """`(subject, schema)` of every topic of the aggregates that carries Avro, by TopicNameStrategy."""
    found: list[tuple[str, dict[str, Any]]] = []
    for one in aggregates:
        found += [
            (f"{topics.sonar(one.name)}-key", key_schema(one)),
            (f"{topics.sonar(one.name)}-value", envelope_schema(one)),
        ]
        if one.targets:
            found += [
                (f"{topics.splynx(one.name)}-key", key_schema(one)),
                (f"{topics.splynx(one.name)}-value", bundle_schema(one)),
            ]
    return found


def _record_schema(record: type[BaseModel], name: str, namespace: str, known: dict[str, str]) -> Any:
    full = f"{namespace}.{name}"
    if known.get(full):
        return full
    known[full] = full
    return {
        "type": "record",
        "name": name,
        "namespace": namespace,
        "doc": " ".join((record.__doc__ or "").split()),
        "fields": [_field_schema(record, member, namespace, known) for member in members(record)],
    }


def _field_schema(record: type[BaseModel], member: Member, namespace: str, known: dict[str, str]) -> dict[str, Any]:
    kind = _kind_schema(member, namespace, known)
    if member.many:
        kind = {"type": "array", "items": kind}
    if member.nullable:
        arms = kind if isinstance(kind, list) else [kind]
        kind = ["null", *arms]
    field: dict[str, Any] = {"name": member.name, "type": kind, "doc": source_of(record, member)}
    if member.nullable:
        field["default"] = None
    elif member.default is not None:
        # What joins a record later must have one, or messages of before could not be read (FULL_TRANSITIVE).
        field["default"] = member.default
    if member.kind in _FORMS:
        field["form"] = _FORMS[member.kind]
    if any(isinstance(mark, Personal) for mark in member.metadata):
        field["pii"] = True
    return field


def source_of(record: type[BaseModel], member: Member) -> str:
    """Where a field comes from, or (in a bundle) goes to. Sonar's types are those that the record's doc names."""
    if not issubclass(record, SplynxRecord):
        named = _TYPES.search(" ".join((record.__doc__ or "").split()))
        types = [] if named is None else [one for one in named.groups() if one is not None]
        fields = " or ".join(f"{one}.{sonar_field(member)}" for one in types) or sonar_field(member)
        morph = morph_of(member)
        return f"Sonar's {fields}" + (f", where that is one of type {morph.type_name}." if morph else ".")
    if member.name in record.not_written:
        return "Steers the sink; written nowhere."
    if any(isinstance(mark, AdditionalField) for mark in member.metadata):
        return f"Splynx's additional field {member.name}."
    return f"Splynx's {record.columns.get(member.name, member.name)}."


def _kind_schema(member: Member, namespace: str, known: dict[str, str]) -> Any:
    if member.kind in _PLAIN:
        return _PLAIN[member.kind]
    if member.kind is Kind.TEXTS:
        return {"type": "map", "values": "string"}
    if member.kind in {Kind.REF, Kind.REF_OR_WHOLE}:
        first = REF_NAME not in known
        known[REF_NAME] = REF_NAME
        ref: Any = _REF if first else REF_NAME
        return [ref, "long"] if member.kind is Kind.REF_OR_WHOLE else ref
    assert member.record is not None
    return _record_schema(member.record, member.record.__name__, namespace, known)
