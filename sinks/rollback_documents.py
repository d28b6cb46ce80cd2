"""Money taken back over REST: a document returns to what it was, or gets its opposite; nothing is deleted.

As by SQL, but one document at a time. Splynx moves no document to another customer: it is taken back there, and made
here. The ledger hears of both at once, so a repetition after an interruption finds what was made, and goes on.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from clients.mysql import Transaction
from clients.splynx_errors import RecordMissing, RecordRefused
from schemas.aggregate import WritePath
from schemas.ledger import GONE, LIVE
from sinks.bodies import Shape, changed, same
from sinks.calls import Call
from sinks.entries import Owner
from sinks.errors import KeyTaken, ReadBackDiffers
from sinks.handles import endpoint_of
from sinks.payment_rows import amount_of
from sinks.plan import Document, Known, Step, Verb, refs_of, resolved
from sinks.planned import Planned
from sinks.receipts import receipt_of
from sinks.rest_documents import Making, RestDocuments, handle_of
from sinks.rollback_rest import Enter, RowsBack, TakenBack
from sinks.site import Site
from sinks.threeway import came_through
from sinks.undo import Way, action_of, charged_by, payment_of
from sinks.undo_rows import ahead_of, edited

_NUMBER, _CUSTOMER = "receipt_number", "customer_id"


class DocumentLooks:
    """Looks at documents over REST."""

    def __init__(self, site: Site, shapes: Mapping[str, Shape]) -> None:
        self._site, self._shapes = site, shapes

    async def look(self, planned: Planned) -> Planned:
        """A record with its row as it is now; left where somebody edited or removed that."""
        if planned.undo.way is Way.LEFT or planned.owned is None:
            return planned
        known, endpoint = planned.owned.known, endpoint_of(planned.target)
        if _NUMBER not in known.document:
            return planned.leave("nobody knows what was written last")
        try:
            row = await self._site.client.get(endpoint, known.target_id)
        except RecordMissing:
            return planned.leave("its row is no longer in Splynx")
        planned = replace(planned, item=(endpoint, known.target_id), current=row)
        if known.state != LIVE:
            # Its opposite is what is there: a document of its own brings it back.
            return replace(planned, sent={"amount": str(amount_of(payment_of(planned.undo, known)))})
        written = await self.body(planned, known.document, known.revision)
        body = written
        if planned.undo.way is Way.RESTORE:
            body = await self.body(planned, await self.document(planned), known.revision)
        ahead = ahead_of(body, written, row)
        # All of it is looked at, whatever is to return: an opposite takes back the whole row.
        whole = replace(planned.undo, before={})
        async with self._site.db.session() as tx:
            perhaps = await self._site.ledger.perhaps_sent(tx, (known.entity, known.key), known.sequence)
        nobodys = ahead.keys() | came_through(perhaps, row, same)
        if columns := [name for name in edited(whole, self._shape(planned), written, row) if name not in nobodys]:
            return planned.leave(f"edited in Splynx since: {', '.join(columns)}")
        if planned.undo.way is Way.WITHDRAW:
            return replace(planned, sent={"amount": str(-amount_of(known.document))})
        return replace(planned, body=body, sent=changed(body, row), ahead=ahead)

    async def document(self, planned: Planned) -> Document:
        """The document that a record returns to, of the customer that it was for then."""
        assert planned.owned is not None
        known, before = planned.owned.known, planned.undo.before
        document = payment_of(planned.undo, known)
        if not before:
            return document
        customer = charged_by(before)
        async with self._site.db.session() as tx:
            keys = await self._site.ledger.keys_at(tx, "customer", [customer])
        return document | ({_CUSTOMER: {"entity": "customer", "key": keys[customer]}} if customer in keys else {})

    async def body(self, planned: Planned, document: Document, revision: int) -> Document:
        """The request that a row is changed by, as the n-th document of its record."""
        numbered = document | {_NUMBER: receipt_of(document[_NUMBER], revision)}
        return self._shape(planned).body(await self.resolved(planned, numbered), create=False)

    async def resolved(self, planned: Planned, document: Document) -> Document:
        """A document with Splynx's ids, as far as they are known."""
        async with self._site.db.session() as tx:
            keys = {(ref.entity, ref.key) for ref in refs_of(document, self._shape(planned).required)}
            return resolved(document, await self._site.ledger.ids(tx, keys))

    def _shape(self, planned: Planned) -> Shape:
        return self._shapes[planned.target.entity]


class DocumentsBack:
    """Takes documents back."""

    def __init__(self, looks: DocumentLooks, rows: RowsBack, documents: RestDocuments) -> None:
        self._looks, self._rows, self._documents = looks, rows, documents

    async def take_back(self, planned: Planned, owner: Owner, enter: Enter) -> Planned:
        """Bring a record that was looked at to what it was.

        Raises:
            RecordRefused, KeyTaken: Splynx does not take it.
            SplynxUnreachable, Fenced, CutOver, Overtaken: repeating goes on.
        """
        assert planned.owned is not None
        known = planned.owned.known
        if planned.undo.way is Way.WITHDRAW:
            return await self._opposite(planned, owner, enter)
        kept = await self._looks.document(planned)
        if known.state != LIVE:
            return await self._made(planned, owner, kept, known.revision + 1, {}, enter)
        image = {**planned.current, **planned.ahead}
        if _CUSTOMER not in planned.sent:
            return await self._rows.put(
                planned, owner, TakenBack(planned, known.target_id, known.revision, kept, image), enter
            )
        # Open until it is made where it was: who comes after an interruption, a sink too, knows that it was taken back.
        opened: list[Call] = []
        taken = await self._opposite(planned, owner, _kept_later, opened)

        async def with_opposite(tx: Transaction, back: TakenBack) -> None:
            await enter(tx, back)
            for call in opened:
                await self._documents.done(tx, call)

        try:
            return await self._made(taken, owner, kept, known.revision + 2, image, with_opposite)
        except (RecordRefused, KeyTaken) as exc:
            # Then it counts as taken back, and that can be undone.
            undo = replace(planned.undo, way=Way.WITHDRAW)
            gone = replace(taken, undo=undo).because(f"taken back, and Splynx takes no other: {exc}")
            return await self._opposite(gone, owner, with_opposite)

    async def _opposite(
        self, planned: Planned, owner: Owner, enter: Enter, opened: list[Call] | None = None
    ) -> Planned:
        known, undo = _known(planned), planned.undo
        at, target = known.revision + 1, planned.target
        body = self._documents.opposite(target, known.document, planned.current, at)
        back = TakenBack(planned, 0, at, known.document, planned.current)
        # Of one that moves it is half of its undoing, which whoever repeats that goes on with.
        undoes = undo.undoes if opened is None else None
        making = Making(handle_of(body), at, GONE, f"{undo.mark}compensate", known.document, planned.current, undoes)
        return await self._document(owner, body, back, making, enter, opened)

    async def _made(
        self, planned: Planned, owner: Owner, kept: Document, at: int, image: Mapping[str, Any], enter: Enter
    ) -> Planned:
        body = self._documents.body(planned.target, await self._looks.resolved(planned, kept), at)
        action = action_of(planned.undo, _known(planned), money=True)
        making = Making(handle_of(body), at, LIVE, action, kept, dict(image), planned.undo.undoes)
        return await self._document(owner, body, TakenBack(planned, 0, at, kept, image), making, enter)

    async def _document(
        self,
        owner: Owner,
        body: Document,
        back: TakenBack,
        making: Making,
        enter: Enter,
        opened: list[Call] | None = None,
    ) -> Planned:
        """`making`: what a sink enters of it that comes after an interruption. `opened`: takes its call, left open."""
        planned = back.planned
        target = replace(planned.target, path=WritePath.REST)
        step = Step(Verb.CHANGE, target, planned.key, "", back.document, _known(planned))

        async def keep(tx: Transaction, id: int) -> None:
            await enter(tx, replace(back, target_id=id))

        try:
            call = await self._documents.made(step, body, owner, keep, making, stays_open=opened is not None)
        except ReadBackDiffers as exc:
            return planned.because(str(exc))
        if opened is not None and call is not None:
            opened.append(call)
        return planned


async def _kept_later(tx: Transaction, back: TakenBack) -> None:
    """Of a document that moves the ledger hears once it is where it was."""


def _known(planned: Planned) -> Known:
    assert planned.owned is not None
    return planned.owned.known
