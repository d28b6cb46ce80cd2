"""Rows of Splynx over REST: made, changed and read back; a lost answer is searched for, not repeated."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clients import splynx_paths
from clients.mysql import Database, Transaction
from clients.splynx import SplynxClient
from clients.splynx_errors import RecordRefused, SplynxUnreachable
from schemas.aggregate import Target
from schemas.ledger import LOST
from sinks.bodies import Shape, differing, same
from sinks.calls import Call, Calls
from sinks.entries import Owner
from sinks.errors import ParentMissing, PredecessorMissing, ReadBackDiffers
from sinks.handles import Handles, endpoint_of
from sinks.plan import Document, RefAt, Step, refs_of, resolved
from sinks.store import JournalEntry, Ledger
from sinks.threeway import Told, shown

Item = tuple[str, int | str]
"""Path and id of a row."""


@dataclass(frozen=True)
class Made:
    """A row that was made. `call` is None where an earlier call of ours made it; `healed`: it was found, not told."""

    target_id: int
    call: Call | None
    healed: bool = False


class RestRows:
    """Reads and writes single rows. Never inside an open transaction. `short`: see `startup.short_fields`."""

    def __init__(
        self,
        client: SplynxClient,
        db: Database,
        ledger: Ledger,
        targets: Mapping[str, Target],
        short: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self._client, self._db, self._ledger = client, db, ledger
        self._handles = Handles(client)
        self._calls = Calls(db, ledger, client.settings.timeout_seconds)
        self._shapes = {name: Shape(target, (short or {}).get(name, ())) for name, target in targets.items()}

    def shape(self, target: Target) -> Shape:
        """How a target's members travel."""
        return self._shapes[target.entity]

    async def resolved(self, step: Step, document: Document) -> tuple[Document, list[RefAt]]:
        """A document of a step with Splynx's ids, and the optional references that are not there yet.

        Raises:
            ParentMissing: a required reference is not there, or what the record must not be made before.
        """
        shape = self.shape(step.target)
        refs, first = refs_of(document, shape.required), shape.predecessor(step)
        async with self._db.session() as tx:
            ids = await self._ledger.ids(tx, {(ref.entity, ref.key) for ref in refs})
            if first is not None and not await self._ledger.live(tx, [first]):
                raise PredecessorMissing(*first)
        missing = [ref for ref in refs if (ref.entity, ref.key) not in ids]
        for ref in missing:
            if ref.required:
                raise ParentMissing(ref.entity, ref.key)
        return resolved(document, ids), missing

    async def as_far_as_known(self, document: Document, shape: Shape) -> Document:
        """A document with its references as far as they are known."""
        async with self._db.session() as tx:
            ids = await self._ledger.ids(tx, {(ref.entity, ref.key) for ref in refs_of(document, shape.required)})
        return resolved(document, ids)

    async def read_back(self, target: Target, item: Item, sent: Document) -> None:
        """See that Splynx kept what was sent.

        Raises:
            ReadBackDiffers: it did not.
        """
        self._see_that_it_was_kept(target, sent, await self._client.get(*item))

    def _see_that_it_was_kept(self, target: Target, sent: Document, read: Mapping[str, Any]) -> None:
        shape = self.shape(target)
        wrong = [name for name in differing(sent, read) if name not in shape.on_create]
        if wrong:
            raise ReadBackDiffers(wrong)

    async def post(
        self,
        step: Step,
        document: Document,
        body: Document,
        owner: Owner,
        find: Callable[[], Awaitable[int | None]],
        making: Mapping[str, Any] | None = None,
    ) -> "Made":
        """Make a row. `find`: its id, looked for by its handle. `making`: what is to be entered of it, kept with the
        call while that is open.

        Raises:
            RecordRefused: this record cannot pass.
            SplynxUnreachable, Fenced, Overtaken: try again later.
        """
        where = splynx_paths.collection(endpoint_of(step.target), document)
        try:
            async with self._calls.begun("POST", step, owner, sent=making) as call:
                answer = await self._client.post(where, body, deadline=call.latest, told=call.hear)
                return Made(_id_of(answer), call)
        except SplynxUnreachable as exc:
            found = None if exc.nothing_happened else await self._handles.until_settled(find)
            if found is None:
                if not exc.nothing_happened:
                    await self._calls.close(call, LOST)
                raise
            return Made(found, call, healed=True)
        except RecordRefused:
            # Our own earlier call may have come through late: then what is unique in it refuses the twin.
            twin = await find()
            if twin is None:
                raise
            return Made(twin, None, healed=True)

    async def done(self, tx: Transaction, call: Call | None) -> None:
        """This transaction keeps what a call did."""
        if call is not None:
            await self._calls.done(tx, call)

    async def put(
        self,
        step: Step,
        owner: Owner,
        target_id: int,
        item: Item,
        sent: Document,
        *,
        action: str = "",
        before: Mapping[str, Any] | None = None,
        told: Sequence[Told] = (),
    ) -> Call:
        """Change a row and read it back; the call, to be kept as done. `action`, `before`, `told`: see `Calls.begun`.

        Raises:
            ReadBackDiffers: Splynx keeps it otherwise. What the row was before is in the journal.
            RecordRefused: this record cannot pass.
            SplynxUnreachable, Fenced, Overtaken: try again later.
        """
        async with self._calls.begun("PUT", step, owner, target_id, sent, action, before, told) as call:
            await self._client.put(*item, sent, deadline=call.latest, told=call.hear)
        read = await self._client.get(*item)
        try:
            self._see_that_it_was_kept(step.target, sent, read)
        except ReadBackDiffers as exc:
            call.answer += f", {exc}"
            was, now = shown(sent, before or {}), shown(sent, read)
            stands = [one.field for one in told if one.field in was and same(was[one.field], now.get(one.field))]
            async with self._db.transaction() as tx:
                await self._ledger.hold(tx, {owner.partition: owner.token})
                if before is not None:
                    entry = JournalEntry(step.target.entity, step.key, target_id, action, before, owner.sequence)
                    await self._ledger.journal(tx, [entry])
                key = (step.target.entity, step.key)
                # Splynx answered, and the edit that was to be overwritten is there all the same.
                await self._ledger.not_overwritten(tx, key, owner.sequence, self._ledger.run_id, stands)
                # The row is not as the ledger knows it, also if what comes next is what was written before.
                await self._ledger.forget_hash(tx, key)
                # Lost, so that what came of it is nobody's edit.
                await self._ledger.close_intent(tx, call.intent, LOST, call.answer)
            raise
        return call


def _id_of(answer: Any) -> int:
    """The id that Splynx gave to what it made; it is searched for where the answer is another's."""
    try:
        return int(answer["id"])
    except (KeyError, TypeError, ValueError) as exc:
        raise SplynxUnreachable("Splynx answered a creation without an id") from exc
