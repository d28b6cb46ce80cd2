"""The bundle: all Splynx records that one Sonar aggregate owns, as a mapper returns it and as it travels."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import orjson

from schemas.records import SplynxRecord


@dataclass(frozen=True)
class Refused:
    """A record that cannot be mapped, while the rest of its bundle can. `reason` names the field, never a value."""

    entity: str
    key: str
    code: str
    reason: str


@dataclass(frozen=True)
class Bundle:
    """What a mapper returns.

    `records` holds, per target entity, the complete list of records owned, perhaps empty; None means that it could
    not be read and is left out of the comparison. `reason` says why a bundle is empty. `notes` are codes of what was
    changed on the way (`truncated:city`), counted and never holding values. `day` is the operator's calendar day on
    which capture read the aggregate: what is no longer among the records has ended by then. `refused` are records that
    cannot be mapped: each becomes a dead letter, and what was written of it stays.
    """

    records: Mapping[str, Sequence[SplynxRecord] | None] = field(default_factory=dict)
    deleted: bool = False
    reason: str | None = None
    notes: Sequence[str] = ()
    day: date | None = None
    refused: Sequence[Refused] = ()

    def tells_of(self, entity: str) -> bool:
        """Whether it says which records of an entity are owned: not read is not empty, and a deleted one owns none."""
        return self.deleted or self.records.get(entity) is not None


@dataclass(frozen=True)
class Origin:
    """Where a bundle's event lies."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True)
class StampedBundle:
    """A bundle with what the sink needs to order it, compare it and find its way back."""

    aggregate: str
    sonar_id: int
    owner_id: int | None
    bundle: Bundle
    sequence: int
    rules_version: str
    rules_generation: int
    origin: Origin
    source_ts_ms: int
    """Sonar's updated_at of the root."""
    read_ts_ms: int
    """When capture read it."""
    run_id: str
    hash: str


def record_document(record: SplynxRecord) -> dict[str, Any]:
    """The record as plain JSON values (money as text), for hashing and for comparison."""
    return record.model_dump(mode="json")


def document_hash(document: dict[str, Any]) -> str:
    """32 hex digits over a record's document."""
    return _digest(document)


def bundle_hash(bundle: Bundle) -> str:
    """32 hex digits over all records of a bundle, and those that are refused.

    Independent of the order of targets; lists are ordered by key.
    """
    document = {
        entity: None if records is None else [record_document(r) for r in sorted(records, key=lambda r: r.key)]
        for entity, records in bundle.records.items()
    }
    refused = sorted((one.entity, one.key, one.code, one.reason) for one in bundle.refused)
    return _digest({"records": document, "deleted": bundle.deleted} | ({"refused": refused} if refused else {}))


def _digest(document: object) -> str:
    # blake2b is in the standard library, fast, and needs no security here: it only tells equal from unequal.
    return hashlib.blake2b(orjson.dumps(document, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()
