"""Money over REST, one document at a time: made, corrected, and taken back by an opposite document.

As by SQL, but that Splynx makes the ledger row and moves the balance itself, stamps the moment of the call, and counts
the whole amount as not allocated. Nothing is deleted. A document is found again by its receipt number and our mark.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any

from clients.mysql import Database, Transaction
from clients.splynx import SplynxClient
from clients.splynx_errors import RecordMissing, RecordRefused
from clients.splynx_query import Search
from schemas.aggregate import Target
from schemas.ledger import GONE, LIVE
from schemas.names import collated
from sinks.beside import Beside
from sinks.calls import Call
from sinks.entries import Entries, Owner
from sinks.errors import KeyTaken, ReadBackDiffers, RowMissing, predecessor_removed
from sinks.handles import endpoint_of
from sinks.plan import Document, Known, Step, Verb
from sinks.receipts import receipt_of
from sinks.rest import RestRecords
from sinks.store import Ledger
from sinks.threeway import flat, shown

_NUMBER, _MARK, _CUSTOMER = "receipt_number", "field_4", "customer_id"
Keep = Callable[[Transaction, int], Awaitable[None]]
"""Enters a document in the ledger, handed its id, in the transaction that ends its call."""


@dataclass(frozen=True)
class Making:
    """What the ledger is to have of a document, kept with its call: a successor may never see this bundle again."""

    handle: Document
    """`{attribute: value}` that finds it."""
    revision: int
    state: str
    action: str
    kept: Document
    before: Any
    undoes: int | None = None
    """As the journal has it."""


def handle_of(body: Mapping[str, Any]) -> Document:
    """What finds the document that a request makes."""
    return {name: body[name] for name in (_NUMBER, _MARK)}


class RestDocuments:
    """Writes the records of targets that are money. Never inside an open transaction."""

    def __init__(
        self, client: SplynxClient, db: Database, ledger: Ledger, rest: RestRecords, targets: Mapping[str, Target]
    ) -> None:
        self._client, self._db, self._ledger, self._rest, self._targets = client, db, ledger, rest, targets
        self._entries, self._beside = Entries(ledger), Beside(client, db, ledger, rest, targets)

    async def write(self, step: Step, owner: Owner) -> bool:
        """Bring one record to Splynx; False when Splynx had it so already.

        Raises:
            ParentMissing: a required reference is not there yet, or the document that this one takes back.
            RecordRefused, ReadBackDiffers, RowMissing, KeyTaken: this record cannot pass.
            SplynxUnreachable, Fenced, Overtaken: try again later.
        """
        known = step.known if step.known is not None and step.known.state == LIVE else None
        if step.verb is Verb.GONE:
            return known is not None and await self._take_back(step, owner, known.revision + 1)
        if step.document is None:
            return False
        document, _ = await self._rest.resolved(step, step.document)
        revision = step.known.revision if step.known is not None else 0
        if known is None:
            await self._see_that_its_predecessor_is_there(step)
            return await self._make(step, document, owner, revision if step.known is None else revision + 1)
        current = await self._row(step.target, known.target_id)
        if int(current[_CUSTOMER]) != document[_CUSTOMER]:
            # Splynx does not move a payment to another customer: it is taken back there, and made here.
            await self._take_back(step, owner, revision + 1)
            return await self._make(step, document, owner, revision + 2)
        numbered = document | {_NUMBER: receipt_of(document[_NUMBER], revision)}
        return await self._rest.change(step, numbered, known.target_id, known, owner)

    async def _see_that_its_predecessor_is_there(self, step: Step) -> None:
        """Of a record that is to be made after another one, which the ledger has as live.

        Raises:
            RowMissing: somebody deleted that one in Splynx.
        """
        first = self._rest.shape(step.target).predecessor(step)
        if first is None:
            return
        async with self._db.session() as tx:
            id = (await self._ledger.ids(tx, [first]))[first]
        # Listed, not read: only of listings it is known that they leave out what is deleted.
        rows = await self._client.list(endpoint_of(self._targets[first[0]]), Search(main={"id": id}))
        if all(int(row["id"]) != id for row in rows):
            raise predecessor_removed(*first)

    async def _take_back(self, step: Step, owner: Owner, revision: int) -> bool:
        """Make the opposite of what is there, where it is: somebody may have changed or moved it since."""
        assert step.known is not None
        known = step.known
        row = await self._row(step.target, known.target_id)
        shape = self._rest.shape(step.target)
        document = await self._rest.as_far_as_known(known.document, shape)
        written = shape.body(document | {_NUMBER: receipt_of(document[_NUMBER], known.revision)}, create=False)
        told = await self._rest.edits.withdrawn(known, flat(written), shown(written, row), {})
        await self._rest.edits.tell(known, told, owner)
        body = self.opposite(step.target, known.document, row, revision)
        try:
            await self._entered(
                replace(step, hash=""), body, known.document, owner, revision, state=GONE, before=row,
                action="compensate",
            )  # fmt: skip
        except (RecordRefused, KeyTaken):
            await self._not_overwritten(known, revision, owner, [one.field for one in told])
            raise
        return True

    async def _not_overwritten(self, known: Known, revision: int, owner: Owner, fields: Collection[str]) -> None:
        """Edits of a document that Splynx has refused to take back wait for a decision again.

        Unless what it has refused came after that: what was disturbed beside it is put back when it is made.
        """
        key = (known.entity, known.key)
        async with self._db.transaction() as tx:
            now = await self._ledger.known_record(tx, key)
            if now is not None and now.revision < revision:
                await self._ledger.not_overwritten(tx, key, owner.sequence, self._ledger.run_id, fields)

    async def _make(self, step: Step, document: Document, owner: Owner, revision: int) -> bool:
        """Make a record's document, the first one or one that comes again."""
        body = self.body(step.target, document, revision)
        kept, action = step.document or {}, "change" if revision else "create"
        try:
            await self._entered(step, body, kept, owner, revision, state=LIVE, before=None, action=action)
        except ReadBackDiffers as exc:
            if not exc.found:
                raise
            return await self._mend(step, document, owner)
        return True

    async def _mend(self, step: Step, document: Document, owner: Owner) -> bool:
        """Bring up to date what an older call of ours has made, that came through late: nobody edited it."""
        async with self._db.session() as tx:
            known = await self._ledger.known_record(tx, (step.target.entity, step.key))
        assert known is not None
        step, row = replace(step, known=known), await self._row(step.target, known.target_id)
        if int(row[_CUSTOMER]) != document[_CUSTOMER]:
            await self._take_back(step, owner, known.revision + 1)
            return await self._make(step, document, owner, known.revision + 2)
        numbered = document | {_NUMBER: receipt_of(document[_NUMBER], known.revision)}
        return await self._rest.change(step, numbered, known.target_id, None, owner)

    async def _entered(
        self,
        step: Step,
        body: Document,
        kept: Document,
        owner: Owner,
        revision: int,
        *,
        state: str,
        before: Any,
        action: str,
    ) -> None:
        async def keep(tx: Transaction, id: int) -> None:
            await self._entries.keep(
                tx, step, owner, id, kept, before=before, action=action, revision=revision, state=state
            )

        await self.made(step, body, owner, keep, Making(handle_of(body), revision, state, action, kept, before))

    # also for who takes back

    def body(self, target: Target, document: Document, revision: int) -> Document:
        """The request that makes a resolved document, as the n-th of its record."""
        body = self._rest.shape(target).body(document, create=True)
        return body | {_NUMBER: receipt_of(document[_NUMBER], revision)}

    def opposite(self, target: Target, document: Document, row: Mapping[str, Any], revision: int) -> Document:
        """The request that takes back a row of a record, by a document that is the n-th of it."""
        body = self.body(target, document | {_CUSTOMER: int(row[_CUSTOMER])}, revision)
        return body | {"amount": str(-Decimal(str(row["amount"])))}

    async def made(
        self, step: Step, body: Document, owner: Owner, keep: Keep, making: Making, *, stays_open: bool = False
    ) -> Call | None:
        """Make a document, or find it where an earlier call of ours made it.

        `making`: what a successor enters of it. `stays_open`: its call, which is returned, is not yet done with it.

        Raises:
            RecordRefused, KeyTaken: Splynx does not take it.
            ReadBackDiffers: it was made and entered, and Splynx kept something else than was sent.
            SplynxUnreachable, Fenced, Overtaken: try again later.
        """
        async with self._beside.as_before(step, body, making.kept, owner):
            return await self._made(step, body, owner, keep, making, stays_open=stays_open)

    async def done(self, tx: Transaction, call: Call | None) -> None:
        """This transaction keeps what a call did that stayed open."""
        await self._rest.done(tx, call)

    async def find(self, target: Target, handle: Mapping[str, Any]) -> int | None:
        """The id of a live document of ours, by its receipt number and our mark."""
        row = await self._holder(target, handle)
        return int(row["id"]) if row is not None and str(row.get(_MARK)) == handle[_MARK] else None

    async def _made(
        self, step: Step, body: Document, owner: Owner, keep: Keep, making: Making, *, stays_open: bool
    ) -> Call | None:
        body["is_sent"] = "1"  # no receipt is mailed

        async def find() -> int | None:
            return await self.find(step.target, body)

        # An answer may have been lost before, and the ledger knows nothing of it.
        target_id, made = await find(), None
        if target_id is None:
            try:
                made = await self._rest.post(step, body, body, owner, find, asdict(making))
            except RecordRefused as exc:
                if await self._holder(step.target, body) is not None:
                    raise KeyTaken("a live payment in Splynx has this receipt number already") from exc
                raise
            target_id = made.target_id
        id = target_id

        async def enter(tx: Transaction) -> None:
            await keep(tx, id)
            if made is not None and not stays_open:
                await self._rest.done(tx, made.call)

        await self._db.retried(enter)
        try:
            await self._rest.read_back(step.target, (endpoint_of(step.target), id), body)
        except ReadBackDiffers as exc:
            async with self._db.transaction() as tx:
                await self._ledger.forget_hash(tx, (step.target.entity, step.key))
            raise ReadBackDiffers(exc.fields, found=made is None or made.healed) from exc
        return None if made is None else made.call

    async def _holder(self, target: Target, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The live document that has this receipt number, whoever made it."""
        rows = await self._client.list(endpoint_of(target), Search(main={_NUMBER: body[_NUMBER]}, order={"id": "ASC"}))
        return next((row for row in rows if collated(str(row.get(_NUMBER))) == collated(body[_NUMBER])), None)

    async def _row(self, target: Target, target_id: int) -> dict[str, Any]:
        try:
            return await self._client.get(endpoint_of(target), target_id)
        except RecordMissing as exc:
            raise RowMissing("the payment's row is no longer in Splynx") from exc
