"""Writing one record over REST: intent, call, read-back, done; a lost answer is searched for, not repeated."""

import asyncio
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from clients.mysql import Database, Transaction
from clients.splynx import SplynxClient
from clients.splynx_errors import RecordRefused, SplynxBusy, SplynxUnreachable
from clients.splynx_query import Search
from plumbing import metrics
from plumbing.clock import utc_now
from schemas.aggregate import DeletePolicy, Target
from schemas.bundle import StampedBundle
from schemas.ledger import GONE, LIVE, ORPHANED
from sinks.bodies import SONAR_ID, Shape, changed, differing, with_foreign
from sinks.errors import ParentMissing, ReadBackDiffers, ReferenceMissing, RowMissing
from sinks.plan import Document, Known, RefAt, Step, Verb, refs_of, resolved
from sinks.store import Intent, JournalEntry, Ledger, dumped

_HEAL_PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class Owner:
    """Whose record is written, and by which right."""

    aggregate: str
    sonar_id: int
    sequence: int
    partition: int
    token: int

    @staticmethod
    def of(bundle: StampedBundle, partition: int, token: int) -> "Owner":
        """The owner of a bundle's records."""
        return Owner(bundle.aggregate, bundle.sonar_id, bundle.sequence, partition, token)


class RestRecords:
    """Writes the records of REST targets. Never inside an open transaction. `short`: see `startup.short_fields`."""

    def __init__(
        self,
        client: SplynxClient,
        db: Database,
        ledger: Ledger,
        targets: Mapping[str, Target],
        short: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self._client = client
        self._db = db
        self._ledger = ledger
        self._targets = targets
        self._shapes = {name: Shape(target, (short or {}).get(name, ())) for name, target in targets.items()}

    def shape(self, target: Target) -> Shape:
        """How a target's members travel."""
        return self._shapes[target.entity]

    async def write(self, step: Step, owner: Owner) -> bool:
        """Bring one record to Splynx; False when Splynx had it so already.

        Raises:
            ParentMissing: a required reference is not there yet.
            ReferenceMissing: the record was written, without an optional reference that is not there yet.
            RecordRefused, ReadBackDiffers, RowMissing: this record cannot pass.
            SplynxUnreachable, Fenced, Overtaken: try again later.
        """
        if step.verb is Verb.GONE and step.known is not None:
            return await self._withdraw(step, step.known, owner)
        if step.document is None:
            return False
        shape = self.shape(step.target)
        refs = refs_of(step.document, shape.required)
        async with self._db.session() as tx:
            ids = await self._ledger.ids(tx, {(ref.entity, ref.key) for ref in refs})
        missing = [ref for ref in refs if (ref.entity, ref.key) not in ids]
        for ref in missing:
            if ref.required:
                raise ParentMissing(ref.entity, ref.key)
        document = resolved(step.document, ids)
        if not missing:
            return await self._bring(step, document, refs, owner)
        # Kept without a hash, so that it is compared in full when the reference has come.
        await self._bring(replace(step, hash=""), document, refs, owner)
        raise ReferenceMissing(missing[0].entity, missing[0].key)

    async def _bring(self, step: Step, document: Document, refs: list[RefAt], owner: Owner) -> bool:
        if step.known is not None:
            return await self._change(step, document, refs, step.known.target_id, step.known, owner)
        if step.target.part_of is not None:
            parent = (step.target.part_of, step.key)
            async with self._db.session() as tx:
                found = await self._ledger.ids(tx, [parent])
            if parent not in found:
                raise ParentMissing(*parent)
            return await self._change(step, document, refs, found[parent], None, owner)
        return await self._create(step, document, refs, owner)

    # create

    async def _create(self, step: Step, document: Document, refs: list[RefAt], owner: Owner) -> bool:
        target, shape = step.target, self.shape(step.target)
        existing = await self.find(target, step.key, document) if target.module is None else None
        if existing is not None:
            # A label of this text is there already, and Splynx takes no second one: it is used, not repeated.
            return await self._change(step, document, refs, existing, None, owner)
        patience = self._client.settings.timeout_seconds
        deadline, latest = utc_now() + timedelta(seconds=patience), time.monotonic() + patience
        async with self._db.transaction() as tx:
            await self._may_write(tx, owner)
            intent = await self._ledger.begin(
                tx,
                key=(target.entity, step.key),
                owner=(owner.aggregate, owner.sonar_id),
                sequence=owner.sequence,
                method="POST",
                partition=owner.partition,
                token=owner.token,
                deadline=deadline,
            )
        body = shape.body(document, create=True)
        healed = None
        metrics.OPEN_INTENTS.inc()
        try:
            try:
                answer = await self._client.post(_endpoint(target), body, deadline=latest)
                target_id = int(answer["id"])
            except SplynxBusy:
                async with self._db.transaction() as tx:
                    await self._ledger.close_intent(tx, intent, "refused")
                raise
            except SplynxUnreachable:
                healed = await self._search_until_settled(target, step.key, document)
                if healed is None:
                    async with self._db.transaction() as tx:
                        await self._ledger.close_intent(tx, intent, "lost")
                    raise
                target_id = healed
            except RecordRefused:
                # Our own earlier call may have come through late: then its unique sonar_id refuses the twin.
                twin = await self.find(target, step.key, document)
                async with self._db.transaction() as tx:
                    await self._ledger.close_intent(tx, intent, "refused")
                if twin is None:
                    raise
                # With what was true then, perhaps.
                return await self._change(step, document, refs, twin, None, owner)
        finally:
            metrics.OPEN_INTENTS.dec()
        async with self._db.transaction() as tx:
            await self._keep(tx, step, owner, target_id, before=None, action="create")
            await self._ledger.close_intent(tx, intent, "done")
        try:
            await self._read_back(target, target_id, body)
        except ReadBackDiffers:
            async with self._db.transaction() as tx:
                await self._ledger.forget_hash(tx, (target.entity, step.key))
            if healed is None:
                raise
            # The row that was found may be that of an older call, with what was true then.
            await self._change(step, document, refs, target_id, None, owner)
        return True

    async def find(self, target: Target, key: str, document: Mapping[str, Any]) -> int | None:
        """The row in Splynx with this record's handle: its `sonar_id`, else its natural key."""
        if target.module is not None:
            search = Search(additional={SONAR_ID: key}, order={"id": "ASC"})
        else:
            search = Search(main={name: document[name] for name in target.natural_key}, order={"id": "ASC"})
        rows = await self._client.list(_endpoint(target), search)
        for row in rows:
            # Searched again here: a listing without filters would be every row there is.
            if target.module is not None:
                extra = row.get("additional_attributes")
                if isinstance(extra, dict) and str(extra.get(SONAR_ID)) == key:
                    return int(row["id"])
            elif all(str(row.get(name)) == str(document[name]) for name in target.natural_key):
                return int(row["id"])
        return None

    async def _search_until_settled(self, target: Target, key: str, document: Mapping[str, Any]) -> int | None:
        """Search until Splynx cannot be executing the lost call any more."""
        end = asyncio.get_running_loop().time() + self._client.settings.settle_seconds
        while True:
            try:
                found = await self.find(target, key, document)
            except SplynxUnreachable:
                found = None
            if found is not None:
                return found
            if asyncio.get_running_loop().time() >= end:
                return None
            await asyncio.sleep(_HEAL_PAUSE_SECONDS)

    async def heal(self, intent: Intent) -> int | None:
        """After a crash: what became of a call. Searches until its deadline and the settle time are over.

        What has no `sonar_id` needs no search here: it is looked for by its natural key before each creation.

        The row found is entered in the crosswalk with an empty hash, so that its bundle, which comes again, is
        compared with it in full.
        """
        settled = intent.deadline + timedelta(seconds=self._client.settings.settle_seconds)
        target = self._targets[intent.entity]
        while True:
            found = await self.find(target, intent.key, {}) if target.module is not None else None
            wait = (settled - utc_now().replace(tzinfo=None)).total_seconds()
            if found is not None or wait <= 0:
                break
            await asyncio.sleep(min(wait, _HEAL_PAUSE_SECONDS))
        async with self._db.transaction() as tx:
            if found is not None and await self._ledger.known_record(tx, (intent.entity, intent.key)) is None:
                await self._ledger.put_crosswalk(
                    tx,
                    [
                        (
                            intent.entity, intent.key, intent.aggregate, intent.sonar_id, found, "", intent.sequence,
                            LIVE, 0, "{}",
                        )
                    ],
                )  # fmt: skip
            await self._ledger.close_intent(tx, intent.id, "done" if found is not None else "lost")
        return found

    # change

    async def _change(
        self,
        step: Step,
        document: Document,
        refs: list[RefAt],
        target_id: int,
        known: Known | None,
        owner: Owner,
    ) -> bool:
        target, shape = step.target, self.shape(step.target)
        current = await self._client.get(_endpoint(target), target_id)
        body = shape.body(document, create=False)
        await self._keep_foreign(step.document or {}, refs, body, current)
        if known is not None and known.document:
            await self._report_edits(step, known, current, owner)
        sent = changed(body, current)
        async with self._db.transaction() as tx:
            await self._may_write(tx, owner)
        if sent:
            await self._client.put(_endpoint(target), target_id, sent)
            await self._read_back(target, target_id, sent)
        async with self._db.transaction() as tx:
            before = {name: current.get(name) for name in sent} if sent else None
            await self._keep(tx, step, owner, target_id, before=before, action="change" if sent else "")
        return bool(sent)

    async def _keep_foreign(
        self, document: Document, refs: list[RefAt], body: Document, current: Mapping[str, Any]
    ) -> None:
        """In a list of references, keep what others put there."""
        entities = {ref.field: ref.entity for ref in refs if isinstance(document.get(ref.field), list)}
        for name, value in document.items():
            if isinstance(value, list) and name in current and name in body:
                # An empty list names no entity: what is ours is then looked up among all labels.
                entity = entities.get(name, "label")
                async with self._db.session() as tx:
                    owned = await self._ledger.ids_of(tx, entity)
                body[name] = with_foreign(body[name], current[name], owned.values())

    async def _report_edits(self, step: Step, known: Known, current: Mapping[str, Any], owner: Owner) -> None:
        """Fields that differ from what we wrote last were changed by others: Sonar's value wins, and it is told."""
        shape = self.shape(step.target)
        refs = refs_of(known.document, shape.required)
        async with self._db.session() as tx:
            ids = await self._ledger.ids(tx, {(ref.entity, ref.key) for ref in refs})
        written = shape.body(resolved(known.document, ids), create=False)
        written = {name: value for name, value in written.items() if not isinstance(value, list)}
        edited = differing(written, current)
        if edited:
            async with self._db.transaction() as tx:
                await self._ledger.conflicts(tx, known, edited, owner.sequence)

    async def _read_back(self, target: Target, target_id: int, sent: Document) -> None:
        read = await self._client.get(_endpoint(target), target_id)
        shape = self.shape(target)
        wrong = [name for name in differing(sent, read) if name not in shape.on_create]
        if wrong:
            raise ReadBackDiffers(wrong)

    # gone

    async def _withdraw(self, step: Step, known: Known, owner: Owner) -> bool:
        """What an aggregate no longer owns: as its delete policy says. Money is not withdrawn here."""
        policy = step.target.delete
        async with self._db.transaction() as tx:
            await self._may_write(tx, owner)
        before = None
        if policy is DeletePolicy.DISABLE:
            current = await self._client.get(_endpoint(step.target), known.target_id)
            if str(current.get("status")) != "disabled":
                before = {"status": current.get("status")}
                await self._client.put(_endpoint(step.target), known.target_id, {"status": "disabled"})
                await self._read_back(step.target, known.target_id, {"status": "disabled"})
        state = ORPHANED if policy is DeletePolicy.KEEP else GONE
        async with self._db.transaction() as tx:
            await self._may_write(tx, owner)
            await self._ledger.put_crosswalk(
                tx,
                [
                    (
                        known.entity, known.key, owner.aggregate, owner.sonar_id, known.target_id, "", owner.sequence,
                        state, known.revision, dumped(known.document),
                    )
                ],
            )  # fmt: skip
            if before is not None:
                await self._ledger.journal(
                    tx, [JournalEntry(known.entity, known.key, known.target_id, "gone", before, owner.sequence)]
                )
        return True

    async def _may_write(self, tx: Transaction, owner: Owner) -> None:
        await self._ledger.hold(tx, {owner.partition: owner.token})
        await self._ledger.not_overtaken(tx, owner.aggregate, owner.sonar_id, owner.sequence)

    async def _keep(
        self, tx: Transaction, step: Step, owner: Owner, target_id: int, *, before: Any, action: str
    ) -> None:
        await self._may_write(tx, owner)
        kept = self.shape(step.target).kept(step.document or {})
        await self._ledger.put_crosswalk(
            tx,
            [
                (
                    step.target.entity, step.key, owner.aggregate, owner.sonar_id, target_id, step.hash, owner.sequence,
                    LIVE, step.known.revision if step.known else 0, dumped(kept),
                )
            ],
        )  # fmt: skip
        if action:
            entry = JournalEntry(step.target.entity, step.key, target_id, action, before, owner.sequence)
            await self._ledger.journal(tx, [entry])


def _endpoint(target: Target) -> str:
    if target.endpoint is None:
        raise RowMissing(f"{target.entity} has no REST endpoint")
    return target.endpoint
