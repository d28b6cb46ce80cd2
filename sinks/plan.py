"""What a bundle asks for, compared with what the ledger knows: pure functions from both to steps."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum
from typing import Any

from schemas.aggregate import Aggregate, DeletePolicy, Target
from schemas.bundle import Refused, StampedBundle, document_hash, record_document
from schemas.entities.scoped import LEFT_OUT
from schemas.ledger import LIVE
from sinks.errors import MovedAway
from sinks.threeway import Decision

Document = dict[str, Any]
CLOSED = "disabled"
"""Splynx's status of a customer or a service that is no more."""
SONAR_UNIQUE_ID = "sonar_unique_id"
"""The member that says which object of Sonar a record stands for, whatever its id (mapping 1.1)."""


class Outcome(Enum):
    """What became of a record or a bundle; listed from best to worst."""

    UNCHANGED = "unchanged"
    STALE = "stale"
    SUPERSEDED = "superseded"
    APPLIED = "applied"
    PARKED = "parked"
    DEFERRED = "deferred"
    DEAD_LETTERED = "dead_lettered"


_RANK = {outcome: rank for rank, outcome in enumerate(Outcome)}


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome of a bundle: that of its worst record; unchanged when it has none."""
    return max(outcomes, key=lambda outcome: _RANK[outcome], default=Outcome.UNCHANGED)


class Verb(Enum):
    """What a record needs."""

    CREATE = "create"
    CHANGE = "change"
    UNCHANGED = "unchanged"
    GONE = "gone"
    REFUSED = "refused"


@dataclass(frozen=True)
class AggregateState:
    """The newest bundle that the ledger has of an aggregate."""

    sequence: int
    hash: str
    generation: int
    outcome: str


@dataclass(frozen=True)
class Known:
    """A crosswalk row."""

    entity: str
    key: str
    target_id: int
    hash: str
    sequence: int
    state: str
    revision: int
    document: Document


@dataclass(frozen=True)
class Step:
    """One record of a bundle with what is to be done. `document` is None for one that is gone."""

    verb: Verb
    target: Target
    key: str
    hash: str
    document: Document | None
    known: Known | None
    decided: Mapping[str, Decision] = field(default_factory=dict)
    """`{field: what somebody decided about its conflict}`, of a record that is written because of that."""
    day: date | None = None
    """By when one that is gone has ended."""
    refused: Refused | None = None
    """Why one cannot be mapped, or stays with whom it belongs to no more; what was written of it stays as it is."""


def verdict(bundle: StampedBundle, state: AggregateState | None, *, oldest: int = 0) -> Outcome | None:
    """Why a bundle needs no work, or None when its records must be compared.

    An equal sequence with another hash is applied: mended rules, a wider scope. An older rules generation never is,
    nor one older than `oldest`.
    """
    if bundle.rules_generation < oldest:
        return Outcome.SUPERSEDED
    if state is None:
        return None
    if bundle.sequence < state.sequence:
        return Outcome.STALE
    if bundle.rules_generation < state.generation:
        return Outcome.SUPERSEDED
    settled = state.outcome in {Outcome.APPLIED.value, Outcome.UNCHANGED.value}
    if settled and bundle.sequence == state.sequence and bundle.hash == state.hash:
        return Outcome.UNCHANGED
    return None


def newest_of(known: Iterable[Known]) -> int:
    """The sequence of the newest bundle that wrote one of these records; 0 where none did.

    It may not be applied yet: what goes over REST is entered at once, and its bundle when its batch is committed.
    """
    return max((row.sequence for row in known), default=0)


def steps_of(bundle: StampedBundle, aggregate: Aggregate, known: Sequence[Known]) -> list[Step]:
    """The steps of one bundle in load order, with what is gone behind them in reverse order.

    Where something is closed, that and what is gone go first, dependants before what they depend on: Splynx makes
    copies of services that run while their customer is disabled. A target type that could not be read (None, or
    missing from the bundle that is not deleted) is left out. So is what the rules leave out, but for what stands with
    a customer whom it belongs to no more.
    """
    by_key = {(row.entity, row.key): row for row in known}
    steps: list[Step] = []
    gone: list[Step] = []
    for target in aggregate.targets:
        if not bundle.bundle.tells_of(target.entity):
            if bundle.bundle.reason in LEFT_OUT:
                steps += _left_behind(target, known, bundle)
            continue
        records = () if bundle.bundle.deleted else bundle.bundle.records[target.entity] or ()
        wanted = set()
        for record in records:
            wanted.add(record.key)
            document = record_document(record)
            digest = document_hash(document)
            row = by_key.get((target.entity, record.key))
            if row is None:
                verb = Verb.CREATE
            elif row.state == LIVE and row.hash == digest:
                verb = Verb.UNCHANGED
            else:
                verb = Verb.CHANGE
            steps.append(Step(verb, target, record.key, digest, document, row))
        for one in () if bundle.bundle.deleted else bundle.bundle.refused:
            if one.entity == target.entity:
                wanted.add(one.key)
                row = by_key.get((one.entity, one.key))
                steps.append(Step(Verb.REFUSED, target, one.key, "", None, row, refused=one))
        gone += [
            Step(Verb.GONE, target, row.key, "", None, row, day=bundle.bundle.day)
            for row in known
            if row.entity == target.entity and row.state == LIVE and row.key not in wanted
        ]
    steps = _with_open_dependants(steps)
    closing_now = [one for one in steps if _closes(one)]
    if not closing_now and not any(can_be_closed(one.target) for one in gone):
        return [*steps, *reversed(gone)]
    rank = {target.entity: place for place, target in enumerate(aggregate.targets)}
    first = sorted([*closing_now, *gone], key=lambda one: -rank[one.target.entity])
    return [*first, *(one for one in steps if not _closes(one))]


def moved_away(document: Document | None, bundle: StampedBundle) -> MovedAway | None:
    """That a record was made for a customer whom it belongs to no more, of a bundle that tells nothing else of it."""
    customer = None if document is None else document.get("customer_id")
    if customer is None or not _is_ref(customer) or bundle.owner_id is None or customer["key"] == str(bundle.owner_id):
        return None
    return MovedAway(f"belongs to account {bundle.owner_id} now: {bundle.bundle.reason}")


def _left_behind(target: Target, known: Sequence[Known], bundle: StampedBundle) -> list[Step]:
    """Steps of what stands with a customer whom it belongs to no more, of a bundle that is left out."""
    live = [row for row in known if row.entity == target.entity and row.state == LIVE]
    return [
        Step(Verb.REFUSED, target, row.key, "", None, row, refused=Refused(row.entity, row.key, why.code, str(why)))
        for row in live
        if (why := moved_away(row.document, bundle)) is not None
    ]


def _with_open_dependants(steps: list[Step]) -> list[Step]:
    """The steps, but that nothing is closed while a service of it runs on that cannot be mapped: Splynx would copy it.

    The closing is refused as the service is, and done with it.
    """
    running = [
        (place, one)
        for place, one in enumerate(steps)
        if one.refused is not None and one.known is not None and one.known.state == LIVE and can_be_closed(one.target)
    ]
    if not running:
        return steps
    last, why = running[-1][0], running[0][1].refused
    assert why is not None
    return [
        replace(
            one,
            verb=Verb.REFUSED,
            hash="",
            document=None,
            refused=Refused(one.target.entity, one.key, why.code, f"waits for {why.entity} {why.key}: {why.reason}"),
        )
        if place < last and _closes(one)
        else one
        for place, one in enumerate(steps)
    ]


def can_be_closed(target: Target) -> bool:
    """Whether a row of the target is closed, in place of being deleted; it may be opened again."""
    return target.delete in {DeletePolicy.DISABLE, DeletePolicy.END}


def closing(target: Target, row: Mapping[str, Any], day: date | None) -> Document:
    """What ends a record that its aggregate no longer owns, by its delete policy; nothing for what is left as it is.

    `row`: as Splynx has it. `day`: by when it ended, which is never before it began; None: when it began.
    """
    if target.delete is DeletePolicy.DISABLE:
        return {"status": CLOSED}
    if target.delete is DeletePolicy.END:
        return {"status": CLOSED, "end_date": max(str(row["start_date"]), "" if day is None else day.isoformat())}
    return {}


def _closes(step: Step) -> bool:
    """Whether a row that is there, and stays ours, is closed by it."""
    return step.verb is Verb.CHANGE and step.document is not None and step.document.get("status") == CLOSED


def is_of_another(step: Step) -> bool:
    """Whether Sonar's id was given anew: the record on its way is of another object than the one that was written."""
    if step.known is None or step.document is None:
        return False
    before, now = step.known.document.get(SONAR_UNIQUE_ID), step.document.get(SONAR_UNIQUE_ID)
    return bool(before and now and before != now)


@dataclass(frozen=True)
class RefAt:
    """A reference inside a document: where, to what, and whether the record can wait without it."""

    field: str
    entity: str
    key: str
    required: bool


def refs_of(document: Document, required: Mapping[str, bool]) -> list[RefAt]:
    """The references of a document. `required` says of each field whether a record is parked without it (default)."""
    found: list[RefAt] = []
    for name, value in document.items():
        members = value if isinstance(value, list) else [value]
        found += [RefAt(name, one["entity"], one["key"], required.get(name, True)) for one in members if _is_ref(one)]
    return found


def resolved(document: Document, ids: Mapping[tuple[str, str], int]) -> Document:
    """The document with references replaced by ids; an unknown one becomes 0, and is left out of a list."""
    result: Document = {}
    for name, value in document.items():
        if isinstance(value, list):
            result[name] = [
                ids[(m["entity"], m["key"])] if _is_ref(m) else m
                for m in value
                if not _is_ref(m) or (m["entity"], m["key"]) in ids
            ]
        elif _is_ref(value):
            result[name] = ids.get((value["entity"], value["key"]), 0)
        else:
            result[name] = value
    return result


def _is_ref(value: object) -> bool:
    return isinstance(value, dict) and value.keys() == {"entity", "key"}
