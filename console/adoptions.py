"""Rows of Splynx that would be adopted, each with what Sonar has otherwise: seen before somebody approves of it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from plumbing.errors import SyncError
from plumbing.settings import Settings
from processors.context import load_context
from reconciliation.events import Events
from reconciliation.fields import compare_record
from schemas.aggregate import Aggregate, Target
from schemas.bundle import record_document
from schemas.catalogue import AGGREGATES, TARGETS
from schemas.mapping import map_event
from schemas.records import SplynxRecord
from schemas.rules import Rules
from sinks.adoption import Adoption, amounts_of

_REASON = "carries this Sonar id, and the ledger does not know it"
_AT_ONCE = 500


def described(settings: Settings, adoptions: Sequence[Adoption]) -> list[dict[str, Any]]:
    """`{entity, key, target_id, reason, differs}` of each. `differs`: None where Sonar's side is not captured yet."""
    differs = _compared(settings, adoptions) if adoptions else {}
    return [
        {
            "entity": one.entity,
            "key": one.key,
            "target_id": one.target_id,
            "reason": _REASON,
            "differs": differs.get((one.entity, one.key)),
        }
        for one in adoptions
    ]


Ids = Mapping[tuple[str, str], int]


def differences(
    target: Target, record: SplynxRecord, one: Adoption, ids: Ids, ours: Mapping[str, Collection[int]]
) -> list[str]:
    """What a row has otherwise than Sonar, as text; without values that are personal.

    `ids`: of all that would be adopted; `ours`: the same by entity.
    """
    if target.money:
        wanted, there = amounts_of(record_document(record)), amounts_of(one.document)
        return [_said(name, there[name], value) for name, value in wanted.items() if there[name] != value]
    found = compare_record(target, record, one.row, ids, ours).differences
    return [each.field if each.personal else _said(each.field, each.actual, each.expected) for each in found]


def _said(name: str, theirs: object, ours: object) -> str:
    return f"{name}: {theirs or 'nothing'} in Splynx, {ours or 'nothing'} in Sonar"


def _compared(settings: Settings, adoptions: Sequence[Adoption]) -> dict[tuple[str, str], list[str]]:
    wanted = {(one.entity, one.key): one for one in adoptions}
    ids = {key: one.target_id for key, one in wanted.items()}
    entities = {entity for entity, _ in wanted}
    made = {name: {id for (entity, _), id in ids.items() if entity == name} for name in TARGETS}
    owners = [one for one in AGGREGATES if any(target.entity in entities for target in one.targets)]
    found: dict[tuple[str, str], list[str]] = {}
    try:
        context = load_context(settings, None)
    except SyncError:
        return {}  # nothing is captured yet, or Kafka is not asked: the plan goes without
    try:
        with Events(settings, owners) as events:
            events.read_on()
            for entity, record in _records(events, owners, context.rules):
                if (one := wanted.get((entity, record.key))) is not None:
                    found[entity, record.key] = differences(TARGETS[entity], record, one, ids, made)
    finally:
        context.close()
    return found


def _records(events: Events, owners: Sequence[Aggregate], rules: Rules) -> Iterator[tuple[str, SplynxRecord]]:
    """Every record that the newest events come to; what the rules refuse is none."""
    for owner in owners:
        for page in events.newest(owner.name, _AT_ONCE):
            for _, event in page:
                try:
                    bundle = map_event(event, rules)
                except (SyncError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
                    continue
                for entity, records in (bundle.records if bundle is not None else {}).items():
                    yield from ((entity, record) for record in records or ())
