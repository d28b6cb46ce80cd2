"""Records as Avro values and back, as `schemas.avro.declared` describes them.

Union branches are passed by name, which is faster than letting the writer guess.
"""

from collections.abc import Callable
from datetime import date
from functools import cache
from typing import Any

from pydantic import BaseModel

from plumbing.clock import epoch_ms, from_epoch_ms
from schemas.aggregate import Aggregate
from schemas.avro.declared import REF_NAME
from schemas.bundle import Bundle, Origin, Refused, StampedBundle
from schemas.catalogue import aggregate
from schemas.records import SonarRecord
from schemas.shapes import Kind, Member, members

_Convert = Callable[[Any], Any]


def value_of(record: SonarRecord) -> dict[str, Any]:
    """The Avro form of a root's record."""
    return _writer(type(record))(record)


def record_of(declared: Aggregate, value: dict[str, Any]) -> SonarRecord:
    """The record in an event's `after`.

    Raises:
        pydantic.ValidationError: it does not fit the declaration.
    """
    return declared.root.record.model_validate(_reader(declared.root.record)(value))


def bundle_to_avro(stamped: StampedBundle) -> dict[str, Any]:
    """The Avro form of a bundle."""
    declared = aggregate(stamped.aggregate)
    value: dict[str, Any] = {
        "aggregate": stamped.aggregate,
        "sonar_id": stamped.sonar_id,
        "owner_id": stamped.owner_id,
        "deleted": stamped.bundle.deleted,
        "reason": stamped.bundle.reason,
        "notes": list(stamped.bundle.notes),
        "day": None if stamped.bundle.day is None else stamped.bundle.day.isoformat(),
        "refused": [dict(vars(one)) for one in stamped.bundle.refused],
        "sequence": stamped.sequence,
        "hash": stamped.hash,
        "rules_version": stamped.rules_version,
        "rules_generation": stamped.rules_generation,
        "source_ts_ms": stamped.source_ts_ms,
        "read_ts_ms": stamped.read_ts_ms,
        "run_id": stamped.run_id,
        "origin_topic": stamped.origin.topic,
        "origin_partition": stamped.origin.partition,
        "origin_offset": stamped.origin.offset,
    }
    for target in declared.targets:
        records = stamped.bundle.records.get(target.entity)
        write = _writer(target.record)
        value[target.entity] = None if records is None else [write(one) for one in records]
    return value


def bundle_from_avro(value: dict[str, Any]) -> StampedBundle:
    """The bundle in a decoded value.

    Raises:
        KeyError: the aggregate is none of ours.
        pydantic.ValidationError: a record does not fit its declaration.
    """
    declared = aggregate(value["aggregate"])
    records = {}
    for target in declared.targets:
        read = _reader(target.record)
        rows = value[target.entity]
        records[target.entity] = None if rows is None else [target.record.model_validate(read(row)) for row in rows]
    return StampedBundle(
        aggregate=value["aggregate"],
        sonar_id=value["sonar_id"],
        owner_id=value["owner_id"],
        bundle=Bundle(
            records=records,
            deleted=value["deleted"],
            reason=value["reason"],
            notes=tuple(value["notes"]),
            day=None if value["day"] is None else date.fromisoformat(value["day"]),
            refused=tuple(Refused(**one) for one in value["refused"]),
        ),
        sequence=value["sequence"],
        rules_version=value["rules_version"],
        rules_generation=value["rules_generation"],
        origin=Origin(value["origin_topic"], value["origin_partition"], value["origin_offset"]),
        source_ts_ms=value["source_ts_ms"],
        read_ts_ms=value["read_ts_ms"],
        run_id=value["run_id"],
        hash=value["hash"],
    )


@cache
def _writer(record: type[BaseModel]) -> Callable[[Any], dict[str, Any]]:
    steps = _steps(record, _outward)

    def write(value: Any) -> dict[str, Any]:
        result = dict(vars(value))  # pydantic keeps a record's members there, and nothing else
        for name, convert in steps:
            one = result[name]
            if one is not None:
                result[name] = convert(one)
        return result

    return write


@cache
def _reader(record: type[BaseModel]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    steps = _steps(record, _inward)

    def read(value: dict[str, Any]) -> dict[str, Any]:
        result = dict(value)
        for name, convert in steps:
            one = result[name]
            if one is not None:
                result[name] = convert(one)
        return result

    return read


def _steps(record: type[BaseModel], direction: Callable[[Member], _Convert | None]) -> list[tuple[str, _Convert]]:
    """The members that look otherwise on the other side."""
    found = [(member.name, direction(member)) for member in members(record)]
    return [(name, convert) for name, convert in found if convert is not None]


def _outward(member: Member) -> _Convert | None:
    convert: _Convert | None = None
    if member.kind is Kind.INSTANT:
        convert = epoch_ms
    elif member.kind is Kind.DAY:
        convert = date.isoformat
    elif member.kind is Kind.REF:
        convert = _ref_out
    elif member.kind is Kind.REF_OR_WHOLE:
        convert = _ref_or_whole_out
    elif member.kind is Kind.RECORD and member.record is not None:
        convert = _writer(member.record)
    return _each(convert) if member.many and convert is not None else convert


def _inward(member: Member) -> _Convert | None:
    convert: _Convert | None = None
    if member.kind is Kind.INSTANT:
        convert = from_epoch_ms
    elif member.kind is Kind.RECORD and member.record is not None:
        convert = _reader(member.record)
    return _each(convert) if member.many and convert is not None else convert


def _each(convert: _Convert) -> _Convert:
    return lambda values: [convert(value) for value in values]


def _ref_out(ref: Any) -> dict[str, str]:
    return {"entity": ref.entity, "key": ref.key}


def _ref_or_whole_out(value: Any) -> Any:
    return value if isinstance(value, int) else (REF_NAME, _ref_out(value))
