"""What somebody edited in a row that goes over REST since it was written, to be told before it is written again."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from clients.mysql import Database
from schemas.ledger import OVERWRITTEN
from schemas.ownership import Ownership
from schemas.records import FieldOwner
from sinks.bodies import Shape, same
from sinks.entries import Entries, Owner
from sinks.foreign import Foreign
from sinks.plan import Document, Known, Step, refs_of, resolved
from sinks.store import Ledger
from sinks.threeway import BY_POLICY, Merged, Told, came_through, flat, merge, shown
from sinks.undo_rows import written_of


class Edits:
    """Compares rows with what was written last. `shapes`: how each entity's members travel."""

    def __init__(
        self, db: Database, ledger: Ledger, foreign: Foreign, shapes: Mapping[str, Shape], ownership: Ownership
    ) -> None:
        self._db, self._ledger, self._foreign = db, ledger, foreign
        self._shapes, self._ownership, self._entries = shapes, ownership, Entries(ledger)

    async def looked_for(
        self,
        step: Step,
        known: Known | None,
        body: Document,
        current: Mapping[str, Any],
        unasked: Collection[str],
    ) -> Merged:
        """What somebody edited in the row since we wrote it: the fields that stay as they are, and what is to be told.

        It is told with the call that follows, before that is sent: what happens in between must not make an edit that
        is overwritten a silent one.
        """
        if known is None:
            return Merged()  # the first time everything is written
        key = (known.entity, known.key)
        shape = self._shapes[step.target.entity]
        before = refs_of(known.document, shape.required)
        async with self._db.session() as tx:
            ids = await self._ledger.ids(tx, {(ref.entity, ref.key) for ref in before})
            standing = (await self._ledger.standing(tx, [key])).get(key, {})
            perhaps = await self._ledger.perhaps_sent(tx, key, known.sequence)
        base = flat(written_of(shape, resolved(known.document, ids), known)) if "key" in known.document else {}
        if not known.hash:
            # It may have been written without an optional reference that has come since.
            base = {
                name: value for name, value in base.items() if name not in {r.field for r in before if not r.required}
            }
        now = shown(body, current) | await self._foreign.ours(shape.lists, current, body, base)
        return merge(
            step.target,
            self._ownership,
            base=base | {name: now[name] for name in base.keys() & now.keys() & came_through(perhaps, current, same)},
            source=flat(body),
            current=now,
            standing=standing,
            decided=step.decided,
            unasked=unasked,
            same=same,
        )

    async def surely_written(self, steps: Sequence[Step]) -> list[Step]:
        """Those of which each value that Splynx takes once only is written, where nobody edited it since.

        Not where the rules give such a field to Splynx, nor while a conflict about it stands.
        """
        async with self._db.session() as tx:
            standing = await self._ledger.standing(tx, [(step.target.entity, step.key) for step in steps])
        return [
            step
            for step in steps
            if not standing.get((step.target.entity, step.key), {}).keys() & set(step.target.once)
            and all(self._ownership.owner(step.target, name) is not FieldOwner.TARGET for name in step.target.once)
        ]

    async def withdrawn(
        self, known: Known, written: Mapping[str, Any], current: Mapping[str, Any], new: Mapping[str, Any]
    ) -> list[Told]:
        """What is to be told of edits in a row that is withdrawn all the same, before it is.

        `written`, `current`: `{field: value}` as it was written last, and as it is; `new`: as it will be.
        """
        key = (known.entity, known.key)
        async with self._db.session() as tx:
            standing = (await self._ledger.standing(tx, [key])).get(key, {})
        told = []
        for name, before in written.items():
            one = standing.get(name)
            theirs = current.get(name, before)
            if not (same(before if one is None else one.base, theirs) or same(new.get(name), theirs)):
                values = (before if one is None else one.base, new.get(name), theirs)
                told.append(Told(name, *values, OVERWRITTEN, BY_POLICY, one.id if one is not None else None))
        return told

    async def tell(self, known: Known, told: Sequence[Told], owner: Owner) -> None:
        """Tell it where what follows does not."""
        if told:
            async with self._db.transaction() as tx:
                key = (known.entity, known.key)
                await self._entries.may_write(tx, owner)
                await self._entries.nobody_else(tx, owner, key, known)
                await self._entries.tell(tx, key, owner, known.target_id, told)
