"""Writing one record over REST: intent, call, read-back, done."""

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from clients.mysql import Database, Transaction
from clients.splynx import SplynxClient
from clients.splynx_errors import RecordMissing, RecordRefused
from schemas.aggregate import DeletePolicy, Target, WritePath
from schemas.ledger import GONE, LIVE, ORPHANED
from schemas.ownership import DECLARED, Ownership
from sinks.bodies import changed, image, same
from sinks.edits import Edits
from sinks.entries import Entries, Owner
from sinks.errors import KeyTaken, ParentMissing, ReadBackDiffers, ReferenceMissing, RowMissing
from sinks.foreign import Foreign
from sinks.handles import has_handle, has_natural_key
from sinks.plan import CLOSED, Document, Known, Step, Verb, can_be_closed, closing
from sinks.rest_rows import Item, RestRows
from sinks.store import Key, Ledger
from sinks.swaps import able_to_move, aside, is_aside, moved, ways_back
from sinks.tables.journal import Run
from sinks.threeway import flat, without


class RestRecords(RestRows):
    """Writes the records of REST targets. Never inside an open transaction. `short`: see `startup.short_fields`.

    Money, of which nothing is ever overwritten or deleted, goes by `RestDocuments`.
    """

    def __init__(
        self,
        client: SplynxClient,
        db: Database,
        ledger: Ledger,
        targets: Mapping[str, Target],
        short: Mapping[str, Collection[str]] | None = None,
        ownership: Ownership = DECLARED,
    ) -> None:
        """Raises ValueError for targets that go over REST and could not be found again: they would be doubled."""
        if lost := [name for name, one in targets.items() if one.path is WritePath.REST and not has_handle(one)]:
            raise ValueError(f"written over REST without a handle: {', '.join(lost)}")
        super().__init__(client, db, ledger, targets, short)
        self._entries, self._foreign = Entries(ledger), Foreign(db, ledger)
        self.edits = Edits(db, ledger, self._foreign, self._shapes, ownership)

    def begin(self) -> None:
        """A new batch begins."""
        self._foreign.forget()

    async def write(self, step: Step, owner: Owner) -> bool:
        """Bring one record to Splynx; False when Splynx had it so already.

        Raises:
            ParentMissing: a required reference is not there yet.
            ReferenceMissing: the record was written, without an optional reference that is not there yet.
            RecordRefused, ReadBackDiffers, RowMissing, NameShared, KeyTaken: this record cannot pass.
            SplynxUnreachable, Fenced, Overtaken: try again later.
        """
        if step.verb is Verb.GONE and step.known is not None:
            return await self._withdraw(step, step.known, owner)
        if step.document is None:
            return False
        document, missing = await self.resolved(step, step.document)
        if not missing:
            return await self._bring(step, document, owner)
        # Kept without a hash, so that it is compared in full when the reference has come.
        await self._bring(replace(step, hash=""), document, owner)
        raise ReferenceMissing(missing[0].entity, missing[0].key)

    async def _bring(self, step: Step, document: Document, owner: Owner) -> bool:
        if step.known is not None:
            return await self.change(step, document, step.known.target_id, step.known, owner)
        if step.target.part_of is not None:
            parent = (step.target.part_of, step.key)
            async with self._db.session() as tx:
                found = await self._ledger.ids(tx, [parent])
            if parent not in found:
                raise ParentMissing(*parent)
            return await self.change(step, document, found[parent], None, owner)
        return await self._create(step, document, owner)

    # create

    async def _create(self, step: Step, document: Document, owner: Owner) -> bool:
        target, shape = step.target, self.shape(step.target)

        async def find() -> int | None:
            return await self._handles.find(target, step.key, document)

        existing = await find() if has_natural_key(target) else None
        if existing is not None:
            # A label of this text is there already, and Splynx takes no second one: it is used, not repeated. Somebody
            # may have made it, so it stays as it is: nobody approved of a change.
            return await self.change(step, document, existing, None, owner, unasked=True)
        body = shape.body(document, create=True)
        made = await self.post(step, document, body, owner, find)
        entered, action, run = step, "create", None
        if made.call is None:
            async with self._db.session() as tx:
                await self._entries.nobody_elses(tx, step, owner)
                run = await self._ledger.made_by(tx, (target.entity, step.key))
            if run is None and has_natural_key(target):
                # Somebody, another record of the batch perhaps, was a moment earlier: as if it had been found before.
                return await self.change(step, document, made.target_id, None, owner, unasked=True)
            if run is None:
                await self._see_that_it_is_as_wanted(step, document, made.target_id, body)
            entered, action = replace(step, hash=""), "" if run is None else "create"

        async def keep(tx: Transaction) -> None:
            await self._keep(tx, entered, owner, made.target_id, before=None, action=action, run=run)
            await self.done(tx, made.call)

        await self._db.retried(keep)
        if made.call is None:
            # With what was true then, perhaps.
            return await self.change(step, document, made.target_id, None, owner)
        try:
            await self.read_back(target, await self._handles.item(target, made.target_id, document), body)
        except ReadBackDiffers:
            async with self._db.transaction() as tx:
                await self._ledger.forget_hash(tx, (target.entity, step.key))
            if not made.healed:
                raise
            # The row that was found may be that of an older call, with what was true then.
            await self.change(step, document, made.target_id, None, owner)
        return True

    async def _see_that_it_is_as_wanted(self, step: Step, document: Document, target_id: int, body: Document) -> None:
        """Of a row that has our mark, and that no call of ours made.

        Raises:
            KeyTaken: somebody typed the mark into a row of theirs, which nobody approved to write over.
        """
        try:
            await self.read_back(step.target, await self._handles.item(step.target, target_id, document), body)
        except ReadBackDiffers as exc:
            raise KeyTaken("a row of Splynx carries this Sonar id, and no call of ours made it") from exc

    # change

    async def change(
        self,
        step: Step,
        document: Document,
        target_id: int,
        known: Known | None,
        owner: Owner,
        *,
        unasked: bool = False,
    ) -> bool:
        """Bring a row to what a document says, but for edits that stay; False when it is so already.

        `unasked`: the row is used as it is, and what differs is told.
        """
        target, shape = step.target, self.shape(step.target)
        item = await self._handles.item(target, target_id, document)
        current = await self._client.get(*item)
        body = shape.body(document, create=False)
        adopted = Known(target.entity, step.key, target_id, "", owner.sequence, LIVE, 0, {}) if unasked else None
        edits = await self.edits.looked_for(step, known or adopted, body, current, flat(body) if unasked else ())
        await self._foreign.keep(shape.lists, body, current)
        sent = changed(without(body, edits.left), current)
        if not sent:

            async def as_it_is(tx: Transaction) -> None:
                await self._keep(tx, step, owner, target_id, before=None, action="")
                await self._entries.tell(tx, (target.entity, step.key), owner, target_id, edits.told)

            await self._db.retried(as_it_is)
            return False
        # Of money the whole row: the opposite of what was may be needed.
        before = dict(current) if target.money else image(sent, current)
        try:
            call = await self.put(step, owner, target_id, item, sent, action="change", before=before, told=edits.told)
        except RecordRefused:
            await self._see_whose_name_it_is(step, document)
            raise

        async def keep(tx: Transaction) -> None:
            await self._keep(tx, step, owner, target_id, before=before, action="change")
            await self._calls.done(tx, call)

        await self._db.retried(keep)
        return True

    async def able_to_move(self, steps: Sequence[Step]) -> set[Key]:
        """Of records that stand in the way of others, those that would get their own values afterwards."""
        return await able_to_move(self._client, await self.edits.surely_written(steps))

    async def step_aside(self, step: Step, owner: Owner) -> Step:
        """Free the values that Splynx takes once only, for a record of the batch that wants them; the step from there.

        Raises:
            ParentMissing: the record could not get its own values afterwards.
            RecordRefused, ReadBackDiffers: it stays as it is.
            SplynxUnreachable, Fenced, Overtaken: try again later.
        """
        assert step.known is not None
        assert step.document is not None
        known = step.known
        document, _ = await self.resolved(step, step.document)
        item = await self._handles.item(step.target, known.target_id, document)
        current = await self._client.get(*item)
        if any(not same(known.document[name], current.get(name)) for name in step.target.once):
            return step  # somebody edited it: that is told when it is written, and nobody else gets its value
        values = aside(step, owner.sequence)
        await self._exchange(step, known, owner, item, current, values)
        return moved(step, values)

    async def come_back(self, step: Step, owner: Owner) -> None:
        """Give a record that stands aside, and cannot be written, its own values alone, else those of before.

        Raises:
            KeyTaken: Splynx takes neither, so that its customer cannot log in.
            ReadBackDiffers: Splynx kept something else.
            SplynxUnreachable, Fenced, Overtaken: try again later.
        """
        assert step.known is not None
        known, key = step.known, (step.target.entity, step.key)
        document = await self.as_far_as_known(known.document, self.shape(step.target))
        item, current = await self._row(step.target, known.target_id, document)
        if item is None or not any(is_aside(step, current.get(name)) for name in step.target.once):
            return  # it was written before it failed, or somebody mended it
        async with self._db.session() as tx:
            entries = (await self._ledger.entries_of(tx, [key])).get(key, [])
        images = [json.loads(row["before_image"]) for row in entries if row["before_image"] is not None]
        for values in ways_back(step, images):
            with suppress(RecordRefused):
                await self._exchange(step, known, owner, item, current, values)
                return
        stays = ", ".join(f"{name} {current.get(name)}" for name in step.target.once)
        raise KeyTaken(f"it made way for another record, and others have its values, old and new: it stays at {stays}")

    async def _exchange(
        self, step: Step, known: Known, owner: Owner, item: Item, current: Mapping[str, Any], values: Document
    ) -> None:
        """Change only values that Splynx takes once: kept without a hash, for the bundle is not written yet."""
        before = {name: current.get(name) for name in values}
        call = await self.put(step, owner, known.target_id, item, values, action="change", before=before)

        async def keep(tx: Transaction) -> None:
            now, kept = replace(step, hash=""), known.document | values
            await self._entries.keep(tx, now, owner, known.target_id, kept, before=before, action="change")
            await self.done(tx, call)

        await self._db.retried(keep)

    async def _see_whose_name_it_is(self, step: Step, document: Document) -> None:
        """After a refusal: NameShared where it is because of another record's name, which tells more."""
        row = await self._handles.find(step.target, step.key, document) if has_natural_key(step.target) else None
        if row is not None:
            async with self._db.session() as tx:
                await self._entries.not_shared(tx, step, row)

    # gone

    async def _withdraw(self, step: Step, known: Known, owner: Owner) -> bool:
        """What an aggregate no longer owns: as its delete policy says. Money is not withdrawn here."""
        policy = step.target.delete
        state = ORPHANED if policy is DeletePolicy.KEEP else GONE
        before, call = None, None
        if can_be_closed(step.target):
            document = await self.as_far_as_known(known.document, self.shape(step.target))
            item, current = await self._row(step.target, known.target_id, document)
            if item is not None and str(current.get("status")) != CLOSED:
                closed = closing(step.target, current, step.day)
                before = {name: current.get(name) for name in closed}
                written = {name: document[name] for name in closed if name in document}
                told = await self.edits.withdrawn(known, written, current, closed)
                call = await self.put(
                    step, owner, known.target_id, item, closed, action="gone", before=before, told=told
                )

        async def release(tx: Transaction) -> None:
            await self._entries.release(tx, known, owner, state, before=before)
            if call is not None:
                await self._calls.done(tx, call)

        await self._db.retried(release)
        return True

    async def _row(self, target: Target, target_id: int, document: Document) -> tuple[Item | None, dict[str, Any]]:
        """A row that is to be closed, with its path and id; None where somebody deleted it, so that nothing is left."""
        try:
            item = await self._handles.item(target, target_id, document)
            return item, await self._client.get(*item)
        except (RecordMissing, RowMissing):
            return None, {}

    async def _keep(
        self,
        tx: Transaction,
        step: Step,
        owner: Owner,
        target_id: int,
        *,
        before: Any,
        action: str,
        run: Run | None = None,
    ) -> None:
        kept = self.shape(step.target).kept(step.document or {})
        await self._entries.keep(tx, step, owner, target_id, kept, before=before, action=action, run=run)
