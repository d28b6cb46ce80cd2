"""From one event and the rules to one bundle. Pure: no clock, no network, no ids of the target."""

from dataclasses import replace
from datetime import UTC, datetime

from pydantic import ValidationError

from schemas.aggregate import Aggregate, Mapper
from schemas.avro import record_of
from schemas.bundle import Bundle
from schemas.catalogue import aggregate
from schemas.envelope import Event
from schemas.rules import Rules
from schemas.values.errors import MappingError
from schemas.values.time import local_day


class NotARecord(MappingError):
    """An event's content does not fit what the aggregate declares."""

    code = "mapping.not_a_record"
    remedy = (
        "Sonar's field and our declaration differ: see the named field in Sonar, and report it if it is right there."
    )


def map_event(event: Event, rules: Rules) -> Bundle | None:
    """The bundle of an event; None for an aggregate that owns nothing in Splynx. A delete is an empty, deleted bundle.

    Raises:
        MappingError: the record cannot pass; says which field and why.
    """
    declared = aggregate(event.aggregate)
    if declared.mapper is None:
        return None
    read_at = datetime.fromtimestamp(event.read_ts_ms / 1000, UTC)
    return replace(_mapped(event, declared, declared.mapper, rules), day=local_day(read_at, rules.zone))


def _mapped(event: Event, declared: Aggregate, mapper: Mapper, rules: Rules) -> Bundle:
    if event.op == "d":
        return Bundle(
            records={target.entity: [] for target in declared.targets}, deleted=True, reason="deleted in Sonar"
        )
    if event.after is None:
        raise NotARecord("after", "is missing")
    try:
        record = record_of(declared, event.after)
    except ValidationError as exc:
        fields = sorted({".".join(str(part) for part in error["loc"]) for error in exc.errors()})
        raise NotARecord(", ".join(fields), "do not fit the declaration") from exc
    return mapper(record, rules)
