"""Rows of Splynx that would be adopted, each with what Sonar has otherwise: seen before somebody approves of it.

By its mark, which somebody must approve of; or by its name, where Splynx takes no second one of it: a label. That needs
no approval, for the row stays as it is: it is pointed at, as a person who gives the label would, and what differs waits
for a decision (`crossfade conflicts`).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clients.mysql import Database, Row
from clients.splynx import SplynxClient
from plumbing.errors import SyncError
from plumbing.settings import Settings
from processors.context import load_context
from reconciliation.events import Events
from reconciliation.fields import compare_record
from schemas.aggregate import Aggregate, Target
from schemas.bundle import record_document
from schemas.catalogue import AGGREGATES, TARGETS, flag_labels
from schemas.mapping import map_event
from schemas.names import collated
from schemas.records import SplynxRecord
from schemas.rules import Rules
from sinks.adoption import Adoption, amounts_of
from sinks.handles import has_natural_key, listing_of
from sinks.store import Ledger

MARKED = "carries this Sonar id, and the ledger does not know it"
NAMED = "has this name, and stays as it is"
_AT_ONCE = 500


@dataclass(frozen=True)
class Named:
    """Rows of a kind that is found by its name: `{name: row}` of those that nothing of ours has."""

    target: Target
    rows: Mapping[tuple[str, ...], Row]
    known: Collection[str]
    """Keys of the records that have a row, or may have one by now."""

    def adoption(self, record: SplynxRecord) -> Adoption | None:
        """Of the row that a record would get."""
        row = None if record.key in self.known else self.rows.get(_name(self.target, record_document(record)))
        return None if row is None else Adoption(self.target.entity, record.key, 0, int(row["id"]), row=row)


async def read_named(client: SplynxClient, db: Database, ledger: Ledger, *, ledger_exists: bool) -> list[Named]:
    """What lies in Splynx that could be used for its name.

    Raises:
        SplynxRefused, SplynxUnreachable, DependencyUnreachable.
    """
    found = []
    for target in (one for one in TARGETS.values() if has_natural_key(one) and not one.money):
        known: dict[str, int] = {}
        begun: set[str] = set()
        if ledger_exists:
            async with db.session() as tx:
                known = await ledger.ids_of(tx, target.entity)
                begun = {one.key for one in await ledger.every_open_intent(tx) if one.entity == target.entity}
        taken = set(known.values())
        rows = [row for row in await client.list(listing_of(target)) if int(row["id"]) not in taken]
        found.append(Named(target, {_name(target, row): row for row in reversed(rows)}, known.keys() | begun))
    return found


def _name(target: Target, row: Mapping[str, Any]) -> tuple[str, ...]:
    """As Splynx's database compares it."""
    return tuple(collated(str(row.get(name))) for name in target.natural_key)


def described(settings: Settings, marked: Sequence[Adoption], named: Sequence[Named]) -> list[dict[str, Any]]:
    """`{entity, key, target_id, reason, approval, differs}` of each row.

    `differs`: None where Sonar's side is not captured yet, without which only rows for flags are known by name.
    """
    used, differs = _compared(settings, marked, named)
    return [
        {
            "entity": one.entity,
            "key": one.key,
            "target_id": one.target_id,
            "reason": MARKED if approval else NAMED,
            "approval": approval,
            "differs": differs.get((one.entity, one.key)),
        }
        for adoptions, approval in ((marked, True), (used, False))
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


def _compared(
    settings: Settings, marked: Sequence[Adoption], named: Sequence[Named]
) -> tuple[list[Adoption], dict[tuple[str, str], list[str]]]:
    """The rows that would be used for their names, and what differs of all."""
    wanted = {(one.entity, one.key): one for one in marked}
    ids = {key: one.target_id for key, one in wanted.items()}
    by_name = {one.target.entity: one for one in named if one.rows}
    entities = {entity for entity, _ in wanted} | by_name.keys()
    made = {name: {id for (entity, _), id in ids.items() if entity == name} for name in TARGETS}
    owners = [one for one in AGGREGATES if any(target.entity in entities for target in one.targets)]
    used: dict[tuple[str, int], Adoption] = {}
    found: dict[tuple[str, str], list[str]] = {}

    def look(entity: str, record: SplynxRecord) -> None:
        one = wanted.get((entity, record.key))
        if one is None and entity in by_name and (one := by_name[entity].adoption(record)) is not None:
            used.setdefault((entity, one.target_id), one)  # a second of this name is refused
        if one is not None:
            found[entity, record.key] = differences(TARGETS[entity], record, one, ids, made)

    for flag in flag_labels() if "label" in by_name else ():
        look("label", flag)
    if not owners:
        return [], {}
    try:
        context = load_context(settings, None)
    except SyncError:
        return list(used.values()), found  # nothing is captured yet, or Kafka is not asked: the plan goes without
    try:
        with Events(settings, owners) as events:
            events.read_on()
            for entity, record in _records(events, owners, context.rules):
                look(entity, record)
    finally:
        context.close()
    return list(used.values()), found


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
