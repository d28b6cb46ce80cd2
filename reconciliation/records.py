"""Every record field by field: what the mappers make of the newest events, against the rows that Splynx has now."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from typing import Any

from clients.mysql import Database
from clients.splynx import SplynxClient
from clients.splynx_paths import listing
from clients.splynx_query import Search
from plumbing.errors import Action, SyncError
from reconciliation.causes import WITHDRAWN
from reconciliation.crosswalk import Link, all_ids, conflicts_of, deferred_of, ids_of, links_of
from reconciliation.events import MAPPED, Events, Newest
from reconciliation.fields import Compared, Difference, compare_payment, compare_record
from reconciliation.findings import Finding
from reconciliation.rows import PART_TABLES, SplynxRows
from schemas.aggregate import Aggregate, Target, WritePath
from schemas.bundle import Bundle
from schemas.ledger import KEPT, LIVE
from schemas.mapping import map_event
from schemas.ownership import Ownership
from schemas.records import FieldOwner, Ref, SplynxRecord
from schemas.rules import Rules
from schemas.write_paths import WritePaths

CHUNK = 100
"""Aggregates at a time: as many ids as the address of one listing holds."""

MAPPER_FAILED = "mapping.failed"

Rows = Mapping[tuple[str, int], Mapping[str, Any]]
"""`{(entity, id in Splynx): row}`."""


class Records:
    """Compares what the events ask for with what is there."""

    def __init__(
        self,
        events: Events,
        rules: Rules,
        client: SplynxClient,
        splynx: SplynxRows,
        ledger: Database,
        *,
        sql: bool = True,
    ) -> None:
        """`sql`: the ledger lies beside Splynx's rows."""
        self._paths = WritePaths.of(rules.file, sql=sql)
        self._events, self._rules, self._client = events, rules, client
        self._ownership = Ownership.of(rules.file)
        self._splynx, self._ledger = splynx, ledger
        self.compared: dict[str, int] = {}
        """Records looked at when everything was, by entity."""
        self.hidden: dict[str, set[str]] = {}
        """Fields that Splynx does not show, or fills by itself: nobody can say whether they are right."""
        self._counting = True
        self._ours: dict[str, set[int]] = {}
        self._listed: dict[str, dict[int, Mapping[str, Any]]] = {}

    async def list_catalogue(self, targets: Iterable[Target]) -> dict[str, dict[int, Mapping[str, Any]]]:
        """`{entity: {id: row}}` of what is small enough to be listed whole: partners, labels."""
        for target in targets:
            rows = await self._client.list(listing(str(target.endpoint)))
            self._listed[target.entity] = {int(row["id"]): row for row in rows}
        self._ours = {entity: await all_ids(self._ledger, entity) for entity in self._listed}
        return self._listed

    async def findings(self, accounts: Sequence[str] | None = None) -> AsyncIterator[tuple[int, list[Finding]]]:
        """`(aggregates, findings)` per chunk, of these accounts and of what none owns, or of everything.

        The caller has listed the catalogue before, and reads the events on afterwards: an event that came meanwhile
        tells that a finding was made of an older state.
        """
        if accounts is None:
            self.compared, self.hidden = {}, {}
        self._counting = accounts is None
        for aggregate in MAPPED:
            for chunk in self._events.newest(aggregate.name, CHUNK, accounts):
                bundles = [(at, bundle) for at, event in chunk if (bundle := self._map(at, event)) is not None]
                yield len(chunk), await self._compare(aggregate, bundles)

    def _map(self, at: Newest, event: Any) -> Bundle | None:
        """The bundle; None where the mapper refuses the event, which then is a dead letter."""
        try:
            return map_event(event, self._rules)
        except SyncError as exc:
            if exc.action is not Action.DEAD_LETTER:
                raise
            self._events.refuse(at, exc.code)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            self._events.refuse(at, MAPPER_FAILED)
        return None

    async def _compare(self, aggregate: Aggregate, bundles: Sequence[tuple[Newest, Bundle]]) -> list[Finding]:
        if not bundles:
            return []
        sonar_ids = [at.id for at, _ in bundles]
        links = await links_of(self._ledger, aggregate.name, sonar_ids)
        deferred = await deferred_of(self._ledger, aggregate.name, sonar_ids)
        conflicts = await conflicts_of(self._ledger, aggregate.name, sonar_ids)
        kept = {field for field, state in conflicts.items() if state == KEPT}
        rows = await self._rows(aggregate, [link for some in links.values() for link in some if link.state == LIVE])
        ids = await ids_of(self._ledger, _refs(bundle for _, bundle in bundles))
        found: list[Finding] = []
        for at, bundle in bundles:
            known = {(link.entity, link.key): link for link in links.get(at.id, ())}
            for target in aggregate.targets:
                records = () if bundle.deleted else bundle.records.get(target.entity)
                if records is None:
                    continue  # not read is not empty
                for record in records:
                    if (target.entity, record.key) in deferred:
                        continue  # told as such; what stands there meanwhile is nobody's mistake
                    link = known.get((target.entity, record.key))
                    differing = self._record(at, target, record, link, rows, ids)
                    found += [one for one in differing if not self._is_left(target, one, kept)]
                # What cannot be mapped is a dead letter, and stays as it was written.
                wanted = {record.key for record in records}
                wanted |= {one.key for one in bundle.refused if one.entity == target.entity}
                found += [
                    _finding(at, target.entity, link.key, Difference("record", WITHDRAWN, link.state, False))
                    for link in known.values()
                    if link.entity == target.entity
                    and link.state == LIVE
                    and link.key not in wanted
                    and (link.entity, link.key) not in deferred
                ]
        return found

    def _is_left(self, target: Target, one: Finding, kept: Collection[tuple[str, str, str]]) -> bool:
        """Whether Splynx may have another value: the field is not Sonar's alone, or somebody decided so."""
        owner = self._ownership.owner(target, one.field)
        return owner in {FieldOwner.TARGET, FieldOwner.SHARED} or (target.entity, one.key, one.field) in kept

    def _record(
        self, at: Newest, target: Target, record: SplynxRecord, link: Link | None, rows: Rows, ids: Mapping[Any, int]
    ) -> list[Finding]:
        if self._counting:
            self.compared[target.entity] = self.compared.get(target.entity, 0) + 1
        row = rows.get((target.entity, link.target_id)) if link is not None and link.state == LIVE else None
        if link is None or row is None:
            return [_finding(at, target.entity, record.key, Difference("record", "present", None, False))]
        if target.path is WritePath.SQL:
            customer = ids.get(("customer", str(at.owner)), 0)
            own = target.record.not_over_rest if self._paths.may_go(target, WritePath.REST) else ()
            compared: Compared = compare_payment(record, row, customer, link.revision, own)
        else:
            compared = compare_record(target, record, row, ids, self._ours)
        if compared.hidden:
            self.hidden.setdefault(target.entity, set()).update(compared.hidden)
        return [_finding(at, target.entity, record.key, one) for one in compared.differences]

    async def _rows(self, aggregate: Aggregate, links: Sequence[Link]) -> Rows:
        found: dict[tuple[str, int], Mapping[str, Any]] = {}
        for target in aggregate.targets:
            ids = sorted({link.target_id for link in links if link.entity == target.entity})
            if not ids:
                continue
            if target.entity in self._listed:
                rows = [(id, self._listed[target.entity][id]) for id in ids if id in self._listed[target.entity]]
            elif target.path is WritePath.SQL:
                rows = list((await self._splynx.payments(ids)).items())
            elif target.entity in PART_TABLES:
                # REST gives these one by one only, which would be two requests for each customer.
                rows = list((await self._splynx.parts(target.entity, ids)).items())
            else:
                some = await self._client.list(listing(str(target.endpoint)), Search(main={"id": ("IN", ids)}))
                rows = [(int(row["id"]), row) for row in some]
            found |= {(target.entity, id): row for id, row in rows}
        return found


def _finding(at: Newest, entity: str, key: str, one: Difference) -> Finding:
    accounts = () if at.owner is None else (str(at.owner),)
    return Finding("fields", entity, key, one.field, one.expected, one.actual, accounts, str(at.sequence), one.personal)


def _refs(bundles: Iterable[Bundle]) -> set[tuple[str, str]]:
    """Every reference of every record."""
    found: set[tuple[str, str]] = set()
    for bundle in bundles:
        for records in bundle.records.values():
            for record in records or ():
                for value in record.__dict__.values():
                    some = value if isinstance(value, list) else [value]
                    found |= {(one.entity, one.key) for one in some if isinstance(one, Ref)}
    return found
